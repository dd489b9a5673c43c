// Package trainer makes models: it evaluates a softmax classifier on rows that it has not seen,
// chooses what it was asked to choose, fits the classifier to all rows, and puts together the model
// file's message with everything that serving needs. Preparation is folded into the weights: the
// model takes values as the table has them. It reads and writes no files and logs nothing; see
// [github.com/sepal-ml/sepal/services/internal/dataset] for where tables come from.
//
// The same table and options give the same model on the same kind of processor, to the bit: no
// clock and no random number that does not follow from the seed has a say in it.
//
// Beside the table and what the engine takes for a fit, memory is a small share of the table: rows
// to fit and rows held out are parts of it, moved side by side. Sparse rows are copied.
package trainer
