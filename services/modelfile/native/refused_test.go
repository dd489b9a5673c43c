package native_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// wrongFiles are what people hand over in place of a model file, with the errors they get.
var wrongFiles = []struct {
	name, data, err string
}{
	{"nothing", "", "the file is empty"},
	{"white space", " \n\t", "the file is no Sepal model, or is damaged or cut short: expected a .binpb or .json file written by `sepal train`"},
	{"pickle of protocol 4", "\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x07sklearn\x94.", "the file is no Sepal model, or is damaged or cut short: it looks like a Python pickle"},
	{"pickle of protocol 2", "\x80\x02}q\x00X\x04\x00\x00\x00coefq\x01K\x01s.", "the file is no Sepal model, or is damaged or cut short: it looks like a Python pickle"},
	{"zip", "PK\x03\x04\x14\x00\x08\x00\x08\x00", "the file is no Sepal model, or is damaged or cut short: it looks like a zip archive"},
	{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "the file is no Sepal model, or is damaged or cut short: it looks like a gzip file"},
	{"bzip2", "BZh91AY&SY\x00\x01", "the file is no Sepal model, or is damaged or cut short: it looks like a bzip2 file"},
	{"xz", "\xfd7zXZ\x00\x00\x04", "the file is no Sepal model, or is damaged or cut short: it looks like an xz file"},
	{"Zstandard", "\x28\xb5\x2f\xfd\x04\x00", "the file is no Sepal model, or is damaged or cut short: it looks like a Zstandard file"},
	{"ONNX", "\x08\x08\x12\x08skl2onnx\x1a\x041.17\x22\x07ai.onnx\x28\x00", "the file is no Sepal model, or is damaged or cut short: it looks like an ONNX model"},
	{"ONNX with empty texts", "\x08\x08\x12\x00\x1a\x00\x22\x00\x28\x00\x32\x00\x3a\x02\x0a\x00", "the file is no Sepal model, or one of a newer Sepal: it looks like an ONNX model"},
	{"ONNX of another tool", "\x08\x03\x12\x06chenta\x3a\x05\x12\x03mul\x42\x02\x10\x07", "the file is no Sepal model, or is damaged or cut short: it looks like an ONNX model"},
	{"ONNX, whose graph could be a reference profile", "\x08\x03\x12\x07pytorch\x3a\x00", "the file is no Sepal model, or one of a newer Sepal: it looks like an ONNX model"},
	{"ONNX without a producer", "\x08\x0a\x42\x04\x0a\x00\x10\x15\x3a\x03\x0a\x01x", "the file is no Sepal model, or one of a newer Sepal: it looks like an ONNX model"},
	{"a newer Sepal's model", "\x08\x03\x12\x04iris\x1a\x06v1.0.0\x2a\x01a", "the file has format version 3; this Sepal reads version 1"},
	{"CSV", "sepal_length_cm,sepal_width_cm\n5.1,3.5\n", "the file is no Sepal model, or is damaged or cut short: it looks like a CSV file"},
	{"CSV of numbers", "5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n", "the file is no Sepal model, or is damaged or cut short: it looks like a CSV file"},
	{"text", "v1.0.0\n", "the file is no Sepal model, or is damaged or cut short: expected a .binpb or .json file written by `sepal train`"},
	{"random bytes", "\xc3\x9d\x01\xfa\x8e\x77\x10\x42", "the file is no Sepal model, or is damaged or cut short: expected a .binpb or .json file written by `sepal train`"},
	{"zeros", strings.Repeat("\x00", 64), "the file is no Sepal model, or is damaged or cut short: expected a .binpb or .json file written by `sepal train`"},
	{"another message", "\xfa\x01\x05hello", "the file is no Sepal model, or one of a newer Sepal: expected a .binpb or .json file written by `sepal train`"},
	{"beginning of a model", "\x08\x01\x12\x04iri", "the file is no Sepal model, or is damaged or cut short: it begins like a Sepal model"},
	{"JSON with a byte order mark", "\xef\xbb\xbf{}", "the file is no Sepal model, or is damaged or cut short: it looks like text with a byte order mark; save it as UTF-8 without one"},
	{"JSON in UTF-16", "\xff\xfe{\x00}\x00", "the file is no Sepal model, or is damaged or cut short: it looks like UTF-16 text; save it as UTF-8"},
	{"JSON list", "[1, 2]\n", "the file is no Sepal model, or is damaged or cut short: it looks like a CSV file"},
	{"JSON of something else", `{"coef": [[1, 2]], "classes": ["a", "b"]}`, `the file is not the JSON of a Sepal model, or is cut short: (line 1:2): unknown field "coef"`},
	{"JSON with an unknown field", "\n{\n  \"formatVersion\": 1,\n  \"colour\": \"red\"\n}\n", `the file is not the JSON of a Sepal model, or is cut short: (line 4:3): unknown field "colour"`},
	{"JSON with an unknown field within", `{"signature": {"features": [{"kind": 1}]}}`, `the file is not the JSON of a Sepal model, or is cut short: (line 1:30): unknown field "kind"`},
	{"JSON with a field twice", `{"name": "a", "name": "b"}`, `the file is not the JSON of a Sepal model, or is cut short: (line 1:15): duplicate field "name"`},
	{"JSON with two kinds of feature", `{"signature": {"features": [{"numeric": {}, "categorical": {}}]}}`, `the file is not the JSON of a Sepal model, or is cut short: (line 1:45): error parsing "categorical", oneof sepal.model.v1.Feature.kind is already set`},
	{"JSON with a string for a number", `{"weights": ["heavy"]}`, `the file is not the JSON of a Sepal model, or is cut short: (line 1:14): invalid value for double field weights: "heavy"`},
	{"JSON with control characters", "{\x1b[2J\n", "the file is not the JSON of a Sepal model, or is cut short: syntax error (line 1:2): invalid value \ufffd"},
	{"JSON with an unknown link", `{"link": "LINK_PROBIT"}`, `the file is not the JSON of a Sepal model, or is cut short: (line 1:10): invalid value for enum field link: "LINK_PROBIT"`},
	{"JSON that is no UTF-8", "{\x9f", "the file is not the JSON of a Sepal model, or is cut short: syntax error (line 1:2): invalid value \ufffd"},
	{"two JSON objects", `{}{}`, `the file is not the JSON of a Sepal model, or is cut short: syntax error (line 1:3): unexpected token {`},
	{"empty JSON object", `{}`, "the file has format version 0; this Sepal reads version 1"},
}

func TestWrongFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range wrongFiles {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, compiled, err := native.Decode([]byte(test.data))
			if m != nil || compiled != nil {
				t.Error("a model came out")
			}
			requireRefused(t, err, test.err)
		})
	}
}

// wrongModels are changes that make the model of fish invalid, with the errors.
var wrongModels = []struct {
	name   string
	change func(m *modelv1.Model)
	err    string
}{
	{"no format version", func(m *modelv1.Model) { m.FormatVersion = 0 }, "the file has format version 0; this Sepal reads version 1"},
	{"next format version", func(m *modelv1.Model) { m.FormatVersion = 2 }, "the file has format version 2; this Sepal reads version 1"},
	{"no name", func(m *modelv1.Model) { m.Name = "" }, `name: "" is not 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`},
	{"name with a capital", func(m *modelv1.Model) { m.Name = "Fish" }, `name: "Fish" is not 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`},
	{"no version", func(m *modelv1.Model) { m.Version = "" }, `version: "" is not a semantic version such as "v1.0.0"`},
	{"short version", func(m *modelv1.Model) { m.Version = "v1.2" }, `version: "v1.2" is not a semantic version such as "v1.0.0"`},

	{"no signature", func(m *modelv1.Model) { m.Signature = nil }, "signature.features: a model needs at least one"},
	{"no features", func(m *modelv1.Model) { m.Signature.Features = nil }, "signature.features: a model needs at least one"},
	{"feature without a name", func(m *modelv1.Model) { m.Signature.Features[1].Name = "" }, "signature.features[1].name: is empty"},
	{"feature with a long name", func(m *modelv1.Model) { m.Signature.Features[1].Name = strings.Repeat("n", 257) }, "signature.features[1].name: has 257 bytes, at most 256 are allowed"},
	{"two features of a name", func(m *modelv1.Model) { m.Signature.Features[2].Name = "water" }, `signature.features[2].name: "water" is also the name of features[1]`},
	{"feature of no kind", func(m *modelv1.Model) { m.Signature.Features[2].Kind = nil }, "signature.features[2]: neither numeric nor categorical"},
	{"min without max", func(m *modelv1.Model) { numeric(m).Max = nil }, "signature.features[0]: min and max are given together or not at all"},
	{"max without min", func(m *modelv1.Model) { numeric(m).Min = nil }, "signature.features[0]: min and max are given together or not at all"},
	{"min above max", func(m *modelv1.Model) { numeric(m).Min = proto.Float64(62) }, "signature.features[0].range: 62 to 61.5 is not a range of finite numbers"},
	{"infinite max", func(m *modelv1.Model) { numeric(m).Max = proto.Float64(math.Inf(1)) }, "signature.features[0].range: 0 to +Inf is not a range of finite numbers"},
	{"impute that is no number", func(m *modelv1.Model) { numeric(m).Impute = proto.Float64(math.NaN()) }, "signature.features[0].impute: NaN is not a finite number"},
	{"impute that is no category", func(m *modelv1.Model) { categorical(m).Impute = proto.String("tap") }, `signature.features[1]: impute "tap" is none of the categories`},
	{"empty impute", func(m *modelv1.Model) { categorical(m).Impute = proto.String("") }, `signature.features[1]: impute "" is none of the categories`},
	{"other that is no category", func(m *modelv1.Model) { categorical(m).Other = proto.String("tap") }, `signature.features[1]: other "tap" is none of the categories`},
	{"empty other", func(m *modelv1.Model) { categorical(m).Other = proto.String("") }, `signature.features[1]: other "" is none of the categories`},
	{"no categories", func(m *modelv1.Model) { categorical(m).Categories = nil }, "signature.features[1]: a categorical feature needs at least one category"},
	{"empty category", func(m *modelv1.Model) { categorical(m).Categories[0] = "" }, "signature.features[1].categories[0]: is empty"},
	{"category twice", func(m *modelv1.Model) { categorical(m).Categories[0] = "salt" }, `signature.features[1].categories[1]: "salt" stands at 0 too`},

	{"no classes", func(m *modelv1.Model) { m.Classes = nil }, "classes: a classifier needs at least two, has 0"},
	{"one class", func(m *modelv1.Model) { m.Classes = m.Classes[:1] }, "classes: a classifier needs at least two, has 1"},
	{"empty class", func(m *modelv1.Model) { m.Classes[2] = "" }, "classes[2]: is empty"},
	{"class twice", func(m *modelv1.Model) { m.Classes[2] = "carp" }, `classes[2]: "carp" stands at 0 too`},
	{"no weights", func(m *modelv1.Model) { m.Weights = nil }, "weights: has 0 values, expected 12"},
	{"a weight less", func(m *modelv1.Model) { m.Weights = m.Weights[1:] }, "weights: has 11 values, expected 12"},
	{"a weight more", func(m *modelv1.Model) { m.Weights = append(m.Weights, 0) }, "weights: has 13 values, expected 12"},
	{"a category more", func(m *modelv1.Model) { categorical(m).Categories = append(categorical(m).Categories, "tap") }, "weights: has 12 values, expected 15"},
	{"weight that is no number", func(m *modelv1.Model) { m.Weights[7] = math.NaN() }, "weights: value 7 is NaN, expected a finite number"},
	{"infinite weight", func(m *modelv1.Model) { m.Weights[0] = math.Inf(-1) }, "weights: value 0 is -Inf, expected a finite number"},
	{"no intercepts", func(m *modelv1.Model) { m.Intercepts = nil }, "intercepts: has 0 values, expected 3"},
	{"an intercept more", func(m *modelv1.Model) { m.Intercepts = append(m.Intercepts, 0) }, "intercepts: has 4 values, expected 3"},
	{"infinite intercept", func(m *modelv1.Model) { m.Intercepts[2] = math.Inf(1) }, "intercepts: value 2 is +Inf, expected a finite number"},
	{"an unknown link", func(m *modelv1.Model) { m.Link = 7 }, "link: this Sepal does not know link 7: read the file with the Sepal that wrote it, or a newer one"},
	{"one of two against the rest", func(m *modelv1.Model) {
		m.Link, m.Classes, m.Weights, m.Intercepts = modelv1.Link_LINK_ONE_VS_REST, m.Classes[:2], m.Weights[:8], m.Intercepts[:2]
	}, "link: one against the rest needs three classes or more, has 2; a softmax does the same for two"},
	{"golden rows of the other link", func(m *modelv1.Model) { m.Link = modelv1.Link_LINK_ONE_VS_REST }, `golden_rows[0]: gives class "carp" the probability 0.844461022053, expected 0.997986877308: the weights are not those of the trained model`},
	{"short reference row", func(m *modelv1.Model) { m.ReferenceRow = m.ReferenceRow[:3] }, "reference_row: has 3 values, expected 4"},
	{"reference row with no number", func(m *modelv1.Model) { m.ReferenceRow[3] = math.NaN() }, "reference_row: value 3 is NaN, expected a finite number"},

	{"no regularisation", func(m *modelv1.Model) { m.Training.RegularisationC = 0 }, "training.regularisation_c: 0 is not a finite number above 0"},
	{"objective that is no number", func(m *modelv1.Model) { m.Training.Objective = math.NaN() }, "training.objective: NaN is not a finite number of at least 0"},
	{"infinite gradient", func(m *modelv1.Model) { m.Training.GradientMax = math.Inf(1) }, "training.gradient_max: +Inf is not a finite number of at least 0"},
	{"accuracy in percent", func(m *modelv1.Model) { m.Training.HoldOut.Accuracy = 87.5 }, "training.hold_out.accuracy: 87.5 is not from 0 to 1"},
	{"negative log-loss", func(m *modelv1.Model) { m.Training.HoldOut.LogLoss = -1 }, "training.hold_out.log_loss: -1 is not a finite number of at least 0"},
	{"confusion of other classes", func(m *modelv1.Model) { m.Training.HoldOut.Confusion = make([]uint32, 4) }, "training.hold_out.confusion: has 4 values, expected 9"},
	{"one fold", func(m *modelv1.Model) { m.Training.CrossValidation.Folds = 1 }, "training.cross_validation.folds: 1 is not 2 or more"},
	{"mean accuracy above 1", func(m *modelv1.Model) { m.Training.CrossValidation.AccuracyMean = 1.01 }, "training.cross_validation.accuracy_mean: 1.01 is not from 0 to 1"},
	{"infinite spread", func(m *modelv1.Model) { m.Training.CrossValidation.AccuracySd = math.Inf(1) }, "training.cross_validation.accuracy_sd: +Inf is not a finite number of at least 0"},
	{"mean log-loss that is no number", func(m *modelv1.Model) { m.Training.CrossValidation.LogLossMean = math.NaN() }, "training.cross_validation.log_loss_mean: NaN is not a finite number of at least 0"},
	{"no regularisation of a number", func(m *modelv1.Model) { m.Training.RegularisationC, m.Training.Unpenalised = math.NaN(), true }, "training.regularisation_c: NaN is not a finite number of at least 0"},
	{"L1 in percent", func(m *modelv1.Model) { m.Training.L1Ratio = 50 }, "training.l1_ratio: 50 is not from 0 to 1"},
	{"negative gap", func(m *modelv1.Model) { m.Training.ObjectiveGap = proto.Float64(-1e-9) }, "training.objective_gap: -1e-09 is not a finite number of at least 0"},
	{"infinite gap", func(m *modelv1.Model) { m.Training.ObjectiveGap = proto.Float64(math.Inf(1)) }, "training.objective_gap: +Inf is not a finite number of at least 0"},
	{"weights of two classes", func(m *modelv1.Model) { m.Training.ClassWeights = []float64{1, 2} }, "training.class_weights: has 2 values, expected none or 3"},
	{"class of no weight", func(m *modelv1.Model) { m.Training.ClassWeights[2] = 0 }, "training.class_weights[2]: 0 is not a finite number above 0"},
	{"class weight that is no number", func(m *modelv1.Model) { m.Training.ClassWeights[0] = math.NaN() }, "training.class_weights[0]: NaN is not a finite number above 0"},
	{"absolute zero", func(m *modelv1.Model) { m.Training.Temperature = proto.Float64(0) }, "training.temperature: 0 is not a finite number above 0"},
	{"infinite temperature", func(m *modelv1.Model) { m.Training.Temperature = proto.Float64(math.Inf(1)) }, "training.temperature: +Inf is not a finite number above 0"},
	{"F1 above 1", func(m *modelv1.Model) { m.Training.HoldOut.MacroF1 = 1.01 }, "training.hold_out.macro_f1: 1.01 is not from 0 to 1"},
	{"area that is no number", func(m *modelv1.Model) { m.Training.HoldOut.RocAuc = proto.Float64(math.NaN()) }, "training.hold_out.roc_auc: NaN is not from 0 to 1"},
	{"Brier score above 2", func(m *modelv1.Model) { m.Training.HoldOut.Brier = 2.01 }, "training.hold_out.brier: 2.01 is not from 0 to 2"},
	{"negative calibration error", func(m *modelv1.Model) { m.Training.HoldOut.CalibrationError = -0.1 }, "training.hold_out.calibration_error: -0.1 is not from 0 to 1"},
	{"mean confidence above 1", func(m *modelv1.Model) { m.Training.HoldOut.MeanConfidence = 1.5 }, "training.hold_out.mean_confidence: 1.5 is not from 0 to 1"},
	{"nine bins", func(m *modelv1.Model) { m.Training.HoldOut.Reliability = bins()[1:] }, "training.hold_out.reliability: has 9 values, expected none or 10"},
	{"bin of infinite confidence", func(m *modelv1.Model) { m.Training.HoldOut.Reliability[9].MeanConfidence = math.Inf(1) }, "training.hold_out.reliability[9].mean_confidence: +Inf is not from 0 to 1"},
	{"bin of an accuracy in percent", func(m *modelv1.Model) { m.Training.HoldOut.Reliability[5].Accuracy = 50 }, "training.hold_out.reliability[5].accuracy: 50 is not from 0 to 1"},
	{"tuning by one fold", func(m *modelv1.Model) { m.Training.Tuning.Folds = 1 }, "training.tuning.folds: 1 is not 2 or more"},
	{"tuning among nothing", func(m *modelv1.Model) { m.Training.Tuning.Points = nil }, "training.tuning.points: is empty, expected at least one"},
	{"tuning with no penalty", func(m *modelv1.Model) { m.Training.Tuning.Points[0].RegularisationC = 0 }, "training.tuning.points[0].regularisation_c: 0 is not a finite number above 0"},
	{"tuning with infinite C", func(m *modelv1.Model) { m.Training.Tuning.Points[1].RegularisationC = math.Inf(1) }, "training.tuning.points[1].regularisation_c: +Inf is not a finite number above 0"},
	{"tuning twice with one C", func(m *modelv1.Model) { m.Training.Tuning.Points[1].RegularisationC = 0.1 }, "training.tuning.points[1].regularisation_c: 0.1 does not lie above the one before it, 0.1"},
	{"tuning with the larger C first", func(m *modelv1.Model) { m.Training.Tuning.Points[0].RegularisationC = 10 }, "training.tuning.points[1].regularisation_c: 1 does not lie above the one before it, 10"},
	{"negative loss of a C", func(m *modelv1.Model) { m.Training.Tuning.Points[0].LogLossMean = -1 }, "training.tuning.points[0].log_loss_mean: -1 is not a finite number of at least 0"},
	{"spread of a C that is no number", func(m *modelv1.Model) { m.Training.Tuning.Points[0].LogLossSd = math.NaN() }, "training.tuning.points[0].log_loss_sd: NaN is not a finite number of at least 0"},
	{"accuracy of a C above 1", func(m *modelv1.Model) { m.Training.Tuning.Points[1].AccuracyMean = 2 }, "training.tuning.points[1].accuracy_mean: 2 is not from 0 to 1"},

	{"profile of two features", func(m *modelv1.Model) { m.Reference.Features = m.Reference.Features[:2] }, "reference.features: has 2 profiles, expected 3"},
	{"edges of categories", func(m *modelv1.Model) { m.Reference.Features[1].Edges = []float64{1} }, "reference.features[1].edges: has 1 values, expected none for a categorical feature"},
	{"as many shares as edges", func(m *modelv1.Model) { m.Reference.Features[0].Shares = []float64{0.5, 0.5} }, "reference.features[0].shares: has 2 values, expected 3"},
	{"shares of other categories", func(m *modelv1.Model) { m.Reference.Features[1].Shares = []float64{1} }, "reference.features[1].shares: has 1 values, expected 2"},
	{"no shares", func(m *modelv1.Model) { m.Reference.Features[2].Shares = nil }, "reference.features[2].shares: has 0 values, expected 1"},
	{"equal edges", func(m *modelv1.Model) { m.Reference.Features[0].Edges[1] = 10 }, "reference.features[0].edges[1]: 10 does not lie above the edge before it, 10"},
	{"infinite edge", func(m *modelv1.Model) { m.Reference.Features[0].Edges[0] = math.Inf(-1) }, "reference.features[0].edges[0]: -Inf is not a finite number"},
	{"edge that is no number", func(m *modelv1.Model) { m.Reference.Features[0].Edges[1] = math.NaN() }, "reference.features[0].edges[1]: NaN is not a finite number"},
	{"negative share", func(m *modelv1.Model) { m.Reference.Features[1].Shares = []float64{-0.5, 1.5} }, "reference.features[1].shares[0]: -0.5 is not from 0 to 1"},
	{"shares of half", func(m *modelv1.Model) { m.Reference.Features[1].Shares = []float64{0.25, 0.25} }, "reference.features[1].shares: has the sum 0.5, expected 1"},
	{"missing share above 1", func(m *modelv1.Model) { m.Reference.Features[0].MissingShare = 2 }, "reference.features[0].missing_share: 2 is not from 0 to 1"},
	{"class shares of two", func(m *modelv1.Model) { m.Reference.PredictedClassShares = []float64{0.5, 0.5} }, "reference.predicted_class_shares: has 2 values, expected 3"},
	{"class shares that are no numbers", func(m *modelv1.Model) { m.Reference.PredictedClassShares[2] = math.NaN() }, "reference.predicted_class_shares[2]: NaN is not from 0 to 1"},
	{"confidence above 1", func(m *modelv1.Model) { m.Reference.MeanConfidence = 1.5 }, "reference.mean_confidence: 1.5 is not from 0 to 1"},

	{"golden row too short", func(m *modelv1.Model) { m.GoldenRows[1].Features = []float64{1, 1} }, "golden_rows[1].features: has 2 values, expected 3"},
	{"golden row without probabilities", func(m *modelv1.Model) { m.GoldenRows[0].Probabilities = nil }, "golden_rows[0].probabilities: has 0 values, expected 3"},
	{"golden row of no number", func(m *modelv1.Model) { m.GoldenRows[0].Features[2] = math.NaN() }, "golden_rows[0].features[2]: NaN is not a finite number"},
	{"golden row of no category", func(m *modelv1.Model) { m.GoldenRows[0].Features[1] = 2 }, "golden_rows[0].features[1]: 2 is not the position of a category, 0 to 1"},
	{"golden row that overflows", func(m *modelv1.Model) { m.Weights[0], m.GoldenRows[0].Features[0] = 1e300, 1e300 }, `golden_rows[0].features: makes the logit of class "carp" overflow`},
	{"golden probability that is no number", func(m *modelv1.Model) { m.GoldenRows[0].Probabilities = []float64{math.NaN(), 0, 0} }, `golden_rows[0]: gives class "carp" the probability 0.997986877308, expected NaN: the weights are not those of the trained model`},
	{"a weight with its sign flipped", func(m *modelv1.Model) { m.Weights[0] = -m.Weights[0] }, `golden_rows[0]: gives class "carp" the probability 0.881431144138, expected 0.997986877308: the weights are not those of the trained model`},
}

func numeric(m *modelv1.Model) *modelv1.NumericFeature {
	return m.GetSignature().GetFeatures()[0].GetNumeric()
}

func categorical(m *modelv1.Model) *modelv1.CategoricalFeature {
	return m.GetSignature().GetFeatures()[1].GetCategorical()
}

// Each way to a model refuses it with the same words.
func TestWrongModelsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range wrongModels {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := fish()
			test.change(m)
			_, err := native.Compile(m)
			requireRefused(t, err, test.err)
			for _, format := range formats {
				data, err := native.Encode(m, format)
				if data != nil {
					t.Error("it was written")
				}
				requireRefused(t, err, test.err)
			}
			binary, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = native.Decode(binary)
			requireRefused(t, err, test.err)
			text, err := protojson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = native.Decode(text)
			requireRefused(t, err, test.err)
		})
	}
}

func TestNoMessageIsRefused(t *testing.T) {
	t.Parallel()
	_, err := native.Encode(nil, native.Binary)
	requireRefused(t, err, "the file has format version 0; this Sepal reads version 1")
}

// What this version does not know would be lost, or is damage: it never passes in silence.
func TestUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	tests := map[string]struct {
		at  func(m *modelv1.Model) proto.Message
		err string
	}{
		"feature":      {func(m *modelv1.Model) proto.Message { return m.GetSignature().GetFeatures()[1] }, "signature.features[1]: "},
		"kind":         {func(m *modelv1.Model) proto.Message { return categorical(m) }, "signature.features[1].categorical: "},
		"report":       {func(m *modelv1.Model) proto.Message { return m.GetTraining().GetHoldOut() }, "training.hold_out: "},
		"profile":      {func(m *modelv1.Model) proto.Message { return m.GetReference().GetFeatures()[2] }, "reference.features[2]: "},
		"golden row":   {func(m *modelv1.Model) proto.Message { return m.GetGoldenRows()[0] }, "golden_rows[0]: "},
		"of the model": {func(m *modelv1.Model) proto.Message { return m }, "the file "},
	}
	const problem = "holds fields that this Sepal does not know: it was written by a newer one, or is damaged"
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := fish()
			test.at(m).ProtoReflect().SetUnknown(unknown)
			_, err := native.Encode(m, native.Binary)
			requireRefused(t, err, test.err+problem)
			data, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			want := test.err + problem
			if name == "of the model" {
				want = "the file is no Sepal model, or one of a newer Sepal: it begins like a Sepal model"
			}
			_, _, err = native.Decode(data)
			requireRefused(t, err, want)
		})
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	m := fish()
	m.Signature.Features[0].Description = "caf\xe9"
	for name, format := range formats {
		_, err := native.Encode(m, format)
		if err == nil || !strings.HasPrefix(err.Error(), "the file cannot be written: ") || !strings.Contains(err.Error(), "invalid UTF-8") {
			t.Errorf("%s: got error %v", name, err)
		}
		requireOneLine(t, err)
	}
}

func TestErrorsQuoteLittleOfTheFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 100_000)
	for name, data := range map[string]string{
		"name":  `{"formatVersion": 1, "name": "` + long + `"}`,
		"token": `{"weights": ["` + long + `"]}`,
		"field": `{"` + long + `": 1}`,
	} {
		_, _, err := native.Decode([]byte(data))
		requireOneLine(t, err)
		if len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"iris": true, "0": true, "a.b-c_d": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, ".iris": false, "-iris": false, "_iris": false, "Iris": false,
		"iris ": false, "iris\n": false, "a/b": false, "..": false, "bücher": false,
	} {
		if err := native.CheckName(name); (err == nil) != ok {
			t.Errorf("%q: got error %v, expected a good name: %t", name, err, ok)
		}
	}
	for version, ok := range map[string]bool{
		"v1.0.0": true, "v0.0.0": true, "v10.20.30": true, "v1.0.0-rc.1": true, "v1.0.0+2026.11.23": true, "v1.0.0-rc.1+a": true,
		"": false, "v1": false, "v1.0": false, "1.0.0": false, "v01.0.0": false, "v1.0.0-": false, "v1.0.0 ": false, "latest": false,
		"v1.0.0\n": false, "v1.0.0/..": false, "v1.0.0-" + strings.Repeat("a", 58): false,
	} {
		if err := native.CheckVersion(version); (err == nil) != ok {
			t.Errorf("%q: got error %v, expected a good version: %t", version, err, ok)
		}
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]native.Format{
		"model.binpb": native.Binary, "a/b.c/model.JSON": native.JSON, ".json": native.JSON,
	} {
		if got, err := native.FormatOf(path); err != nil || got != want {
			t.Errorf("%s: got %d, %v, expected %d", path, got, err, want)
		}
	}
	for path, want := range map[string]string{
		"iris":        `iris: the extension of a model file is .binpb or .json, not ""`,
		"m.json/x":    `m.json/x: the extension of a model file is .binpb or .json, not ""`,
		"iris.pkl":    `iris.pkl: the extension of a model file is .binpb or .json, not ".pkl"`,
		"model.json~": `model.json~: the extension of a model file is .binpb or .json, not ".json~"`,
	} {
		if _, err := native.FormatOf(path); err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, expected %s", path, err, want)
		}
	}
}

func requireRefused(t *testing.T, err error, want string) {
	t.Helper()
	requireOneLine(t, err)
	if err.Error() != want {
		t.Errorf("got error\n\t%s\nexpected\n\t%s", err, want)
	}
}

func requireOneLine(t *testing.T, err error) {
	t.Helper()
	var refused *native.FormatError
	if !errors.As(err, &refused) {
		t.Fatalf("got error %v, expected a *FormatError", err)
	}
	text := err.Error()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "\u00a0") {
		t.Errorf("the error is not one plain line: %q", err)
	}
}
