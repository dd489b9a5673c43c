// Package contracttest proves by its tests that the gate for breaking changes of the contract
// refuses what it should and nothing else: on pairs of small contracts, and on edits of the
// real one against the frozen image. It runs buf, the same tool with the same buf.yaml as the
// gate, and has no code of its own for other packages.
package contracttest
