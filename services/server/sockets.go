package server

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// socketsAsked is how many sockets are looked at for how long it takes until something is read.
const socketsAsked = 64

// sockets are the open connections, to tell how long what arrives on them lies there unread: in a
// flood that is where most of the queue is. It asks the kernel, so what reads need not count.
type sockets struct {
	mu   sync.Mutex
	all  []*socket
	next int
}

type socket struct {
	raw  syscall.RawConn
	at   time.Time // when it was asked last
	read uint64    // bytes that had been read then
}

// over returns a listener that notes the connections of inner. They are the same connections.
func (s *sockets) over(inner net.Listener) net.Listener { return &notedListener{inner, s} }

type notedListener struct {
	net.Listener
	sockets *sockets
}

func (l *notedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			l.sockets.add(raw)
		}
	}
	return c, nil
}

// add notes a connection, and forgets up to two that are closed: so there are never many of those.
func (s *sockets) add(raw syscall.RawConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range min(2, len(s.all)) {
		if c := s.turn(); c.raw.Control(func(uintptr) {}) != nil {
			s.forget()
		}
	}
	s.all = append(s.all, &socket{raw: raw})
}

// turn returns the connection whose turn it is. There is one.
func (s *sockets) turn() *socket {
	s.next = (s.next + 1) % len(s.all)
	return s.all[s.next]
}

// forget drops the connection whose turn it was.
func (s *sockets) forget() {
	last := len(s.all) - 1
	s.all[s.next], s.all[last] = s.all[last], nil
	s.all = s.all[:last]
}

// unread returns how long what arrives waits until it is read: what lies there, over how fast it is
// read (Little's law). A few dozen connections stand for all.
func (s *sockets) unread() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	waiting, perSecond := 0.0, 0.0
	for range min(socketsAsked, len(s.all)) {
		c := s.turn()
		var lies, arrived uint64
		var failed error
		if c.raw.Control(func(fd uintptr) { lies, arrived, failed = arrivedOn(int(fd)) }) != nil {
			s.forget()
			if len(s.all) == 0 {
				break
			}
			continue
		}
		if failed != nil {
			continue
		}
		read, took := arrived-min(lies, arrived), now.Sub(c.at)
		if took < time.Second && read >= c.read {
			waiting += float64(lies)
			perSecond += float64(read-c.read) / took.Seconds()
		}
		c.at, c.read = now, read
	}
	if waiting == 0 || perSecond == 0 {
		return 0
	}
	return time.Duration(min(waiting/perSecond, 60) * float64(time.Second))
}
