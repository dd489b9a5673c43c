package interop_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// TestH2Load has h2load send thousands of requests over a few connections, each with many streams:
// all are answered.
func TestH2Load(t *testing.T) {
	t.Parallel()
	h2load := installed(t, "h2load", "nghttp2-client")
	message, err := proto.Marshal(&predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	if err != nil {
		t.Fatal(err)
	}
	grpc := write(t, "grpc", append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...))
	asJSON := write(t, "json", []byte(row))
	const requests = 2000
	onNative(t, func(t *testing.T, p *process) {
		for name, arguments := range map[string][]string{
			"gRPC": {"-d", grpc, "-H", "content-type: application/grpc+proto", "-H", "te: trailers", p.url() + predictPath},
			"JSON": {"-d", asJSON, "-H", "content-type: application/json", p.url() + predictPath},
			"GET":  {p.url() + "/livez"},
			// Each stream, and the connection, may be sent a kilobyte at a time.
			"pages by small windows": {"-w", "10", "-W", "10", p.url() + "/"},
			// More streams than the server takes, of a client that knows how many that are.
			"many streams": {"-m", "250", p.url() + "/livez"},
		} {
			out := run(t, h2load, append([]string{"-n", fmt.Sprint(requests), "-c", "4", "-m", "50"}, arguments...)...)
			for _, want := range []string{
				fmt.Sprintf("requests: %[1]d total, %[1]d started, %[1]d done, %[1]d succeeded, 0 failed, 0 errored, 0 timeout", requests),
				fmt.Sprintf("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx", requests),
			} {
				if !strings.Contains(out, want) {
					t.Errorf("%s: expected %q:\n%s", name, want, out)
				}
			}
		}
	})
}
