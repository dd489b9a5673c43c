package interop_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// nginxConfig has nginx listen at two sockets: for HTTP/2, which it speaks with the server too, and
// for HTTP/1.1.
const nginxConfig = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 0;
    upstream over2 {
        server %[1]s;
        keepalive 8;
    }
    upstream over1 {
        server %[1]s;
        keepalive 8;
    }
    grpc_ssl_protocols TLSv1.3;
    proxy_ssl_protocols TLSv1.3;
    server {
        listen unix:http2.sock http2;
        location / {
            grpc_pass %[2]s://over2;
        }
    }
    server {
        listen unix:http1.sock;
        location / {
            proxy_pass %[3]s://over1;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
        }
    }
}
`

// proxied starts nginx in front of a process, and returns clients of HTTP that go through it.
func proxied(t *testing.T, p *process) func(http2 bool) *http.Client {
	t.Helper()
	folder, err := os.MkdirTemp("", "nginx") //nolint:usetesting // the name of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	grpc, http1 := "grpc", "http"
	if p.authority != nil {
		grpc, http1 = "grpcs", "https"
	}
	config := filepath.Join(folder, "nginx.conf")
	content := strings.ReplaceAll(fmt.Sprintf(nginxConfig, p.address, grpc, http1), "unix:", "unix:"+folder+"/")
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(testenv.Log)
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, installed(t, "nginx", "nginx"), "-p", folder, "-e", "stderr", "-c", config)
	command.Stdout, command.Stderr, command.WaitDelay = log, log, 10*time.Second
	if err := command.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // its log says why
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if t.Failed() {
			t.Logf("nginx:\n%s", log)
		}
	})
	return func(http2 bool) *http.Client {
		client := testenv.HTTPClient(t, http2)
		socket := filepath.Join(folder, map[bool]string{false: "http1.sock", true: "http2.sock"}[http2])
		await(t, ended, socket)
		transport, _ := client.Transport.(*http.Transport)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
		return client
	}
}

// await waits until somebody listens at a socket.
func await(t *testing.T, ended <-chan struct{}, socket string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatal("nginx has ended")
		default:
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestThroughNginx asks through nginx in every protocol: what comes by HTTP/2 goes on by HTTP/2, and
// what comes by HTTP/1.1 by HTTP/1.1.
func TestThroughNginx(t *testing.T) {
	t.Parallel()
	installed(t, "nginx", "nginx")
	onNative(t, func(t *testing.T, server *process) {
		through := proxied(t, server)
		for _, p := range testenv.Protocols() {
			t.Run(p.Name, func(t *testing.T) {
				client := through(p.HTTP2())
				everyCall(t, predictionv1connect.NewPredictionServiceClient(client, "http://sepal", p.Options()...), p.HTTP2())
			})
		}
	})
}

// everyCall makes each kind of call, with messages of some bytes and of some megabytes.
func everyCall(t *testing.T, client predictionv1connect.PredictionServiceClient, http2 bool) {
	t.Helper()
	ctx := t.Context()
	for range 50 {
		if answer, err := client.Predict(ctx, flower()); err != nil || answer.GetPrediction() != "setosa" {
			t.Fatalf("got %v, %v", answer, err)
		}
	}
	batch := &predictionv1.BatchPredictRequest{Explain: true}
	for range 2000 {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: flower().GetFeatures()})
	}
	answer, err := client.BatchPredict(ctx, batch)
	if err != nil || len(answer.GetResults()) != len(batch.GetRows()) {
		t.Errorf("%d rows: %d results, %v", len(batch.GetRows()), len(answer.GetResults()), err)
	}
	chunks, err := client.BatchPredictStream(ctx, &predictionv1.BatchPredictStreamRequest{Batch: batch, ChunkRows: 100})
	if err != nil {
		t.Fatal(err)
	}
	results := 0
	for chunks.Receive() {
		results += len(chunks.Msg().GetChunk().GetResults())
	}
	if err := chunks.Close(); err != nil || chunks.Err() != nil || results != len(batch.GetRows()) {
		t.Errorf("BatchPredictStream: %d results, %v, %v", results, chunks.Err(), err)
	}
	if http2 {
		bothDirections(t, client)
	}
}

func bothDirections(t *testing.T, client predictionv1connect.PredictionServiceClient) {
	t.Helper()
	stream, err := client.PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := stream.Send(&predictionv1.PredictStreamRequest{Request: flower()}); err != nil {
			t.Fatal(err)
		}
		if answer, err := stream.Receive(); err != nil || answer.GetResponse().GetPrediction() != "setosa" {
			t.Fatalf("PredictStream: %v, %v", answer, err)
		}
	}
	if err := stream.CloseRequest(); err != nil {
		t.Error(err)
	}
	if answer, err := stream.Receive(); err == nil {
		t.Errorf("PredictStream: %v after the last answer", answer)
	}
	if err := stream.CloseResponse(); err != nil {
		t.Error(err)
	}
}
