package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// TestServerAnswersAsLocalModel shows that --server changes where a prediction is made, and
// nothing else.
func TestServerAnswersAsLocalModel(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	tests := []struct{ args, stdin string }{
		{args: "predict 5.1 3.5 1.4 0.2 --model iris"},
		{args: "predict 5.1 3.5 1.4 0.2 --model iris --explain -o json"},
		{args: "predict NA employed -30 --model loan --explain"},
		{args: "predict 50000 astronaut 30 --model loan"},
		{args: "predict --model loan", stdin: applicants},
		{args: "predict --model loan -o json --explain", stdin: applicants},
		{args: "predict --model iris --csv $TESTDATA/datasets/iris.csv"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			local := sepalCommand(t, test.stdin, strings.Fields(test.args+" -m $TESTDATA/models")...)
			remote := sepalCommand(t, test.stdin, strings.Fields(test.args+" -s "+env.Address)...)
			if diff := cmp.Diff(local.String(), remote.String()); diff != "" {
				t.Errorf("-local +remote:\n%s", diff)
			}
			if strings.Contains(remote.stderr, "reached") {
				t.Errorf("the server was not asked: %s", remote.stderr)
			}
		})
	}
}

// speaksHTTP1 answers whatever comes in HTTP/1.1, and returns its address.
func speaksHTTP1(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer c.Close()
				_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				_, _ = io.Copy(io.Discard, c) // so that the client has read that before it is closed
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		connections.Wait()
	})
	return listener.Addr().String()
}

func TestAnotherServer(t *testing.T) {
	t.Parallel()
	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.Config.Protocols = new(http.Protocols)
	other.Config.Protocols.SetUnencryptedHTTP2(true)
	other.Start()
	t.Cleanup(other.Close)
	http1 := speaksHTTP1(t)
	for address, want := range map[string]string{
		http1:                                    " is no Sepal server, or one that speaks TLS: what answers there does not speak gRPC; with TLS it is https://" + http1 + "\n",
		strings.TrimPrefix(other.URL, "http://"): " is no Sepal server, or not at this address: HTTP status 404 Not Found\n",
	} {
		for _, args := range []string{"predict 1 2", "models list", "bench"} {
			got := sepalCommand(t, "", strings.Fields(args+" -s "+address)...)
			if got.code != exitFailure || got.stderr != "sepal: server "+address+want {
				t.Errorf("%s: got %v", args, got)
			}
		}
	}
}

// TestOnlyTheOutputEndsInSilence tells a pipe that nobody reads from a connection that a server closed.
func TestOnlyTheOutputEndsInSilence(t *testing.T) {
	t.Parallel()
	closed := &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}
	var stderr strings.Builder
	if code := conclude(t.Context(), &callError{text: "server x cannot be reached", err: closed}, &stderr); code != exitFailure || stderr.String() != "sepal: server x cannot be reached\n" {
		t.Errorf("of a connection: exit %d, stderr %q", code, stderr.String())
	}
	stderr.Reset()
	if code := conclude(t.Context(), &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}, &stderr); code != 141 || stderr.Len() > 0 {
		t.Errorf("of a pipe: exit %d, stderr %q", code, stderr.String())
	}
}

func TestServerWithoutTheModel(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	tests := []struct{ args, want string }{
		{"--model rose", `sepal: there is no model "rose"; there are: iris, loan` + "\n"},
		{"--model loan --model-version v9.0.0", `sepal: model "loan" has no version "v9.0.0"; it has: v1.0.0` + "\n"},
	}
	for _, test := range tests {
		got := sepalCommand(t, "", strings.Fields("predict 1 2 3 -s "+env.Address+" "+test.args)...)
		if got.stderr != test.want || got.code != exitFailure || got.stdout != "" {
			t.Errorf("%s: got %v", test.args, got)
		}
	}
}

// manyRows returns CSV rows of the model iris, all different.
func manyRows(n int) string {
	var text strings.Builder
	text.WriteString("sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm\n")
	for i := range n {
		fmt.Fprintf(&text, "%d.%d,3.5,%d.4,0.2\n", 4+i%4, i%10, 1+i%6)
	}
	return text.String()
}

// TestServersLimits sends as many rows at once as the server takes, however few they are.
func TestServersLimits(t *testing.T) {
	t.Parallel()
	rows := manyRows(50)
	want := sepalCommand(t, rows, strings.Fields("predict -m $TESTDATA/models --model iris -o json --explain")...)
	few, small := testenv.Options(), testenv.Options()
	few.MaxBatchRows, small.MaxMessageBytes = 7, 3000
	for name, o := range map[string]server.Options{"few rows": few, "small messages": small} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := testenv.Start(t, o)
			got := sepalCommand(t, rows, "predict", "-o", "json", "--explain", "-s", env.Address)
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestInterruptedPredict cuts a run off while it waits for more rows.
func TestInterruptedPredict(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		t.Run(test.signal.String(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			stdin, rows := io.Pipe()
			results, stdout := io.Pipe()
			var stderr bytes.Buffer
			code := make(chan int, 1)
			go func() {
				code <- run(ctx, strings.Fields("predict --csv -"), stdin, stdout, &stderr)
				stdout.Close()
			}()
			go io.WriteString(rows, manyRows(chunkRows+1)) //nolint:errcheck // the last row may find nobody
			first := make([]byte, 10)
			if _, err := io.ReadFull(results, first); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(50*time.Millisecond, func() { cancel(signalled{test.signal}) })
			rest, err := io.ReadAll(results)
			if err != nil {
				t.Fatal(err)
			}
			if got := <-code; got != test.code || stderr.String() != "sepal: interrupted\n" {
				t.Errorf("exit %d, stderr %q", got, stderr.String())
			}
			lines := strings.Split(string(first)+string(rest), "\n")
			if len(lines) != chunkRows+2 || lines[chunkRows+1] != "" {
				t.Errorf("found %d lines, the last one %q", len(lines), lines[len(lines)-1])
			}
			rows.Close()
		})
	}
}

// TestReaderHasSeenEnough writes to a pipe that nobody reads, as head leaves it.
func TestReaderHasSeenEnough(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"predict --csv -", "predict -o json", "inspect", "version", "help", "help serve"} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer write.Close()
			read.Close()
			var stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(args), strings.NewReader(manyRows(3)), write, &stderr)
			if code != 141 || stderr.String() != "" {
				t.Errorf("exit %d, stderr %q", code, stderr.String())
			}
		})
	}
}

// TestServerGone loses the server in the middle of a file.
func TestServerGone(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	stdin, rows := io.Pipe()
	results, stdout := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"predict", "-s", env.Address}, stdin, stdout, &stderr)
		stdout.Close()
	}()
	if _, err := io.WriteString(rows, manyRows(chunkRows)); err != nil {
		t.Fatal(err)
	}
	header := make([]byte, 1)
	if _, err := io.ReadFull(results, header); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, results) //nolint:errcheck // what comes does not matter
	if err := env.Server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(rows, "5.1,3.5,1.4,0.2\n"); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if got := <-code; got != exitFailure {
		t.Errorf("exit %d", got)
	}
	text := stderr.String()
	if !strings.HasPrefix(text, "sepal: server "+env.Address+" cannot be reached: ") ||
		!strings.HasSuffix(text, fmt.Sprintf("; the output ends with line %d\n", chunkRows+1)) || strings.Count(text, "\n") != 1 {
		t.Errorf("stderr is %q", text)
	}
}

// TestInspectedJSONIsAModel writes a model as JSON and predicts with it.
func TestInspectedJSONIsAModel(t *testing.T) {
	t.Parallel()
	shown := sepalCommand(t, "", "inspect", "--json")
	path := t.TempDir() + "/model.json"
	if err := os.WriteFile(path, []byte(shown.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := manyRows(3)
	want, got := sepalCommand(t, rows, "predict"), sepalCommand(t, rows, "predict", "-m", path)
	if diff := cmp.Diff(want.String(), got.String()); diff != "" || got.code != exitOK {
		t.Errorf("-binary +JSON:\n%s\n%v", diff, got)
	}
}

// TestInspectShowsWhatAFileStates has a version that a server would call the file by.
func TestInspectShowsWhatAFileStates(t *testing.T) {
	t.Setenv("MODEL_VERSION", "v5.0.0")
	const file = "inspect $TESTDATA/models/iris/v1.0.0/model.binpb"
	if text := sepalCommand(t, "", strings.Fields(file)...); !strings.Contains(text.stdout, "iris v1.0.0\n") {
		t.Errorf("text: got %v", text)
	}
	if data := sepalCommand(t, "", strings.Fields(file+" --json")...); !strings.Contains(data.stdout, `"version": "v1.0.0"`) {
		t.Errorf("JSON: got %v", data)
	}
}
