// Package doors is what takes the connections of the one port: net/http for HTTP/1.1, and one of two
// servers for HTTP/2, over TLS and in clear text. All have the same handler behind them, and stop
// together.
package doors

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// The servers of HTTP/2 that there are; see [Options].HTTP2.
const (
	// Native is Sepal's own, package h2.
	Native = "native"
	// NetHTTP is that of net/http.
	NetHTTP = "nethttp"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// maxFrameBytes bounds what a connection of net/http's HTTP/2 holds of a frame: it keeps a buffer
	// of the largest that it has read.
	maxFrameBytes = 64 << 10
	// pingAfter is how long a connection of HTTP/2 with requests in flight may be silent before it
	// is asked for a sign of life, and pingTimeout how long it may take to give one: what goes away
	// without a word holds its streams no longer, and a stream that is only quiet goes on.
	pingAfter   = time.Minute
	pingTimeout = 20 * time.Second
)

// Names returns those of all servers of HTTP/2.
func Names() []string { return []string{Native, NetHTTP} }

// Options say who is let in, and to whom.
type Options struct {
	// HTTP2 is whose server of HTTP/2 takes the connections: [Native] or [NetHTTP].
	HTTP2 string
	// Handler answers all requests.
	Handler http.Handler
	// Short answers some requests on the short path of package h2. Nil: none.
	Short h2.Short
	// MaxStreams is how many requests a connection of HTTP/2 may have in flight. 0: the server's
	// own default.
	MaxStreams int
	// WriteTimeout is how long a client of HTTP/2 may take for the next of what it is sent. 0: as
	// long as the server of HTTP/2 has by default.
	WriteTimeout time.Duration
	// ConnState and ConnContext are those of http.Server.
	ConnState   func(net.Conn, http.ConnState)
	ConnContext func(context.Context, net.Conn) context.Context
	// ErrorLog gets what net/http, or package h2, has to say. Nil: the standard logger.
	ErrorLog *log.Logger
}

// Doors are a server of HTTP/1.1 and 2. Make them with [New].
type Doors struct {
	// HTTP serves listeners, and shuts down.
	HTTP *http.Server

	close func()
}

// New returns doors for the options. The error says that there is no such server of HTTP/2.
func New(o Options) (*Doors, error) {
	d := &Doors{HTTP: &http.Server{
		Handler:           o.Handler,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         o.ConnState,
		ConnContext:       o.ConnContext,
		ErrorLog:          o.ErrorLog,
	}}
	d.HTTP.Protocols.SetHTTP1(true)
	d.HTTP.Protocols.SetHTTP2(true)
	d.HTTP.Protocols.SetUnencryptedHTTP2(true)
	switch o.HTTP2 {
	case Native:
		d.native(o)
	case NetHTTP:
		d.ofNetHTTP(o)
	default:
		return nil, fmt.Errorf("the server of HTTP/2 is %q, expected %s or %s (SEPAL_HTTP2)", o.HTTP2, Native, NetHTTP)
	}
	return d, nil
}

// Close ends what waits for requests. It is due when none is served any more.
func (d *Doors) Close() { d.close() }

func (d *Doors) native(o Options) {
	server := h2.New(h2.Config{
		MaxStreams:     o.MaxStreams,
		MaxHeaderBytes: maxHeaderBytes,
		HeaderTimeout:  readHeaderTimeout,
		IdleTimeout:    idleTimeout,
		PingAfter:      pingAfter,
		PingTimeout:    pingTimeout,
		WriteTimeout:   o.WriteTimeout,
		Short:          o.Short,
		ErrorLog:       o.ErrorLog,
	})
	server.Attach(d.HTTP)
	d.close = server.Close
}

func (d *Doors) ofNetHTTP(o Options) {
	d.HTTP.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: o.MaxStreams,
		MaxReadFrameSize:     maxFrameBytes,
		WriteByteTimeout:     o.WriteTimeout,
		SendPingTimeout:      pingAfter,
		PingTimeout:          pingTimeout,
	}
	grown := rpc.NewGrown(o.Handler)
	d.HTTP.Handler = grown
	d.close = grown.Close
}
