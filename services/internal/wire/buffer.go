package wire

import "sync"

const (
	readSize = 16 << 10
	// smallSize holds the answers of some twenty unary calls.
	smallSize = 4 << 10
	// largeSize holds four DATA frames of HTTP/2 of the usual 16 KiB, with their headers.
	largeSize = 72 << 10
)

// pool lends buffers of one size.
type pool struct {
	size  int
	spare sync.Pool
}

// buffer is bytes in memory that is lent by a pool.
type buffer struct {
	bytes []byte
	home  *pool
}

// get returns an empty buffer of the capacity of the pool's size.
func (p *pool) get() *buffer {
	if b, ok := p.spare.Get().(*buffer); ok {
		return b
	}
	return &buffer{bytes: make([]byte, 0, p.size), home: p}
}

// release gives the buffer back; it must not be used any more.
func (b *buffer) release() {
	b.bytes = b.bytes[:0]
	b.home.spare.Put(b)
}

// room is how many bytes may be appended.
func (b *buffer) room() int { return cap(b.bytes) - len(b.bytes) }
