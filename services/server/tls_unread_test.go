package server_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestAnswersThatNobodyReadsAreLetGoOverTLS asks for more than a connection holds, reads none of it,
// and keeps the connection, as TestAnswersThatNobodyReadsAreLetGo does.
func TestAnswersThatNobodyReadsAreLetGoOverTLS(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	o.RequestTimeout = time.Second
	o.MaxBatchRows = 20_000
	env := testenv.Start(t, o)
	conn := tls.Client(dialUnread(t, env), &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
	body := largeBatch(t, "BatchPredict")
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: %d\r\n\r\n%s", service+"BatchPredict", len(body), body); err != nil {
		t.Fatal(err)
	}
	client := secureClient(t, authority.Pool(), false)
	for _, want := range []string{"1", "0"} {
		inFlight := fmt.Sprintf("sepal_requests_in_flight{rpc=%q} %s\n", service[1:]+"BatchPredict", want)
		for end := time.Now().Add(time.Minute); !strings.Contains(metricsOf(t, client, env.Address), inFlight); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("there are never %s calls in flight, though nobody reads their answers", want)
			}
		}
	}
}

// metricsOf returns what a server that speaks TLS exposes of itself.
func metricsOf(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	response, err := client.Get("https://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
