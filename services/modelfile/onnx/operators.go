package onnx

import "strconv"

// operator is how a kind of node is understood.
type operator struct {
	least, most int // numbers of inputs
	// attributes are those that run looks at, and those that do not matter here. A node with
	// another one is refused.
	attributes []string
	// run returns the outputs.
	run func(*call) ([]value, error)
}

func (o operator) arity() string {
	switch {
	case o.least == o.most:
		return strconv.Itoa(o.least)
	case o.most == maxPorts:
		return strconv.Itoa(o.least) + " or more"
	default:
		return strconv.Itoa(o.least) + " to " + strconv.Itoa(o.most)
	}
}

// operators returns the operators that can be read, by domain and name.
func operators() map[string]operator {
	one := func(f func(*call) (value, error)) func(*call) ([]value, error) {
		return func(c *call) ([]value, error) {
			v, err := f(c)
			return []value{v}, err
		}
	}
	return map[string]operator{
		"ai.onnx.ml ArrayFeatureExtractor": {2, 2, nil, one((*call).arrayFeatureExtractor)},
		"ai.onnx.ml FeatureVectorizer":     {1, maxPorts, []string{"inputdimensions"}, one((*call).featureVectorizer)},
		"ai.onnx.ml Imputer": {1, 1, []string{
			"imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64",
		}, one((*call).imputer)},
		"ai.onnx.ml LabelEncoder": {1, 1, []string{
			"classes_strings", "default_float", "default_int64", "default_string", "keys_floats", "keys_int64s",
			"keys_strings", "values_floats", "values_int64s", "values_strings",
		}, one((*call).labelEncoder)},
		"ai.onnx.ml LinearClassifier": {1, 1, []string{
			"classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class", "post_transform",
		}, (*call).linearClassifier},
		"ai.onnx.ml Normalizer": {1, 1, []string{"norm"}, one((*call).normalizer)},
		"ai.onnx.ml Scaler":     {1, 1, []string{"offset", "scale"}, one((*call).scaler)},
		"ai.onnx.ml ZipMap":     {1, 1, []string{"classlabels_int64s", "classlabels_strings"}, one((*call).zipMap)},

		"ai.onnx Abs":    {1, 1, nil, one((*call).abs)},
		"ai.onnx Add":    {2, 2, nil, one((*call).arithmetic)},
		"ai.onnx ArgMax": {1, 1, []string{"axis", "keepdims", "select_last_index"}, one((*call).argMax)},
		"ai.onnx Cast":   {1, 1, []string{"to", "saturate", "round_mode"}, one((*call).cast)},
		"ai.onnx Concat": {1, maxPorts, []string{"axis"}, one((*call).concat)},
		"ai.onnx Constant": {0, 0, []string{
			"value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings",
		}, one((*call).constant)},
		"ai.onnx Div":             {2, 2, nil, one((*call).arithmetic)},
		"ai.onnx Flatten":         {1, 1, []string{"axis"}, one((*call).flatten)},
		"ai.onnx Gather":          {2, 2, []string{"axis"}, one((*call).gather)},
		"ai.onnx Gemm":            {2, 3, []string{"alpha", "beta", "transA", "transB"}, one((*call).gemm)},
		"ai.onnx Identity":        {1, 1, nil, one(func(c *call) (value, error) { return c.in[0], nil })},
		"ai.onnx LpNormalization": {1, 1, []string{"axis", "p"}, one((*call).lpNormalization)},
		"ai.onnx MatMul":          {2, 2, nil, one((*call).matMul)},
		"ai.onnx Mul":             {2, 2, nil, one((*call).arithmetic)},
		"ai.onnx ReduceSum":       {1, 2, []string{"axes", "keepdims", "noop_with_empty_axes"}, one((*call).reduceSum)},
		"ai.onnx Reshape":         {1, 2, []string{"allowzero", "shape"}, one((*call).reshape)},
		"ai.onnx Sigmoid":         {1, 1, nil, one((*call).sigmoid)},
		"ai.onnx Slice":           {1, 5, []string{"axes", "ends", "starts"}, one((*call).slice)},
		"ai.onnx Softmax":         {1, 1, []string{"axis"}, one((*call).softmax)},
		"ai.onnx Sub":             {2, 2, nil, one((*call).arithmetic)},
	}
}
