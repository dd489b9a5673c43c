package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/server"
)

// serveLimits are the flags of serve that say how often a caller may ask.
type serveLimits struct {
	RateLimit      string   `env:"SEPAL_RATE_LIMIT" placeholder:"N/UNIT" help:"Requests that one caller may make, such as 100/m: per s, m, h or d. A caller is who is known by name, or else an address; each row of a batch counts. No limit by default."`
	RateBurst      int      `env:"SEPAL_RATE_BURST" placeholder:"N" help:"Requests that one caller may make at once after a while without any; as many as the number of the limit by default."`
	TrustedProxies []string `env:"SEPAL_TRUSTED_PROXIES" placeholder:"NETWORK" help:"Proxies whose X-Forwarded-For says which address a request came from, such as 10.0.0.0/8; none by default."`
}

// rate returns the limit that the flags set.
func (c *serveLimits) rate() (ratelimit.Limit, error) {
	limit, err := ratelimit.Parse(c.RateLimit)
	switch {
	case err != nil:
		return limit, fmt.Errorf("--rate-limit: %w", err)
	case c.RateBurst < 0:
		return limit, fmt.Errorf("--rate-burst is %d, expected 1 or more", c.RateBurst)
	case c.RateBurst > 0 && !limit.Set():
		return limit, errors.New("--rate-burst needs a limit: set --rate-limit")
	}
	limit.Burst = float64(c.RateBurst)
	if err := limit.Check(); err != nil {
		return limit, fmt.Errorf("--rate-burst: %w", err)
	}
	return limit, nil
}

func (c *serveLimits) proxies() ([]netip.Prefix, error) {
	proxies, err := ratelimit.ParseProxies(c.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxies: %w", err)
	}
	return proxies, nil
}

// check returns what is wrong with the flags.
func (c *serveLimits) check() error {
	if _, err := c.rate(); err != nil {
		return err
	}
	_, err := c.proxies()
	return err
}

// set sets the options of a server. There is nothing wrong with the flags.
func (c *serveLimits) set(o *server.Options) {
	o.RateLimit, _ = c.rate()
	o.TrustedProxies, _ = c.proxies()
}
