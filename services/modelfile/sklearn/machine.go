package sklearn

import (
	"errors"
	"fmt"
)

const (
	minProtocol = 2
	maxProtocol = 5

	// maxInstructions bounds what a file can make the reader keep: a model of a hundred thousand
	// named features has less than half as many.
	maxInstructions = 1 << 19
)

// machine runs the instructions of a pickle. What they make is inert, see value; which names
// they may use is decided by the allow-list of globals.
type machine struct {
	src   *source
	stack []value
	// marks are the lengths that the stack had at each MARK that is still open.
	marks []int
	memo  map[uint32]value
	// protocol is what the first instruction says.
	protocol byte
	// table says what each opcode does.
	table map[byte]instruction
	// used is shared with the pickles inside the pickle.
	used *usage
	// inner says that this pickle stands inside another, as the elements of an array.
	inner bool
}

// usage counts what a file makes the reader do.
type usage struct {
	instructions int
	// encoded are the bytes that _codecs.encode made: the one call whose result is not a part of
	// the input.
	encoded int
	// arrays is the number of arrays that joblib wrote beside the pickle.
	arrays int
}

func newMachine(src *source, table map[byte]instruction) *machine {
	return &machine{src: src, table: table, memo: map[uint32]value{}, used: &usage{}}
}

// nested returns a machine for a pickle that stands inside this one's bytes.
func (m *machine) nested() *machine {
	inner := newMachine(m.src, m.table)
	inner.used, inner.inner = m.used, true
	return inner
}

// run returns the one value that the pickle makes.
func (m *machine) run() (value, error) {
	if err := m.begin(); err != nil {
		return nil, err
	}
	for {
		at := m.src.pos
		op, err := m.src.takeByte()
		if err != nil {
			return nil, located(err, "byte %d", at)
		}
		if op == opStop {
			break
		}
		if m.used.instructions++; m.used.instructions > maxInstructions {
			return nil, refuse("byte %d: the pickle has more than %d instructions", at, maxInstructions)
		}
		in, known := m.table[op]
		if !known {
			return nil, refuse("byte %d: 0x%02x is no instruction of a pickle", at, op)
		}
		if in.run == nil {
			return nil, unsupported(in.advice, "the pickle instruction %s at byte %d", in.name, at)
		}
		if err := in.run(m); err != nil {
			return nil, located(err, "byte %d, %s", at, in.name)
		}
	}
	if len(m.stack) != 1 || len(m.marks) != 0 {
		return nil, refuse("byte %d: the pickle ends with %d values, expected one", m.src.pos, len(m.stack))
	}
	return m.stack[0], nil
}

// begin reads the instruction that names the protocol.
func (m *machine) begin() error {
	head, err := m.src.take(2)
	switch {
	case errors.Is(err, errCutShort):
		return refuse("byte %d: the file is too short for a pickle", m.src.pos)
	case err != nil:
		return located(err, "byte %d", m.src.pos)
	case head[0] != opProto:
		return refuse("byte %d: a pickle of protocol %d to %d begins with the bytes 80 02 to 80 05, this with %02x %02x",
			m.src.pos-2, minProtocol, maxProtocol, head[0], head[1])
	case head[1] < minProtocol || head[1] > maxProtocol:
		return unsupported("write it once more with pickle.dump(model, file, protocol=4)", "pickle protocol %d", head[1])
	}
	m.protocol = head[1]
	return nil
}

var errEmptyStack = errors.New("the stack is empty")

func (m *machine) push(v value) { m.stack = append(m.stack, v) }

// floor is the length of the stack that the last MARK protects.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (value, error) {
	if len(m.stack) <= m.floor() {
		return nil, errEmptyStack
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

func (m *machine) top() (value, error) {
	if len(m.stack) <= m.floor() {
		return nil, errEmptyStack
	}
	return m.stack[len(m.stack)-1], nil
}

// popMark returns a copy of what was pushed since the last MARK, and takes both off.
func (m *machine) popMark() ([]value, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("no MARK is open")
	}
	floor := m.floor()
	items := append([]value(nil), m.stack[floor:]...)
	m.stack = m.stack[:floor]
	m.marks = m.marks[:len(m.marks)-1]
	return items, nil
}

// popTuple makes a tuple of the last n values.
func (m *machine) popTuple(n int) error {
	if len(m.stack)-n < m.floor() {
		return errEmptyStack
	}
	from := len(m.stack) - n
	items := append(tuple(nil), m.stack[from:]...)
	m.stack = append(m.stack[:from], items)
	return nil
}

func (m *machine) put(index uint32) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	m.memo[index] = v
	return nil
}

func (m *machine) get(index uint32) error {
	v, ok := m.memo[index]
	if !ok {
		return fmt.Errorf("nothing was kept under %d", index)
	}
	m.push(v)
	return nil
}

func (m *machine) setItems(items []value) error {
	below, err := m.top()
	if err != nil {
		return err
	}
	d, ok := below.(*dict)
	if !ok || len(items)%2 != 0 {
		return fmt.Errorf("%d keys and values for %s, expected an even number for a dict", len(items), kind(below))
	}
	for i, v := range items {
		if i%2 == 0 {
			d.keys = append(d.keys, v)
		} else {
			d.values = append(d.values, v)
		}
	}
	return nil
}

func (m *machine) appendItems(items []value) error {
	below, err := m.top()
	if err != nil {
		return err
	}
	l, ok := below.(*list)
	if !ok {
		return fmt.Errorf("items for %s, expected a list", kind(below))
	}
	l.items = append(l.items, items...)
	return nil
}
