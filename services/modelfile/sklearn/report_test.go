package sklearn_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
)

func TestReport(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]sklearn.Report{
		"iris_lr_sk1.2.1_p2.pkl": {
			Format: "pickle protocol 2", LibraryVersion: "1.2.1", Estimator: "LogisticRegression",
		},
		"iris_pipe_sk1.9.0_zlib.joblib": {
			Format: "joblib, zlib", LibraryVersion: "1.9.0", Estimator: "Pipeline(StandardScaler, LogisticRegression)",
			Folded: []string{`StandardScaler "scaler": mean_ subtracted, divided by scale_`},
		},
		"iris_lr_sk1.2.1_bz2.joblib": {
			Format: "joblib, bzip2", LibraryVersion: "1.2.1", Estimator: "LogisticRegression",
		},
		"frame_sk1.9.1.joblib": {
			Format: "joblib", LibraryVersion: "1.9.1", Estimator: "Pipeline(SimpleImputer, StandardScaler, LogisticRegression)",
			Folded: []string{
				`SimpleImputer "simpleimputer": statistics_ stand in for missing values (mean)`,
				`StandardScaler "standardscaler": mean_ subtracted, divided by scale_`,
			},
			FeatureNames: true,
		},
		"passthrough_sk1.9.1.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.9.1", Estimator: "Pipeline(StandardScaler, LogisticRegression)",
			Folded: []string{`StandardScaler "standardscaler": mean_ subtracted, divided by scale_`},
		},
		"std_nothing_sk1.9.1.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.9.1", Estimator: "Pipeline(StandardScaler, LogisticRegression)",
			Folded: []string{`StandardScaler "standardscaler": does nothing`},
		},
		"binary_multinomial_pipe_sk1.2.2.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.2.2", Estimator: "Pipeline(StandardScaler, LogisticRegression)",
			Folded: []string{`StandardScaler "standardscaler": mean_ subtracted, divided by scale_`},
			Notes:  []string{"multi_class='multinomial' on two classes: the first has the weights -coef_, the second coef_"},
		},
		"unconverged_sk1.9.1.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.9.1", Estimator: "LogisticRegression",
			Notes: []string{"the fit stopped at max_iter=3, perhaps before it converged"},
		},
		"ovr_lbfgs_sk1.2.1.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.2.1", Estimator: "LogisticRegression, one against the rest",
		},
		"ovr_pipe_sk1.7.2.pkl": {
			Format: "pickle protocol 5", LibraryVersion: "1.7.2", Estimator: "Pipeline(StandardScaler, LogisticRegression), one against the rest",
			Folded: []string{`StandardScaler "standardscaler": mean_ subtracted, divided by scale_`},
		},
		"binary_ovr_sk1.2.2.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.2.2", Estimator: "LogisticRegression",
		},
		"far_sk1.9.1.pkl": {
			Format: "pickle protocol 4", LibraryVersion: "1.9.1", Estimator: "Pipeline(StandardScaler, LogisticRegression)",
			Folded: []string{`StandardScaler "standardscaler": mean_ subtracted, divided by scale_`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, err := sklearn.Decode(read(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if name == "far_sk1.9.1.pkl" {
				if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "folding moves intercepts by") {
					t.Errorf("notes %q, expected one of the digits that folding costs", got.Notes)
				}
				got.Notes = nil
			}
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("%+v, expected %+v", *got, want)
			}
		})
	}
}

func TestFeatureNamesAndStandIns(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"frame_sk1.9.1.joblib":                 {"sepal länge", "b", "c", "d"},
		"frame_sk0.24.2.joblib":                {"x0", "x1", "x2", "x3"}, // knew no names yet
		"frame_p5_sk1.2.2.pkl":                 {"sepal länge", "b", "c", "d"},
		"iris_feature_names_in_sk1.2.1.joblib": nil,
	} {
		model, report, err := sklearn.Decode(read(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, f := range model.Signature().Features() {
			got = append(got, f.Name)
			if stands := f.Impute != nil; stands != (want != nil) {
				t.Errorf("%s: %s has a stand-in: %v", name, f.Name, stands)
			}
		}
		if want != nil && !slices.Equal(got, want) {
			t.Errorf("%s: features %q, expected %q", name, got, want)
		}
		if report.FeatureNames != (got[0] != "x0") {
			t.Errorf("%s: FeatureNames is %v, the features are %q", name, report.FeatureNames, got)
		}
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                         false,
		"\x80":                     false,
		"\x80\x04":                 false,
		"\x80\x04\x95":             true,
		"\x80\x05\xff":             false,
		"\x80\x06\x95":             false,
		"\x80\x01N":                false,
		"x,y\n1,2\n":               false,
		"x\x9c":                    false,
		"\x1f\x8b\x08\x00":         false,
		"BZh91AY":                  false,
		"\xfd7zXZ\x00":             true,
		"{\"format\": 1}":          false,
		"\x08\x08\x12\x07skl2onnx": false,
	} {
		if got := sklearn.Sniff([]byte(text)); got != want {
			t.Errorf("Sniff(%q) is %v", text, got)
		}
	}
	if sklearn.Sniff(compressed(toGzip, "a,b\n", 100)) {
		t.Error("Sniff takes a compressed table for a model")
	}
	if csv, err := os.ReadFile("../../../testdata/datasets/iris.csv"); err != nil || sklearn.Sniff(csv) {
		t.Errorf("Sniff takes a table for a model, or %v", err)
	}
}
