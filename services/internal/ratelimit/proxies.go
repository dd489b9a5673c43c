package ratelimit

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseProxies reads networks such as "10.0.0.0/8" and addresses such as "10.0.0.7".
func ParseProxies(texts []string) ([]netip.Prefix, error) {
	proxies := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); err != nil && addrErr == nil {
			network, err = addr.WithZone("").Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("there is no network %q, expected one such as 10.0.0.0/8, or an address", text)
		}
		if network.Addr().Is4In6() {
			return nil, fmt.Errorf("the network %q is one of IPv4 in the form of IPv6, expected the form of IPv4", text)
		}
		proxies = append(proxies, network.Masked())
	}
	return proxies, nil
}

// Client returns the address of who sent a request: that of the peer, as [net/http.Request].RemoteAddr has
// it, unless it is one of the trusted proxies. Then it is the last address in the values of
// X-Forwarded-For that is none of theirs: each proxy adds whom it was called by at the end, so what
// stands before that is hearsay. Where all are proxies it is the first of them. Where there is
// something else than an address, it is the peer. It is the zero address where the peer has none.
func Client(peer string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	client, known := parseAddr(peer)
	if !known || !contains(trusted, client) {
		return client
	}
	from := client
	for i := len(forwarded) - 1; i >= 0; i-- {
		for rest, more := forwarded[i], true; more; {
			var last string
			rest, last, more = cutLast(rest)
			if from, known = parseAddr(strings.Trim(last, " \t")); !known {
				return client
			}
			if !contains(trusted, from) {
				return from
			}
		}
	}
	return from
}

// cutLast cuts a list at its last comma.
func cutLast(list string) (before, last string, found bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], list[i+1:], true
	}
	return "", list, false
}

// parseAddr reads an address, with a port or without.
func parseAddr(text string) (netip.Addr, bool) {
	var addr netip.Addr
	var err error
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	switch {
	case opened && closed:
		addr, err = netip.ParseAddr(inner)
		if err == nil && addr.Is4() {
			return netip.Addr{}, false
		}
	case opened, strings.Count(text, ":") == 1:
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		addr = withPort.Addr()
	default:
		addr, err = netip.ParseAddr(text)
	}
	return addr.WithZone("").Unmap(), err == nil
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
