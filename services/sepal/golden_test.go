package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

const (
	iris = "-m $TESTDATA/models --model iris --model-version v1.0.0"
	loan = "-m $TESTDATA/models --model loan"

	applicants = `id,age,income_eur,employment
a,30,50000,employed
b,41,,NA
c,thirty,12000,unemployed

d,55,12000
e,,12000,astronaut
f,55,12000,unemployed
`
)

// blossoms are not those that the iris model was trained on; a line is none of them.
var blossoms = "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm\n" +
	strings.Repeat("5.1,3.5,1.4,0.2\n9.9,2.6,4.7,1.3\n6.1,3,4.6,1.4\n", 20) + "5.1,3.5,1.4,wide\n"

// trainGolden is the file of TestTrainIrisGolden, whose output has more that changes.
const trainGolden = "train_iris.txt"

// goldens are commands whose whole output is kept in testdata/golden.
var goldens = []struct {
	name, args, stdin string
}{
	{name: "help", args: "help"},
	{name: "help_serve", args: "help serve"},
	{name: "help_train", args: "help train"},
	{name: "help_import", args: "help import"},
	{name: "help_predict", args: "predict --help"},
	{name: "help_models", args: "help models"},
	{name: "help_models_list", args: "help models list"},
	{name: "help_models_show", args: "models show --help"},
	{name: "help_models_publish", args: "help models publish"},
	{name: "help_models_import", args: "help models import"},
	{name: "help_models_promote", args: "help models promote"},
	{name: "help_models_split", args: "help models split"},
	{name: "help_models_shadow", args: "help models shadow"},
	{name: "help_models_label", args: "help models label"},
	{name: "help_models_rollback", args: "help models rollback"},
	{name: "help_models_history", args: "help models history"},
	{name: "help_models_verify", args: "help models verify"},
	{name: "help_bench", args: "help bench"},
	{name: "help_inspect", args: "inspect -h"},
	{name: "help_token", args: "help token"},
	{name: "help_token_new", args: "help token new"},
	{name: "help_token_key", args: "help token key"},
	{name: "help_token_sign", args: "help token sign"},
	{name: "help_token_show", args: "help token show"},
	{name: "help_version", args: "help version"},
	{name: "help_health", args: "help health"},
	{name: "refused_health_server", args: "health --server ftp://localhost"},
	{name: "refused_health_ca", args: "health --server http://localhost:50051 --ca $TESTDATA/none.pem"},
	{name: "refused_health_timeout", args: "health --timeout 0s"},
	{name: "refused_health_down", args: "health --server 127.0.0.1:1"},

	{name: "predict_text", args: "predict 5.1 3.5 1.4 0.2 " + iris},
	{name: "predict_text_top_0", args: "predict 5.1 3.5 1.4 0.2 --top-k 0 " + iris},
	{name: "predict_text_explain", args: "predict petal_length_cm=4.9 petal_width_cm=1.5 sepal_length_cm=6.3 sepal_width_cm=-1 --explain " + iris},
	{name: "predict_text_imputed", args: "predict NA employed 30 --explain " + loan},
	{name: "predict_text_negative", args: "predict -1 -.5 -1e3 0 " + iris},
	{name: "predict_pickle", args: "predict 5.1 3.5 1.4 0.2 -m $TESTDATA/models-elsewhere/sklearn/iris_pipe_sk1.2.1_p4.pkl"},
	{name: "predict_onnx", args: "predict 5.1 3.5 1.4 0.2 -m $TESTDATA/models-elsewhere/onnx/iris_scaler_linear_zipmap.onnx"},
	{name: "predict_json", args: "predict 5.1 3.5 1.4 0.2 -o json --top-k 2 " + iris},
	{name: "predict_json_explain", args: "predict 50000 self-employed 30 -o json --explain " + loan},
	{name: "predict_csv_of_values", args: "predict 5.1 3.5 1.4 0.2 -o csv " + iris},
	{name: "predict_csv_file", args: "predict --csv $TESTDATA/datasets/iris.csv --top-k 1 " + iris},
	{name: "predict_csv_bad_rows", args: "predict --csv - " + loan, stdin: applicants},
	{name: "predict_json_bad_rows", args: "predict -o json --top-k 1 " + loan, stdin: applicants},
	{name: "predict_csv_header_only", args: "predict " + loan, stdin: "age,income_eur,employment\n"},
	{name: "predict_csv_broken_quote", args: "predict " + loan, stdin: "age,income_eur,employment\n30,50000,employed\n31,50000,\"emp\n"},

	{name: "inspect", args: "inspect $TESTDATA/models/iris/v1.0.0/model.binpb"},
	{name: "inspect_joblib", args: "inspect $TESTDATA/models-elsewhere/sklearn/breast_cancer_pipe_sk1.9.0.joblib"},
	{name: "inspect_categorical", args: "inspect $TESTDATA/models --model loan"},
	{name: "inspect_json", args: "inspect --json $TESTDATA/models/loan/v1.0.0/model.json"},
	{name: "inspect_chosen", args: "inspect $TESTDATA/models-reported/customers.json"},
	{name: "inspect_chosen_json", args: "inspect --json $TESTDATA/models-reported/customers.json"},

	{name: "help_drift", args: "help drift"},
	{name: "drift_stable", args: "drift $TESTDATA/datasets/iris.csv --min-rows 100 " + iris},
	{name: "drift_not_enough", args: "drift $TESTDATA/datasets/iris.csv " + iris},
	{name: "drift_drifted", args: "drift - --min-rows 50 " + iris, stdin: blossoms},
	{name: "drift_json", args: "drift - --min-rows 50 --json " + iris, stdin: blossoms},
	{name: "drift_bad_rows", args: "drift - " + loan, stdin: applicants},
	{name: "drift_only_bad_rows", args: "drift - " + loan, stdin: "age,income_eur,employment\nold,1,employed\n1,1,astronaut\n"},
	{name: "drift_header_only", args: "drift - " + loan, stdin: "age,income_eur,employment\n"},
	{name: "drift_no_reference", args: "drift - -m $TESTDATA/models-elsewhere/onnx/iris_scaler_linear_zipmap.onnx", stdin: "x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n"},
	{name: "refused_drift_nothing", args: "drift"},
	{name: "refused_drift_both", args: "drift rows.csv --server localhost:50051"},
	{name: "refused_drift_watch", args: "drift rows.csv --watch"},
	{name: "refused_drift_min_rows", args: "drift --min-rows 5 --server localhost:50051"},
	{name: "refused_drift_interval", args: "drift --watch --interval 0s --server localhost:50051"},
	{name: "refused_drift_file", args: "drift $TESTDATA/none.csv"},
	{name: "refused_drift_column", args: "drift - " + loan, stdin: "age,income,employment\n30,1,employed\n"},

	{name: "refused_verb", args: "nonsense"},
	{name: "refused_verb_misspelt", args: "predikt"},
	{name: "refused_help_of_no_verb", args: "help nonsense"},
	{name: "refused_flag", args: "serve --prot 80"},
	{name: "refused_flag_value", args: "serve --port http"},
	{name: "refused_flag_choice", args: "serve --log-level loud"},
	{name: "refused_flag_range", args: "serve --max-batch-rows 0"},
	{name: "refused_flag_negative", args: "serve --drain-delay -1s"},
	{name: "refused_values_and_csv", args: "predict 1 2 3 4 --csv rows.csv"},
	{name: "refused_server_and_path", args: "predict 1 2 3 4 -s localhost:50051 -m model.binpb"},
	{name: "refused_text_of_many", args: "predict -o text"},
	{name: "refused_explain_in_csv", args: "predict --explain"},
	{name: "refused_target", args: "predict 1 2 3 4 --server localhost"},
	{name: "refused_count", args: "predict 5.1 3.5 1.4 " + iris},
	{name: "refused_not_a_number", args: "predict 5.1 wide NaN 1e999 " + iris},
	{name: "refused_missing", args: "predict NA 3.5 1.4 0.2 " + iris},
	{name: "refused_missing_in_csv", args: "predict --top-k 0 " + iris, stdin: "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm\n5.1,NA,1.4,\n"},
	{name: "refused_category", args: "predict 50000 astronaut 30 " + loan},
	{name: "refused_names", args: "predict sepal_length=5.1 sepal_width_cm=3.5 petal_length_cm=1.4 petal_width_cm=0.2 " + iris},
	{name: "refused_name_twice", args: "predict age=1 age=2 " + loan},
	{name: "refused_name_missing", args: "predict age=1 2 " + loan},
	{name: "refused_model", args: "predict 1 2 3 4 -m $TESTDATA/models --model rose"},
	{name: "refused_no_model_named", args: "predict 1 2 3 4 -m $TESTDATA/models"},
	{name: "refused_version", args: "predict 1 2 3 -m $TESTDATA/models --model loan --model-version v9.0.0"},
	{name: "refused_csv_empty", args: "predict " + iris},
	{name: "refused_csv_column", args: "predict " + loan, stdin: "age,income,employment\n30,1,employed\n"},
	{name: "refused_csv_file", args: "predict --csv $TESTDATA/none.csv"},
	{name: "refused_bench_foreign", args: "bench -s 192.0.2.1:50051"},
	{name: "refused_bench_target", args: "bench -s ftp://localhost:50051"},
	{name: "refused_bench_loops", args: "bench --rate 100 --concurrency 8"},
	{name: "refused_bench_ends", args: "bench --duration 10s --count 8"},
	{name: "refused_bench_zero", args: "bench --rate 0"},
	{name: "refused_bench_http", args: "bench --protocol grpc --http 1"},
	{name: "refused_bench_matrix", args: "bench --matrix"},
	{name: "refused_bench_in_flight", args: "bench --in-flight 8"},
	{name: "refused_bench_p99", args: "bench --max-p99 -1s"},
	{name: "refused_bench_plot", args: "bench --plot latency.png"},
	{name: "refused_subject_and_version", args: "predict 1 2 3 4 --subject-id user-7 --model-version v1.0.0"},
	{name: "refused_subject", args: "predict 5.1 3.5 1.4 0.2 --subject-id " + strings.Repeat("x", 257)},
	{name: "predict_text_explain_imported", args: "predict 6 3 5 1.8 --explain -m $TESTDATA/models-elsewhere/onnx/skl_ovr.onnx"},
	{name: "refused_models_nowhere", args: "models list"},
	{name: "refused_models_two_places", args: "models list --registry $TESTDATA/models --server localhost:50051"},
	{name: "refused_models_no_verb", args: "models"},
	{name: "refused_models_none_named", args: "models show -r $TESTDATA/models"},
	{name: "refused_models_single_file", args: "models label best=v1.0.0 --actor ada -r $TESTDATA/models/iris/v1.0.0/model.binpb"},
	{name: "refused_models_share", args: "models split v1.1.0=0.001 -r $TESTDATA/models --model iris"},
	{name: "refused_models_registry", args: "models list -r $TESTDATA/none"},
	{name: "refused_models_target", args: "models list -s localhost"},
	{name: "refused_model_file", args: "inspect $TESTDATA/datasets/iris.csv"},
}

// TestGolden runs commands and compares all they write with files, numbers to 1e-9.
func TestGolden(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"README.md": true, trainGolden: true}
	for _, script := range modelsScripts {
		known[script.golden()] = true
	}
	for _, g := range goldens {
		file := g.name + ".txt"
		known[file] = true
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			got := sepalCommand(t, g.stdin, strings.Fields(g.args)...).String()
			got = "$ sepal " + g.args + "\n" + strings.ReplaceAll(got, testenv.Testdata(), testdataMark)
			path := testenv.Testdata("golden", file)
			if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(pieces(string(want)), pieces(got), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("-want +got:\n%s\ngot:\n%s", diff, got)
			}
		})
	}
	paths, err := filepath.Glob(testenv.Testdata("golden", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !known[filepath.Base(path)] {
			t.Errorf("%s belongs to no command", path)
		}
	}
}

var fraction = regexp.MustCompile(`\d+\.\d+(e-\d+)?`)

// pieces splits a text into the fractions in it, whose last digits may differ from one kind of
// processor to the next, and what stands between them.
func pieces(text string) []any {
	var all []any
	for at := fraction.FindStringIndex(text); at != nil; at = fraction.FindStringIndex(text) {
		v, err := strconv.ParseFloat(text[at[0]:at[1]], 64)
		if err != nil {
			v = math.NaN()
		}
		all = append(all, text[:at[0]], v)
		text = text[at[1]:]
	}
	return append(all, text)
}
