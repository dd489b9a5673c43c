package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// raw returns an attack of bytes on a connection of HTTP/1.
func raw(name, text string, want ...string) Attack {
	return Attack{Name: name, Want: want, run: func(ctx context.Context, t Target) (string, error) {
		return exchange(ctx, t, strings.NewReader(text))
	}}
}

// quiet is how long a connection on which nothing comes any more is taken to stay open.
const quiet = 3 * time.Second

// exchange sends what there is to read, and returns what came back: the answers, and "closed" where
// the server closed the connection.
func exchange(ctx context.Context, t Target, from io.Reader) (string, error) {
	conn, err := t.dial(ctx, "http/1.1")
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // what matters was read
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(conn, from) // it may be cut off, which the answer tells
	}()
	var answers []string
	for reader := bufio.NewReader(conn); ; {
		if len(answers) > 0 {
			if err := conn.SetReadDeadline(time.Now().Add(quiet)); err != nil {
				return "", err
			}
		}
		answer, err := answerOf(reader)
		if err != nil {
			if answers, err = ended(answers, err); err != nil {
				return "", err
			}
			_ = conn.Close() // and so what is sent ends
			<-sent
			return strings.Join(answers, ", "), nil
		}
		answers = append(answers, answer)
	}
}

// ended adds how the connection ended.
func ended(answers []string, err error) ([]string, error) {
	var failure net.Error
	switch {
	case errors.As(err, &failure) && failure.Timeout() && len(answers) > 0:
		return answers, nil // it stays open
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return append(answers, "closed"), nil
	}
	return nil, err
}

// answerOf reads an answer, and returns its status with the code of its error.
func answerOf(reader *bufio.Reader) (string, error) {
	if _, err := reader.Peek(1); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", err
	}
	return statusOf(response.StatusCode, text), nil
}

func statusOf(status int, text []byte) string {
	var failure struct{ Code string }
	if status >= http.StatusBadRequest && json.Unmarshal(text, &failure) == nil && failure.Code != "" {
		return fmt.Sprintf("%d %s", status, failure.Code)
	}
	return fmt.Sprint(status)
}

// post returns a request with a body of JSON.
func post(headers, body string) string {
	return "POST " + predict + " HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body
}

// smuggled is what a connection must never be taken to go on with.
const smuggled = "GET /livez HTTP/1.1\r\nHost: sepal\r\n\r\n"

const badRequest = "400, closed"

// framing are requests of which it is not clear where they end.
func framing() []Attack {
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(row), row)
	length := fmt.Sprintf("Content-Length: %d\r\n", len(row))
	const refused = "400 invalid_argument, closed"
	list := []Attack{
		raw("a length and chunks", post(length+"Transfer-Encoding: chunked\r\n", chunked+smuggled), refused),
		raw("chunks and a length", post("Transfer-Encoding: chunked\r\ncOnTeNt-LeNgTh: 6\r\n", chunked+smuggled), refused),
		raw("chunks and a length, after a good request", post(length, row)+post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", chunked+smuggled), "200, "+refused),
		raw("a preflight of a length and chunks", "OPTIONS "+predict+" HTTP/1.1\r\nHost: sepal\r\nOrigin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n"+
			"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+smuggled, "204, closed"),
	}
	for i := range list {
		list[i].ClearText = true
	}
	return append(list,
		raw("chunks and a length that is none", post("Transfer-Encoding: chunked\r\nContent-Length: none\r\n", chunked+smuggled), badRequest),
		raw("two lengths", post(length+"Content-Length: 5\r\n", row+smuggled), badRequest),
		raw("a length with a sign", post("Content-Length: +30\r\n", row+smuggled), badRequest),
		raw("a length below zero", post("Content-Length: -1\r\n", row+smuggled), badRequest),
		raw("a length in base 16", post("Content-Length: 0x1e\r\n", row+smuggled), badRequest),
		raw("a list of lengths", post("Content-Length: 30, 30\r\n", row+smuggled), badRequest),
		raw("a length of too many digits", post("Content-Length: "+strings.Repeat("9", 40)+"\r\n", row+smuggled), badRequest),
		raw("an unknown encoding", post("Transfer-Encoding: xchunked\r\n", chunked+smuggled), "501, closed"),
		raw("chunks and another encoding", post("Transfer-Encoding: chunked, identity\r\n", chunked+smuggled), "501, closed"),
		raw("two encodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked+smuggled), "501, closed"),
		raw("an encoding with a space before the colon", post("Transfer-Encoding : chunked\r\n", chunked+smuggled), badRequest),
		raw("an encoding behind a carriage return", post("X: a\rTransfer-Encoding: chunked\r\n"+length, row+smuggled), badRequest),
		raw("a chunk of too many digits", post("Transfer-Encoding: chunked\r\n", strings.Repeat("f", 20)+"\r\n"+smuggled), "400 invalid_argument, closed", tooLarge),
		raw("a chunk whose end is missing", post("Transfer-Encoding: chunked\r\n", "1e\r\n"+row+"xx"+smuggled), "400 invalid_argument, closed", tooLarge),
		raw("a chunk of extensions", post("Transfer-Encoding: chunked\r\n", "1;"+strings.Repeat("x", 64<<10)+"\r\n"), "400 invalid_argument, closed", tooLarge),
		raw("a body without a length", post("", smuggled), "400 invalid_argument, 200", shed+", 200"), // a request of its own, as the client wrote it
	)
}

// headers are requests with headers that nobody should have.
func headers() []Attack {
	get := func(headers string) string { return "GET /livez HTTP/1.1\r\n" + headers + "\r\n" + smuggled }
	return []Attack{
		raw("no host", get("X: y\r\n"), badRequest),
		raw("two hosts", get("Host: sepal\r\nHost: evil\r\n"), badRequest),
		raw("a host with a space", get("Host: se pal\r\n"), badRequest),
		raw("NUL in a header", get("Host: sepal\r\nX: a\x00b\r\n"), badRequest),
		raw("a header without a name", get("Host: sepal\r\n: y\r\n"), badRequest),
		raw("a header with a space in its name", get("Host: sepal\r\nX Y: z\r\n"), badRequest),
		raw("a header that begins folded", get(" Host: sepal\r\nHost: sepal\r\n"), badRequest),
		raw("a line without a colon", get("Host: sepal\r\nnonsense\r\n"), badRequest),
		raw("a header of 100 KB", get("Host: sepal\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n"), "431, closed"),
		raw("a name of 100 KB", get("Host: sepal\r\n"+strings.Repeat("x", 100<<10)+": x\r\n"), "431, closed"),
		raw("a path of 100 KB", "GET /"+strings.Repeat("x", 100<<10)+" HTTP/1.1\r\nHost: sepal\r\n\r\n", "431, closed"),
		raw("3000 headers", strings.Replace(post(numbered(3000), ""), "\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n", 1), "429 resource_exhausted, closed"),
		raw("another version", "GET /livez HTTP/9.9\r\nHost: sepal\r\n\r\n", "505, closed"),
		raw("no HTTP", strings.Repeat("\x01", 100)+"\r\n\r\n", badRequest),
		raw("a proxy's request", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", "404", "501 unimplemented"),
		raw("a change by another name of this machine", "POST http://evil.example/sepal.registry.v1.RegistryService/Reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "403 permission_denied"),
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "x%d: y\r\n", i)
	}
	return b.String()
}
