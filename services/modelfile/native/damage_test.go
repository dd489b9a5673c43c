package native_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	for modelName, m := range map[string]*modelv1.Model{"full": fish(), "small": small(), "bare": bare()} {
		for name, format := range formats {
			t.Run(modelName+"/"+name, func(t *testing.T) {
				t.Parallel()
				data := encode(t, m, format)
				if format == native.JSON {
					data = bytes.TrimSuffix(data, []byte("\n")) // The JSON is whole without it.
				}
				for size := range data {
					if _, _, err := native.Decode(data[:size]); err == nil {
						t.Errorf("the first %d of %d bytes are read as a model", size, len(data))
					} else {
						requireOneLine(t, err)
					}
				}
			})
		}
	}
}

// bare returns small without what is optional.
func bare() *modelv1.Model {
	m := small()
	m.GoldenRows = nil
	return m
}

// A flipped bit may make another valid model, such as one with another name, but what is read
// holds the rules: it can be written and read again, and predicts what its golden rows say.
func TestEveryFlippedBitIsRefusedOrHarmless(t *testing.T) {
	t.Parallel()
	data := encode(t, small(), native.Binary)
	var refused int
	for bit := range 8 * len(data) {
		damaged := bytes.Clone(data)
		damaged[bit/8] ^= 1 << (bit % 8)
		m, compiled, err := native.Decode(damaged)
		if err != nil {
			refused++
			requireOneLine(t, err)
			continue
		}
		if again := decode(t, encode(t, m, native.Binary)); !proto.Equal(again, m) {
			t.Errorf("bit %d: the model read is not the one written", bit)
		}
		for _, row := range m.GetGoldenRows() {
			if _, err := compiled.Predict(make([]float64, compiled.NumClasses()), row.GetFeatures()); err != nil {
				t.Errorf("bit %d: %v", bit, err)
			}
		}
	}
	if refused < 4*len(data) {
		t.Errorf("%d of %d flipped bits are refused, expected at least half", refused, 8*len(data))
	}
}

// The leading bits of every weight and intercept that the golden row reaches are guarded by it.
func TestFlippedBitsOfWeightsAreRefused(t *testing.T) {
	t.Parallel()
	reached := []int{0, 2, 3, 5} // The golden row has category 1: columns 0 and 2 of both classes.
	data := encode(t, small(), native.Binary)
	packed := func(m *modelv1.Model) int {
		part, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, part)
		if at < 0 {
			t.Fatal("the field is not in the file")
		}
		return at + 2 // A tag and a length, of one byte each.
	}
	weights := packed(&modelv1.Model{Weights: small().GetWeights()})
	intercepts := packed(&modelv1.Model{Intercepts: small().GetIntercepts()})
	var places []int
	for _, i := range reached {
		places = append(places, weights+8*i)
	}
	places = append(places, intercepts, intercepts+8)
	for _, place := range places {
		for bit := 32; bit < 64; bit++ {
			damaged := bytes.Clone(data)
			damaged[place+bit/8] ^= 1 << (bit % 8)
			_, _, err := native.Decode(damaged)
			if err == nil {
				t.Errorf("bit %d of the number at byte %d is flipped, and the file is read", bit, place)
			}
		}
	}
}

// hostileFiles are files that claim much and say little, most of 256 KiB. Those in
// binary begin with a valid model, which the rest is merged into.
func hostileFiles(t *testing.T) map[string][]byte {
	const size = 1 << 18
	nested := func(inner []byte, numbers ...protowire.Number) []byte {
		for _, number := range numbers {
			inner = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), inner)
		}
		return inner
	}
	many := func(field []byte) []byte { return bytes.Repeat(field, size/len(field)) }
	var distinct []byte
	for i := 0; len(distinct) < size/2; i++ {
		distinct = append(distinct, nested(fmt.Append(nil, i), 1)...)
	}
	classes := bytes.Clone(distinct)
	for at := 0; at < len(classes); at += 2 + int(classes[at+1]) {
		classes[at] = 5<<3 | byte(protowire.BytesType)
	}
	valid, err := native.Encode(bare(), native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	model := func(fields []byte) []byte { return append(bytes.Clone(valid), fields...) }
	feature := append(nested([]byte("f"), 1), nested(distinct, 5)...)
	return map[string][]byte{
		"many classes times many categories": model(append(nested(feature, 1, 4), classes...)),
		"empty golden rows":                  model(many(nested(nil, 8))),
		"empty features":                     model(nested(many(nested(nil, 1)), 4)),
		"empty categories":                   model(nested(many(nested(nil, 1)), 5, 1, 4)),
		"empty profiles":                     model(nested(many(nested(nil, 2)), 7)),
		"weights":                            model(nested(make([]byte, size), 14)),
		"confusion":                          model(nested(make([]byte, size), 4, 10, 6)),
		"class weights":                      model(nested(make([]byte, size), 17, 6)),
		"empty bins":                         model(nested(many(nested(nil, 10)), 10, 6)),
		"empty tuning points":                model(nested(many(nested(nil, 2)), 19, 6)),
		"groups within groups":               many(protowire.AppendTag(nil, 50, protowire.StartGroupType)),
		"a length beyond the end":            []byte("\x72\xff\xff\xff\xff\x07"),
		"the longest length":                 []byte("\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
		"JSON: empty golden rows":            []byte(`{"goldenRows":[{}` + strings.Repeat(",{}", size/3) + `]}`),
		"JSON: lists within lists":           []byte(`{"weights":` + strings.Repeat("[", size)),
		"JSON: objects within objects":       []byte(strings.Repeat(`{"signature":`, size/13)),
		"JSON: lists under an unknown name":  []byte(`{"x":` + strings.Repeat("[", size) + strings.Repeat("]", size) + "}"),
		"JSON: a long number":                []byte(`{"weights":[` + strings.Repeat("9", size) + `]}`),
		"JSON: a large exponent":             []byte(`{"weights":[1e` + strings.Repeat("9", 1000) + `]}`),
	}
}

// Not parallel: what is allocated is counted for the whole process.
func TestMemoryIsBoundByTheSizeOfTheFile(t *testing.T) {
	const perByte, base = 128, 1 << 16
	for name, data := range hostileFiles(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := native.Decode(data)
		runtime.ReadMemStats(&after)
		requireOneLine(t, err)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(perByte*len(data)+base); got > limit {
			t.Errorf("%s: %d bytes are allocated to read %d, expected at most %d (%v)", name, got, len(data), limit, err)
		} else {
			t.Logf("%s: %.1f bytes per byte: %v", name, float64(got)/float64(len(data)), err)
		}
	}
}

func TestLargeFilesAreRefusedUnread(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 64 MiB")
	}
	data := make([]byte, native.MaxBytes+1)
	_, _, err := native.Decode(data)
	requireRefused(t, err, "the file has more than the 67108864 bytes that are read")
}
