package dataset

import (
	"io"

	"github.com/sepal-ml/sepal/services/softmax"
)

// Format is how a table is written down.
type Format string

// The formats that are read.
const (
	CSV     Format = "csv"     // text, a header and cells between commas; gzip is seen by itself
	CSVGzip Format = "csv.gz"  // the same, which must be gzip
	Parquet Format = "parquet" // columns of numbers, booleans and texts, not nested
	LIBSVM  Format = "libsvm"  // sparse rows of numbers: label index:value …
	NPY     Format = "npy"     // an array of numpy
)

// Source says where a table is.
type Source struct {
	// Path is a file, "-" for In, or a database: postgres://user@host/database or sqlite:FILE.
	Path string
	// Format is that of the file; empty: told by its first bytes, then by the extension of Path,
	// CSV if neither tells. It does not count for a database.
	Format Format
	// In is what is read where Path is "-": CSV or libsvm, plain or gzip. The other formats
	// need a file.
	In io.Reader
	// Query is the SELECT whose rows are the table; for databases, which need one.
	Query string
	// Labels is, for an array of numpy, the file of the labels: another one, of integers,
	// booleans or texts (dtype <U). Empty: the label is a column of the array.
	Labels string
}

// Options say how to read a table. Label is required, but for libsvm and where Source.Labels is
// given; the rest may be left out.
type Options struct {
	// Label is the name of the column that holds the class of each row. Where the labels have
	// no column it is what to call them, "label" if empty.
	Label string
	// Weight is the name of the column that holds the weight of each row, a finite number of at
	// least 0; empty: all rows weigh the same, and Table.Weights is nil.
	Weight string
	// Drop names columns to leave out, such as identifiers.
	Drop []string
	// Categorical names columns to take as categories even if all their cells are numbers.
	Categorical []string
	// Units gives units to features, by name; for people only.
	Units map[string]string
	// Impute replaces missing values by the median of the feature, or its most frequent
	// category, and writes that value into the signature of every feature, so that the model
	// accepts missing values when it serves. False: a missing value is an error, but where the
	// Schema has a stand-in for it.
	Impute bool
	// RareBelow merges the categories of a feature that have fewer rows into one, whose
	// position is Feature.Other; 0 or 1: none. Its name is "other", or "other 2" and so on where
	// that is a category already. With it a column may have up to MaxTexts distinct texts, of
	// which MaxCategories may remain.
	RareBelow int
	// Other gives every categorical feature such a category, even if no category is rare.
	Other bool
	// Schema is the signature that the table must have: its features are read from the columns
	// of their names, with their kinds and categories, whatever their order in the file, and
	// other columns are left out. A column that is missing, or a value that does not fit, is an
	// error. Categorical, RareBelow and Other cannot be given with it. Nil: what the features
	// are follows from the values.
	Schema *softmax.Signature
	// Progress, unless nil, is told now and then how many bytes of the file have been read and
	// how many it has, 0 if that is unknown; of a database, how many rows. It is called on the
	// goroutine that called Load.
	Progress func(read, total int64)
}
