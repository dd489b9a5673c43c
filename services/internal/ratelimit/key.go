package ratelimit

import (
	"hash/maphash"
	"net/netip"
)

// Key stands for a caller. Those of one limiter mean nothing to another.
type Key uint64

// hasher makes keys. Its seed is secret, so that no one can choose a name or an address that shares
// another's bucket.
type hasher struct{ seed maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed()} }

const (
	named byte = iota
	addressed
)

// Name returns the key of a caller who is known by a name, which is unique among those of a kind.
// A kind has no byte 0.
func (l *Limiter) Name(kind, name string) Key {
	var h maphash.Hash
	h.SetSeed(l.keys.seed)
	// A maphash.Hash takes whatever is written.
	_ = h.WriteByte(named)
	_, _ = h.WriteString(kind)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(name)
	return Key(h.Sum64())
}

// Addr returns the key of a caller who is known by the address. Those of an IPv6 network of 64 bits,
// which is what one household or machine is given, share theirs. The zero address, which is that of
// callers without one, is an address like any other.
func (l *Limiter) Addr(addr netip.Addr) Key {
	addr = addr.Unmap()
	if addr.Is6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			addr = network.Addr()
		}
	}
	bytes := addr.As16()
	length := byte(addr.BitLen())
	var h maphash.Hash
	h.SetSeed(l.keys.seed)
	_ = h.WriteByte(addressed) // as in Name
	_ = h.WriteByte(length)
	_, _ = h.Write(bytes[:])
	return Key(h.Sum64())
}
