package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestPredictFollowsTheRollout has a variant that gets everything, and a shadow.
func TestPredictFollowsTheRollout(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.ModelPath, o.DefaultModel = irisRegistry(t), ""
	env := testenv.Start(t, o)
	where := " -s " + env.Address
	must(t, "models publish "+irisV2+" --model-version v1.2.0"+where)
	must(t, "models split canary:v1.1.0=100"+where)
	must(t, "models shadow v1.2.0"+where)
	const row = "predict 5.1 3.5 1.4 0.2"
	tests := []struct {
		args, want string
		shadowed   int // rows that the shadow has seen, after this
	}{
		{row, "by iris v1.1.0, variant canary\n", 1},
		{row + " --subject-id user-7", "by iris v1.1.0, variant canary\n", 2},
		{row + " --model-version v1.0.0", "by iris v1.0.0\n", 2},
		{"predict -o json", `"modelVersion":"v1.0.0"`, 2},
		{"predict -o json --subject-id user-7", `"modelVersion":"v1.1.0"`, 5},
		{"predict -o json --model-version v1.2.0", `"modelVersion":"v1.2.0"`, 5},
	}
	for _, test := range tests {
		got := sepalCommand(t, manyRows(3), strings.Fields(test.args+where)...)
		if got.code != exitOK || !strings.Contains(got.stdout, test.want) {
			t.Errorf("%s: got %v, expected %q in it", test.args, got, test.want)
		}
		requireParts(t, must(t, "models show"+where), fmt.Sprintf("\nv1.2.0  v1.1.0  %d     100.00 %%", test.shadowed))
	}
	requireParts(t, must(t, row+" -m "+o.ModelPath), "by iris v1.1.0, variant canary\n")
}

// changingServer answers the first batch with one version and others with another, unless they name one.
type changingServer struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	registryv1connect.UnimplementedRegistryServiceHandler

	batches int
}

func (s *changingServer) GetVersion(_ context.Context, r *registryv1.GetVersionRequest) (*registryv1.GetVersionResponse, error) {
	v := &registryv1.ModelVersion{
		Model: "pet", Version: "v1.0.0", Classes: []string{"cat"},
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{{Name: "weight", Kind: &modelv1.Feature_Numeric{Numeric: new(modelv1.NumericFeature)}}}},
	}
	if r.GetVersion() != "" {
		v.Version, v.Classes = r.GetVersion(), []string{"cat", "dog"}
	}
	return &registryv1.GetVersionResponse{Version: v}, nil
}

func (s *changingServer) BatchPredict(_ context.Context, r *predictionv1.BatchPredictRequest) (*predictionv1.BatchPredictResponse, error) {
	s.batches++
	version := r.GetVersion()
	switch {
	case r.GetSubjectId() != "user-7":
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("the subject is missing"))
	case version == "" && s.batches == 1:
		version = "v1.1.0"
	case version == "":
		version = "v1.2.0"
	}
	response := &predictionv1.BatchPredictResponse{Model: "pet", ModelVersion: version}
	for range r.GetRows() {
		response.Results = append(response.Results, &predictionv1.RowResult{Result: &predictionv1.RowResult_Response{
			Response: &predictionv1.PredictResponse{Prediction: "dog of " + version, Scores: []*predictionv1.ClassScore{{Class: "dog", Probability: 1}}},
		}})
	}
	return response, nil
}

// TestOneVersionAnswersAFile changes the rollout in the middle of a file. What answered first has
// classes other than the stable version.
func TestOneVersionAnswersAFile(t *testing.T) {
	t.Parallel()
	s := new(changingServer)
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(s))
	mux.Handle(registryv1connect.NewRegistryServiceHandler(s))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	rows := "weight\n" + strings.Repeat("1\n", 2*chunkRows+1)
	got := sepalCommand(t, rows, "predict", "--subject-id", "user-7", "-s", server.URL)
	if got.code != exitOK || !strings.HasPrefix(got.stdout, "line,prediction,confidence,probability_cat,probability_dog,error\n2,dog of v1.1.0,0,,1,\n") {
		t.Fatalf("got %.300s", got)
	}
	if n := strings.Count(got.stdout, "dog of v1.1.0"); n != 2*chunkRows+1 || s.batches != 4 {
		t.Errorf("v1.1.0 answered %d rows, in %d requests", n, s.batches)
	}
}
