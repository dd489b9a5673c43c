// Package conformance lets judges from outside try what Sepal speaks: h2spec its HTTP/2, and the
// conformance suite of Connect its protocols of RPC. `task conformance` runs them; README.md says how.
//
// It is a module of its own, so that what the judges need is no part of what the product needs.
// The suite of Connect calls a service that it defines. [Run] serves that on what Sepal's own
// services stand on: the listener, the server of HTTP/1.1, either server of HTTP/2, and the layers
// of package rpc.
package conformance

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1"
)

// maxRequest is the size of the largest message that the suite may begin with; it holds certificates.
const maxRequest = 1 << 20

// Run is a server as the suite starts it: it reads from in which one is wanted, serves it at a free
// port of the loopback interface, writes to out where that is, and goes on until ctx ends.
func Run(ctx context.Context, in io.Reader, out io.Writer, door string) error {
	wanted := new(conformancev1.ServerCompatRequest)
	if err := readMessage(in, wanted); err != nil {
		return fmt.Errorf("what the suite wants: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()                      //nolint:errcheck // it is closed where it was served
	port := listener.Addr().(*net.TCPAddr).Port //nolint:errcheck // a listener of TCP has no other address
	answer := &conformancev1.ServerCompatResponse{Host: "127.0.0.1", Port: uint32(port)}
	var config *tls.Config
	if wanted.GetUseTls() {
		if config, err = security(wanted); err != nil {
			return err
		}
		answer.PemCert = wanted.GetServerCreds().GetCert()
	}
	if err := writeMessage(out, answer); err != nil {
		return err
	}
	return Serve(ctx, listener, door, config, newHandler(int(wanted.GetMessageReceiveLimit())))
}

// readMessage reads a message that has its size before it, as four bytes.
func readMessage(in io.Reader, message proto.Message) error {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxRequest {
		return fmt.Errorf("a message of %d bytes, expected at most %d", size, maxRequest)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return err
	}
	return proto.Unmarshal(data, message)
}

func writeMessage(out io.Writer, message proto.Message) error {
	data, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	_, err = out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
	return err
}
