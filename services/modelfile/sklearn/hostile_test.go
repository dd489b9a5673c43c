package sklearn_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
)

// Pieces of pickles, by hand.

func short(s string) string { return "\x8c" + string(rune(len(s))) + s }

func le(n uint64, size int) string {
	return string(binary.LittleEndian.AppendUint64(nil, n)[:size])
}

// calling is a pickle that calls a function with one text.
func calling(module, function, argument string) []byte {
	return []byte("\x80\x04" + short(module) + short(function) + "\x93" + short(argument) + "\x85R.")
}

const estimatorStart = "\x80\x02csklearn.linear_model._logistic\nLogisticRegression\n)\x81"

// 60 MiB of zeros behind the beginning of a pickle, by Python's bz2.
const (
	bombInOne = "425a6839314159265359a72cef6d057e384044cc0040014000000820005086004d540d35922a025b22a025ed08a80966773b" +
		"42a025f314159265359040e38230082544004c00008000008200030cc0529a612440d88922078bb9229c2848252bf37c00"
	bombOfZeros = "425a6839314159265359194e95a8057e38c040c40040000008200050669a09aa9e93dc45404b52490555db50a8097cc50564" +
		"994d67666b2f4c02094f00230000000200208000c33014a69aa2440d812440f177245385090eb07e0830"
)

// unhex decodes a file that is written in hexadecimal because no Go program writes its format.
func unhex(s string) []byte {
	data, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return data
}

func compressed(w func(io.Writer) io.WriteCloser, chunk string, times int) []byte {
	var out bytes.Buffer
	inflate := w(&out)
	for range times {
		if _, err := io.WriteString(inflate, chunk); err != nil {
			panic(err)
		}
	}
	if err := inflate.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func toZlib(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func toGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

var mebi = strings.Repeat("\x00", 1<<20)

// array is a pickled array: a type such as f8, the state of the type, a shape and bytes.
func array(name, state, shape, data string) string {
	return short("numpy.core.numeric") + short("_frombuffer") + "\x93(B" + le(uint64(len(data)), 4) + data +
		short("numpy") + short("dtype") + "\x93" + short(name) + "\x89\x88\x87R(" + state + "tb" + shape + short("C") + "tR"
}

const littleEndian = "K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"

var (
	numbers = array("f8", littleEndian, "K\x03\x85", string(make([]byte, 24)))
	letters = array("U1", littleEndian, "K\x03\x85", "a\x00\x00\x00b\x00\x00\x00c\x00\x00\x00")
	table   = array("f8", littleEndian, "K\x03K\x02\x86", string(make([]byte, 48)))
)

// logistic is a pickled classifier of those attributes.
func logistic(classes, coef, intercept, more string) []byte {
	return []byte("\x80\x04" + short("sklearn.linear_model._logistic") + short("LogisticRegression") + "\x93)\x81}(" +
		short("classes_") + classes + short("coef_") + coef + short("intercept_") + intercept + more + "ub.")
}

// wrapped is a joblib dump of an array.
func wrapped(shape, name, rest string) []byte {
	return []byte("\x80\x04" + short("joblib.numpy_pickle") + short("NumpyArrayWrapper") + "\x93)\x81}(" +
		short("subclass") + short("numpy") + short("ndarray") + "\x93" + short("shape") + shape + short("order") + short("C") +
		short("dtype") + short("numpy") + short("dtype") + "\x93" + short(name) + "\x89\x88\x87R" +
		short("numpy_array_alignment_bytes") + "K\x10ub" + rest)
}

var hostile = []struct {
	name string
	data []byte
	want string
}{
	{"os.system", calling("os", "system", "touch /tmp/owned"), "os.system (byte 14) is not supported: no model needs it"},
	{"posix.system", calling("posix", "system", "id"), "posix.system"},
	{"nt.system", calling("nt", "system", "calc"), "nt.system"},
	{"eval", calling("builtins", "eval", "1"), "builtins.eval"},
	{"exec", calling("builtins", "exec", "1"), "builtins.exec"},
	{"import", calling("builtins", "__import__", "os"), "builtins.__import__"},
	{"getattr", calling("builtins", "getattr", "os"), "builtins.getattr"},
	{"python 2 eval", calling("__builtin__", "eval", "1"), "__builtin__.eval"},
	{"subprocess", calling("subprocess", "Popen", "id"), "subprocess.Popen"},
	{"by lines", []byte("\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R."), "os.system (byte 2)"},
	{"a dotted name", calling("sklearn.pipeline", "Pipeline.__init__.__globals__", "os"), "Pipeline.__init__.__globals__"},
	{"a name in another module", calling("evil", "LogisticRegression", ""), "evil.LogisticRegression"},
	{"a name with control characters", calling("a\x1b[31m\nb", "\u202ec", ""), "a\ufffd[31m\ufffdb.\ufffdc"},
	{"an instruction for calls of protocol 0", []byte("\x80\x02(S'id'\nios\nsystem\n."), "STRING at byte 3"},
	{"INST", []byte("\x80\x02(ios\nsystem\n."), "INST at byte 3"},
	{"OBJ", []byte("\x80\x02(csklearn.pipeline\nPipeline\no."), "OBJ"},
	{"a reference outside", []byte("\x80\x04" + short("id") + "Q."), "BINPERSID"},
	{"an extension", []byte("\x80\x04\x82\x01."), "EXT1"},
	{"a buffer outside", []byte("\x80\x05\x97."), "NEXT_BUFFER"},
	{"a class that is called", []byte("\x80\x02csklearn.pipeline\nPipeline\n)R."), "expected a function"},
	{"a function that is instantiated", []byte("\x80\x02c_codecs\nencode\n)\x81."), "no class"},
	{"an object that is called", []byte(estimatorStart + ")R."), "expected a function"},
	{"encode to another alphabet", []byte("\x80\x04" + short("_codecs") + short("encode") + "\x93" + short("x") + short("zip") + "\x86R."), "latin1"},
	{"random state as the model", []byte("\x80\x02cnumpy.random._pickle\n__randomstate_ctor\n)R."), "a file that holds a __randomstate_ctor"},

	{"nothing", nil, "empty"},
	{"one byte", []byte{0x80}, "too short"},
	{"text", []byte("hello, world"), "begins with the bytes 80 02"},
	{"protocol 6", []byte("\x80\x06N."), "pickle protocol 6"},
	{"two protocols", []byte("\x80\x04\x80\x04N."), "byte 2: 0x80"},
	{"no instruction", []byte("\x80\x04\xff"), "byte 2: 0xff"},
	{"None", []byte("\x80\x04N."), "a file that holds None"},
	{"nothing left", []byte("\x80\x04."), "ends with 0 values"},
	{"an open mark", []byte("\x80\x04N(."), "ends with 1 values"},
	{"two pickles", []byte("\x80\x04N.\x80\x04N."), "follows the end"},
	{"pop of nothing", []byte("\x80\x040."), "byte 2, POP: the stack is empty"},
	{"pop below a mark", []byte("\x80\x04N(\x85."), "TUPLE1: the stack is empty"},
	{"append to a number", []byte("\x80\x04K\x01Na."), "expected a list"},
	{"item of a list", []byte("\x80\x04]NNs."), "a dict"},
	{"odd items", []byte("\x80\x04}(Nu."), "1 keys and values"},
	{"nothing kept", []byte("\x80\x04h\x07."), "nothing was kept under 7"},
	{"state of a tuple", []byte("\x80\x04)Nb."), "a state for a tuple"},
	{"second state", []byte(estimatorStart + "}b}b."), "a second state"},
	{"state that is no dict", []byte(estimatorStart + "Nb."), "not fitted"},
	{"text that is not UTF-8", []byte("\x80\x04\x8c\x01\xff."), "not UTF-8"},
	{"number of 200 bytes", []byte("\x80\x04\x8a\xc8" + strings.Repeat("\x01", 200) + "."), "200 bytes"},
	{"pipeline of itself", []byte("\x80\x02csklearn.pipeline\nPipeline\n)\x81q\x00}X\x05\x00\x00\x00steps](X\x01\x00\x00\x00ah\x00\x86esb."), "a Pipeline as the classifier"},

	{"LONG4 of 2^31", []byte("\x80\x02\x8b" + le(1<<31, 4) + "."), "bytes were expected"},
	{"text of 2^63", []byte("\x80\x04\x8d" + le(1<<63, 8) + "."), "bytes were expected"},
	{"bytes of 2^64 - 1", []byte("\x80\x04\x8e" + le(1<<64-1, 8) + "."), "bytes were expected"},
	{"bytes of 4 GiB", []byte("\x80\x04B" + le(1<<32-1, 4) + "."), "bytes were expected"},
	{"frame of 2^62", []byte("\x80\x04\x95" + le(1<<62, 8) + "N."), "FRAME"},
	{"a name without an end", []byte("\x80\x02c" + strings.Repeat("a", 4000)), "longer than 512"},
	{"tuples in tuples", []byte("\x80\x04)" + strings.Repeat("\x85", 3<<20) + "."), "instructions"},
	{"tuples of the last two", []byte("\x80\x04)" + strings.Repeat("2\x86", 1<<18-2) + "."), "a file that holds a tuple"},
	{"marks", []byte("\x80\x04" + strings.Repeat("(", 3<<20)), "instructions"},
	{"memo", []byte("\x80\x04N" + strings.Repeat("\x94", 3<<20)), "instructions"},
	{"memo far away", []byte("\x80\x04N" + strings.Repeat("r\xff\xff\xff\xff", 9) + "."), "holds None"},
	{"a list in itself", []byte("\x80\x04]" + strings.Repeat("2a", 1<<18-2) + "."), "a list"},
	{"one text encoded often", []byte("\x80\x04" + short("_codecs") + short("encode") + "\x93\x940X" + le(1<<20, 4) + mebi + "\x940" + short("latin1") + "\x940" +
		strings.Repeat("h\x00h\x01h\x02\x86R0", 100000) + "N."), "are made of texts"},

	{"shape of 2^40", logistic(letters, array("f8", littleEndian, "\x8a\x06"+le(1<<40, 6)+"\x85", ""), numbers, ""), "product is at most"},
	{"shape whose product overflows", logistic(letters, array("f8", littleEndian, "J\x00\x00\x80\x00J\x00\x00\x80\x00\x86", ""), numbers, ""), "product is at most"},
	{"negative shape", logistic(letters, array("f8", littleEndian, "J\xff\xff\xff\xff\x85", ""), numbers, ""), "product is at most"},
	{"shape of no rows", logistic(letters, array("f8", littleEndian, "K\x00K\x05\x86", ""), numbers, ""), "the shape is [0 5]"},
	{"classes of no characters", logistic(array("U0", littleEndian, "J\x00\x00\x10\x00\x85", ""), table, numbers, ""), "type U0 are not read"},
	{"a class of no characters", logistic(array("U1", littleEndian, "K\x03\x85", string(make([]byte, 12))), table, numbers, ""), "classes[0]"},
	{"a class beyond Unicode", logistic(array("U1", littleEndian, "K\x03\x85", string(bytes.Repeat([]byte{0x7f}, 12))), table, numbers, ""), "no character"},
	{"elements of 2^31 bytes", logistic(array("V2147483647", littleEndian, "K\x01\x85", ""), table, numbers, ""), "at most 67108864 are read"},
	{"elements of parts", logistic(letters, array("f8", "K\x03\x8c\x01<K\x01K\x01NK\x08K\x08K\x00", "K\x01K\x01\x86", string(make([]byte, 8))), numbers, ""), "V8"},
	{"too few bytes", logistic(letters, array("f8", littleEndian, "K\x03K\x02\x86", string(make([]byte, 47))), numbers, ""), "47 bytes for an array of 6 elements"},
	{"too few rows", logistic(letters, array("f8", littleEndian, "K\x01K\x02\x86", string(make([]byte, 16))), numbers, ""), "1 rows for 3 classes"},
	{"one class", logistic(array("i1", littleEndian, "K\x01\x85", "a"), array("f8", littleEndian, "K\x01K\x02\x86", string(make([]byte, 16))), numbers, ""), "expected at least 2"},
	{"the same class twice", logistic(array("i1", littleEndian, "K\x03\x85", "aba"), table, numbers, ""), "classes[2]"},
	{"too few intercepts", logistic(letters, table, array("f8", littleEndian, "K\x02\x85", string(make([]byte, 16))), ""), "intercept_: the shape is [2]"},
	{"infinite intercept", logistic(letters, table, array("f8", littleEndian, "K\x03\x85", strings.Repeat("\x00\x00\x00\x00\x00\x00\xf0\x7f", 3)), ""), "+Inf"},
	{"coef_ of text", logistic(letters, letters, numbers, ""), "coef_: the shape"},
	{"a number as coef_", logistic(letters, "K\x01", numbers, ""), "an int, expected a numpy array"},
	{"an unknown multi_class", logistic(letters, table, numbers, short("multi_class")+short("crammer")), "crammer"},
	{"newton-cholesky of an unknown version", logistic(letters, table, numbers, short("solver")+short("newton-cholesky")), "one-vs-rest"},
	{"an estimator of 1000 attributes", logistic(letters, table, numbers, strings.Repeat(short("a")+"N", 1000)), "1003 attributes"},
	{"a wrapper of 1000 attributes", []byte("\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + strings.Repeat("NN", 1000) + "ub."), "is not as joblib writes it"},
	{"a feature without a name", logistic(letters, table, numbers, short("feature_names_in_")+array("U1", littleEndian, "K\x02\x85", string(make([]byte, 8)))), "features[0].name"},
	{"wrapper of too much", wrapped("J\x00\x00\x10\x00\x85", "f8", "\x00aaaa"), "8388608 bytes were expected"},
	{"wrapper with wrong padding", wrapped("K\x01\x85", "f8", "\x02ab"+mebi[:8]+"."), "not 0xff"},
	{"wrapper alone", wrapped("K\x01\x85", "f8", "\x00"+mebi[:8]+"."), "a numpy array"},
	{"wrapper of objects", wrapped("K\x01\x85", "O8", "\x80\x04N.."), "expected an array of 1 objects"},
	{"wrappers in wrappers", bytes.Repeat(wrapped("K\x01\x85", "O8", ""), 3), "is not as joblib writes it"},

	{"zlib bomb", compressed(toZlib, mebi, 66), "byte 0: a pickle of protocol"},
	{"gzip bomb", compressed(toGzip, mebi, 4), "byte 0: a pickle of protocol"},
	{"zlib bomb of valid instructions", compressed(toZlib, "\x80\x04"+strings.Repeat("N0", 1<<19), 2), "instructions"},
	{"zlib bomb in one value", compressed(toZlib, "\x80\x04\x8e"+le(1<<40, 8)+mebi, 8), "it asks for 1099511627776 bytes"},
	{"bzip2 bomb in one value", unhex(bombInOne), "it asks for 62914560 bytes, the inflated file may have"},
	{"bzip2 bomb", unhex(bombOfZeros), "byte 2: 0x00 is no instruction"},
	{"lz4", []byte("\x04\x22\x4d\x18aaaaaaaaaaa"), "lz4 is not supported: write it once more with joblib.dump"},
	{"zlib of nothing", []byte("\x78\x9c"), "too short"},
	{"gzip of nothing", []byte("\x1f\x8b\x08"), "damaged or cut short"},
	{"zlib without an end", compressed(toZlib, "\x80\x04N", 1)[:8], "cut short"},
}

// cost is what Decode took.
type cost struct {
	bytes uint64
	time  time.Duration
}

func measured(data []byte) (cost, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, _, err := sklearn.Decode(data)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return cost{bytes: after.TotalAlloc - before.TotalAlloc, time: took}, err
}

// TestHostileFiles is not parallel: it measures what the process allocates.
func TestHostileFiles(t *testing.T) {
	const mostBytes, mostTime = 128 << 20, 5 * time.Second
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			took, err := measured(h.data)
			requireRefused(t, err, h.want)
			if took.bytes > mostBytes || took.time > mostTime {
				t.Errorf("%d bytes were allocated in %v to refuse %d bytes", took.bytes, took.time, len(h.data))
			}
			t.Logf("%d bytes of file, %d allocated, %v: %v", len(h.data), took.bytes, took.time, err)
		})
	}
}
