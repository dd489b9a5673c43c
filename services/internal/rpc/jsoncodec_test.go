package rpc

import (
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

func TestJSONWritesZerosAndNoWhiteSpace(t *testing.T) {
	t.Parallel()
	codec := jsonCodec{name: "json"}
	tests := []struct {
		name    string
		message proto.Message
		want    string
	}{
		{"zeros", &modelv1.HoldOutMetrics{}, `{"rows":0,"accuracy":0,"logLoss":0,"confusion":[],"macroF1":0,"brier":0,"calibrationError":0,"meanConfidence":0,"reliability":[]}`},
		{"numbers", &modelv1.HoldOutMetrics{Rows: 3, Accuracy: 0.5, Confusion: []uint32{1, 0}}, `{"rows":3,"accuracy":0.5,"logLoss":0,"confusion":[1,0],"macroF1":0,"brier":0,"calibrationError":0,"meanConfidence":0,"reliability":[]}`},
		{"optional fields that are unset", &modelv1.NumericFeature{}, `{}`},
		{"optional fields that are zero", &modelv1.NumericFeature{Min: proto.Float64(0)}, `{"min":0}`},
		{"white space and signs in text", &modelv1.Feature{Name: "a b\n<&>", Unit: "°"}, `{"name":"a b\n<&>","unit":"°","description":""}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				for way, marshal := range map[string]func(any) ([]byte, error){"Marshal": codec.Marshal, "MarshalStable": codec.MarshalStable} {
					got, err := marshal(test.message)
					if err != nil {
						t.Fatal(err)
					}
					if string(got) != test.want {
						t.Fatalf("%s: got %s, expected %s", way, got, test.want)
					}
				}
			}
			got, err := codec.MarshalAppend([]byte("before "), test.message)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "before "+test.want {
				t.Errorf("appended: got %s, expected %s", got, "before "+test.want)
			}
		})
	}
}

func TestJSONIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*modelv1.HoldOutMetrics{
		`{}`:                     {},
		` {"rows": 3, "x": [1]}`: {Rows: 3}, // Unknown fields are passed over.
		`{"logLoss":0.5}`:        {LogLoss: 0.5},
		`{"log_loss":0.5}`:       {LogLoss: 0.5},
		`{"rows":null}`:          {},
	} {
		got := new(modelv1.HoldOutMetrics)
		if err := (jsonCodec{}).Unmarshal([]byte(text), got); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !proto.Equal(got, want) {
			t.Errorf("%s: got %v, expected %v", text, got, want)
		}
	}
}

func TestWrongJSONIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, err string }{
		{"", "the body is empty, expected a JSON object; {} is the empty one"},
		{"{", `the body is cut short, expected "}" or another name`},
		{`{"features": [1], "features": [2]}`, `(line 1:19): duplicate field "features"`},
	}
	for _, test := range tests {
		err := (jsonCodec{}).Unmarshal([]byte(test.text), new(predictionv1.PredictRequest))
		if err == nil || err.Error() != test.err {
			t.Errorf("%q: got error %v, expected %s", test.text, err, test.err)
		}
	}
}

func TestJSONErrorsQuoteLittleOfTheRequest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"features": ["` + strings.Repeat("é", 1e5) + `"]}`, "{\xff\xfe"} {
		err := (jsonCodec{}).Unmarshal([]byte(text), new(predictionv1.PredictRequest))
		if err == nil || len(err.Error()) > 220 || !utf8.ValidString(err.Error()) {
			t.Errorf("%.20q: got error %.300q", text, err)
		}
	}
}

func TestJSONIsOfProtobufMessagesOnly(t *testing.T) {
	t.Parallel()
	const want = "string is no Protobuf message"
	if _, err := (jsonCodec{}).Marshal("x"); err == nil || err.Error() != want {
		t.Errorf("Marshal: got error %v, expected %s", err, want)
	}
	if _, err := (jsonCodec{}).MarshalStable("x"); err == nil || err.Error() != want {
		t.Errorf("MarshalStable: got error %v, expected %s", err, want)
	}
	if err := (jsonCodec{}).Unmarshal([]byte("{}"), "x"); err == nil || err.Error() != want {
		t.Errorf("Unmarshal: got error %v, expected %s", err, want)
	}
	if _, err := (jsonCodec{}).Marshal(&modelv1.Feature{Name: "\xff"}); err == nil {
		t.Error("text that is no UTF-8 is written")
	}
}

func TestJSONCodecIsText(t *testing.T) {
	t.Parallel()
	if codec := (jsonCodec{name: "json; charset=utf-8"}); codec.IsBinary() || codec.Name() != "json; charset=utf-8" {
		t.Errorf("binary: %t, name: %q", codec.IsBinary(), codec.Name())
	}
}
