package identity

import (
	"sync"
	"time"
)

// Bounds of a tokenCache: 4096 tokens, in parts so that callers seldom wait for each other.
const (
	cacheParts   = 16
	cachePerPart = 256
)

// tokenCache remembers the tokens that were found to be good, by their hashes, until they end. A
// look-up costs a lock and no memory. Only a token that an issuer signed gets in, so nobody else can
// fill it.
type tokenCache struct {
	parts [cacheParts]struct {
		mu    sync.RWMutex
		known map[hash]remembered
	}
}

type remembered struct {
	*Principal
	until int64 // in ns since 1970: from then on it is not good
}

// get returns whose token it is; nil if that is not known, or no longer.
func (c *tokenCache) get(sum hash, now time.Time) *Principal {
	part := &c.parts[sum[0]%cacheParts]
	part.mu.RLock()
	found, ok := part.known[sum]
	part.mu.RUnlock()
	if !ok || now.UnixNano() >= found.until {
		return nil
	}
	return found.Principal
}

// put remembers a token. Where there is no room, ended ones go, or else any.
func (c *tokenCache) put(sum hash, p *Principal, until, now time.Time) {
	part := &c.parts[sum[0]%cacheParts]
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.known == nil {
		part.known = map[hash]remembered{}
	}
	if len(part.known) >= cachePerPart {
		for other, r := range part.known {
			if now.UnixNano() >= r.until {
				delete(part.known, other)
			}
		}
	}
	for other := range part.known {
		if len(part.known) < cachePerPart {
			break
		}
		delete(part.known, other)
	}
	part.known[sum] = remembered{p, until.UnixNano()}
}

// size returns how many tokens are remembered.
func (c *tokenCache) size() int {
	n := 0
	for i := range c.parts {
		part := &c.parts[i]
		part.mu.RLock()
		n += len(part.known)
		part.mu.RUnlock()
	}
	return n
}
