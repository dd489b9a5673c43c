// Package dataset is the one door through which training data come in. [Load] makes a [Table]
// for training from a file, a stream or a database, with a signature that is inferred from the
// values or given; [ReadRows] hands out the raw cells of a CSV file to those who have a signature
// already; [HoldOut] and [Folds] split the rows of a table.
//
// # Formats
//
// CSV, plain or gzip: a header line with distinct column names. Cells are separated by commas,
// quoted as RFC 4180 says; white space around a cell does not count, nor does a byte order mark
// or a blank line.
//
// Parquet: columns of booleans, integers, floats, decimals and texts, in any number of groups of
// rows. Dates and times, lists, maps and groups are refused, unless the column is dropped.
//
// libsvm, plain or gzip: on each line a label, a number, and index:value for each value that is
// not 0, by ascending index; # begins a comment. If an index of the file is 0, they count from 0,
// else from 1. The columns are called f1, f2 and so on up to the highest index. The table is
// sparse.
//
// numpy's .npy: an array of two dimensions of <f4, <f8, <i4, <i8, |u1 or |b1, in either order,
// whose columns are called f1, f2 and so on. Objects, which are pickles, are never read.
//
// PostgreSQL and SQLite: the rows of a query, which cannot change anything, nor, in SQLite, reach
// another file (ATTACH). Without ORDER BY
// their order, and with it the digest and every split, may be another the next time.
//
// # Values
//
// A text that is empty or holds NA, N/A, n/a, NaN, nan, NULL, null or ? is missing, and so is
// null, and the float NaN. In CSV a column whose texts are all numbers is numeric, any other
// categorical; elsewhere that follows from its type, but a column of SQLite is categorical if any
// row holds a text. Booleans are the numbers 0 and 1, and as labels false and true. Numbers are
// rounded to the nearest float64.
//
// # Memory
//
// A table keeps numbers, never the texts of cells: 8 bytes for each cell of a dense one, 12 for
// each value of a sparse one. Reading a file of a known number of rows takes little more. A stream,
// gzip and a query do not tell how many rows they have; their rows are gathered in pieces, and
// stand in memory twice for the moment in which those are joined.
//
// Trouble with the data is an [*Error], which names the line or the row, and the column. A
// [Table] is not changed once made and may be shared between goroutines; a [Rows] has one reader.
package dataset
