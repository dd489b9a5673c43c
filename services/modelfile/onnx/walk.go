package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

// walk follows the names of a graph back to its inputs.
type walk struct {
	document  *document
	operators map[string]operator // by domain and name
	producers map[string]*node    // by name of an output
	values    map[string]value    // found so far
	open      map[*node]bool      // being worked on
	features  []feature
	named     bool // whether features have names of the file

	// room is how many numbers may still be made.
	room int

	folded []string
	single bool // whether weights are float32
}

// feature is what is known of a column of the inputs.
type feature struct {
	name string
	used bool
	// imputed and stand are as in column; only if used.
	imputed bool
	stand   float64
}

// maxCells bounds the numbers made of any file, to 256 MiB.
const maxCells = 1 << 25

func newWalk(d *document, size int) (*walk, error) {
	w := &walk{
		document:  d,
		operators: operators(),
		producers: make(map[string]*node),
		values:    make(map[string]value),
		open:      make(map[*node]bool),
		room:      min(1<<16+8*size, maxCells),
	}
	for _, t := range d.tensors {
		if t.name == "" || w.values[t.name] != nil {
			return nil, malformed("two constants are called %s", quote(t.name))
		}
		w.values[t.name] = &constant{t}
	}
	if err := w.readInputs(size); err != nil {
		return nil, err
	}
	for _, n := range d.nodes {
		for _, name := range n.outputs {
			if name == "" {
				continue
			}
			if w.producers[name] != nil || w.values[name] != nil {
				return nil, malformed("%s makes %s, which something else makes too", n.where(), quote(name))
			}
			w.producers[name] = n
		}
	}
	return w, nil
}

// spend takes room for numbers to be made.
func (w *walk) spend(cells int) error {
	if cells < 0 || cells > w.room {
		return malformed("the graph makes more numbers of the file's than a classifier needs")
	}
	w.room -= cells
	return nil
}

// value returns what a name stands for.
func (w *walk) value(name string) (value, error) {
	if v := w.values[name]; v != nil {
		return v, nil
	}
	n := w.producers[name]
	if n == nil {
		return nil, malformed("nothing in the graph makes %s", quote(name))
	}
	if w.open[n] {
		return nil, malformed("%s needs its own output %s", n.where(), quote(name))
	}
	w.open[n] = true
	defer delete(w.open, n)
	made, err := w.run(n)
	if err != nil {
		return nil, err
	}
	for i, output := range n.outputs {
		if output != "" && i < len(made) {
			w.values[output] = made[i]
		}
	}
	if w.values[name] == nil {
		return nil, malformed("%s has no output %d, which is to be %s", n.where(), slices.Index(n.outputs, name), quote(name))
	}
	return w.values[name], nil
}

// run returns the outputs of a node.
func (w *walk) run(n *node) ([]value, error) {
	operator, known := w.operators[n.domain+" "+n.op]
	if !known {
		return nil, unsupported(adviseLinear, "the operator %s of %s%s", oneline.Text(n.op), oneline.Text(n.domain), n.called())
	}
	if w.document.opsets[n.domain] < 1 {
		return nil, malformed("%s is of %s, of which the file names no version", n.where(), n.domain)
	}
	c := &call{walk: w, node: n}
	for name := range n.attributes {
		if !slices.Contains(operator.attributes, name) {
			return nil, c.refuse(adviseLinear, "the attribute %s is not known", quote(name))
		}
	}
	if len(n.inputs) < operator.least || len(n.inputs) > operator.most {
		return nil, c.malformed("has %d inputs, expected %s", len(n.inputs), operator.arity())
	}
	for _, input := range n.inputs {
		if input == "" {
			c.in = append(c.in, nil)
			continue
		}
		v, err := w.value(input)
		if err != nil {
			return nil, err
		}
		c.in = append(c.in, v)
	}
	return operator.run(c)
}

// called names the node in parentheses, if it has a name.
func (n *node) called() string {
	if n.name == "" {
		return ""
	}
	return " (node " + quote(n.name) + ")"
}

// call is a node with the values of its inputs; nil for those left out.
type call struct {
	*walk
	node *node
	in   []value
}

func (c *call) malformed(format string, args ...any) error {
	return malformed("%s %s", c.node.where(), fmt.Sprintf(format, args...))
}

func (c *call) refuse(advice, format string, args ...any) error {
	return unsupported(advice, "%s: %s", c.node.where(), fmt.Sprintf(format, args...))
}

// unfit refuses the operator for the values that it is applied to.
func (c *call) unfit() error {
	return c.refuse(adviseLinear, "applied to %s, which is no part of a linear softmax classifier", c.describe())
}

// describe names the values that the operator is applied to.
func (c *call) describe() string {
	var of []string
	for _, v := range c.in[:min(len(c.in), 3)] {
		if v != nil {
			of = append(of, v.describe())
		}
	}
	if len(of) == 0 {
		return "nothing"
	}
	return strings.Join(of, " and ")
}

// numbers returns the values of a constant.
func (c *call) numbers(t *tensor) ([]float64, error) {
	if err := c.spend(t.len()); err != nil {
		return nil, err
	}
	values, ok := t.numbers()
	if !ok {
		return nil, c.malformed("takes the constant %s, expected numbers", quote(t.name))
	}
	return values, nil
}

// integers returns the values of the constant that is input i.
func (c *call) integers(i int) ([]int64, error) {
	k, ok := c.input(i).(*constant)
	if !ok {
		return nil, c.unfit()
	}
	if err := c.spend(k.len()); err != nil {
		return nil, err
	}
	values, ok := k.tensor.integers()
	if !ok {
		return nil, c.malformed("takes the constant %s, expected whole numbers", quote(k.name))
	}
	return values, nil
}

// input returns the value of input i, nil if there is none.
func (c *call) input(i int) value {
	if i < len(c.in) {
		return c.in[i]
	}
	return nil
}
