package hostile

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	gigabyte = 1 << 30
	// taken is how much a server may read of a gigabyte before it has refused it, with what the
	// system's buffers hold.
	taken = 64 << 20
)

// counted is a body of a size that counts what was read of it.
type counted struct {
	left int64
	read atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n := int(min(c.left, int64(len(p))))
	clear(p[:n])
	c.left -= int64(n)
	c.read.Add(int64(n))
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// large returns an attack of a body of a gigabyte.
func large(name, head string, chunked bool, want ...string) Attack {
	return Attack{Name: name, Want: want, run: func(ctx context.Context, t Target) (string, error) {
		body := &counted{left: gigabyte}
		var from io.Reader = body
		if chunked {
			from = &chunks{from: body}
		}
		answer, err := exchange(ctx, t, io.MultiReader(strings.NewReader(head), from))
		if n := body.read.Load(); err == nil && n > taken {
			answer = fmt.Sprintf("%s, after %d MB", answer, n>>20)
		}
		return answer, err
	}}
}

// chunks reads as chunks of a few kilobytes.
type chunks struct {
	from io.Reader
	rest []byte
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		data := make([]byte, 16<<10)
		n, err := c.from.Read(data)
		if err != nil {
			return 0, err
		}
		c.rest = fmt.Appendf(nil, "%x\r\n%s\r\n", n, data[:n])
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

const tooLarge = "429 resource_exhausted, closed"

// bodies are requests that are too large, or become so.
func bodies(bomb func() []byte) []Attack {
	size := fmt.Sprintf("Content-Length: %d\r\n", gigabyte)
	return []Attack{
		large("a gigabyte", post(size, ""), false, tooLarge),
		large("a gigabyte in chunks", post("Transfer-Encoding: chunked\r\n", ""), true, tooLarge),
		raw("a gigabyte that waits for leave", post(size+"Expect: 100-continue\r\n", ""), tooLarge),
		large("a stream of a gigabyte in gRPC-Web", strings.Replace(post(size, ""), "/json", "/grpc-web+proto", 1)+"\x00\x40\x00\x00\x00", false, "200, closed"),
		sent("gzip of 256 MB", "gzip", bomb, "429 resource_exhausted", shedEarly),
		sent("gzip of gzip", "gzip", func() []byte { return zip(zipped(1 << 20)) }, invalid, shed, shedEarly),
		sent("gzip twice", "gzip, gzip", func() []byte { return zip(zip([]byte(row))) }, "501 unimplemented", shed),
		sent("an unknown compression", "bomb", func() []byte { return []byte(row) }, "501 unimplemented", shed),
		sent("gzip that is none", "gzip", func() []byte { return []byte(row) }, invalid, shed, shedEarly),
		sent("gzip cut short", "gzip", func() []byte { return zipped(1 << 20)[:100] }, invalid, shed, shedEarly),
		sent("a hundred thousand members of gzip", "gzip", func() []byte { return bytes.Repeat(zip(nil), 100_000) }, invalid, shed, shedEarly),
	}
}

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// zipped returns so many zeros, compressed.
func zipped(n int64) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.Copy(w, &counted{left: n}) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// sent returns an attack of one well-formed request with a body of JSON.
func sent(name, encoding string, body func() []byte, want ...string) Attack {
	return Attack{Name: name, Want: want, run: func(ctx context.Context, t Target) (string, error) {
		return t.send(ctx, batch, "application/json", encoding, body())
	}}
}

// send asks, and returns the status with the code of its error.
func (t Target) send(ctx context.Context, path, contentType, encoding string, body []byte) (string, error) {
	scheme := "http://"
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: t.TLS}
	if t.TLS != nil {
		scheme = "https://"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+t.Address+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", contentType)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		list, err := ended(nil, err)
		return strings.Join(list, ""), err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return statusOf(response.StatusCode, text), err
}

// most is a little less than the largest message that a server takes.
const most = 4<<20 - 64

const (
	invalid = "400 invalid_argument"
	// shed is the answer of a server that has too much to do to look at what it is sent, and
	// shedEarly what its client makes of it that was not done sending.
	shed      = "429 resource_exhausted"
	shedEarly = "closed"
)

// messages are requests that cost more to read than to send.
func messages() []Attack {
	text := func(name string, body func() string) Attack {
		return Attack{Name: name, Want: []string{invalid, shed, shedEarly}, run: func(ctx context.Context, t Target) (string, error) {
			return t.send(ctx, predict, "application/json", "", []byte(body()))
		}}
	}
	binary := func(name, path string, body func() []byte) Attack {
		return Attack{Name: name, Want: []string{invalid, shed, shedEarly}, run: func(ctx context.Context, t Target) (string, error) {
			return t.send(ctx, path, "application/proto", "", body())
		}}
	}
	const deep = 100_000
	return []Attack{
		text("objects 100,000 deep", func() string {
			return `{"inputs":` + strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep) + "}"
		}),
		text("lists 100,000 deep", func() string {
			return `{"inputs":{"a":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}}"
		}),
		text("an unknown field 100,000 deep", func() string {
			return `{"new":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}"
		}),
		text("lists without an end", func() string { return strings.Repeat("[", most) }),
		text("a number of four million digits", func() string { return `{"features":[` + strings.Repeat("9", most) + `]}` }),
		text("a fraction of four million digits", func() string { return `{"features":[0.` + strings.Repeat("0", most-20) + `1]}` }),
		text("a whole number with an exponent of a billion", func() string { return `{"features":[1,2,3,4],"topK":1e1000000000}` }),
		text("a number with an exponent of a billion", func() string { return `{"features":[1e1000000000,2,3,4]}` }),
		text("a string that is no UTF-8", func() string { return "{\"model\":\"\xff\xfe\"}" }),
		text("a name of four megabytes", func() string { return `{"inputs":{"` + strings.Repeat("x", most-20) + `":1}}` }),
		text("half a million names", func() string { return `{"inputs":{` + strings.Repeat(`"a":1,`, most/6-10) + `"a":1}}` }),
		text("four million spaces", func() string { return strings.Repeat(" ", most) }),
		binary("messages in messages without an end", predict, nested),
		binary("two million unknown fields", predict, func() []byte { return bytes.Repeat([]byte{0xf8, 0x01}, most/2) }),
		binary("two million rows", batch, func() []byte { return bytes.Repeat([]byte("\n\x00"), most/2) }),
		binary("groups in groups without an end", predict, func() []byte { return bytes.Repeat([]byte{0xfb, 0x07}, most/2) }),
		binary("a length beyond the end", predict, func() []byte { return []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f} }),
	}
}

// nested returns structs within structs, as many as a message holds.
func nested() []byte {
	const (
		inputs     = 2 // of PredictRequest
		fields     = 1 // of Struct
		value      = 2 // of an entry of its map
		structWord = 5 // of Value
	)
	// From the inside out, each as the end of what is around it: sizes are of what follows.
	tail := make([]byte, most)
	at := len(tail)
	wrap := func(field protowire.Number) {
		head := protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType), uint64(len(tail)-at))
		at -= len(head)
		copy(tail[at:], head)
	}
	for at > 64 {
		wrap(structWord)
		wrap(value)
		wrap(fields)
	}
	wrap(inputs)
	return tail[at:]
}
