package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// healthCmd is the verb health.
type healthCmd struct {
	Server  string        `short:"s" env:"SEPAL_SERVER" placeholder:"HOST:PORT" help:"Server to ask, also a URL; by default the one that sepal serve is with the same variables."`
	CA      string        `name:"ca" env:"SEPAL_HEALTH_CA" placeholder:"FILE" help:"Authorities to trust, in PEM; those of the system by default. On the same machine any certificate will do without it."`
	Timeout time.Duration `env:"SEPAL_HEALTH_TIMEOUT" default:"2s" help:"Longest time to wait for the answer."`

	Host    string `env:"HOST" default:"${host}" help:"Address that the server listens on, without --server; 0.0.0.0 is asked on 127.0.0.1."`
	Port    uint16 `env:"PORT" default:"${port}" help:"Port that the server listens on, without --server."`
	TLSCert string `name:"tls-cert" env:"SEPAL_TLS_CERT" placeholder:"FILE" help:"Certificate of the server, without --server: that it has one is to speak TLS."`

	target *url.URL
	roots  *x509.CertPool
}

// Help returns what the help of the verb says beside its flags.
func (healthCmd) Help() string {
	return `Examples:
  sepal health
  sepal health --server localhost:8080
  sepal health --server https://sepal.example.com --ca authority.pem

Exits with 0 where the server is ready to answer, and with 1 where it is not: while it starts or
stops, or cannot be reached. It needs no credentials.`
}

// AfterApply finds out whom to ask.
func (c *healthCmd) AfterApply(parsed *kong.Context) error {
	if c.Timeout <= 0 {
		return fmt.Errorf("--timeout is %v, expected more than 0s", c.Timeout)
	}
	own := c.Server == "" || !given(parsed, "server") && (given(parsed, "host") || given(parsed, "port"))
	if own && c.Port == 0 {
		return errors.New("PORT is 0, so the server listens on one that was free; say which with --server HOST:PORT")
	}
	var err error
	if own {
		c.target = c.own()
	} else if c.target, err = healthTarget(c.Server, c.CA != ""); err != nil {
		return err
	}
	if c.CA == "" {
		return nil
	}
	if c.target.Scheme != "https" {
		return errors.New("--ca is for TLS, which the server does not speak; expected --server https://HOST:PORT")
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return fmt.Errorf("--ca: %w", err)
	}
	c.roots = x509.NewCertPool()
	if !c.roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--ca: %s holds no certificate in PEM", c.CA)
	}
	return nil
}

// own returns where sepal serve listens with the same variables.
func (c *healthCmd) own() *url.URL {
	host := strings.TrimSuffix(strings.TrimPrefix(c.Host, "["), "]")
	switch ip := net.ParseIP(host); {
	case ip == nil: // a name
	case ip.Equal(net.IPv6unspecified):
		host = net.IPv6loopback.String()
	case ip.IsUnspecified():
		host = "127.0.0.1"
	}
	target := &url.URL{Scheme: "http", Host: net.JoinHostPort(host, fmt.Sprint(c.Port)), Path: "/readyz"}
	if c.TLSCert != "" {
		target.Scheme = "https"
	}
	return target
}

// healthTarget returns what to ask of a server that is called so.
func healthTarget(server string, encrypted bool) (*url.URL, error) {
	if !strings.Contains(server, "://") {
		scheme := "http://"
		if encrypted {
			scheme = "https://"
		}
		server = scheme + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("--server is no address, expected HOST:PORT or a URL such as https://sepal.example.com")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/readyz"}, nil
}

// Run asks whether the server is ready, and prints what it says.
func (c *healthCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.target.String(), http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: c.tls(), DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	switch {
	case p.ctx.Err() != nil:
		return p.ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s does not answer within %v", c.target.Host, c.Timeout)
	case err != nil:
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return fmt.Errorf("%s cannot be asked: %w", c.target.Host, err)
	}
	defer func() { _ = response.Body.Close() }()
	const enough = 1 << 10
	said, _ := io.ReadAll(io.LimitReader(response.Body, enough))
	status := printableLine(strings.TrimSpace(string(said)))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s (HTTP status %d)", c.target.Host, status, response.StatusCode)
	}
	_, err = fmt.Fprintln(p.stdout, status)
	return err
}

// tls returns how to know the server by its certificate. On the machine itself it is known by its
// address: no certificate has to name that.
func (c *healthCmd) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.roots}
	ip := net.ParseIP(c.target.Hostname())
	local := c.target.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	config.InsecureSkipVerify = local && c.roots == nil
	return config
}
