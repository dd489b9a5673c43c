// Package softmax is the engine: it holds, evaluates and explains softmax (multinomial
// logistic) classifiers, and fits them. It is pure: no files, no network, no logging. Classifiers
// that were fitted one class against the rest (see [Link]) it holds, evaluates and explains too.
//
// A row is a []float64 with one value per feature, in the order of the model's [Signature].
// A numeric feature stands as its value, a categorical one as the zero-based position of its
// category. The engine encodes rows as it reads them: a number is one column, a category is
// one-hot over as many columns as the feature has categories. Width is the number of encoded
// columns.
//
// Mistakes of the program, such as a destination of the wrong length, panic with a text that
// begins with "softmax: ". Trouble with data is an error: a [*ShapeError], a [*ValueError], an
// [*OverflowError] or a [*DefinitionError]; [Fit] knows some more.
//
// A [Signature] and a [Model] never change once made; any number of goroutines may use one.
package softmax
