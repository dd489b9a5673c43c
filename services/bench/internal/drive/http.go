package drive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protojson"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// HTTP is how calls over HTTP/1.1 are made: one at a time on each connection.
type HTTP struct {
	// Connections is how many there are.
	Connections int
	// Gzip offers the server to compress its answers.
	Gzip bool
}

// JSONRequest is the body of a request of Predict as JSON.
const JSONRequest = `{"features":[5.1,3.5,1.4,0.2]}`

// JSON calls Predict by Connect with JSON.
func (h HTTP) JSON() Load {
	return h.ask("application/json", []byte(JSONRequest), checkJSON)
}

// GRPCWeb calls Predict by gRPC-Web.
func (h HTTP) GRPCWeb() Load {
	return h.ask("application/grpc-web+proto", frame(encode(predictRequest())), checkFrame)
}

// frame puts the prefix of gRPC before a message.
func frame(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// checkFrame looks into a body of gRPC-Web: an answer, then the trailers.
func checkFrame(body []byte) error {
	if len(body) < 5 || body[0] != 0 || uint64(len(body)-5) < uint64(binary.BigEndian.Uint32(body[1:])) {
		return fmt.Errorf("the answer %q has no message", short(body))
	}
	return checkPredict(body[5 : 5+binary.BigEndian.Uint32(body[1:])])
}

func checkJSON(body []byte) error {
	if len(body) > 2 && body[0] == 0x1f && body[1] == 0x8b {
		plain, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(plain); err != nil {
			return err
		}
	}
	var r predictionv1.PredictResponse
	if err := protojson.Unmarshal(body, &r); err != nil {
		return err
	}
	return checkPrediction(&r)
}

// ask sends the same request again and again.
func (h HTTP) ask(contentType string, body []byte, check func([]byte) error) Load {
	offer := ""
	if h.Gzip {
		offer = "Accept-Encoding: gzip\r\n"
	}
	return func(ctx context.Context, address string, done *atomic.Uint64) error {
		sent := request(address, contentType, offer, body)
		answers := &checked{check: check}
		return workers(ctx, h.Connections, func(ctx context.Context, _ int) error {
			return askOn(ctx, address, sent, answers, done)
		})
	}
}

// askOn sends the request on a connection of its own, until ctx ends.
func askOn(ctx context.Context, address string, request []byte, answers *checked, done *atomic.Uint64) error {
	c, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer c.close()
	for {
		body, err := c.ask(request)
		if err != nil {
			return err
		}
		if err := answers.add(body); err != nil {
			return err
		}
		done.Add(1)
	}
}

// Once calls Predict once, by Connect with JSON on a connection of its own, and looks into the
// answer.
func Once(ctx context.Context, address string) error {
	c, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer c.close()
	body, err := c.ask(request(address, "application/json", "", []byte(JSONRequest)))
	if err != nil {
		return err
	}
	return checkJSON(body)
}

// request returns a request of Predict as it goes over the wire; more are further headers.
func request(address, contentType, more string, body []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		predictionv1connect.PredictionServicePredictProcedure, address, contentType, more, len(body), body)
}

// connection is an open connection.
type connection struct {
	conn   net.Conn
	reader *bufio.Reader
	body   bytes.Buffer
	stop   func() bool
}

// dial opens a connection, which the end of ctx cuts.
func dial(ctx context.Context, address string) (*connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{conn: conn, reader: bufio.NewReader(conn)}
	c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends what blocks
	return c, nil
}

func (c *connection) close() {
	c.stop()
	_ = c.conn.Close() // nobody waits for anything any more
}

// ask sends a request and returns the body of the answer, until it is called again.
func (c *connection) ask(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	_, err = c.body.ReadFrom(answer.Body)
	_ = answer.Body.Close() // was read to its end
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the status is %s: %s", answer.Status, short(c.body.Bytes()))
	}
	return c.body.Bytes(), nil
}
