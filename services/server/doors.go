package server

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// The servers of HTTP/2 that there are; see [Options].HTTP2.
const (
	NativeHTTP2 = "native"
	NetHTTP2    = "nethttp"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// maxFrameBytes bounds what an HTTP/2 connection holds of a frame: net/http keeps a buffer of
	// the largest that it has read.
	maxFrameBytes = 64 << 10
	// pingAfter is how long a connection of HTTP/2 with requests in flight may be silent before it
	// is asked for a sign of life, and pingTimeout how long it may take to give one: what goes away
	// without a word holds its streams no longer, and a stream that is only quiet goes on.
	pingAfter   = time.Minute
	pingTimeout = 20 * time.Second
)

// doors are what takes connections: net/http for HTTP/1.1, and one of two servers for HTTP/2. Both
// have the same handler behind them.
type doors struct {
	http  *http.Server
	close func() // is due when no request is served any more
}

func newDoors(o Options, handler http.Handler, short h2.Short, f *fresh) (*doors, error) {
	d := &doors{http: &http.Server{
		Handler:           handler,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         f.track,
		ConnContext:       connContext,
		ErrorLog:          log.New(httpLog{o.Logger}, "", 0),
	}}
	d.http.Protocols.SetHTTP1(true)
	d.http.Protocols.SetHTTP2(true)
	d.http.Protocols.SetUnencryptedHTTP2(true)
	switch o.HTTP2 {
	case NativeHTTP2, "":
		d.native(o, short)
	case NetHTTP2:
		d.ofNetHTTP(o)
	default:
		return nil, fmt.Errorf("the server of HTTP/2 is %q, expected %s or %s (SEPAL_HTTP2)", o.HTTP2, NativeHTTP2, NetHTTP2)
	}
	return d, nil
}

func (d *doors) native(o Options, short h2.Short) {
	server := h2.New(h2.Config{
		MaxStreams:     o.MaxStreams,
		MaxHeaderBytes: maxHeaderBytes,
		HeaderTimeout:  readHeaderTimeout,
		IdleTimeout:    idleTimeout,
		PingAfter:      pingAfter,
		PingTimeout:    pingTimeout,
		WriteTimeout:   o.RequestTimeout,
		Short:          short,
		ErrorLog:       d.http.ErrorLog,
	})
	server.Attach(d.http)
	d.close = server.Close
}

func (d *doors) ofNetHTTP(o Options) {
	d.http.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: o.MaxStreams,
		MaxReadFrameSize:     maxFrameBytes,
		WriteByteTimeout:     o.RequestTimeout,
		SendPingTimeout:      pingAfter,
		PingTimeout:          pingTimeout,
	}
	grown := rpc.NewGrown(d.http.Handler)
	d.http.Handler = grown
	d.close = grown.Close
}
