package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Target is a server whose name was resolved: all connections go to the addresses that were
// found then, and so to those that were checked.
type Target struct {
	url       url.URL
	port      string
	addresses []netip.Addr
}

// ForeignError is a target at an address that is not loopback: it may be another machine.
type ForeignError struct {
	// Host is the name, and Address the one of its addresses that is not loopback.
	Host    string
	Address netip.Addr
}

func (e *ForeignError) Error() string {
	where := e.Host
	if where != e.Address.String() {
		where += " (" + e.Address.String() + ")"
	}
	return where + " is not a loopback address, and a load that its owner does not expect is an attack"
}

// Lookup finds the addresses of a host, as [net.Resolver.LookupNetIP] does.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// Resolve returns the target of the form "host:port", or of an http:// or https:// URL without a path. The
// error is a [*ForeignError] where any of its addresses is not of the loopback interface, unless
// foreign allows that. lookup is nil for the system's.
func Resolve(ctx context.Context, target string, foreign bool, lookup Lookup) (*Target, error) {
	u, err := parse(target)
	if err != nil {
		return nil, err
	}
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	t := &Target{url: *u, port: portOf(u)}
	host := u.Hostname()
	if address, err := netip.ParseAddr(host); err == nil {
		t.addresses = []netip.Addr{address}
	} else if t.addresses, err = lookup(ctx, "ip", host); err != nil {
		return nil, err
	}
	if len(t.addresses) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	for i, address := range t.addresses {
		t.addresses[i] = address.Unmap()
		if !foreign && !t.addresses[i].IsLoopback() {
			return nil, &ForeignError{Host: host, Address: t.addresses[i]}
		}
	}
	return t, nil
}

// Address returns host and port as they were given.
func (t *Target) Address() string { return t.url.Host }

// encrypted reports whether the server speaks TLS.
func (t *Target) encrypted() bool { return t.url.Scheme == "https" }

// base returns the URL that the paths of the calls are put behind.
func (t *Target) base() string { return t.url.String() }

// dial connects to the first of the addresses that answers.
func (t *Target) dial(ctx context.Context) (net.Conn, error) {
	var failures []error
	for _, address := range t.addresses {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address.String(), t.port))
		if err == nil {
			return connection, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func parse(target string) (*url.URL, error) {
	refuse := func(why string) (*url.URL, error) {
		return nil, fmt.Errorf(`the server %q %s, expected "host:port", or an http:// or https:// URL without a path`, target, why)
	}
	raw := target
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return refuse("is no address")
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse(fmt.Sprintf("has the scheme %q", u.Scheme))
	case u.User != nil:
		return nil, errors.New("the server has a user name in it, which nothing would be done with")
	case u.Hostname() == "":
		return refuse("names no host")
	case strings.TrimRight(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return refuse("has a path, a query or a fragment")
	}
	if n, err := strconv.ParseUint(portOf(u), 10, 16); err != nil || n == 0 {
		return refuse("has no port of 1 to 65535")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// portOf returns the port of a server; of one over TLS it may be left out.
func portOf(u *url.URL) string {
	if port := u.Port(); port != "" || u.Scheme != "https" {
		return port
	}
	return "443"
}
