package main

import (
	"context"
	"net"
	"net/http"

	"google.golang.org/grpc/test/bufconn"

	sepal "github.com/sepal-ml/sepal/clients/go"
	"github.com/sepal-ml/sepal/services/server"
)

const pipeBytes = 1 << 20

// dialLocal starts a server for the model within this process and returns a client of it: a
// local prediction is the same code, the same checks and the same words as a remote one. The
// function returned closes both.
func dialLocal(ctx context.Context, o server.Options, options ...sepal.Option) (*sepal.Client, func(), error) {
	o.MaxQueueTime = 0 // nobody else asks, and who does can wait
	s, err := server.New(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	listener := bufconn.Listen(pipeBytes)
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	options = append(options[:len(options):len(options)], sepal.WithHTTPClient(&http.Client{Transport: transport}))
	client, err := sepal.Dial("http://in-process", options...)
	if err != nil {
		return nil, nil, err
	}
	s.StartOn(listener)
	return client, func() {
		transport.CloseIdleConnections()
		// Nothing is in flight when the verb ends, so nothing can be cut off.
		_ = s.Stop(context.WithoutCancel(ctx))
	}, nil
}
