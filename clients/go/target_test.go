package sepal

import (
	"strings"
	"testing"
)

func TestTargetsUnderstood(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"localhost:50051":          "http://localhost:50051",
		"127.0.0.1:1":              "http://127.0.0.1:1",
		"[::1]:50051":              "http://[::1]:50051",
		"sepal_1.internal:65535":   "http://sepal_1.internal:65535",
		"http://localhost:50051":   "http://localhost:50051",
		"http://localhost:50051/":  "http://localhost:50051",
		"HTTPS://ml.example.com":   "https://ml.example.com",
		"https://[::1]/ml/models/": "https://[::1]/ml/models",
	} {
		u, err := parseTarget(target)
		if err != nil || u.String() != want {
			t.Errorf("%q gives %v, %v; want %s", target, u, err, want)
		}
	}
}

func TestTargetsRefused(t *testing.T) {
	t.Parallel()
	for target, reason := range map[string]string{
		"":                           "empty",
		"localhost":                  "not a host and a port",
		"::1:50051":                  "not a host and a port",
		"localhost:":                 `the port ""`,
		"localhost:http":             `the port "http"`,
		"localhost:0":                `the port "0"`,
		"localhost:65536":            `the port "65536"`,
		"localhost:-1":               `the port "-1"`,
		"localhost:50051/":           `the port "50051/"`,
		":50051":                     "no host",
		"local host:50051":           "not a valid address",
		"a/b:50051":                  "a path without",
		"a?b:50051":                  "a query or a fragment",
		"a#b:50051":                  "a query or a fragment",
		"dns:///localhost:50051":     `unknown scheme "dns"`,
		"grpc://localhost:50051":     `unknown scheme "grpc"`,
		"://localhost":               "not a valid address",
		"http://":                    "no host",
		"http://:50051":              "no host",
		"https://localhost:":         `the port ""`,
		"https://localhost:0":        `the port "0"`,
		"https://localhost:x":        "not a valid address",
		"https://localhost/?a=b":     "a query or a fragment",
		"https://localhost/?":        "a query or a fragment",
		"https://localhost/#":        "a query or a fragment",
		"https://me:pass@localhost/": "a user name",
		"me:pass@localhost:50051":    "not a host and a port",
		"me@localhost:50051":         "a user name",
	} {
		client, err := Dial(target)
		if err == nil || client != nil {
			t.Errorf("%q is taken", target)
			continue
		}
		text := err.Error()
		if !strings.HasPrefix(text, "sepal: target ") || !strings.Contains(text, reason) || !strings.Contains(text, targetForms) {
			t.Errorf("%q: text %q, want the reason %q and what is expected", target, text, reason)
		}
		if strings.Contains(text, "pass@") {
			t.Errorf("%q: text %q shows the password", target, text)
		}
	}
}
