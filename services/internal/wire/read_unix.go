//go:build unix

package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// rawConn returns the socket of a TCP connection, or nil. A type that embeds a TCP connection is
// none: it may read otherwise.
func rawConn(inner net.Conn) syscall.RawConn {
	tcp, ok := inner.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// fillRaw is fill on a socket. It makes the system calls that inner's Read would make, and takes
// a buffer only for each: a Read that blocks holds none.
func (c *conn) fillRaw() error {
	c.tried = nil
	if err := c.raw.Read(c.try); err != nil {
		var failure *net.OpError
		if errors.As(err, &failure) {
			return c.fail("read", failure.Err)
		}
		return err
	}
	return c.tried
}

// tryRead reads what there is and reports whether there was something, or an error.
func (c *conn) tryRead(fd uintptr) bool {
	b := c.shared.read.get()
	n, err := syscall.Read(int(fd), b.bytes[:readSize])
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), b.bytes[:readSize])
	}
	if n > 0 {
		b.bytes = b.bytes[:n]
		c.unread = b
		return true
	}
	b.release()
	switch {
	case err == nil:
		c.tried = io.EOF
	case errors.Is(err, syscall.EAGAIN):
		return false
	default:
		c.tried = c.fail("read", os.NewSyscallError("read", err))
	}
	return true
}
