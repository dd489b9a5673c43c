package flood

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

// flight is a request that was sent.
type flight struct {
	id        uint32
	due, sent time.Time
	sum       uint32 // of what has arrived of the answer
	bytes     int
	open      bool
}

// patience is how long a request that is due waits for its turn in the client.
const patience = 10 * time.Millisecond

// maxUnwritten is how much is made ahead of a server that does not read.
const maxUnwritten = 64 << 10

// flights is how many requests of a connection are kept at most.
const flights = 1 << 13

// conn is a connection of HTTP/2.
type conn struct {
	run  *run
	conn net.Conn
	// block are the headers of a request, with the time left in place of timeoutAt.
	block     []byte
	timeoutAt int

	mu       sync.Mutex
	waiting  []time.Time // when requests were due that have not been sent
	nextID   uint32
	oldest   uint32 // no request before it is in flight
	inFlight int
	most     int // how many the server allows
	window   int // bytes that the server takes on the connection
	table    [flights]flight
	out      []byte
	record   *Record
	broken   error
	done     bool
	wake     chan struct{} // that there is something to write
}

func dial(ctx context.Context, r *run) (*conn, error) {
	inner, err := new(net.Dialer).DialContext(ctx, "tcp", r.options.Address)
	if err != nil {
		return nil, err
	}
	c := &conn{run: r, conn: inner, nextID: 1, oldest: 1, most: 100, window: 65535, record: newRecord(r.options, r.begin, r.end.Sub(r.begin))}
	c.wake = make(chan struct{}, 1)
	c.block, c.timeoutAt = headerBlock(r.options)
	c.out = append(c.out, preface...)
	c.out = appendSettings(c.out)
	c.out = appendWindowUpdate(c.out, 0, receiveWindow)
	return c, nil
}

// queue adds a request that was due then.
func (c *conn) queue(due time.Time) {
	c.mu.Lock()
	c.waiting = append(c.waiting, due)
	c.mu.Unlock()
}

// send gives up on what is late and sends what may be. It reports whether anything is left.
func (c *conn) send(now time.Time, over bool) (left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return false
	}
	c.giveUp(now)
	c.fill(now, over)
	if len(c.out) > 0 {
		select {
		case c.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return c.broken == nil && (c.inFlight > 0 || len(c.waiting) > 0)
}

// write writes out what there is, until the connection is closed. It alone waits where the server
// does not read.
func (c *conn) write() {
	var spare []byte
	for range c.wake {
		c.mu.Lock()
		out := c.out
		c.out = spare[:0]
		c.mu.Unlock()
		if _, err := c.conn.Write(out); err != nil {
			c.breaks(err)
			return
		}
		spare = out
	}
}

// giveUp cancels what is in flight and late, and drops what waits and is.
func (c *conn) giveUp(now time.Time) {
	timeout := c.run.options.Timeout
	for ; c.oldest < c.nextID; c.oldest += 2 {
		f := &c.table[c.oldest/2%flights]
		if !f.open || f.id != c.oldest {
			continue
		}
		if now.Sub(f.due) < timeout {
			break
		}
		c.out = appendReset(c.out, f.id)
		f.open = false
		c.inFlight--
		c.record.timedOut(f)
	}
	i := 0
	for i < len(c.waiting) && now.Sub(c.waiting[i]) >= patience {
		c.record.unsent(c.waiting[i])
		i++
	}
	c.waiting = c.waiting[i:]
}

// fill sends what waits, as far as the server allows.
func (c *conn) fill(now time.Time, over bool) {
	o := &c.run.options
	for c.inFlight < c.most && len(c.out) < maxUnwritten && c.window >= len(o.Body)+5 && c.broken == nil {
		due := now
		if o.Closed > 0 {
			if over || c.inFlight >= o.Closed {
				return
			}
		} else {
			if len(c.waiting) == 0 {
				return
			}
			due = c.waiting[0]
			c.waiting = c.waiting[1:]
		}
		c.start(due, now)
	}
}

func (c *conn) start(due, now time.Time) {
	o := &c.run.options
	f := &c.table[c.nextID/2%flights]
	if f.open { // cannot be: it is late since long
		c.breakLocked(errors.New("too many requests in flight to keep"))
		return
	}
	*f = flight{id: c.nextID, due: due, sent: now, open: true}
	left := o.Timeout - now.Sub(due)
	at := len(c.out) + frameHeader + c.timeoutAt
	c.out = appendFrame(c.out, typeHeaders, flagEndHeaders, c.nextID, c.block)
	putDigits(c.out[at:at+timeoutDigits], max(left.Microseconds(), 1))
	c.out = appendMessage(c.out, o.Body, c.nextID)
	c.window -= len(o.Body) + 5
	c.nextID += 2
	c.inFlight++
}

func (c *conn) breaks(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.breakLocked(err)
}

func (c *conn) breakLocked(err error) {
	if c.broken != nil || c.done {
		return
	}
	c.broken = err
	for id := c.oldest; id < c.nextID; id += 2 {
		if f := &c.table[id/2%flights]; f.open && f.id == id {
			f.open = false
			c.record.lost(f)
		}
	}
	for _, due := range c.waiting {
		c.record.unsent(due)
	}
	c.inFlight, c.waiting = 0, nil
}

// finish closes the connection and returns what broke it, if something did.
func (c *conn) finish() error {
	c.mu.Lock()
	broken := c.broken
	for id := c.oldest; id < c.nextID; id += 2 {
		if f := &c.table[id/2%flights]; f.open && f.id == id {
			c.record.lost(f)
		}
	}
	c.done = true
	close(c.wake)
	c.mu.Unlock()
	_ = c.conn.Close()
	return broken
}

// read takes answers until the connection is closed.
func (c *conn) read() {
	from := bufio.NewReaderSize(c.conn, 64<<10)
	status, answered := "", false
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == "grpc-status" {
			status, answered = f.Value, true
		}
	})
	var payload []byte
	received := 0
	for {
		var head [frameHeader]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			c.breaks(err)
			return
		}
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		kind, flags, id := head[3], head[4], binary.BigEndian.Uint32(head[5:])&0x7fffffff
		if cap(payload) < size {
			payload = make([]byte, size)
		}
		payload = payload[:size]
		if _, err := io.ReadFull(from, payload); err != nil {
			c.breaks(err)
			return
		}
		switch kind {
		case typeData:
			received += size
			c.data(id, payload)
		case typeHeaders:
			status, answered = "", false
			if _, err := decoder.Write(payload); err != nil {
				c.breaks(err)
				return
			}
			if flags&flagEndStream != 0 {
				c.ended(id, status, answered)
			}
		default:
			if err := c.control(kind, flags, id, payload); err != nil {
				c.breaks(err)
				return
			}
		}
		if received > receiveWindow/2 {
			c.mu.Lock()
			c.out = appendWindowUpdate(c.out, 0, uint32(received))
			c.mu.Unlock()
			received = 0
		}
		if c.run.options.Closed > 0 && from.Buffered() == 0 {
			now := time.Now()
			c.send(now, now.After(c.run.end))
		}
	}
}

func (c *conn) data(id uint32, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := &c.table[id/2%flights]; f.open && f.id == id {
		f.sum = crc32.Update(f.sum, crc32.IEEETable, payload)
		f.bytes += len(payload)
	}
}

// ended notes the end of an answer.
func (c *conn) ended(id uint32, status string, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.table[id/2%flights]
	if !f.open || f.id != id {
		return // we gave up before
	}
	f.open = false
	c.inFlight--
	now := time.Now()
	code, err := strconv.Atoi(status)
	switch {
	case !answered || err != nil:
		c.record.lost(f)
	case now.Sub(f.due) >= c.run.options.Timeout:
		c.record.timedOut(f) // we were about to give up
	case code == 0 && !c.run.expected.same(f.sum, f.bytes):
		c.record.wrong(f)
	case code == 0:
		c.record.ok(f, now)
	default:
		c.record.refused(f, now, code)
	}
}

// control takes the frames that are about the connection.
func (c *conn) control(kind, flags byte, id uint32, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch kind {
	case typeSettings:
		if flags&flagAck != 0 {
			return nil
		}
		for ; len(payload) >= 6; payload = payload[6:] {
			if binary.BigEndian.Uint16(payload) == settingMaxStreams {
				c.most = int(binary.BigEndian.Uint32(payload[2:]))
			}
		}
		c.out = appendFrame(c.out, typeSettings, flagAck, 0, nil)
	case typePing:
		if flags&flagAck == 0 {
			c.out = appendFrame(c.out, typePing, flagAck, 0, payload)
		}
	case typeWindowUpdate:
		if id == 0 && len(payload) == 4 {
			c.window += int(binary.BigEndian.Uint32(payload))
		}
	case typeReset:
		if f := &c.table[id/2%flights]; f.open && f.id == id {
			f.open = false
			c.inFlight--
			c.record.reset(f, time.Now(), binary.BigEndian.Uint32(payload))
		}
	case typeGoAway:
		return fmt.Errorf("the server says GOAWAY: %q", payload)
	}
	return nil
}

// expected is the answer that all have to be.
type expected struct {
	mu    sync.Mutex
	known bool
	sum   uint32
	bytes int
}

func (e *expected) same(sum uint32, bytes int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known {
		e.known, e.sum, e.bytes = true, sum, bytes
	}
	return e.sum == sum && e.bytes == bytes && bytes > 5
}
