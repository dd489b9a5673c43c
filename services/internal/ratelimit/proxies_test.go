package ratelimit_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/ratelimit"
)

func proxies(t testing.TB, texts ...string) []netip.Prefix {
	t.Helper()
	networks, err := ratelimit.ParseProxies(texts)
	if err != nil {
		t.Fatal(err)
	}
	return networks
}

func TestClient(t *testing.T) {
	t.Parallel()
	trusted := []string{"10.0.0.0/8", "2001:db8:ffff::/48"}
	for name, test := range map[string]struct {
		peer      string
		forwarded []string
		trusted   []string
		want      string
	}{
		"no proxy":                       {"203.0.113.7:4711", nil, trusted, "203.0.113.7"},
		"a spoofed header":               {"203.0.113.7:4711", []string{"198.51.100.1"}, trusted, "203.0.113.7"},
		"no proxy is trusted":            {"10.0.0.1:4711", []string{"198.51.100.1"}, nil, "10.0.0.1"},
		"one proxy":                      {"10.0.0.1:4711", []string{"198.51.100.1"}, trusted, "198.51.100.1"},
		"two proxies":                    {"10.0.0.1:4711", []string{"198.51.100.1, 10.0.0.2"}, trusted, "198.51.100.1"},
		"two headers":                    {"10.0.0.1:4711", []string{"192.0.2.1, 198.51.100.1", "10.0.0.2,10.0.0.3"}, trusted, "198.51.100.1"},
		"what the client made up":        {"10.0.0.1:4711", []string{"192.0.2.1, 10.1.1.1, 198.51.100.1, 10.0.0.2"}, trusted, "198.51.100.1"},
		"nonsense that it made up":       {"10.0.0.1:4711", []string{"what, 198.51.100.1"}, trusted, "198.51.100.1"},
		"only proxies":                   {"10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, trusted, "10.0.0.3"},
		"a proxy without a header":       {"10.0.0.1:4711", nil, trusted, "10.0.0.1"},
		"an empty header":                {"10.0.0.1:4711", []string{""}, trusted, "10.0.0.1"},
		"nonsense":                       {"10.0.0.1:4711", []string{"198.51.100.1, unknown"}, trusted, "10.0.0.1"},
		"nonsense among proxies":         {"10.0.0.1:4711", []string{"198.51.100.1, _hidden, 10.0.0.2"}, trusted, "10.0.0.1"},
		"with a port":                    {"10.0.0.1:4711", []string{"198.51.100.1:80, 10.0.0.2:81"}, trusted, "198.51.100.1"},
		"IPv6":                           {"[2001:db8:ffff::1]:4711", []string{"2001:db8::7"}, trusted, "2001:db8::7"},
		"IPv6 with brackets":             {"[2001:db8:ffff::1]:4711", []string{"[2001:db8::7], [2001:db8:ffff::2]:80"}, trusted, "2001:db8::7"},
		"IPv4 with brackets":             {"10.0.0.1:4711", []string{"[198.51.100.1]"}, trusted, "10.0.0.1"},
		"IPv4 in the form of IPv6":       {"[::ffff:10.0.0.1]:4711", []string{"::ffff:198.51.100.1"}, trusted, "198.51.100.1"},
		"a zone":                         {"[fe80::1%eth0]:4711", nil, trusted, "fe80::1"},
		"everyone is trusted":            {"203.0.113.7:4711", []string{"198.51.100.1, 192.0.2.1"}, []string{"0.0.0.0/0"}, "198.51.100.1"},
		"no address":                     {"bufconn", []string{"198.51.100.1"}, []string{"0.0.0.0/0", "::/0"}, "invalid IP"},
		"none at all":                    {"", nil, nil, "invalid IP"},
		"one proxy by its address":       {"192.0.2.9:1", []string{"198.51.100.1"}, []string{"192.0.2.9"}, "198.51.100.1"},
		"its neighbour, who is not that": {"192.0.2.8:1", []string{"198.51.100.1"}, []string{"192.0.2.9"}, "192.0.2.8"},
	} {
		if got := ratelimit.Client(test.peer, test.forwarded, proxies(t, test.trusted...)); got.String() != test.want {
			t.Errorf("%s: got %v, expected %s", name, got, test.want)
		}
	}
}

func TestParseProxies(t *testing.T) {
	t.Parallel()
	got := proxies(t, "10.1.2.3/8", "192.0.2.1", "2001:db8::1")
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::1/128")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
	for _, text := range []string{"", "proxy.example.com", "10.0.0.0/33", "10.0.0.1:80", "::ffff:10.0.0.0/104"} {
		if _, err := ratelimit.ParseProxies([]string{text}); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%q: got the error %v", text, err)
		}
	}
}

func FuzzClient(f *testing.F) {
	for _, header := range []string{"198.51.100.1", "a, b", "10.0.0.1, 10.0.0.2", "[::1]:80,::1,[::1]", ",", "1.2.3.4:, [", "10.0.0.1%z"} {
		f.Add("10.0.0.1:80", header, "10.0.0.2")
		f.Add("192.0.2.1:80", header, "")
	}
	trusted := proxies(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, peer, first, second string) {
		got := ratelimit.Client(peer, []string{first, second}, trusted)
		alone := ratelimit.Client(peer, nil, trusted)
		isProxy := alone.IsValid() && trusted[0].Contains(alone)
		switch {
		case !isProxy && got != alone:
			t.Errorf("%q is no proxy, but its header counts: %v", peer, got)
		case isProxy && !got.IsValid():
			t.Errorf("a request of %q has no client", peer)
		}
		// What comes before the last address that is no proxy's never counts.
		if isProxy && got != alone && !trusted[0].Contains(got) {
			if spoofed := ratelimit.Client(peer, []string{"192.0.2.99, what," + first, second}, trusted); spoofed != got {
				t.Errorf("with something before it, the client is %v and no longer %v", spoofed, got)
			}
		}
		if got.Is4In6() || got.Zone() != "" {
			t.Errorf("%v is not in its plain form", got)
		}
	})
}
