package identity

import (
	"context"
	"sync/atomic"
	"time"
)

// verifier tells whose JWT it is.
type verifier struct {
	expected expected
	now      func() time.Time
	keys     atomic.Pointer[ring] // nil: none were there so far
	remote   *remote              // nil: the keys are those of a file
}

func newVerifier(o Options) *verifier {
	return &verifier{
		expected: expected{issuer: o.Issuer, audience: o.Audience, scopeClaim: o.ScopeClaim, leeway: o.Leeway},
		now:      o.clock(),
	}
}

// use makes keys those that count from now on. What is remembered of tokens goes with the old ones.
func (v *verifier) use(keys *ring) { v.keys.Store(keys) }

// verify returns whose token it is, of which sum is the hash.
func (v *verifier) verify(ctx context.Context, token string, sum hash) (*Principal, error) {
	now := v.now()
	if keys := v.keys.Load(); keys != nil {
		if p := keys.known.get(sum, now); p != nil {
			return p, nil
		}
	}
	t, err := parseToken(token)
	if err != nil {
		return nil, refusal(err)
	}
	ring, keys, err := v.keysOf(ctx, t)
	if err != nil {
		return nil, refusal(err)
	}
	payload, err := t.verify(keys)
	if err != nil {
		return nil, refusal(err)
	}
	p, end, err := v.expected.check(payload, now)
	if err != nil {
		return nil, refusal(err)
	}
	ring.known.put(sum, p, end, now)
	return p, nil
}

// keysOf returns the keys that may have signed a token, and the ring that they are of. A token by a
// key that is not known has the keys fetched anew, though not too often.
func (v *verifier) keysOf(ctx context.Context, t *unverified) (*ring, []key, error) {
	ring := v.keys.Load()
	keys := ring.candidates(t.algorithm, t.keyID)
	if len(keys) == 0 && v.remote != nil && ring != nil {
		v.remote.again(ctx)
		ring = v.keys.Load()
		keys = ring.candidates(t.algorithm, t.keyID)
	}
	switch {
	case len(keys) > 0:
		return ring, keys, nil
	case ring == nil || v.remote != nil && v.remote.failing.Load():
		return nil, nil, &fault{ReasonKeysUnavailable, publicKeys, "the keys of tokens could not be fetched"}
	default:
		return nil, nil, &fault{ReasonUnknownKey, publicToken, "no key for " + string(t.algorithm) + " is known by the kid " + shownID(t.keyID)}
	}
}
