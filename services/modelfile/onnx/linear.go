package onnx

import "strconv"

// linearClassifier is labels and probabilities (or scores) of a linear function whose weights
// are attributes.
func (c *call) linearClassifier() ([]value, error) {
	in, ok := c.in[0].(*columns)
	if !ok {
		return nil, c.unfit()
	}
	names, err := c.nameList("classlabels_ints", "classlabels_strings")
	if err != nil {
		return nil, err
	}
	coefficients, err := c.floatList("coefficients")
	if err != nil {
		return nil, err
	}
	intercepts, err := c.floatList("intercepts")
	if err != nil {
		return nil, err
	}
	rows := len(coefficients) / len(in.list)
	switch {
	case rows == 0 || len(coefficients) != rows*len(in.list):
		return nil, c.malformed("has %d coefficients for %d columns, expected as many for each class", len(coefficients), len(in.list))
	case len(intercepts) == 0:
		intercepts = make([]float64, rows)
	case len(intercepts) != rows:
		return nil, c.malformed("has %s, expected %d", plural(len(intercepts), "intercept"), rows)
	}
	if len(names) < 2 || len(names) != rows && rows != 1 || rows == 1 && len(names) != 2 {
		return nil, c.malformed("has %s for %s of coefficients", plural(len(names), "class label"), plural(rows, "row"))
	}
	c.single = true
	z, err := c.fold(in, coefficients, intercepts)
	if err != nil {
		return nil, err
	}
	z.names = names
	v, err := c.transform(z)
	return []value{&label{names, c.has("classlabels_strings")}, v}, err
}

// transform applies what LinearClassifier does to the scores.
func (c *call) transform(z *scores) (value, error) {
	post, err := c.text("post_transform", "NONE")
	if err != nil {
		return nil, err
	}
	if post == "LOGISTIC" {
		p, err := c.logistic(z)
		if s, single := p.(*sigmoid); single {
			p = s.pair()
		}
		return p, err
	}
	if len(z.bias) == 1 {
		return nil, c.refuse("write a row of coefficients for each class",
			"has one row of coefficients for two classes with %s, which runtimes understand differently", quote(post))
	}
	switch post {
	case "NONE":
		return z, nil
	case "SOFTMAX":
		return &chances{logits: z}, nil
	default:
		return nil, c.refuse(adviseLinear, "post_transform %s is no softmax", quote(post))
	}
}

// fold returns the scores of columns, as functions of the features. weights are row-major
// scores × columns.
func (c *call) fold(in *columns, weights, bias []float64) (*scores, error) {
	k, d, n := len(bias), len(c.features), len(in.list)
	if k > 0 && d > maxCells/k {
		return nil, c.spend(-1)
	}
	if err := c.spend(k * (d + 1)); err != nil {
		return nil, err
	}
	for _, column := range in.list {
		if err := c.use(column); err != nil {
			return nil, err
		}
	}
	z := &scores{weights: make([]float64, k*d), bias: make([]float64, k)}
	copy(z.bias, bias)
	for i := range k {
		row := z.weights[i*d : (i+1)*d]
		for j, column := range in.list {
			row[column.feature] += weights[i*n+j] * column.scale
			z.bias[i] += weights[i*n+j] * column.offset
		}
	}
	return z, nil
}

// use records that a column goes into the scores. A feature is imputed in all its columns, with
// the same value, or in none.
func (c *call) use(from column) error {
	f := &c.features[from.feature]
	if f.used && (f.imputed != from.imputed || f.stand != from.stand) {
		return c.refuse(adviseLinear, "column %d of the input is used with different values in place of missing ones", from.feature)
	}
	f.used, f.imputed, f.stand = true, from.imputed, from.stand
	return nil
}

// matMul multiplies columns by a constant, columns × scores.
func (c *call) matMul() (value, error) {
	in, ok := c.in[0].(*columns)
	k, constant := c.input(1).(*constant)
	if !ok || !constant || in.whole {
		return nil, c.unfit()
	}
	return c.multiply(in, k.tensor, false, 1)
}

// multiply returns the scores of columns with the weights of a constant, columns × scores or
// transposed, times alpha.
func (c *call) multiply(in *columns, t *tensor, transposed bool, alpha float64) (*scores, error) {
	if len(t.dims) != 2 {
		return nil, c.malformed("has weights of %d dimensions, expected 2", len(t.dims))
	}
	rows, cols := int(t.dims[0]), int(t.dims[1])
	if transposed {
		rows, cols = cols, rows
	}
	if rows != len(in.list) || cols == 0 {
		return nil, c.malformed("has weights of %d × %d, expected %d rows, one per column of its input", rows, cols, len(in.list))
	}
	given, err := c.numbers(t)
	if err != nil {
		return nil, err
	}
	c.single = c.single || t.kind == typeFloat
	weights := given
	if !transposed {
		if err := c.spend(len(given)); err != nil {
			return nil, err
		}
		weights = make([]float64, len(given))
		for i := range rows {
			for j := range cols {
				weights[j*rows+i] = given[i*cols+j]
			}
		}
	}
	if alpha != 1 {
		for i := range weights {
			weights[i] *= alpha
		}
	}
	return c.fold(in, weights, make([]float64, cols))
}

// gemm is alpha × columns × weights + beta × bias.
func (c *call) gemm() (value, error) {
	in, ok := c.in[0].(*columns)
	k, fixed := c.input(1).(*constant)
	if !ok || !fixed || in.whole {
		return nil, c.unfit()
	}
	var alpha, beta float64
	var transA, transB int64
	var err error
	if alpha, err = c.float("alpha", 1); err != nil {
		return nil, err
	}
	if beta, err = c.float("beta", 1); err != nil {
		return nil, err
	}
	if transA, err = c.integer("transA", 0); err != nil {
		return nil, err
	}
	if transB, err = c.integer("transB", 0); err != nil {
		return nil, err
	}
	if transA != 0 {
		return nil, c.refuse(adviseLinear, "transposes its input")
	}
	z, err := c.multiply(in, k.tensor, transB != 0, alpha)
	if err != nil || c.input(2) == nil {
		return z, err
	}
	bias, ok := c.in[2].(*constant)
	if !ok {
		return nil, c.unfit()
	}
	at, err := c.broadcast(bias.tensor, len(z.bias))
	if err != nil {
		return nil, err
	}
	for i := range z.bias {
		z.bias[i] += beta * at(i)
	}
	return z, nil
}

// plural returns "1 column" or "4 columns" of the noun "column".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
