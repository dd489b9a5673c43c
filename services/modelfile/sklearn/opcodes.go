package sklearn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

const (
	opProto = 0x80
	opStop  = '.'
)

// instruction is one opcode.
type instruction struct {
	name string
	// run does it; nil where the instruction is known and refused.
	run func(*machine) error
	// advice says what to do about one that is refused.
	advice string
}

const (
	adviceProtocol = "write the file once more with pickle.dump(model, file, protocol=4), from Python 3"
	adviceOutside  = "the file refers to something outside of it; write it with plain pickle.dump or joblib.dump"
)

// instructions are what pickles of protocol 2 to 5 are made of, by their opcode. Those that only
// protocols 0 and 1 and Python 2 write, and those that reach outside of the file, are refused.
var instructions = map[byte]instruction{
	'.':  {name: "STOP"},
	'(':  {name: "MARK", run: func(m *machine) error { m.marks = append(m.marks, len(m.stack)); return nil }},
	'0':  {name: "POP", run: popOne},
	'1':  {name: "POP_MARK", run: func(m *machine) error { _, err := m.popMark(); return err }},
	'2':  {name: "DUP", run: dup},
	'N':  {name: "NONE", run: constant(none{})},
	0x88: {name: "NEWTRUE", run: constant(true)},
	0x89: {name: "NEWFALSE", run: constant(false)},

	'J':  {name: "BININT", run: integer(4, func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) })},
	'K':  {name: "BININT1", run: integer(1, func(b []byte) int64 { return int64(b[0]) })},
	'M':  {name: "BININT2", run: integer(2, func(b []byte) int64 { return int64(binary.LittleEndian.Uint16(b)) })},
	0x8a: {name: "LONG1", run: sized(1, pushLong)},
	0x8b: {name: "LONG4", run: sized(4, pushLong)},
	'G':  {name: "BINFLOAT", run: binFloat},

	'X':  {name: "BINUNICODE", run: sized(4, pushText)},
	0x8c: {name: "SHORT_BINUNICODE", run: sized(1, pushText)},
	0x8d: {name: "BINUNICODE8", run: sized(8, pushText)},
	'B':  {name: "BINBYTES", run: sized(4, pushBytes)},
	'C':  {name: "SHORT_BINBYTES", run: sized(1, pushBytes)},
	0x8e: {name: "BINBYTES8", run: sized(8, pushBytes)},
	0x96: {name: "BYTEARRAY8", run: sized(8, pushBytes)},

	')':  {name: "EMPTY_TUPLE", run: func(m *machine) error { m.push(tuple{}); return nil }},
	't':  {name: "TUPLE", run: makeTuple},
	0x85: {name: "TUPLE1", run: func(m *machine) error { return m.popTuple(1) }},
	0x86: {name: "TUPLE2", run: func(m *machine) error { return m.popTuple(2) }},
	0x87: {name: "TUPLE3", run: func(m *machine) error { return m.popTuple(3) }},
	']':  {name: "EMPTY_LIST", run: func(m *machine) error { m.push(&list{}); return nil }},
	'a':  {name: "APPEND", run: appendOne},
	'e':  {name: "APPENDS", run: appendMany},
	'}':  {name: "EMPTY_DICT", run: func(m *machine) error { m.push(&dict{}); return nil }},
	's':  {name: "SETITEM", run: setOne},
	'u':  {name: "SETITEMS", run: setMany},

	'q':  {name: "BINPUT", run: indexed(1, (*machine).put)},
	'r':  {name: "LONG_BINPUT", run: indexed(4, (*machine).put)},
	0x94: {name: "MEMOIZE", run: func(m *machine) error { return m.put(uint32(len(m.memo))) }},
	'h':  {name: "BINGET", run: indexed(1, (*machine).get)},
	'j':  {name: "LONG_BINGET", run: indexed(4, (*machine).get)},

	'c':  {name: "GLOBAL", run: globalByLines},
	0x93: {name: "STACK_GLOBAL", run: globalByStack},
	0x81: {name: "NEWOBJ", run: newObject},
	'R':  {name: "REDUCE", run: reduce},
	'b':  {name: "BUILD", run: build},
	0x95: {name: "FRAME", run: frame},

	'I':  {name: "INT", advice: adviceProtocol},
	'L':  {name: "LONG", advice: adviceProtocol},
	'F':  {name: "FLOAT", advice: adviceProtocol},
	'S':  {name: "STRING", advice: adviceProtocol},
	'T':  {name: "BINSTRING", advice: adviceProtocol},
	'U':  {name: "SHORT_BINSTRING", advice: adviceProtocol},
	'V':  {name: "UNICODE", advice: adviceProtocol},
	'l':  {name: "LIST", advice: adviceProtocol},
	'd':  {name: "DICT", advice: adviceProtocol},
	'p':  {name: "PUT", advice: adviceProtocol},
	'g':  {name: "GET", advice: adviceProtocol},
	'i':  {name: "INST", advice: adviceProtocol},
	'o':  {name: "OBJ", advice: adviceProtocol},
	'P':  {name: "PERSID", advice: adviceOutside},
	'Q':  {name: "BINPERSID", advice: adviceOutside},
	0x82: {name: "EXT1", advice: adviceOutside},
	0x83: {name: "EXT2", advice: adviceOutside},
	0x84: {name: "EXT4", advice: adviceOutside},
	0x97: {name: "NEXT_BUFFER", advice: adviceOutside},
	0x98: {name: "READONLY_BUFFER", advice: adviceOutside},
	0x8f: {name: "EMPTY_SET", advice: adviceLogistic},
	0x90: {name: "ADDITEMS", advice: adviceLogistic},
	0x91: {name: "FROZENSET", advice: adviceLogistic},
	0x92: {name: "NEWOBJ_EX", advice: adviceLogistic},
}

func constant(v value) func(*machine) error {
	return func(m *machine) error { m.push(v); return nil }
}

func popOne(m *machine) error {
	if len(m.marks) > 0 && len(m.stack) == m.floor() {
		m.marks = m.marks[:len(m.marks)-1]
		return nil
	}
	_, err := m.pop()
	return err
}

func dup(m *machine) error {
	v, err := m.top()
	if err == nil {
		m.push(v)
	}
	return err
}

func integer(size uint64, decode func([]byte) int64) func(*machine) error {
	return func(m *machine) error {
		b, err := m.src.take(size)
		if err == nil {
			m.push(decode(b))
		}
		return err
	}
}

// unsigned reads a little-endian number of so many bytes.
func (m *machine) unsigned(size uint64) (uint64, error) {
	b, err := m.src.take(size)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

// sized is an instruction followed by a length of so many bytes and as many bytes of content.
func sized(size uint64, push func(*machine, []byte) error) func(*machine) error {
	return func(m *machine) error {
		n, err := m.unsigned(size)
		if err != nil {
			return err
		}
		content, err := m.src.take(n)
		if err != nil {
			return err
		}
		return push(m, content)
	}
}

// indexed is an instruction followed by an index of so many bytes.
func indexed(size uint64, do func(*machine, uint32) error) func(*machine) error {
	return func(m *machine) error {
		i, err := m.unsigned(size)
		if err != nil {
			return err
		}
		return do(m, uint32(i))
	}
}

func pushText(m *machine, content []byte) error {
	if !utf8.Valid(content) {
		return errors.New("the text is not UTF-8")
	}
	m.push(string(content))
	return nil
}

func pushBytes(m *machine, content []byte) error {
	m.push(content)
	return nil
}

// pushLong pushes a whole number: two's complement, little-endian.
func pushLong(m *machine, content []byte) error {
	const most = 128
	if len(content) > most {
		return fmt.Errorf("a number of %d bytes, at most %d are read", len(content), most)
	}
	bigEndian := slices.Clone(content)
	slices.Reverse(bigEndian)
	n := new(big.Int).SetBytes(bigEndian)
	if len(content) > 0 && bigEndian[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(content))))
	}
	if n.IsInt64() {
		m.push(n.Int64())
	} else {
		m.push(n)
	}
	return nil
}

func binFloat(m *machine) error {
	b, err := m.src.take(8)
	if err == nil {
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	}
	return err
}

func makeTuple(m *machine) error {
	items, err := m.popMark()
	if err == nil {
		m.push(tuple(items))
	}
	return err
}

func appendOne(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	return m.appendItems([]value{v})
}

func appendMany(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.appendItems(items)
}

func setOne(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	k, err := m.pop()
	if err != nil {
		return err
	}
	return m.setItems([]value{k, v})
}

func setMany(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.setItems(items)
}

// frame reads the length of the next part, which says nothing that the instructions do not.
func frame(m *machine) error {
	n, err := m.unsigned(8)
	if err != nil {
		return err
	}
	if n > uint64(m.src.left()) {
		return fmt.Errorf("%w: a frame of %d bytes, at most %d are left", errCutShort, n, m.src.left())
	}
	return nil
}
