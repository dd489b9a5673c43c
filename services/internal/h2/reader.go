package h2

import (
	"net"
	"sync"
)

const (
	readSize = 16 << 10
	// idleReadSize is what an idle connection holds to read its next bytes with: a small request or two.
	idleReadSize = 512
)

//nolint:gochecknoglobals // a pool is of use only if all share it
var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// reader reads ahead from a connection. It holds a large buffer only while there are requests.
type reader struct {
	conn  net.Conn
	small [idleReadSize]byte
	large *[readSize]byte
	ahead []byte // read, and not returned yet; in small or large
	part  bool   // something was returned since its owner last said that there was nothing

	// before is called when nothing is left, so that the next read may block. It reports whether the
	// connection is busy: then it is worth a large buffer.
	before func() (busy bool)
	// after is called when something was read.
	after func()
}

func (r *reader) Read(p []byte) (int, error) {
	if len(r.ahead) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.ahead)
	r.ahead = r.ahead[n:]
	r.part = true
	return n, nil
}

func (r *reader) fill() error {
	buffer := r.small[:]
	if r.before() {
		if r.large == nil {
			r.large, _ = readBuffers.Get().(*[readSize]byte)
		}
		buffer = r.large[:]
	} else {
		r.release()
	}
	n, err := r.conn.Read(buffer)
	if n > 0 {
		r.ahead = buffer[:n]
		r.after()
		return nil
	}
	return err
}

// release gives the large buffer back. There must be nothing ahead.
func (r *reader) release() {
	if r.large != nil {
		readBuffers.Put(r.large)
		r.large = nil
	}
}
