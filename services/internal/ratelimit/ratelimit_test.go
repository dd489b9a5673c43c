package ratelimit_test

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/ratelimit"
)

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func newLimiter(t testing.TB, requests float64, per time.Duration, burst float64) *ratelimit.Limiter {
	t.Helper()
	limit := ratelimit.Limit{Requests: requests, Per: per, Burst: burst}
	if err := limit.Check(); err != nil {
		t.Fatal(err)
	}
	return ratelimit.New(limit, start())
}

// bucket is a token bucket as books have it, in whole numbers: a token is as many parts as there are
// nanoseconds between two.
type bucket struct {
	parts, most, token int64
	at                 time.Time
}

func (b *bucket) take(n, least int64, now time.Time) (wait time.Duration, ok bool) {
	if now.After(b.at) {
		b.parts = min(b.parts+int64(now.Sub(b.at)), b.most)
		b.at = now
	}
	if b.parts < least*b.token {
		return time.Duration(b.token - b.parts), false
	}
	b.parts -= n * b.token
	return 0, true
}

func TestBucketsAreThoseOfTheBook(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		// A time between two tokens that is a whole number of nanoseconds.
		requests, per := 1+random.IntN(1000), time.Duration(1+random.IntN(1_000_000))
		interval := time.Duration(requests) * per
		burst := 1 + random.IntN(50)
		l := newLimiter(t, float64(requests), interval*time.Duration(requests), float64(burst))
		exact := bucket{parts: int64(burst) * int64(interval), most: int64(burst) * int64(interval), token: int64(interval), at: start()}
		now := start()
		for i := range 5000 {
			switch random.IntN(4) {
			case 0: // at the same moment
			case 1:
				now = now.Add(time.Duration(random.Int64N(int64(interval))))
			case 2:
				now = now.Add(interval)
			default:
				now = now.Add(time.Duration(random.Int64N(int64(interval) * int64(burst+2))))
			}
			n, take, least := 1, l.Take, int64(1)
			if random.IntN(4) == 0 {
				n = 1 + random.IntN(3*burst)
			}
			if random.IntN(4) == 0 {
				take, least = l.TakeMore, 0
			}
			wait, ok := take(7, n, now)
			wantWait, wantOK := exact.take(int64(n), least, now)
			if wait != wantWait || ok != wantOK {
				t.Fatalf("seed %d, step %d: take %d: got %v and a wait of %v, expected %v and %v", seed, i, n, ok, wait, wantOK, wantWait)
			}
		}
	}
}

func TestTheWaitIsLongEnough(t *testing.T) {
	t.Parallel()
	for _, requests := range []float64{0.3, 1, 3, 7, 100, 7000} {
		l := newLimiter(t, requests, time.Minute, 0)
		now := start()
		for range 1000 {
			wait, ok := l.Take(1, 1, now)
			if ok {
				continue
			}
			if _, early := l.Take(1, 1, now.Add(wait-1)); early {
				t.Errorf("%v: one passes a nanosecond before %v are over", requests, wait)
			}
			now = now.Add(wait)
			if _, ok := l.Take(1, 1, now); !ok {
				t.Fatalf("%v: none passes after %v", requests, wait)
			}
		}
	}
}

func TestTheRateIsKept(t *testing.T) {
	t.Parallel()
	for _, limit := range []ratelimit.Limit{
		{Requests: 100, Per: time.Minute}, {Requests: 7, Per: time.Second, Burst: 3}, {Requests: 333_333, Per: time.Second},
		{Requests: 9_500_000, Per: time.Second, Burst: 10}, {Requests: 5, Per: 24 * time.Hour},
	} {
		l := ratelimit.New(limit, start())
		interval := float64(limit.Per) / limit.Requests
		now, passed := start(), 0
		const steps = 20_000
		for range steps { // three in the time of two
			now = now.Add(time.Duration(interval * 2 / 3))
			if _, ok := l.Take(1, 1, now); ok {
				passed++
			}
		}
		burst := limit.Burst
		if burst == 0 {
			burst = limit.Requests
		}
		most := float64(now.Sub(start()))/interval + burst
		if got := float64(passed); got > most*1.006 || got < min(most*0.99, steps*0.99) {
			t.Errorf("%v: %d passed, expected %.0f", limit, passed, min(most, steps))
		}
	}
}

func TestABatchMayOwe(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 60, time.Minute, 10)
	if _, ok := l.Take(1, 1, start()); !ok {
		t.Fatal("a full bucket has none")
	}
	if _, ok := l.TakeMore(1, 99, start()); !ok {
		t.Fatal("a batch that is larger than the bucket does not pass")
	}
	if wait, ok := l.TakeMore(1, 1, start()); ok || wait != 91*time.Second {
		t.Errorf("a second batch passes: %v, after %v; expected it to wait for 91 s", ok, wait)
	}
	if wait, ok := l.Take(1, 1, start().Add(time.Second)); ok || wait != 90*time.Second {
		t.Errorf("a request passes a bucket below empty: %v, after %v", ok, wait)
	}
	if _, ok := l.Take(2, 1, start()); !ok {
		t.Error("what one owes is asked of another")
	}
	if _, ok := l.Take(1, 1, start().Add(91*time.Second)); !ok {
		t.Error("what is owed is never paid")
	}
}

func TestWhatIsGivenBack(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 60, time.Minute, 10)
	l.Take(1, 100, start())
	l.GiveBack(1, 99)
	l.GiveBack(2, 5) // of whom nothing is known
	for range 9 {
		if _, ok := l.Take(1, 1, start()); !ok {
			t.Fatal("what was given back cannot be taken")
		}
	}
	if _, ok := l.Take(1, 1, start()); ok {
		t.Error("more was given back than taken")
	}
	l.GiveBack(1, 1000) // never more than the bucket holds
	for range 10 {
		l.Take(1, 1, start())
	}
	if _, ok := l.Take(1, 1, start()); ok {
		t.Error("the bucket holds more than it does when it is full")
	}
}

func TestDebtIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 1, 24*time.Hour, 1)
	for range 3 {
		l.TakeMore(1, 1<<31-1, start())
	}
	if wait, ok := l.Take(1, 1, start()); ok || wait < 365*24*time.Hour || wait > 367*24*time.Hour {
		t.Errorf("the wait is %v, expected a year", wait)
	}
}

// TestTimeThatGoesBack is about times that were taken at about the same moment, and used in another order;
// and about those of before the limiter was made.
func TestTimeThatGoesBack(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 10, time.Second, 10)
	random := rand.New(rand.NewPCG(1, 2))
	now, passed := start(), 0
	for range 10_000 {
		now = now.Add(time.Millisecond)
		if _, ok := l.Take(1, 1, now.Add(-time.Duration(random.IntN(5000))*time.Millisecond)); ok {
			passed++
		}
	}
	if passed > 10*10+10 || passed < 50 {
		t.Errorf("%d passed in 10 s, expected at most 110", passed)
	}
	if _, ok := l.Take(2, 1, start().Add(-time.Hour)); !ok {
		t.Error("nothing passes before the limiter was made")
	}
	if _, ok := l.Take(2, 1, start().Add(-2*time.Hour)); !ok {
		t.Error("what comes twice before it was made is refused")
	}
}

// TestAClockThatIsSet shows that the wall clock does not matter: [time.Time] keeps what has gone by beside it.
func TestAClockThatIsSet(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	l := ratelimit.New(ratelimit.Limit{Requests: 1, Per: time.Hour}, begin)
	if _, ok := l.Take(1, 1, begin); !ok {
		t.Fatal("a full bucket has none")
	}
	// UTC, Local and In keep the reading; Add moves both, as time does.
	if _, ok := l.Take(1, 1, begin.UTC().Add(time.Hour-1)); ok {
		t.Error("one passes before its time")
	}
	if _, ok := l.Take(1, 1, begin.In(time.FixedZone("", 3600)).Add(time.Hour)); !ok {
		t.Error("none passes in its time")
	}
}

func TestWhoHasAKeyOfTheirOwn(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 1, time.Hour, 1)
	addr := netip.MustParseAddr
	keys := map[ratelimit.Key]string{}
	for name, key := range map[string]ratelimit.Key{
		"ada":                   l.Name("jwt", "ada"),
		"ada of another kind":   l.Name("token", "ada"),
		"adb":                   l.Name("jwt", "adb"),
		"192.0.2.1":             l.Addr(addr("192.0.2.1")),
		"192.0.2.2":             l.Addr(addr("192.0.2.2")),
		"192.0.2.1 as a name":   l.Name("", "192.0.2.1"),
		"none":                  l.Addr(netip.Addr{}),
		"::":                    l.Addr(addr("::")),
		"0.0.0.0":               l.Addr(addr("0.0.0.0")),
		"2001:db8:0:1::/64":     l.Addr(addr("2001:db8:0:1::1")),
		"2001:db8:0:2::/64":     l.Addr(addr("2001:db8:0:2::1")),
		"::c000:201, not IPv4 ": l.Addr(addr("::c000:201:0:0:0")),
	} {
		if other, taken := keys[key]; taken {
			t.Errorf("%s and %s share a bucket", name, other)
		}
		keys[key] = name
	}
	for a, b := range map[string]string{
		"2001:db8:0:1::1": "2001:db8:0:1:ffff:ffff:ffff:ffff", "192.0.2.1": "::ffff:192.0.2.1", "fe80::1": "fe80::2%eth0",
	} {
		if l.Addr(addr(a)) != l.Addr(addr(b)) {
			t.Errorf("%s and %s have a bucket each, expected one", a, b)
		}
	}
	if l.Name("jwt", "ada") == newLimiter(t, 1, time.Hour, 1).Name("jwt", "ada") {
		t.Error("the seed of two limiters is the same")
	}
}

func TestTheBucketClosestToFullIsForgotten(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 100, 100*time.Second, 100)
	// These differ in their last bits only, so that all lead to the same places.
	const ways = 16
	for i := range ways {
		l.Take(ratelimit.Key(1+i), 50+i, start())
	}
	if _, ok := l.Take(ways+1, 100, start()); !ok {
		t.Fatal("a newcomer is refused")
	}
	if wait, _ := l.Take(ways+1, 1, start()); wait != time.Second {
		t.Errorf("the newcomer waits for %v, expected 1 s", wait)
	}
	for i := 1; i < ways; i++ { // how much is in a bucket shows when it is taken below empty
		l.TakeMore(ratelimit.Key(1+i), 50, start())
		if wait, ok := l.Take(ratelimit.Key(1+i), 1, start()); ok || wait != time.Duration(i+1)*time.Second {
			t.Errorf("of bucket %d, %v are left to wait for, expected %d s", i, wait, i+1)
		}
	}
	// The first comes back, and has a bucket that is full.
	l.TakeMore(1, 100, start())
	if wait, ok := l.Take(1, 1, start()); ok || wait != time.Second {
		t.Errorf("the forgotten one waits for %v, expected 1 s", wait)
	}
}

func TestFullBucketsMakeRoomFirst(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 1, time.Second, 2)
	l.Take(1, 2, start()) // full again in 2 s
	for i := range 1000 { // each full again in 1 s
		now := start().Add(time.Duration(i) * time.Second / 15)
		if now.Sub(start()) >= time.Second {
			break
		}
		l.Take(ratelimit.Key(2+i), 1, now)
	}
	if _, ok := l.Take(1, 1, start().Add(time.Second-1)); ok {
		t.Error("a live bucket was forgotten for one that is full")
	}
}

func TestAMillionCallers(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, 1, time.Hour, 1)
	const callers = 1_000_000
	key := func(i int) ratelimit.Key {
		return l.Addr(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	for i := range callers {
		if _, ok := l.Take(key(i), 1, start()); !ok {
			t.Fatalf("caller %d is refused for what another did", i)
		}
	}
	forgotten := 0
	const sample = 10
	for i := 0; i < callers; i += sample {
		if wait, ok := l.Take(key(i), 1, start().Add(time.Minute)); ok {
			forgotten++
		} else if wait != 59*time.Minute {
			t.Fatalf("caller %d waits for %v, expected 59 m", i, wait)
		}
	}
	t.Logf("%d of %d were forgotten", forgotten, callers/sample)
	// Who comes back to a bucket that was forgotten makes another be forgotten.
	if forgotten > callers/sample/100 {
		t.Errorf("%d of %d callers were forgotten, expected few", forgotten, callers/sample)
	}
	if size := ratelimit.Bytes; size > 32_000_000 {
		t.Errorf("the table takes %d bytes, expected at most 32 MB", size)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const burst = 1000
	l := newLimiter(t, burst, time.Hour, burst)
	var passed [3]atomic.Int64
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 1000 {
				for key := range passed {
					if _, ok := l.Take(ratelimit.Key(key), 1, start()); ok {
						passed[key].Add(1)
					}
				}
			}
		})
	}
	done.Wait()
	for key := range passed {
		if n := passed[key].Load(); n != burst {
			t.Errorf("of bucket %d, %d passed, expected %d", key, n, burst)
		}
	}
}

func TestTakeAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	l := newLimiter(t, 1, time.Second, 1)
	addr := netip.MustParseAddr("2001:db8::1")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	forwarded := []string{"203.0.113.7, [2001:db8::2]:443, 10.0.0.2"}
	now := start()
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		l.Take(l.Name("jwt", "ada@example.com"), 1, now)
		l.TakeMore(l.Addr(addr), 10, now)
		l.Take(l.Addr(ratelimit.Client("10.0.0.1:4711", forwarded, proxies)), 1, now)
	}); n != 0 {
		t.Errorf("taking from buckets allocates %v times", n)
	}
}

func BenchmarkTake(b *testing.B) {
	l := newLimiter(b, 1, time.Second, 1)
	b.RunParallel(func(pb *testing.PB) {
		now := start()
		for i := uint32(0); pb.Next(); i++ {
			l.Take(l.Addr(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), 1, now)
		}
	})
}
