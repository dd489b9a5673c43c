package rpc

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

func TestMisfitNamesTheValue(t *testing.T) {
	t.Parallel()
	batch := new(predictionv1.BatchPredictRequest)
	tests := []struct {
		name    string
		message proto.Message
		json    string
		want    string
	}{
		{name: "string in features", json: `{"features":[5.1,"wide",1.4,0.2]}`, want: `features[1] is the string "wide", expected a number`},
		{name: "null in features", json: `{"features":[5.1,null]}`, want: "features[1] is null, expected a number"},
		{name: "list in features", json: `{"features":[[5.1]]}`, want: "features[0] is a list, expected a number"},
		{name: "bare NaN", json: `{"features":[5.1,NaN]}`, want: "features[1] is no JSON: invalid character 'N' looking for beginning of value, expected a number"},
		{name: "too large a number", json: `{"features":[1e400]}`, want: "features[0] is 1e400, expected a number from -1.8e308 to 1.8e308"},
		{name: "too large a number in quotes", json: `{"features":["-1e400"]}`, want: `features[0] is the string "-1e400", expected a number from -1.8e308 to 1.8e308`},
		{name: "too large for a whole number", json: `{"topK":1e400}`, want: "topK is 1e400, expected a whole number from 0 to 4294967295"},
		{name: "first half of a character", json: `{"subjectId":"a\ud83d"}`, want: `a string has \ud83d, which is half a character, expected both halves or neither`},
		{name: "second half of a character", json: `{"model":"\ud83d\ude00\\ud83d\n\udE00b"}`, want: `a string has \udE00, which is half a character, expected both halves or neither`},
		{name: "two first halves", json: `{"inputs":{"a":"\ud83d\ud83d\ude00"}}`, want: `a string has \ud83d, which is half a character, expected both halves or neither`},
		{name: "null for a request", json: `null`, want: "the body is null, expected an object"},
		{name: "null for a row", message: batch, json: `{"rows":[{},null]}`, want: "rows[1] is null, expected an object"},
		{name: "features alone", json: `{"features":5.1}`, want: "features is 5.1, expected a list"},
		{name: "cut short", json: `{"features":[5.1,`, want: "features[1] is cut short, expected a number"},
		{name: "negative top_k", json: `{"topK":-1}`, want: "topK is -1, expected a whole number from 0 to 4294967295"},
		{name: "half a top_k", json: `{"top_k":1.5}`, want: "top_k is 1.5, expected a whole number from 0 to 4294967295"},
		{name: "explain", json: `{"explain":"yes"}`, want: `explain is the string "yes", expected true or false`},
		{name: "model", json: `{"model":7}`, want: "model is 7, expected a string"},
		{name: "list for a request", json: `[1]`, want: "the body is a list, expected an object"},
		{name: "no JSON", json: `hello`, want: "the body is no JSON: invalid character 'h' looking for beginning of value, expected a JSON object"},
		{name: "row of a batch", message: batch, json: `{"rows":[{"features":[1]},{"features":["x"]}]}`, want: `rows[1].features[0] is the string "x", expected a number`},
		{name: "row that is none", message: batch, json: `{"rows":[5]}`, want: "rows[0] is 5, expected an object"},
		{name: "unknown fields are passed over", json: `{"new":{"a":[{}]},"features":true}`, want: "features is true, expected a list"},
		{name: "inputs are any JSON", json: `{"inputs":{"a":[1]},"model":[]}`, want: "model is a list, expected a string"},
		{name: "inputs that are none", json: `{"inputs":5}`, want: "syntax error (line 1:11): unexpected token 5"},
		{name: "long text", json: `{"features":["` + strings.Repeat("y", 1<<20) + `"]}`, want: `features[0] is the string "` + strings.Repeat("y", 80) + `…", expected a number`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			message := test.message
			if message == nil {
				message = new(predictionv1.PredictRequest)
			}
			message = proto.Clone(message)
			err := jsonCodec{maxNested: 1000}.Unmarshal([]byte(test.json), message)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// FuzzMisfit shows that what can be decoded is never said to be at fault, and that no JSON
// makes the walk fail.
func FuzzMisfit(f *testing.F) {
	for _, seed := range []string{`{"rows":[{"features":[1,"2",NaN]}]}`, `{"topK":"1e0"}`, `{"rows":[{"inputs":{"a":[{}]}}]}`, `[`, `{"model":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(predictionv1.BatchPredictRequest)
		err := jsonCodec{maxNested: 1000}.Unmarshal(data, m)
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
		if err == nil && len(data) > 0 {
			if fault := misfit(data, m.ProtoReflect().Descriptor(), errNone); fault.Error() != errNone.Error() {
				t.Errorf("%q was decoded, but %v", data, fault)
			}
		}
	})
}

type noError struct{}

func (noError) Error() string { return "none" }

var errNone = noError{}

func TestNestingIsBound(t *testing.T) {
	t.Parallel()
	hostile := []byte(strings.Repeat("\n\x00", 100_000)) // rows of nothing
	if err := (protoCodec{maxNested: 99_999}).Unmarshal(hostile, new(predictionv1.BatchPredictRequest)); err == nil || !strings.Contains(err.Error(), "more than 99999 nested values") {
		t.Errorf("got %v", err)
	}
	if err := (protoCodec{maxNested: 100_000}).Unmarshal(hostile, new(predictionv1.BatchPredictRequest)); err != nil {
		t.Error(err)
	}
	lists := []byte(`{"inputs":{"a":[` + strings.TrimSuffix(strings.Repeat("[],", 50_000), ",") + `]}}`)
	if err := (jsonCodec{maxNested: 50_000}).Unmarshal(lists, new(predictionv1.PredictRequest)); err == nil || !strings.Contains(err.Error(), "more than 50000 nested values") {
		t.Errorf("got %v", err)
	}
	m := new(predictionv1.PredictRequest)
	if err := (jsonCodec{maxNested: 60_000}).Unmarshal(lists, m); err != nil {
		t.Error(err)
	}
	wire, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := (protoCodec{maxNested: 50_000}).Unmarshal(wire, new(predictionv1.PredictRequest)); err == nil {
		t.Error("nested lists in the wire format are not counted")
	}
}
