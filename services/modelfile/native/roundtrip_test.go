package native_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

var formats = map[string]native.Format{"binary": native.Binary, "JSON": native.JSON}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, want := range []*modelv1.Model{fish(), fishEach()} {
				got := decode(t, encode(t, want, format))
				if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestBytesDependOnTheMessageAlone(t *testing.T) {
	t.Parallel()
	m := fish()
	for name, format := range formats {
		want := encode(t, m, format)
		ways := map[string]*modelv1.Model{
			"again":       m,
			"from a copy": proto.CloneOf(m),
			"by JSON":     decode(t, encode(t, m, native.JSON)),
			"by binary":   decode(t, encode(t, m, native.Binary)),
		}
		for way, same := range ways {
			if got := encode(t, same, format); !bytes.Equal(got, want) {
				t.Errorf("%s %s: the bytes differ", name, way)
			}
		}
	}
}

func TestJSONIsForPeople(t *testing.T) {
	t.Parallel()
	text := string(encode(t, small(), native.JSON))
	for _, want := range []string{"{\n  \"formatVersion\": 1,\n  \"name\": \"s\",\n", "\n}\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("expected %q in\n%s", want, text)
		}
	}
	if spaced := " \r\n\t" + text + "\n\n"; !proto.Equal(decode(t, []byte(spaced)), small()) {
		t.Error("white space around the JSON changes the model")
	}
}

// The order of fields in a binary file is what makes every truncation of it invalid.
func TestBinaryEndsWithTheIntercepts(t *testing.T) {
	t.Parallel()
	m := fish()
	data := encode(t, m, native.Binary)
	intercepts, err := proto.Marshal(&modelv1.Model{Intercepts: m.GetIntercepts()})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(data, intercepts) {
		t.Error("the file does not end with the intercepts")
	}
}

func TestDefineKeepsWhatCompileTook(t *testing.T) {
	t.Parallel()
	m := fishEach()
	compiled, err := native.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	want := proto.CloneOf(m)
	want.Name, want.Version, want.Training, want.Reference, want.GoldenRows = "", "", nil, nil, nil
	got := native.Define(compiled)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("definition (-want +got):\n%s", diff)
	}

	// What is returned is the caller's: no change of it may reach the model.
	got.Signature.Features[1].GetCategorical().Categories[1] = "sweet"
	if impute := got.GetSignature().GetFeatures()[1].GetCategorical().GetImpute(); impute != "salt" {
		t.Errorf("impute follows a change of the categories: it is %q", impute)
	}
	got.Classes[0], got.Weights[0], got.Intercepts[0], got.ReferenceRow[0] = "x", 9, 9, 9
	got.Signature.Features[0].Name = "x"
	if diff := cmp.Diff(want, native.Define(compiled), protocmp.Transform()); diff != "" {
		t.Errorf("definition after changes of the first (-want +got):\n%s", diff)
	}
}

func TestCompileKeepsNothingOfTheMessage(t *testing.T) {
	t.Parallel()
	m := fish()
	compiled, err := native.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	want := native.Define(compiled)
	m.Classes[0], m.Weights[0], m.Intercepts[0], m.ReferenceRow[0] = "x", 9, 9, 9
	m.Signature.Features[1].GetCategorical().Categories[0] = "x"
	*m.Signature.Features[0].GetNumeric().Min = -9
	if diff := cmp.Diff(want, native.Define(compiled), protocmp.Transform()); diff != "" {
		t.Errorf("model after changes of the message (-before +after):\n%s", diff)
	}
}

func TestNoReferenceRowIsZeros(t *testing.T) {
	t.Parallel()
	compiled, err := native.Compile(small())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{0, 0, 0}, native.Define(compiled).GetReferenceRow()); diff != "" {
		t.Errorf("reference row (-want +got):\n%s", diff)
	}
}

// A message made in Go may say "numeric" without saying more.
func TestNumericKindMayBeNil(t *testing.T) {
	t.Parallel()
	m := small()
	m.Signature.Features[0].Kind = &modelv1.Feature_Numeric{}
	if _, err := native.Compile(m); err != nil {
		t.Error(err)
	}
}

func TestRandomModelsPredictTheSameWhenRead(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		m := randomModel(random)
		original, err := native.Compile(m)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		row, want, got := randomRow(random, m), make([]float64, len(m.GetClasses())), make([]float64, len(m.GetClasses()))
		if _, err := original.Predict(want, row); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for name, format := range formats {
			file, read, err := native.Decode(encode(t, m, format))
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			if !proto.Equal(file, m) {
				t.Errorf("seed %d, %s: the messages differ", seed, name)
			}
			if _, err := read.Predict(got, row); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("seed %d, %s: probabilities of %v (-want +got):\n%s", seed, name, row, diff)
			}
		}
	}
}

func randomModel(random *rand.Rand) *modelv1.Model {
	m := &modelv1.Model{FormatVersion: 1, Name: "random", Version: "v1.0.0", Signature: &modelv1.Signature{}}
	width := 0
	for j := range 1 + random.IntN(6) {
		f := &modelv1.Feature{Name: fmt.Sprintf("feature %d", j)}
		if random.IntN(2) == 0 {
			numeric := &modelv1.NumericFeature{}
			if random.IntN(2) == 0 {
				low := random.NormFloat64()
				numeric.Min, numeric.Max = proto.Float64(low), proto.Float64(low+random.Float64())
			}
			if random.IntN(2) == 0 {
				numeric.Impute = proto.Float64(random.NormFloat64())
			}
			f.Kind = &modelv1.Feature_Numeric{Numeric: numeric}
			width++
		} else {
			categorical := &modelv1.CategoricalFeature{}
			for i := range 1 + random.IntN(5) {
				categorical.Categories = append(categorical.Categories, fmt.Sprintf("category %d", i))
			}
			if random.IntN(2) == 0 {
				categorical.Impute = proto.String(categorical.Categories[random.IntN(len(categorical.Categories))])
			}
			if random.IntN(2) == 0 {
				categorical.Other = proto.String(categorical.Categories[random.IntN(len(categorical.Categories))])
			}
			f.Kind = &modelv1.Feature_Categorical{Categorical: categorical}
			width += len(categorical.Categories)
		}
		m.Signature.Features = append(m.Signature.Features, f)
	}
	for k := range 2 + random.IntN(4) {
		m.Classes = append(m.Classes, fmt.Sprintf("class %d", k))
		m.Intercepts = append(m.Intercepts, random.NormFloat64())
		for range width {
			m.Weights = append(m.Weights, random.NormFloat64())
		}
	}
	if len(m.GetClasses()) > 2 && random.IntN(2) == 0 {
		m.Link = modelv1.Link_LINK_ONE_VS_REST
	}
	for range random.IntN(3) {
		row := randomRow(random, m)
		m.GoldenRows = append(m.GoldenRows, &modelv1.GoldenRow{Features: row, Probabilities: expected(m, row)})
	}
	return m
}

func randomRow(random *rand.Rand, m *modelv1.Model) []float64 {
	row := make([]float64, len(m.GetSignature().GetFeatures()))
	for j, f := range m.GetSignature().GetFeatures() {
		if categories := f.GetCategorical().GetCategories(); categories != nil {
			row[j] = float64(random.IntN(len(categories)))
		} else {
			row[j] = random.NormFloat64()
		}
	}
	return row
}
