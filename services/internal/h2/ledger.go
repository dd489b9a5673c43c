package h2

import "time"

// ledger is the allowance of a connection for frames that make work and carry nothing: each costs
// some of it, time and useful frames give it back. A client that is in its right mind never comes
// near the end of it; one that floods is told to calm down.
type ledger struct {
	left    int
	renewed time.Time
}

const (
	allowance = 4096
	perSecond = 1024
	// creditUseful is what a frame gives back that carries something.
	creditUseful = 2
	// creditSent is what the client gets for a frame of a body that it was sent: a WINDOW_UPDATE for the
	// stream, one for the connection, and a PING, with which clients of gRPC measure how much is on its
	// way. A frame that a window has made smaller than worthwhile is not counted.
	creditSent = 3
	worthwhile = 256
	// often is how much of a body some clients take between two updates of a window: net/http's do.
	often = 4 << 10

	costFrame    = 1  // PING, PRIORITY, WINDOW_UPDATE, empty DATA, a kind that is not known
	costSettings = 16 // may change every stream
	costReset    = 4  // a stream is broken off by a fault of its client's
	// costRapid is for a stream that is opened and reset at once: a handler was begun for nothing.
	costRapid = 16
	costFaint = 16 // WINDOW_UPDATE by a few bytes where there was nothing left: a goroutine wakes up for them
)

// rapid is how soon after its start the reset of a stream is rapid.
const rapid = 10 * time.Millisecond

func (l *ledger) init(now time.Time) { l.left, l.renewed = allowance, now }

// spend takes some of the allowance and reports whether it was there.
func (l *ledger) spend(cost int) bool {
	if l.left < cost {
		now := time.Now()
		l.left = min(allowance, l.left+int(now.Sub(l.renewed).Seconds()*perSecond))
		l.renewed = now
		if l.left < cost {
			return false
		}
	}
	l.left -= cost
	return true
}

// earnSent gives back for n frames that the client was sent.
func (l *ledger) earnSent(n int) {
	l.left = min(allowance, l.left+min(n, allowance)*creditSent)
}

func (l *ledger) earn() {
	if l.left < allowance {
		l.left += creditUseful
	}
}
