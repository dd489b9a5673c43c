package hotjson_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc/hotjson"
)

// requests and responses are one empty message of each type that is read, and written.
func requests() []proto.Message {
	return []proto.Message{
		new(predictionv1.PredictRequest), new(predictionv1.BatchPredictRequest),
		new(predictionv1.PredictStreamRequest), new(predictionv1.BatchPredictStreamRequest),
	}
}

func responses() []proto.Message {
	return []proto.Message{
		new(predictionv1.PredictResponse), new(predictionv1.BatchPredictResponse),
		new(predictionv1.PredictStreamResponse), new(predictionv1.BatchPredictStreamResponse),
	}
}

// slowUnmarshal and slowMarshal are what the package must agree with.
func slowUnmarshal(data []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
}

func slowMarshal(m proto.Message) ([]byte, error) {
	data, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Compact(&out, data)
	return out.Bytes(), err
}

// requireRead checks what becomes of the data as a message of that type, and reports whether it
// was read here.
func requireRead(t *testing.T, data []byte, m proto.Message) bool {
	t.Helper()
	fast, slow := m.ProtoReflect().New().Interface(), m.ProtoReflect().New().Interface()
	if !hotjson.Unmarshal(data, fast) {
		return false
	}
	name := m.ProtoReflect().Descriptor().Name()
	if err := slowUnmarshal(data, slow); err != nil {
		t.Fatalf("%s is read of %q, which is refused: %v", name, data, err)
	}
	if !sameBits(fast, slow) {
		t.Fatalf("%s of %q: got %v, expected %v", name, data, fast, slow)
	}
	return true
}

// sameBits is proto.Equal that tells 0 from -0.
func sameBits(a, b proto.Message) bool {
	deterministic := proto.MarshalOptions{Deterministic: true}
	x, errA := deterministic.Marshal(a)
	y, errB := deterministic.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y) && proto.Equal(a, b)
}

// requireWritten checks what is written of the message, and reports whether it was written here.
func requireWritten(t *testing.T, m proto.Message) bool {
	t.Helper()
	want, err := slowMarshal(m)
	got, ok := hotjson.Append([]byte("before "), m)
	switch {
	case !ok && string(got) != "before ":
		t.Fatalf("nothing is written, yet the buffer holds %q", got)
	case ok && err != nil:
		t.Fatalf("%q is written of a message that cannot be: %v", got, err)
	case ok && string(got) != "before "+string(want):
		t.Fatalf("got\n%s\nexpected\nbefore %s", got, want)
	}
	return ok
}

// fill sets every field of the message, and of the messages within, to something; oneof is which
// field of each oneof is set.
func fill(m protoreflect.Message, oneof, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if of := f.ContainingOneof(); of != nil && !of.IsSynthetic() && of.Fields().Get(oneof%of.Fields().Len()) != f {
			continue
		}
		switch {
		case f.IsMap():
			value := m.Mutable(f).Map().NewValue()
			fill(value.Message(), 1, depth+1) // a number
			m.Mutable(f).Map().Set(protoreflect.ValueOfString("sepal_length_cm").MapKey(), value)
		case f.IsList() && f.Message() != nil:
			for range 2 {
				fill(m.Mutable(f).List().AppendMutable().Message(), oneof, depth+1)
			}
		case f.IsList():
			for n := range 3 {
				m.Mutable(f).List().Append(scalar(f.Kind(), n))
			}
		case f.Message() != nil:
			if depth < 6 {
				fill(m.Mutable(f).Message(), oneof, depth+1)
			}
		default:
			m.Set(f, scalar(f.Kind(), i))
		}
	}
}

func scalar(kind protoreflect.Kind, n int) protoreflect.Value {
	switch kind {
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(0.1 + float64(n))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(0.1 + float32(n))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(math.MaxUint32 - uint32(n))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("Größe 5")
	default:
		return protoreflect.ValueOfEnum(0)
	}
}

// TestEveryFieldIsRead fails when the contract has got a field that the package does not read.
func TestEveryFieldIsRead(t *testing.T) {
	t.Parallel()
	for _, m := range requests() {
		fill(m.ProtoReflect(), 0, 0)
		for _, options := range []protojson.MarshalOptions{{}, {UseProtoNames: true}, {EmitUnpopulated: true}, {Multiline: true}} {
			data, err := options.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if !requireRead(t, data, m) {
				t.Errorf("not read: %s", data)
			}
			empty := m.ProtoReflect().New().Interface()
			if data, err = options.Marshal(empty); err != nil {
				t.Fatal(err)
			}
			if !requireRead(t, data, empty) {
				t.Errorf("not read: %s", data)
			}
		}
	}
}

// TestEveryFieldIsWritten fails when the contract has got a field that the package does not
// write.
func TestEveryFieldIsWritten(t *testing.T) {
	t.Parallel()
	for _, m := range responses() {
		if !requireWritten(t, m) {
			t.Errorf("not written: %v", m)
		}
		for oneof := range 2 {
			full := m.ProtoReflect().New()
			fill(full, oneof, 0)
			if !requireWritten(t, full.Interface()) {
				t.Errorf("not written: %v", full)
			}
		}
	}
}

func TestOtherMessagesAreLeft(t *testing.T) {
	t.Parallel()
	for _, message := range []any{new(predictionv1.HealthRequest), new(predictionv1.HealthResponse), "x", nil} {
		if hotjson.Unmarshal([]byte("{}"), message) {
			t.Errorf("%T is read", message)
		}
		if out, ok := hotjson.Append([]byte("x"), message); ok || string(out) != "x" {
			t.Errorf("%T is written as %s", message, out)
		}
	}
}

// plainForms are read here: what clients send.
var plainForms = []string{
	`{}`, " {\n} ", `{"features":[5.1,3.5,1.4,0.2]}`, `{"features":[]}`, `{"features":null}`,
	`{"features":[-0,0,0.0,-0.0,1e2,1E+2,1e-2,123456789012345,1234567890123456,0.1234567890123456789,5e-324,1.7976931348623157e308]}`,
	`{"features":[0.000000000000001,999999999999999,99999999999999.9,0.3,2.675,1.005]}`,
	` { "features" : [ 5.1 , 3.5 ] , "model" : "iris" , "version":"v1","subject_id":"u","top_k":2,"explain":true } `,
	`{"subjectId":"é<&>"}`, `{"topK":4294967295}`, `{"topK":0}`, `{"top_k":null}`, `{"explain":false}`, `{"explain":null}`,
	`{"inputs":{"a":1,"b":"c","d":null,"e":true,"f":false,"ünï":-1.5e3,"":0}}`, `{"inputs":{}}`, `{"inputs":null}`,
}

// oddForms are left to the protobuf module, which reads some and refuses others.
var oddForms = []string{
	``, ` `, `null`, `[]`, `"x"`, `{`, `}`, `{}}`, `{} {}`, `{"features":[1,]}`, `{"features":[,]}`, `{"features":[1 2]}`, `{,}`, `{"features":[1],}`,
	`{"features":["1"]}`, `{"features":["NaN"]}`, `{"features":["Infinity","-Infinity"]}`, `{"features":[NaN]}`, `{"features":[null]}`,
	`{"features":[01]}`, `{"features":[1.]}`, `{"features":[.5]}`, `{"features":[+1]}`, `{"features":[-]}`, `{"features":[1e]}`, `{"features":[1e+]}`,
	`{"features":[1e999]}`, `{"features":[0x1]}`, `{"features":[1_0]}`, `{"features":[1f]}`, `{"features":1}`, `{"features":{}}`,
	`{"features":[1],"features":[2]}`, `{"top_k":1,"topK":2}`, `{"features":null,"features":[1]}`, `{"new":1}`, `{"new":{"features":[1]},"features":[2]}`,
	`{"topK":1.0}`, `{"topK":1e2}`, `{"topK":"5"}`, `{"topK":-0}`, `{"topK":-1}`, `{"topK":4294967296}`, `{"topK":01}`, `{"topK":99999999999999999999}`,
	`{"model":"a\"b"}`, `{"model":"\u0061"}`, `{"model":"\n"}`, `{"mod\u0065l":"a"}`, `{"model":"` + "\xff" + `"}`, `{"model":"` + "\n" + `"}`, `{"model":1}`, `{"model":"a}`,
	`{"explain":1}`, `{"explain":"true"}`, `{"explain":True}`, `{"explain":truex}`, `{"features":nul}`, `{"features":nullx}`,
	`{"inputs":{"a":[1]}}`, `{"inputs":{"a":{"b":1}}}`, `{"inputs":{"a":1,"a":2}}`, `{"inputs":{"a":1e999}}`, `{"inputs":[]}`, "\ufeff{}", "{\x00}", "{}\x00", "{\"features\"\x0b:[1]}",
	"// {}\n{}",
}

func TestPlainFormsAreRead(t *testing.T) {
	t.Parallel()
	for _, text := range plainForms {
		for _, form := range []struct {
			text string
			m    proto.Message
		}{
			{text, new(predictionv1.PredictRequest)},
			{`{"request":` + text + `}`, new(predictionv1.PredictStreamRequest)},
		} {
			if !requireRead(t, []byte(form.text), form.m) {
				t.Errorf("not read: %s", form.text)
			}
		}
	}
	for _, text := range []string{
		`{"rows":[]}`, `{"rows":null}`, `{"rows":[{}]}`, `{"rows":[{"features":[1,2]},{"features":[]},{"inputs":{"a":1}},{"features":[1,2,3,4,5,6,7,8]},{"features":[9]}]}`,
		`{"matrix":null}`, `{"matrix":{}}`, `{"matrix":{"columns":2,"values":[1,2,3,4]},"probabilities":true}`,
		`{"matrix":{"columns":2,"floatValues":[0.1,16777217,1e-50,3.4028235e38,-0]}}`, `{"matrix":{"float_values":[]}}`,
		`{"rows":[{"features":[1]}],"model":"m","version":"v","subjectId":"s","topK":1,"explain":true,"probabilities":false}`,
	} {
		for _, form := range []struct {
			text string
			m    proto.Message
		}{
			{text, new(predictionv1.BatchPredictRequest)},
			{`{"batch":` + text + `,"chunkRows":7}`, new(predictionv1.BatchPredictStreamRequest)},
		} {
			if !requireRead(t, []byte(form.text), form.m) {
				t.Errorf("not read: %s", form.text)
			}
		}
	}
}

func TestOddFormsAreLeft(t *testing.T) {
	t.Parallel()
	for _, text := range oddForms {
		if requireRead(t, []byte(text), new(predictionv1.PredictRequest)) {
			t.Errorf("read: %s", text)
		}
	}
	for _, text := range []string{
		`{"rows":[null]}`, `{"rows":[{"features":[1],"features":[1]}]}`, `{"rows":[{"x":1}]}`, `{"rows":{}}`, `{"matrix":[]}`,
		`{"matrix":{"floatValues":[1e39]}}`, `{"matrix":{"floatValues":["NaN"]}}`, `{"matrix":{"columns":"2"}}`, `{"matrix":{},"matrix":{}}`,
	} {
		if requireRead(t, []byte(text), new(predictionv1.BatchPredictRequest)) {
			t.Errorf("read: %s", text)
		}
	}
	if requireRead(t, []byte(`{"batch":{},"batch":null}`), new(predictionv1.BatchPredictStreamRequest)) {
		t.Error("a batch is read twice")
	}
	if requireRead(t, []byte(`{"request":{},"request":null}`), new(predictionv1.PredictStreamRequest)) {
		t.Error("a request is read twice")
	}
}

// TestTypingErrors changes, adds and removes each byte of what is read.
func TestTypingErrors(t *testing.T) {
	t.Parallel()
	const keys = "{}[],:\"\\ \n\t\v0159-+.eEnNtfua/\x00\x7f\xc3\xff"
	texts := append([]string{
		`{"model":"é","topK":10,"explain":true,"inputs":{"a":-1.5e3,"b":null,"c":false,"d":"x"}}`,
		`{"rows":[{"features":[1,2.50]},{"inputs":{"a":0}}],"top_k":4294967295,"probabilities":false}`,
		`{"matrix":{"columns":2,"values":[1,-0.5],"float_values":[1e3,0]},"subject_id":null}`,
		`{"batch":{"rows":[{}]},"chunkRows":20}`, `{"request":{"features":[0.1]}}`,
	}, plainForms...)
	for _, text := range texts {
		for i := range len(text) {
			requireAllRead(t, text[:i]+text[i+1:])
			for _, key := range []byte(keys) {
				requireAllRead(t, text[:i]+string([]byte{key})+text[i+1:])
				requireAllRead(t, text[:i]+string([]byte{key})+text[i:])
			}
		}
	}
}

func requireAllRead(t *testing.T, text string) {
	t.Helper()
	for _, m := range requests() {
		requireRead(t, []byte(text), m)
	}
}

// TestWhatWasThereIsForgotten shows that reading clears the message first.
func TestWhatWasThereIsForgotten(t *testing.T) {
	t.Parallel()
	m := &predictionv1.PredictRequest{Features: []float64{1}, Model: "m"}
	if !hotjson.Unmarshal([]byte(`{"version":"v"}`), m) || !proto.Equal(m, &predictionv1.PredictRequest{Version: "v"}) {
		t.Errorf("got %v", m)
	}
}

// TestRowsDoNotShareMemory appends to a row as its owner may, and looks at the next.
func TestRowsDoNotShareMemory(t *testing.T) {
	t.Parallel()
	m := new(predictionv1.BatchPredictRequest)
	if !hotjson.Unmarshal([]byte(`{"rows":[{"features":[1]},{"features":[2]},{"features":[3]},{"features":[4]}]}`), m) {
		t.Fatal("not read")
	}
	for i, row := range m.GetRows() {
		if _ = append(row.GetFeatures(), -1); i+1 < len(m.GetRows()) && m.GetRows()[i+1].GetFeatures()[0] != float64(i+2) {
			t.Errorf("row %d was written over", i+1)
		}
	}
}

func TestTextAndNumbersAreWritten(t *testing.T) {
	t.Parallel()
	for c := range rune(0x300) {
		requireResponse(t, &predictionv1.PredictResponse{Prediction: "a" + string(c) + "b", Model: string(c)}, true)
	}
	for _, text := range []string{"\u2028\u2029\ufffd<&>", "\U0001f33c", "\ufeff", "a,", "],}"} {
		requireResponse(t, &predictionv1.PredictResponse{Prediction: text}, true)
	}
	for _, text := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\"\xff"} {
		requireResponse(t, &predictionv1.PredictResponse{Variant: text}, false)
	}
	for _, v := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1.0 / 3, 1e-6, 9.99e-7, 1e-7, 1e-10, 1e-100, 1e20, 1e21, 123456789e12, 5e-324, -5e-324,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1), 1 << 53, 1<<53 + 2,
	} {
		requireResponse(t, &predictionv1.PredictResponse{Confidence: v}, true)
	}
}

func requireResponse(t *testing.T, m *predictionv1.PredictResponse, written bool) {
	t.Helper()
	if requireWritten(t, m) != written {
		t.Errorf("%v is written: %t, expected %t", m, !written, written)
	}
}

// TestNilMessagesAreWritten covers what no decoder makes, but a program may.
func TestNilMessagesAreWritten(t *testing.T) {
	t.Parallel()
	for _, m := range []proto.Message{
		&predictionv1.PredictResponse{Scores: []*predictionv1.ClassScore{nil}},
		&predictionv1.BatchPredictResponse{Results: []*predictionv1.RowResult{nil, {Result: &predictionv1.RowResult_Response{}}, {Result: &predictionv1.RowResult_Error{}}}},
		&predictionv1.PredictStreamResponse{Result: &predictionv1.PredictStreamResponse_Error{}},
		(*predictionv1.PredictResponse)(nil),
	} {
		if !requireWritten(t, m) {
			t.Errorf("not written: %v", m)
		}
	}
}
