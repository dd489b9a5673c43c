package onnx

import "github.com/sepal-ml/sepal/services/modelfile/internal/oneline"

// Numbers of the fields of a model (ModelProto).
const (
	modelIRVersion       = 1
	modelProducer        = 2
	modelProducerVersion = 3
	modelDomain          = 4
	modelVersion         = 5
	modelDoc             = 6
	modelGraph           = 7
	modelOpsets          = 8
	modelMetadata        = 14
	modelTraining        = 20
	modelFunctions       = 25
	modelConfiguration   = 26
)

// Types of the elements of a tensor (TensorProto.DataType).
const (
	typeFloat   = 1
	typeInt32   = 6
	typeInt64   = 7
	typeString  = 8
	typeBool    = 9
	typeDouble  = 11
	typeUnknown = 0
)

// Types of attributes (AttributeProto.AttributeType).
const (
	attrFloat   = 1
	attrInt     = 2
	attrString  = 3
	attrTensor  = 4
	attrFloats  = 6
	attrInts    = 7
	attrStrings = 8
)

// document is a model (ModelProto).
type document struct {
	irVersion         int64
	producer, version string
	opsets            map[string]int64 // by domain; the domain "" stands as "ai.onnx"
	hasGraph          bool
	nodes             []*node
	tensors           []*tensor
	inputs, outputs   []port
}

// node is a step of the graph (NodeProto).
type node struct {
	op, domain, name string
	inputs, outputs  []string
	attributes       map[string]*attribute
}

// attribute is a parameter of a node (AttributeProto).
type attribute struct {
	name    string
	kind    int32
	f       float32
	i       int64
	s       string
	t       *tensor
	floats  []float32
	ints    []int64
	strings []string
}

// tensor is a constant (TensorProto).
type tensor struct {
	name string
	dims []int64
	kind int32
	// One of these has the values; raw are bytes of the input.
	floats  []float32
	doubles []float64
	ints    []int64
	strings []string
	raw     []byte
}

// port is an input or an output of the graph (ValueInfoProto).
type port struct {
	name string
	// tensor says whether it is a tensor, not a sequence or a map.
	tensor bool
	kind   int32
	// dims are the sizes, -1 where one is open; nil if not even their number is known.
	dims []int64
}

// title names the operator for people: "Scaler", or "com.acme.Scaler" where the domain is not
// one of ONNX's.
func (n *node) title() string {
	switch n.domain {
	case "ai.onnx", "ai.onnx.ml":
		return oneline.Text(n.op)
	default:
		return oneline.Text(n.domain + "." + n.op)
	}
}

// where names the node for people.
func (n *node) where() string {
	if n.name == "" {
		return n.title()
	}
	return n.title() + " " + quote(n.name)
}
