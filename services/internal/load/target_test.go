package load_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/load"
)

// names are what a lookup of a test finds.
var names = map[string][]string{
	"localhost": {"127.0.0.1", "::1"},
	"split":     {"127.0.0.1", "192.0.2.1"},
	"mapped":    {"::ffff:127.0.0.1"},
	"elsewhere": {"192.0.2.1"},
	"empty":     {},
}

func lookup(_ context.Context, _, host string) ([]netip.Addr, error) {
	found, ok := names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	addresses := make([]netip.Addr, len(found))
	for i, address := range found {
		addresses[i] = netip.MustParseAddr(address)
	}
	return addresses, nil
}

func TestOnlyThisMachineIsATarget(t *testing.T) {
	t.Parallel()
	for target, foreign := range map[string]string{
		"localhost:50051": "", "http://localhost:50051": "", "https://localhost:50051": "", "https://localhost": "", "http://localhost:50051/": "", "mapped:1": "",
		"127.0.0.1:50051": "", "127.9.9.9:1": "", "[::1]:50051": "", "[::ffff:127.0.0.1]:1": "",
		"elsewhere:1": "192.0.2.1", "split:1": "192.0.2.1", "192.0.2.7:1": "192.0.2.7", "[2001:db8::1]:1": "2001:db8::1",
		"0.0.0.0:1": "0.0.0.0", "[::ffff:192.0.2.1]:1": "192.0.2.1",
	} {
		_, err := load.Resolve(t.Context(), target, false, lookup)
		var wrong *load.ForeignError
		switch {
		case foreign == "" && err != nil:
			t.Errorf("%s: %v", target, err)
		case foreign != "" && (!errors.As(err, &wrong) || wrong.Address.String() != foreign):
			t.Errorf("%s: error is %v, expected that %s is foreign", target, err, foreign)
		}
		if got, err := load.Resolve(t.Context(), target, true, lookup); err != nil {
			t.Errorf("%s, though allowed: %v", target, err)
		} else if want := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(target, "http://"), "https://"), "/"); got.Address() != want {
			t.Errorf("%s has the address %s", target, got.Address())
		}
	}
}

func TestTargetsThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"":                         "names no host",
		"localhost":                "no port",
		"localhost:":               "no port",
		"localhost:0":              "no port",
		"localhost:65536":          "no port",
		"localhost:http":           "is no address",
		":50051":                   "names no host",
		"ftp://localhost:1":        `the scheme "ftp"`,
		"http://localhost":         "no port",
		"https://localhost:0":      "no port",
		"https://localhost:1/path": "a path",
		"http://localhost:1/path":  "a path",
		"localhost:1?x=1":          "a path, a query",
		"http://ada:pw@localhost:": "a user name",
		"nowhere:1":                "no such host",
		"empty:1":                  "empty has no address",
	} {
		_, err := load.Resolve(t.Context(), target, true, lookup)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: error is %v, expected %q in it", target, err, want)
		}
	}
}

// TestAddressesAreTried has a name whose first address answers nobody.
func TestAddressesAreTried(t *testing.T) {
	t.Parallel()
	server := new(fake).start(t)
	_, port, err := net.SplitHostPort(server.Address())
	if err != nil {
		t.Fatal(err)
	}
	found := func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.9.9.9"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	target, err := load.Resolve(t.Context(), "some.name:"+port, false, found)
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []load.Protocol{load.GRPC, load.Connect} {
		w := way{protocol, 2, load.CallPredict, false}
		if r := run(t, w.options(target)); r.Answered != 100 || r.Connections != 1 {
			t.Errorf("%s: result is %+v", protocol, r)
		}
	}
}
