// Package trainer makes models: it evaluates a softmax classifier on rows that it has not seen,
// fits it to all rows, and puts together the model file's message with everything that serving
// needs. It reads and writes no files and logs nothing; see
// [github.com/sepal-ml/sepal/services/internal/dataset] for where tables come from.
//
// The same table and options give the same model on the same kind of processor, to the bit: no
// clock and no random number that does not follow from the seed has a say in it.
package trainer
