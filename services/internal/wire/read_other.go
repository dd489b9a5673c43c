//go:build !unix

package wire

import (
	"io"
	"net"
	"syscall"
)

// rawConn returns nil: reading without a buffer at hand is not known here.
func rawConn(net.Conn) syscall.RawConn { return nil }

func (c *conn) fillRaw() error { return io.ErrNoProgress }

func (c *conn) tryRead(uintptr) bool { return true }
