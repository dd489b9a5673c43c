package sepal

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const targetForms = `expected "host:port", such as "localhost:50051", ` +
	`or a URL that begins with http:// or https://`

// parseTarget returns the base URL of the calls, without a slash at its end.
func parseTarget(target string) (*url.URL, error) {
	refuse := func(reason string) (*url.URL, error) {
		shown := strconv.Quote(target)
		if strings.Contains(target, "@") {
			shown = "(not shown: it may hold a password)"
		}
		return nil, fmt.Errorf("sepal: target %s: %s: %s", shown, reason, targetForms)
	}
	if target == "" {
		return refuse("empty")
	}
	raw, isURL := target, strings.Contains(target, "://")
	if !isURL {
		_, port, err := net.SplitHostPort(target)
		if err != nil {
			return refuse("not a host and a port")
		}
		if !isPort(port) {
			return refuse(fmt.Sprintf("the port %q is not a number from 1 to 65535", port))
		}
		raw = "http://" + target
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return refuse("not a valid address")
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse(fmt.Sprintf("unknown scheme %q", u.Scheme))
	case u.User != nil:
		return refuse("a user name in it; send a token with WithBearerToken")
	case u.Hostname() == "":
		return refuse("no host")
	case u.Port() == "" && strings.HasSuffix(u.Host, ":"), u.Port() != "" && !isPort(u.Port()):
		return refuse(fmt.Sprintf("the port %q is not a number from 1 to 65535", u.Port()))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(raw, "#"):
		return refuse("a query or a fragment in it")
	case !isURL && u.Path != "":
		return refuse("a path without http:// or https://")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
