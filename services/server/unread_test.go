package server_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

const service = "/sepal.prediction.v1.PredictionService/"

// dialUnread connects with a buffer that holds next to nothing of an answer.
func dialUnread(t *testing.T, env *testenv.Env) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", env.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	tcp, _ := conn.(*net.TCPConn)
	if err := tcp.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	return tcp
}

// largeBatch is a request whose answer no connection holds, for either call that takes it.
func largeBatch(t *testing.T, method string) []byte {
	t.Helper()
	batch := &predictionv1.BatchPredictRequest{Explain: true}
	for range 20_000 {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	}
	message := proto.Message(batch)
	if method == "BatchPredictStream" {
		message = &predictionv1.BatchPredictStreamRequest{Batch: batch}
	}
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(data))), data...)
}

func askHTTP1(t *testing.T, env *testenv.Env, method string) {
	t.Helper()
	body := largeBatch(t, method)
	conn := dialUnread(t, env)
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: %d\r\n\r\n%s", service+method, len(body), body); err != nil {
		t.Fatal(err)
	}
}

// askHTTP2 asks over HTTP/2, on a stream that may be sent window bytes.
func askHTTP2(t *testing.T, env *testenv.Env, method string, window uint32) (*net.TCPConn, *http2.Framer) {
	t.Helper()
	conn := dialUnread(t, env)
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, conn)
	var headers bytes.Buffer
	encoder := hpack.NewEncoder(&headers)
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", "sepal"}, {":path", service + method},
		{"content-type", "application/grpc+proto"}, {"te", "trailers"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			t.Fatal(err)
		}
	}
	steps := []error{
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}),
		framer.WriteWindowUpdate(0, 1<<30),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers.Bytes(), EndHeaders: true}),
	}
	body := largeBatch(t, method)
	for len(body) > 0 {
		n := min(len(body), 16<<10)
		steps = append(steps, framer.WriteData(1, len(body) == n, body[:n]))
		body = body[n:]
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	// No more is sent than the megabyte that the server takes of a stream before it has read any.
	if _, err := conn.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	return conn, framer
}

// requireLetGo waits until the server has begun the call, and then until it has done with it.
func requireLetGo(t *testing.T, env *testenv.Env, method string) {
	t.Helper()
	client := testenv.HTTPClient(t, false)
	inFlight := fmt.Sprintf("sepal_requests_in_flight{rpc=%q} ", service[1:]+method)
	for _, want := range []string{"1", "0"} {
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			response, err := client.Get(env.URL + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("metrics: %s, %v", response.Status, err)
			}
			if strings.Contains(string(text), inFlight+want+"\n") {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("there are never %s calls in flight, though nobody reads their answers", want)
			}
		}
	}
}

// TestAnswersThatNobodyReadsAreLetGo asks for more than a connection holds, reads none of it, and
// keeps the connection.
func TestAnswersThatNobodyReadsAreLetGo(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T, env *testenv.Env, method string){
		"http1": askHTTP1,
		"http2 connection not read": func(t *testing.T, env *testenv.Env, method string) {
			t.Helper()
			askHTTP2(t, env, method, 1<<30)
		},
		"http2 window of 0": func(t *testing.T, env *testenv.Env, method string) {
			t.Helper()
			conn, framer := askHTTP2(t, env, method, 0)
			go func() {
				for {
					if _, err := framer.ReadFrame(); err != nil {
						conn.Close()
						return
					}
				}
			}()
		},
	}
	for way, ask := range ways {
		for _, method := range []string{"BatchPredict", "BatchPredictStream"} {
			for _, door := range doors.Names() {
				if way == "http1" && door == doors.NetHTTP {
					continue
				}
				t.Run(way+"/"+method+"/"+door, func(t *testing.T) {
					t.Parallel()
					o := testenv.Through(testenv.Options(), door)
					o.RequestTimeout = time.Second
					o.MaxBatchRows = 20_000
					env := testenv.Start(t, o)
					ask(t, env, method)
					requireLetGo(t, env, method)
				})
			}
		}
	}
}
