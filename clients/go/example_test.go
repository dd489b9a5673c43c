package sepal_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	sepal "github.com/sepal-ml/sepal/clients/go"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// petals answers as a Sepal server would that serves a model of one feature, petal_length_cm,
// and two classes.
type petals struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
}

func (petals) Predict(
	_ context.Context, req *predictionv1.PredictRequest,
) (*predictionv1.PredictResponse, error) {
	row := req.GetFeatures()
	if inputs := req.GetInputs(); inputs != nil {
		row = []float64{inputs.GetFields()["petal_length_cm"].GetNumberValue()}
	}
	if len(row) != 1 {
		problem := fmt.Sprintf("has %d, expected 1 value (petal_length_cm)", len(row))
		err := connect.NewError(connect.CodeInvalidArgument, errors.New("features "+problem))
		detail, detailErr := connect.NewErrorDetail(&errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{
				Field: "features", Description: problem,
			}},
		})
		if detailErr != nil {
			return nil, detailErr
		}
		err.AddDetail(detail)
		err.Meta().Set("X-Request-Id", "5b1f")
		return nil, err
	}
	virginica := 1 / (1 + math.Exp(4.5-row[0]))
	if virginica < 0.5 {
		return &predictionv1.PredictResponse{Prediction: "setosa", Confidence: 1 - virginica}, nil
	}
	return &predictionv1.PredictResponse{Prediction: "virginica", Confidence: virginica}, nil
}

func (p petals) PredictStream(
	ctx context.Context, stream *connect.BidiStream[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse],
) error {
	for {
		message, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer := new(predictionv1.PredictStreamResponse)
		if response, err := p.Predict(ctx, message.GetRequest()); err != nil {
			answer.Result = &predictionv1.PredictStreamResponse_Error{Error: &predictionv1.RowError{
				Code: connect.CodeOf(err).String(), Message: "features has 2, expected 1 value (petal_length_cm)",
			}}
		} else {
			answer.Result = &predictionv1.PredictStreamResponse_Response{Response: response}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

func (petals) BatchPredict(
	_ context.Context, req *predictionv1.BatchPredictRequest,
) (*predictionv1.BatchPredictResponse, error) {
	result := &predictionv1.MatrixResult{Classes: []string{"setosa", "virginica"}}
	for _, length := range req.GetMatrix().GetValues() {
		virginica := 1 / (1 + math.Exp(4.5-length))
		class := uint32(math.Round(virginica))
		result.ClassIndices = append(result.ClassIndices, class)
		result.Confidences = append(result.Confidences, max(virginica, 1-virginica))
	}
	return &predictionv1.BatchPredictResponse{Matrix: result, Model: "petals", ModelVersion: "v1.0.0"}, nil
}

// startPetals starts a server on a free port of this machine.
func startPetals() *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(petals{}))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	return server
}

func Example() {
	server := startPetals()
	defer server.Close()

	client, err := sepal.Dial(server.Listener.Addr().String()) // such as "localhost:50051"
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	answer, err := client.Predict(context.Background(), sepal.Features(1.4))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %.3f\n", answer.GetPrediction(), answer.GetConfidence())
	// Output: setosa 0.957
}

func ExampleInputs() {
	server := startPetals()
	defer server.Close()

	client, err := sepal.Dial(server.URL, sepal.WithProtocol(sepal.Connect), sepal.WithJSON())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	request, err := sepal.Inputs(map[string]any{"petal_length_cm": 6})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := client.Predict(context.Background(), request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %.3f\n", answer.GetPrediction(), answer.GetConfidence())
	// Output: virginica 0.818
}

func ExampleClient_ClassifyAll() {
	server := startPetals()
	defer server.Close()

	client, err := sepal.Dial(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	rows := []*predictionv1.PredictRequest{sepal.Features(1.4), sepal.Features(5.1, 3.5), sepal.Features(6)}
	for answer, err := range client.ClassifyAll(context.Background(), slices.Values(rows)) {
		switch {
		case err != nil:
			fmt.Println(err)
		case answer.GetError() != nil:
			fmt.Println(answer.GetError().GetMessage())
		default:
			fmt.Println(answer.GetResponse().GetPrediction())
		}
	}
	// Output:
	// setosa
	// features has 2, expected 1 value (petal_length_cm)
	// virginica
}

func ExampleClient_ClassifyTable() {
	server := startPetals()
	defer server.Close()

	client, err := sepal.Dial(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	table := sepal.Table{
		Columns:   1,
		Values:    []float64{1.4, 6, 1.3, 4.4, 5},
		ChunkRows: 2,
		Progress:  func(done, total int) { fmt.Printf("%d of %d\n", done, total) },
	}
	for chunk, err := range client.ClassifyTable(context.Background(), table) {
		if err != nil {
			fmt.Printf("from row %d on: %v\n", chunk.FirstRow, err)
			return
		}
		result := chunk.Response.GetMatrix()
		for i, class := range result.GetClassIndices() {
			fmt.Printf("row %d: %s %.3f\n", chunk.FirstRow+i, result.GetClasses()[class], result.GetConfidences()[i])
		}
	}
	// Output:
	// 2 of 5
	// row 0: setosa 0.957
	// row 1: virginica 0.818
	// 4 of 5
	// row 2: setosa 0.961
	// row 3: setosa 0.525
	// 5 of 5
	// row 4: virginica 0.622
}

func ExampleError() {
	server := startPetals()
	defer server.Close()

	client, err := sepal.Dial(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	_, err = client.Predict(context.Background(), sepal.Features(5.1, 3.5))
	if failure := new(sepal.Error); errors.As(err, &failure) {
		fmt.Println(failure.Code)
		for _, violation := range failure.Violations {
			fmt.Println(violation.Field, "→", violation.Description)
		}
	}
	fmt.Println(err)
	// Output:
	// invalid_argument
	// features → has 2, expected 1 value (petal_length_cm)
	// sepal: invalid_argument: features has 2, expected 1 value (petal_length_cm) (request 5b1f)
}

func ExampleDial_refused() {
	_, err := sepal.Dial("localhost")
	fmt.Println(err)
	// Output:
	// sepal: target "localhost": not a host and a port: expected "host:port", such as "localhost:50051", or a URL that begins with http:// or https://
}

// What follows is the code of README.md, as it stands there: here it is compiled.
var (
	_ = readmePredict
	_ = readmeInputs
	_ = readmeOptions
	_ = readmeToken
	_ = readmeTable
	_ = readmeRollout
)

func readmePredict(ctx context.Context) error {
	client, err := sepal.Dial("localhost:50051")
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := client.Predict(ctx, sepal.Features(5.1, 3.5, 1.4, 0.2))
	if err != nil {
		return err // a *sepal.Error: code, refused fields, request id
	}
	fmt.Println(answer.GetPrediction(), answer.GetConfidence())
	return nil
}

func readmeInputs(ctx context.Context, client *sepal.Client) error {
	request, err := sepal.Inputs(map[string]any{"petal_length_cm": 1.4, "colour": "red", "age": nil})
	if err != nil {
		return err // it names each value that is no finite number, string or nil
	}
	answer, err := client.Predict(ctx, request)
	fmt.Println(answer.GetPrediction())
	return err
}

func readmeOptions(config *tls.Config, token string, vault sepal.TokenSource, tracing connect.Interceptor) []sepal.Option {
	return []sepal.Option{
		sepal.WithTLSConfig(config),
		sepal.WithTLSFiles("ca.pem", "client.pem", "client.key"),
		sepal.WithProtocol(sepal.GRPCWeb),
		sepal.WithProtocol(sepal.Connect),
		sepal.WithJSON(),
		sepal.WithTimeout(time.Minute),
		sepal.WithRetry(sepal.RetryPolicy{MaxAttempts: 5}),
		sepal.WithBearerToken(token),
		sepal.WithTokenSource(vault),
		sepal.WithClearTextToken(),
		sepal.WithInterceptors(tracing),
	}
}

func readmeToken() (*sepal.Client, error) {
	return sepal.Dial("https://sepal.example.com",
		sepal.WithTLSFiles("ca.pem", "", ""),
		sepal.WithTokenSource(sepal.TokenFile("/var/run/secrets/sepal/token")))
}

func readmeTable(ctx context.Context, client *sepal.Client, values []float64) error {
	for chunk, err := range client.ClassifyTable(ctx, sepal.Table{Columns: 4, Values: values}) {
		if err != nil {
			return fmt.Errorf("from row %d on: %w", chunk.FirstRow, err)
		}
		result := chunk.Response.GetMatrix()
		for _, failed := range result.GetErrors() {
			fmt.Println(chunk.FirstRow+int(failed.GetRow()), failed.GetError().GetMessage())
		}
		for i, class := range result.GetClassIndices() {
			if confidence := result.GetConfidences()[i]; confidence > 0 { // 0: the row failed
				fmt.Println(chunk.FirstRow+i, result.GetClasses()[class], confidence)
			}
		}
	}
	return nil
}

func readmeRollout(ctx context.Context, client *sepal.Client) error {
	now, err := client.GetRollout(ctx, "iris")
	if err != nil {
		return err
	}
	wanted := now.GetRollout() // with its etag: one that somebody changed meanwhile is refused
	wanted.Stable = "v1.1.0"
	_, err = client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: wanted, Actor: "ada", Reason: "won the test"})
	return err
}

var (
	goBlock   = regexp.MustCompile("(?s)```go\n(.*?)```")
	goInTable = regexp.MustCompile("`(sepal\\.[^`]*\\))`")
	indented  = regexp.MustCompile(`(?m)^\t+`)
)

func TestREADMEHoldsOnlyCodeThatIsCompiledHere(t *testing.T) {
	t.Parallel()
	readme, here := readText(t, "README.md"), readText(t, "example_test.go")
	flat := indented.ReplaceAllString(here, "")
	blocks := goBlock.FindAllStringSubmatch(readme, -1)
	options := goInTable.FindAllStringSubmatch(goBlock.ReplaceAllString(readme, ""), -1)
	if len(blocks) < 4 || len(options) < 8 {
		t.Fatalf("README.md has %d blocks of Go and %d options, expected at least 4 and 8", len(blocks), len(options))
	}
	for _, code := range slices.Concat(blocks, options) {
		if !strings.Contains(flat, indented.ReplaceAllString(code[1], "")) {
			t.Errorf("example_test.go does not hold this code of README.md:\n%s", code[1])
		}
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
