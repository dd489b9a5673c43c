//go:build !linux

package folder

import "io/fs"

// identity leaves it to size and time, the latter to the last digit, to tell contents apart.
func identity(fs.FileInfo) string { return "" }
