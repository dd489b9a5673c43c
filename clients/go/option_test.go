package sepal

import (
	"crypto/tls"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
)

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	retry := func(p RetryPolicy) []Option { return []Option{WithRetry(p)} }
	const plain, secure = "localhost:1", "https://localhost:1"
	for _, c := range []struct {
		target  string
		options []Option
		want    string
	}{
		{plain, []Option{WithProtocol(3)}, "WithProtocol(3): expected GRPC, GRPCWeb or Connect"},
		{plain, []Option{WithProtocol(-1)}, "WithProtocol(-1)"},
		{plain, []Option{WithJSON()}, "WithJSON: the protocol is grpc: add WithProtocol(Connect)"},
		{plain, []Option{WithProtocol(GRPCWeb), WithJSON()}, "the protocol is grpc-web"},
		{plain, []Option{WithTimeout(-1)}, "WithTimeout(-1ns)"},
		{plain, []Option{WithMaxMessageBytes(-1)}, "WithMaxMessageBytes(-1)"},
		{plain, []Option{WithTLSConfig(&tls.Config{})}, "the target is in clear text"},
		{secure, []Option{WithTLSConfig(&tls.Config{}), WithHTTPClient(http.DefaultClient)}, "expected one of them"},
		{plain, []Option{WithInterceptors(connect.Interceptor(nil))}, "an interceptor is nil"},
		{plain, []Option{WithHeader("", "x")}, `WithHeader("")`},
		{plain, []Option{WithHeader("a b", "x")}, `WithHeader("a b")`},
		{plain, []Option{WithHeader("naïve", "x")}, `WithHeader("naïve")`},
		{plain, []Option{WithHeader("X-A", "top\r\nsecret")}, "at byte 3"},
		{plain, []Option{WithHeader("X-A", "sécret")}, "at byte 1"},
		{plain, []Option{WithHeader("content-type", "x")}, "the protocol sets this header itself"},
		{plain, []Option{WithHeader("Grpc-Timeout", "1S")}, "the protocol sets this header itself"},
		{plain, []Option{WithHeader("connect-timeout-ms", "1")}, "the protocol sets this header itself"},
		{plain, retry(RetryPolicy{MaxAttempts: -1}), "MaxAttempts is -1: expected at least 1"},
		{plain, retry(RetryPolicy{InitialBackoff: -1}), "InitialBackoff is -1ns"},
		{plain, retry(RetryPolicy{MaxBackoff: -1}), "MaxBackoff is -1ns"},
		{plain, retry(RetryPolicy{InitialBackoff: 2, MaxBackoff: 1}), "expected at least InitialBackoff, 2ns"},
		{plain, retry(RetryPolicy{MaxBackoff: time.Millisecond}), "expected at least InitialBackoff, 100ms"},
		{plain, retry(RetryPolicy{Multiplier: 0.5}), "Multiplier is 0.5"},
		{plain, retry(RetryPolicy{Multiplier: math.NaN()}), "Multiplier is NaN"},
		{plain, retry(RetryPolicy{Multiplier: math.Inf(1)}), "Multiplier is +Inf"},
	} {
		_, err := Dial(c.target, c.options...)
		if err == nil || !strings.HasPrefix(err.Error(), "sepal: With") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %q", err, c.want)
		} else if strings.Contains(err.Error(), "cret") {
			t.Errorf("error %v shows the header's value", err)
		}
	}
}

func TestOptionsThatDoNothing(t *testing.T) {
	t.Parallel()
	client, err := Dial("localhost:1", nil, WithTLSConfig(nil), WithHTTPClient(nil),
		WithInterceptors(), WithRetry(RetryPolicy{}))
	if err != nil {
		t.Fatal(err)
	}
	want := RetryPolicy{MaxAttempts: 3, InitialBackoff: 100 * ms, MaxBackoff: 2 * time.Second, Multiplier: 2}
	if client.retries.policy != want || client.timeout != 10*time.Second || client.own == nil {
		t.Errorf("policy %+v, timeout %v; want the defaults", client.retries.policy, client.timeout)
	}
}

func TestTheLargestBackoffFollowsALongFirstOne(t *testing.T) {
	t.Parallel()
	client := dial(t, "localhost:1", WithRetry(RetryPolicy{InitialBackoff: time.Minute}))
	if got := client.retries.policy.MaxBackoff; got != time.Minute {
		t.Errorf("MaxBackoff is %v, want 1m", got)
	}
}

func TestProtocolsHaveNames(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[Protocol]string{
		GRPC: "grpc", GRPCWeb: "grpc-web", Connect: "connect", 7: "protocol(7)",
	} {
		if got := protocol.String(); got != want {
			t.Errorf("protocol %d is %q, want %q", int(protocol), got, want)
		}
	}
}
