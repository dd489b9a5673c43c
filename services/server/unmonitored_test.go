package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestUnmonitoredServersCountNothing shows that what benchmarks compare with answers like any other
// server, and is not watched.
func TestUnmonitoredServersCountNothing(t *testing.T) {
	t.Parallel()
	for _, unmonitored := range []bool{false, true} {
		o := testenv.Options()
		o.Unmonitored = unmonitored
		env := testenv.Start(t, o)
		for _, p := range testenv.Protocols() {
			if err := predictRow(t.Context(), env.Prediction(t, p)); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
		response, err := testenv.HTTPClient(t, false).Get(env.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("metrics: %s, %v", response.Status, err)
		}
		_ = response.Body.Close()
		counted := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "sepal_requests_total") || strings.HasPrefix(line, "sepal_predictions_total") {
				counted = counted || !strings.HasSuffix(strings.TrimSpace(line), " 0")
			}
		}
		if counted == unmonitored {
			t.Errorf("unmonitored %t: requests are counted: %t", unmonitored, counted)
		}
	}
}
