package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// testCase is a call and what must come of it; see testdata/cases/README.md.
type testCase struct {
	Name     string          `json:"name"`
	RPC      string          `json:"rpc"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response,omitempty"`
	Error    *caseError      `json:"error,omitempty"`
}

type caseError struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	Violations []caseViolation `json:"violations,omitempty"`
}

type caseViolation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

type caseFile struct {
	Cases []testCase `json:"cases"`
}

// TestCases runs every case of testdata/cases in every protocol, by every server of HTTP/2.
func TestCases(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	other := testenv.Start(t, testenv.Through(testenv.Options(), doors.NetHTTP))
	if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
		updateCases(t, env)
	}
	for path, file := range readCases(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			for _, c := range file.Cases {
				for _, w := range testenv.Ways() {
					t.Run(c.Name+"/"+w.Name, func(t *testing.T) {
						t.Parallel()
						env := env
						if w.Door == doors.NetHTTP {
							env = other
						}
						response, callErr := outcome(t, env.Caller(t, w.Protocol), c)
						if diff := cmp.Diff(c.Error, callErr); diff != "" {
							t.Errorf("error (-want +got):\n%s", diff)
						}
						if diff := cmp.Diff(decode(t, c.Response), decode(t, response), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
							t.Errorf("response (-want +got):\n%s", diff)
						}
					})
				}
			}
		})
	}
}

// outcome makes the call and returns its response or its error, in the form of a case.
func outcome(t *testing.T, caller *testenv.Caller, c testCase) (json.RawMessage, *caseError) {
	t.Helper()
	message, err := caller.Call(t.Context(), c.RPC, c.Request)
	var made *connect.Error
	switch {
	case errors.As(err, &made):
		return nil, describe(t, made)
	case err != nil:
		t.Fatal(err)
	}
	if described, ok := message.(*registryv1.GetVersionResponse); ok {
		described.GetVersion().ModifiedTime = nil // another one in each clone
	}
	data, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return data, nil
}

func describe(t *testing.T, made *connect.Error) *caseError {
	t.Helper()
	described := &caseError{Code: made.Code().String(), Message: made.Message()}
	for _, detail := range made.Details() {
		value, err := detail.Value()
		if err != nil {
			t.Fatal(err)
		}
		bad, ok := value.(*errdetails.BadRequest)
		if !ok {
			t.Fatalf("detail is a %T", value)
		}
		for _, v := range bad.GetFieldViolations() {
			described.Violations = append(described.Violations, caseViolation{Field: v.GetField(), Description: v.GetDescription()})
		}
	}
	return described
}

func decode(t *testing.T, data json.RawMessage) any {
	t.Helper()
	if data == nil {
		return nil
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func readCases(t *testing.T) map[string]caseFile {
	t.Helper()
	paths, err := filepath.Glob(testenv.Testdata("cases", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in testdata/cases (%v)", err)
	}
	files := make(map[string]caseFile, len(paths))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file caseFile
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files[path] = file
	}
	return files
}

// updateCases writes what the server answers into the cases, in place of what they expect.
func updateCases(t *testing.T, env *testenv.Env) {
	t.Helper()
	caller := env.Caller(t, testenv.Protocols()[0])
	for path, file := range readCases(t) {
		for i, c := range file.Cases {
			file.Cases[i].Response, file.Cases[i].Error = outcome(t, caller, c)
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
