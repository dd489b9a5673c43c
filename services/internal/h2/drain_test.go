package h2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestShutdownUnderLoad shuts a server down that is asked all the time: all calls are answered until
// nobody listens any more, with bodies and without.
func TestShutdownUnderLoad(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		for range 5 {
			d := attach(t, secure, mirror)
			var calling sync.WaitGroup
			var answered atomic.Int64
			under := make(chan struct{})    // closed when there is load
			d.fetch(t, http.MethodGet, nil) // so that there is a connection, and no second is made
			for i := range 16 {
				calling.Go(func() {
					for d.ask(t, 100*i) {
						if answered.Add(1) == 100 {
							close(under)
						}
					}
				})
			}
			await(t, "load", under)
			if err := d.http.Shutdown(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			calling.Wait()
		}
	})
}

// ask has a body of n bytes echoed, and returns false if nobody listens.
func (d *door) ask(t *testing.T, n int) bool {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, d.url, io.LimitReader(endless{}, int64(n)))
	if err != nil {
		t.Error(err)
		return false
	}
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(endless{}, int64(n))), nil }
	response, err := d.client.Do(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return false
	case err != nil:
		t.Errorf("%v; log: %s", err, d.log.String())
		return false
	}
	defer response.Body.Close()
	if got, err := io.Copy(io.Discard, response.Body); got != int64(n) || err != nil {
		t.Errorf("%d bytes of %d, %v", got, n, err)
	}
	return true
}
