package rpc

import (
	"net/http"
	"testing"
	"time"
)

func TestClientTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"Grpc-Timeout", "100m", 100 * time.Millisecond, true},
		{"Grpc-Timeout", "2S", 2 * time.Second, true},
		{"Grpc-Timeout", "3M", 3 * time.Minute, true},
		{"Grpc-Timeout", "1H", time.Hour, true},
		{"Grpc-Timeout", "00099999u", 99999 * time.Microsecond, true},
		{"Grpc-Timeout", "5n", 5 * time.Nanosecond, true},
		{"Grpc-Timeout", "100", 0, false},
		{"Grpc-Timeout", "m", 0, false},
		{"Grpc-Timeout", "-1m", 0, false},
		{"Grpc-Timeout", "123456789m", 0, false},
		{"Grpc-Timeout", "100x", 0, false},
		{"Connect-Timeout-Ms", "250", 250 * time.Millisecond, true},
		{"Connect-Timeout-Ms", "-250", 0, false},
		{"Connect-Timeout-Ms", "soon", 0, false},
		{"Connect-Timeout-Ms", "12345678901", 0, false},
		{"X-Timeout", "1", 0, false},
	} {
		got, ok := clientTimeout(http.Header{test.name: {test.value}})
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: %s is %v, %v, expected %v, %v", test.name, test.value, got, ok, test.want, test.ok)
		}
	}
	if got, ok := clientTimeout(http.Header{"Grpc-Timeout": {"99999999H"}}); !ok || got <= 0 {
		t.Errorf("the longest timeout is %v, %v", got, ok)
	}
}
