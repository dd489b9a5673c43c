package wire

import (
	"net"
	"time"
)

// NewConn returns a connection above inner, as from a listener of its own.
func NewConn(inner net.Conn) net.Conn { return newConn(inner, newShared()) }

// NewImpatientConn is NewConn, but Close waits only that long.
func NewImpatientConn(inner net.Conn, patience time.Duration) net.Conn {
	s := newShared()
	s.patience = patience
	return newConn(inner, s)
}
