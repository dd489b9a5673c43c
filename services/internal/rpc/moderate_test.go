package rpc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

const (
	moderate = 1000     // the largest message
	polite   = 16 << 20 // what is read beyond
)

// endless is a body without an end, of which it counts what was read.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	return len(p), nil
}

// readModerate reads a body through the layer, which says what is read before it ends, and why.
func readModerate(t *testing.T, contentType string, length int64, chunked bool, body io.Reader) (n int64, err error) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	request.Header.Set("Content-Type", contentType)
	if request.ContentLength = length; chunked {
		request.TransferEncoding = []string{"chunked"}
	}
	handler := rpc.Moderate(func(*http.Request) int64 { return moderate }, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, err = io.Copy(io.Discard, r.Body)
	}))
	handler.ServeHTTP(httptest.NewRecorder(), request)
	return n, err
}

func TestModerate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		length int64
		atMost int64
		want   string
	}{
		"length unknown":    {-1, moderate + polite + 64<<10, "message is larger than configured max 1000"},
		"length far beyond": {1 << 30, 0, "message size 1073741824 is larger than configured max 1000"},
		"length beyond":     {polite, moderate + polite + 64<<10, "message is larger than configured max 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := new(endless)
			_, err := readModerate(t, "application/json", test.length, false, body)
			if connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, expected %q", err, test.want)
			}
			if body.read > test.atMost {
				t.Errorf("%d bytes were read, expected %d at most", body.read, test.atMost)
			}
		})
	}
}

// envelopes returns messages of those sizes, the last of them as its head only.
func envelopes(sizes ...uint32) []byte {
	var b []byte
	for i, size := range sizes {
		b = binary.BigEndian.AppendUint32(append(b, 0), size)
		if i < len(sizes)-1 {
			b = append(b, bytes.Repeat([]byte{0xff}, int(size))...)
		}
	}
	return b
}

// TestModerateStreams reads streams as they come, and byte by byte: of any number of moderate
// messages all is read, and nothing behind the head of one that is by far too large.
func TestModerateStreams(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/grpc", "application/grpc+proto", "application/grpc-web+json", "application/connect+proto"} {
		for name, cut := range map[string]func(io.Reader) io.Reader{"as it comes": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader} {
			good := envelopes(0, 1, 7, moderate, 0, 5000, 0)
			if n, err := readModerate(t, contentType, -1, false, cut(bytes.NewReader(good))); err != nil || n != int64(len(good)) {
				t.Errorf("%s, %s: read %d of %d, %v", contentType, name, n, len(good), err)
			}
			bad := envelopes(3, moderate, 1<<31)
			n, err := readModerate(t, contentType, -1, false, io.MultiReader(cut(bytes.NewReader(bad)), new(endless)))
			if err == nil || !strings.Contains(err.Error(), "it is said to have 2147483648 bytes") || n != int64(len(bad)) {
				t.Errorf("%s, %s: read %d of %d, %v", contentType, name, n, len(bad), err)
			}
		}
	}
}

// TestBrokenChunks tells a client that sends what is none from a network that fails.
func TestBrokenChunks(t *testing.T) {
	t.Parallel()
	malformed := errors.New("malformed chunked encoding")
	for _, test := range []struct {
		err     error
		chunked bool
		want    connect.Code
	}{
		{malformed, true, connect.CodeInvalidArgument},
		{malformed, false, connect.CodeUnknown},
		{io.ErrUnexpectedEOF, true, connect.CodeUnknown},
		{http.ErrBodyReadAfterClose, true, connect.CodeUnknown},
	} {
		_, err := readModerate(t, "application/json", -1, test.chunked, iotest.ErrReader(test.err))
		if connect.CodeOf(err) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%v in chunks %t: got %v, expected %s", test.err, test.chunked, err, test.want)
		}
	}
}

// TestGzipGivesUp decompresses what unfolds to a little more than may be, and to far more.
func TestGzipGivesUp(t *testing.T) {
	t.Parallel()
	const most = 20_000
	handler := connect.NewUnaryHandlerSimple("/test/Health", func(context.Context, *predictionv1.HealthRequest) (*predictionv1.HealthResponse, error) {
		return new(predictionv1.HealthResponse), nil
	}, connect.WithReadMaxBytes(most), rpc.Gzip(most))
	for size, want := range map[int]string{
		20_500:   "message size 20500 is larger than configured max 20000",
		10 << 20: "message is larger than configured max 20000 - unable to determine message size: it unfolds to more than 1068576 bytes",
	} {
		var body bytes.Buffer
		w := gzip.NewWriter(&body)
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/test/Health", &body)
		request.Header.Set("Content-Type", "application/proto")
		request.Header.Set("Content-Encoding", "gzip")
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		if text := response.Body.String(); response.Code != http.StatusTooManyRequests || !strings.Contains(text, want) {
			t.Errorf("%d bytes: got %d %s", size, response.Code, text)
		}
	}
}
