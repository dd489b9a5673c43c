// Package deploy has no code: its tests read the files of this folder, and docker-compose.yml, as
// the programs do that they are for.
package deploy
