package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/server"
)

func TestLimitsOfServe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags   serveLimits
		limit   ratelimit.Limit
		proxies []netip.Prefix
	}{
		"none":         {},
		"a limit":      {flags: serveLimits{RateLimit: "100/m"}, limit: ratelimit.Limit{Requests: 100, Per: time.Minute}},
		"and a burst":  {flags: serveLimits{RateLimit: "100/m", RateBurst: 5}, limit: ratelimit.Limit{Requests: 100, Per: time.Minute, Burst: 5}},
		"only proxies": {flags: serveLimits{TrustedProxies: []string{"10.0.0.0/8"}}, proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
	} {
		if err := test.flags.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var o server.Options
		test.flags.set(&o)
		if o.RateLimit != test.limit {
			t.Errorf("%s: the limit is %+v, expected %+v", name, o.RateLimit, test.limit)
		}
		if diff := cmp.Diff(test.proxies, o.TrustedProxies, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%s: proxies (-want +got):\n%s", name, diff)
		}
	}
}

func TestServeRefusesLimitsThatCannotBe(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--rate-limit 100":                   `--rate-limit: the limit is "100", expected a number of requests and s, m, h or d, such as 100/m`,
		"--rate-limit 0/s":                   `--rate-limit: the limit is 0 requests in 1s, expected more than 0`,
		"--rate-limit 5/s --rate-burst -1":   `--rate-burst is -1, expected 1 or more`,
		"--rate-burst 5":                     `--rate-burst needs a limit: set --rate-limit`,
		"--rate-limit 1/d --rate-burst 1000": `--rate-burst: the burst of 1000 requests at 1/d takes more than a year to come back`,
		"--trusted-proxies proxy.internal":   `--trusted-proxies: there is no network "proxy.internal", expected one such as 10.0.0.0/8`,
		"--trusted-proxies 10.0.0.0/8,x":     `--trusted-proxies: there is no network "x"`,
	} {
		got := sepalCommand(t, "", append([]string{"serve", "--port", "0"}, strings.Fields(args)...)...)
		if got.code == exitOK || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: got %v, expected %s", args, got, want)
		}
	}
}
