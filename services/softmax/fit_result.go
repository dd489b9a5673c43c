package softmax

// FitProgress is how far a fit has come.
type FitProgress struct {
	// Iteration counts from 1.
	Iteration int
	// Objective is the value of the objective, in nats.
	Objective float64
	// GradientMax is the largest magnitude among the objective's derivatives by the weights
	// and intercepts of the model.
	GradientMax float64
}

// FitResult is a fitted model and how it came about.
type FitResult struct {
	// Model is the model. Its reference row is the mean of the encoded rows, by weight.
	Model *Model
	// Solver is the name of the solver, which the shape of the rows decides on, such as "newton".
	Solver string
	// Iterations is the number of iterations made.
	Iterations int
	// Passes is how often the solver went through all rows, in whole passes.
	Passes int
	// Converged says whether the tolerance was met.
	Converged bool
	// Objective and GradientMax are as in FitProgress, at the weights of the model.
	Objective, GradientMax float64
	// GradientNorm is the Euclidean norm of the derivatives that GradientMax is the largest of.
	GradientNorm float64
	// Gap is a bound on how much Objective exceeds the minimum, in nats, but for the rounding of the
	// derivatives that it follows from. It rests on the curvature of the penalty alone: where that
	// is small beside what the rows know, the bound is far above what is left. +Inf where none
	// follows, as without a penalty.
	Gap float64
	// Distance is a bound on the Euclidean distance of the penalised weights, those of
	// standardised columns with Standardise, from those of the minimum; +Inf where none follows.
	Distance float64
}
