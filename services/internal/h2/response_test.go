package h2_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// TestResponses shows what handlers do and what comes of it.
func TestResponses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("0123456789abcdef", 600) // more than is gathered
	type want struct {
		status, body    string
		header, trailer map[string][]string
	}
	for name, test := range map[string]struct {
		method  string
		handler http.HandlerFunc
		want    want
	}{
		"nothing": {"GET", func(http.ResponseWriter, *http.Request) {},
			want{status: "200", header: map[string][]string{"content-length": {"0"}}}},
		"a short body": {"GET", func(w http.ResponseWriter, _ *http.Request) { say(w, "hello") },
			want{status: "200", body: "hello", header: map[string][]string{"content-length": {"5"}, "content-type": {"text/plain; charset=utf-8"}}}},
		"a long body": {"GET", func(w http.ResponseWriter, _ *http.Request) { say(w, many) },
			want{status: "200", body: many, header: map[string][]string{"content-type": {"text/plain; charset=utf-8"}}}},
		"a type told by more than the first write": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			say(w, "<")
			say(w, "html>"+many)
		}, want{status: "200", body: "<html>" + many, header: map[string][]string{"content-type": {"text/html; charset=utf-8"}}}},
		"HEAD": {"HEAD", func(w http.ResponseWriter, _ *http.Request) { say(w, "<html>") },
			want{status: "200", header: map[string][]string{"content-length": {"6"}, "content-type": {"text/html; charset=utf-8"}}}},
		"HEAD, flushed, with a trailer": {"HEAD", func(w http.ResponseWriter, _ *http.Request) {
			say(w, many)
			flush(w)
			w.Header().Set("Trailer:X", "y")
		}, want{status: "200", header: map[string][]string{"content-type": {"text/plain; charset=utf-8"}}}},
		"no content": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		}, want{status: "204"}},
		"a second status": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
		}, want{status: "418", header: map[string][]string{"content-length": {"0"}}}},
		"headers after the status": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["X"] = []string{"1", "2"}
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X", "3")
			w.Header().Set("Y", "4")
		}, want{status: "200", header: map[string][]string{"x": {"1", "2"}, "content-length": {"0"}}}},
		"what HTTP/2 does not allow": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range []string{"connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "a b", "", "Ü"} {
				w.Header()[name] = []string{"x"}
			}
			w.Header()["X"] = []string{"a\nb", "c"}
			w.Header()["Date"] = nil
			w.Header()["Content-Length"] = []string{"many"}
		}, want{status: "200", header: map[string][]string{"x": {"c"}, "content-length": {"0"}}}},
		"trailers that are announced": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Early", "1")
			w.Header()["Trailer"] = []string{"X-Early, x-late", "X-Never, Content-Length"}
			say(w, "body")
			w.Header().Set("X-Late", "2")
			w.Header().Set("X-Other", "3")
		}, want{status: "200", body: "body",
			header: map[string][]string{
				"trailer": {"X-Early, x-late", "X-Never, Content-Length"}, "content-length": {"4"},
				"content-type": {"text/plain; charset=utf-8"},
			},
			trailer: map[string][]string{"x-early": {"1"}, "x-late": {"2"}}}},
		"trailers that are not announced": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			flush(w)
			w.Header().Set(http.TrailerPrefix+"grpc-status", "0")
			w.Header()[http.TrailerPrefix+"X"] = []string{"1", "2\r\n", "3"}
			w.Header().Set(http.TrailerPrefix+"Content-Length", "4")
			w.Header().Set(http.TrailerPrefix+"Authorization", "5")
		}, want{status: "200", trailer: map[string][]string{"grpc-status": {"0"}, "x": {"1", "3"}}}},
		"more fields than usual, and trailers": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 40 {
				w.Header().Set("X-"+strconv.Itoa(i), "v")
				w.Header().Set(http.TrailerPrefix+"Y-"+strconv.Itoa(i), "v")
			}
		}, want{status: "200", header: with(numbered("x-", 40), "content-length", "0"), trailer: numbered("y-", 40)}},
		"no type": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			say(w, "x")
		}, want{status: "200", body: "x", header: map[string][]string{"content-length": {"1"}}}},
		"an encoding": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			say(w, "x")
		}, want{status: "200", body: "x", header: map[string][]string{"content-encoding": {"gzip"}, "content-length": {"1"}}}},
		"more than the length": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Length"] = []string{"2", "3"}
			say(w, "ab")
			if n, err := io.WriteString(w, "c"); n != 0 || err == nil {
				panic("it was written")
			}
		}, want{status: "200", body: "ab", header: map[string][]string{"content-length": {"2"}, "content-type": {"text/plain; charset=utf-8"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, test.handler, func(p *peer) {
				p.open(1, true, request(test.method, "/")...)
				p.wants(1, test.want.status, test.want.body)
				got := p.of(1)
				dated := len(got.header["date"]) == 1 //nolint:staticcheck // HTTP/2 writes it so
				delete(got.header, "date")
				if diff := cmp.Diff(http.Header(test.want.header), got.header, emptyIsNil()); diff != "" {
					t.Errorf("header, expected and got:\n%s", diff)
				}
				if diff := cmp.Diff(http.Header(test.want.trailer), got.trailer, emptyIsNil()); diff != "" {
					t.Errorf("trailer, expected and got:\n%s", diff)
				}
				if wanted := !strings.HasPrefix(name, "what HTTP/2"); dated != wanted {
					t.Errorf("dated: %t", dated)
				}
				p.wantsOpen()
			})
		})
	}
}

// emptyIsNil takes headers without fields for the same as none.
func emptyIsNil() cmp.Option {
	return cmp.Transformer("filled", func(h http.Header) map[string][]string {
		if len(h) == 0 {
			return nil
		}
		return h
	})
}

func numbered(prefix string, n int) map[string][]string {
	m := make(map[string][]string)
	for i := range n {
		m[prefix+strconv.Itoa(i)] = []string{"v"}
	}
	return m
}

func with(m map[string][]string, key, value string) map[string][]string {
	m[key] = []string{value}
	return m
}

// say writes a part of a body and panics if that fails, which resets the stream.
func say(w http.ResponseWriter, text string) {
	if n, err := io.WriteString(w, text); n != len(text) || err != nil {
		panic(fmt.Sprint(n, err))
	}
}

func flush(w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
}

// TestTooShort resets a stream whose handler writes less than it said.
func TestTooShort(t *testing.T) {
	for name, body := range map[string]string{"nothing": "", "a part": "ab"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "5")
				say(w, body)
			}, func(p *peer) {
				p.get(1, "/")
				p.wantsReset(1, http2.ErrCodeInternal)
				p.wantsOpen()
			})
		})
	}
}

// TestPanics shows that a handler's panic ends its stream alone.
func TestPanics(t *testing.T) {
	for name, test := range map[string]struct {
		value  any
		logged bool
	}{
		"abort": {http.ErrAbortHandler, false},
		"other": {"oh no", true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/panic" {
					say(w, "unsent")
					panic(test.value)
				}
				<-r.Context().Done()
			}, func(p *peer) {
				p.get(1, "/wait")
				p.get(3, "/panic")
				p.wantsReset(3, http2.ErrCodeInternal)
				if a := p.of(1); len(a.resets) > 0 || a.ended {
					t.Errorf("the other stream got %+v", a)
				}
				if logged := strings.Contains(p.log.String(), "panic serving"); logged != test.logged {
					t.Errorf("logged: %s", p.log.String())
				}
				p.wantsOpen()
			})
		})
	}
}

// TestInformed sends statuses that are not the last.
func TestInformed(t *testing.T) {
	bubble(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.Header().Set("Content-Length", "2")
		w.Header().Set("Connection", "x")
		w.Header()["Bad"] = []string{"\n"}
		w.Header().Set("Trailer:X", "y")
		w.WriteHeader(http.StatusEarlyHints)
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "body" {
			panic(fmt.Sprint(string(body), err))
		}
		w.Header().Del("Trailer:X")
		say(w, "ok")
	}, func(p *peer) {
		p.post(1, "/", "expect", "100-continue")
		want := []string{"103 map[link:[</a.css>]]", "100 map[]"}
		if diff := cmp.Diff(want, p.of(1).informed); diff != "" {
			t.Errorf("expected and got:\n%s", diff)
		}
		p.data(1, true, "body")
		p.wants(1, "200", "ok")
	})
}

// TestExpectations shows when a client is told to continue.
func TestExpectations(t *testing.T) {
	for name, test := range map[string]struct {
		handler  http.HandlerFunc
		informed []string
	}{
		"the body is read":      {func(_ http.ResponseWriter, r *http.Request) { drop(r) }, []string{"100 map[]"}},
		"it is not":             {func(http.ResponseWriter, *http.Request) {}, nil},
		"after the answer":      {func(w http.ResponseWriter, r *http.Request) { flush(w); drop(r) }, nil},
		"the handler continues": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusContinue); drop(r) }, []string{"100 map[]"}},
		"the header is not there": {func(_ http.ResponseWriter, r *http.Request) {
			mustNot(r.Header["Expect"] != nil)
			drop(r)
		}, []string{"100 map[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, test.handler, func(p *peer) {
				p.post(1, "/", "expect", "100-Continue")
				if diff := cmp.Diff(test.informed, p.of(1).informed); diff != "" {
					t.Errorf("expected and got:\n%s", diff)
				}
				if a := p.of(1); !a.ended {
					p.data(1, true, "body")
				}
				if a := p.of(1); a.status != "200" || !a.ended {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
}

// drop reads what comes of a body.
func drop(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the client may have been answered
}

func mustNot(wrong bool) {
	if wrong {
		panic("it is")
	}
}

// TestDeadlines sets those of an http.ResponseController.
func TestDeadlines(t *testing.T) {
	for name, test := range map[string]struct {
		handler func(c *http.ResponseController, w http.ResponseWriter, r *http.Request) error
		body    string // "": the stream is reset
	}{
		"reading": {func(c *http.ResponseController, w http.ResponseWriter, r *http.Request) error {
			err := c.SetReadDeadline(time.Now().Add(time.Second))
			_, read := r.Body.Read(make([]byte, 1))
			say(w, fmt.Sprint(err, read))
			return nil
		}, "<nil> i/o timeout"},
		"reading, in the past": {func(c *http.ResponseController, w http.ResponseWriter, r *http.Request) error {
			err := c.SetReadDeadline(time.Now())
			_, read := r.Body.Read(make([]byte, 1))
			say(w, fmt.Sprint(err, read))
			return nil
		}, "<nil> i/o timeout"},
		"reading, later than never": {func(c *http.ResponseController, w http.ResponseWriter, r *http.Request) error {
			err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Second)), c.SetReadDeadline(time.Time{}))
			time.Sleep(time.Minute)
			err = errors.Join(err, c.SetReadDeadline(time.Now().Add(time.Second)), c.SetReadDeadline(time.Now().Add(time.Hour)))
			start := time.Now()
			_, read := r.Body.Read(make([]byte, 1))
			say(w, fmt.Sprint(err, read, time.Since(start)))
			return nil
		}, "<nil> i/o timeout 1h0m0s"},
		"writing": {func(c *http.ResponseController, w http.ResponseWriter, _ *http.Request) error {
			err := c.SetWriteDeadline(time.Now().Add(time.Second))
			_, write := w.Write(make([]byte, 100<<10))
			return errors.Join(err, write)
		}, ""},
		"writing, in the past": {func(c *http.ResponseController, w http.ResponseWriter, r *http.Request) error {
			err := errors.Join(c.SetWriteDeadline(time.Now()), c.SetWriteDeadline(time.Time{}))
			mustNot(r.Context().Err() == nil)
			say(w, "x")
			return errors.Join(err, c.Flush())
		}, ""},
		"full duplex": {func(c *http.ResponseController, w http.ResponseWriter, _ *http.Request) error {
			say(w, fmt.Sprint(c.EnableFullDuplex()))
			return nil
		}, "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan error, 1)
			bubble(t, h2.Config{IdleTimeout: 10 * time.Hour, PingAfter: 10 * time.Hour}, func(w http.ResponseWriter, r *http.Request) {
				got <- test.handler(http.NewResponseController(w), w, r)
			}, func(p *peer) {
				p.post(1, "/")
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if test.body != "" {
					if a := p.of(1); string(a.body) != test.body {
						t.Errorf("answered %q, expected %q; %+v, %s", a.body, test.body, a, p.log.String())
					}
					return
				}
				p.wantsReset(1, http2.ErrCodeInternal)
				if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the handler got %v", err)
				}
			})
		})
	}
}

// TestContextsEnd ends the contexts of requests, and the Reads and Writes of their handlers.
func TestContextsEnd(t *testing.T) {
	for name, end := range map[string]func(p *peer){
		"reset":      func(p *peer) { p.reset(1) },
		"disconnect": func(p *peer) { p.conn.Close() },
		"a fault of the stream": func(p *peer) {
			for range 2 { // the first may give back no more than was taken
				p.do(p.framer.WriteWindowUpdate(1, 1<<31-1))
			}
		},
		"a fault of the connection": func(p *peer) {
			p.do(p.framer.WriteWindowUpdate(0, 1<<31-1))
			_ = p.framer.WriteWindowUpdate(0, 1<<31-1) // it may be gone
			synctest.Wait()
		},
	} {
		for what, handler := range map[string]http.HandlerFunc{
			"waiting": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"reading": func(_ http.ResponseWriter, r *http.Request) {
				_, err := r.Body.Read(make([]byte, 1))
				mustNot(err == nil || errors.Is(err, io.EOF) || r.Context().Err() == nil)
			},
			"writing": func(w http.ResponseWriter, r *http.Request) {
				_, err := w.Write(make([]byte, 1<<20))
				mustNot(err == nil || r.Context().Err() == nil)
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				ended := make(chan struct{})
				bubble(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
					handler(w, r)
					close(ended)
				}, func(p *peer) {
					p.post(1, "/")
					end(p)
					synctest.Wait()
					select {
					case <-ended:
					default:
						t.Errorf("the handler has not ended, or has panicked: %s", p.log.String())
					}
				})
			})
		}
	}
}

// TestConnectionClose lets a connection end after a response that asks for it.
func TestConnectionClose(t *testing.T) {
	bubble(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/last" {
			w.Header().Set("Connection", "close")
		}
		_, _ = io.Copy(w, r.Body) // it is reset
	}, func(p *peer) {
		p.post(1, "/")
		p.get(3, "/last")
		p.wants(3, "200", "")
		p.get(5, "/meanwhile")
		p.wants(5, "200", "")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		p.get(7, "/late")
		p.data(1, true, "rest")
		p.wants(1, "200", "rest")
		if diff := cmp.Diff([]goAway{{1<<31 - 1, 0}, {5, 0}}, p.goAways, cmp.AllowUnexported(goAway{})); diff != "" {
			t.Errorf("expected and got:\n%s", diff)
		}
		p.wantsEnd(http2.ErrCodeNo)
		if a := p.of(7); a.status != "" || len(a.resets) > 0 {
			t.Errorf("stream 7 got %+v", a)
		}
	})
}
