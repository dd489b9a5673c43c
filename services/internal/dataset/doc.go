// Package dataset reads labelled rows from CSV files: the one door through which training data
// comes in. [Read] makes a [Table] for training, with a signature inferred from the cells;
// [ReadRows] hands out raw cells to those who have a signature already.
//
// A file has a header line with distinct column names. Cells are separated by commas, quoted as
// RFC 4180 says; white space around a cell does not count, nor does a byte order mark or a blank
// line. A cell that is empty or holds NA, N/A, n/a, NaN, nan, NULL, null or ? is missing.
//
// A table keeps numbers, never the text of cells: 8 bytes per cell, and while a file is being
// read 4 more for each column that could still turn out to be categorical.
//
// Trouble with a file is an [*Error], which names the line and the column. A [Table] is not
// changed once made and may be shared between goroutines; a [Rows] has one reader.
package dataset
