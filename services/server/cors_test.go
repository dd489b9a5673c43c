package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// crossing asks as a page of the origin, and returns the headers of the answer.
func crossing(t *testing.T, env *testenv.Env, method, origin, wants string) http.Header {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, env.URL+predictPath, strings.NewReader(`{"features":[5.1,3.5,1.4,0.2]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodOptions {
		request.Header.Set("Access-Control-Request-Method", "POST")
		request.Header.Set("Access-Control-Request-Headers", wants)
	}
	response, err := testenv.HTTPClient(t, false).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.Header
}

// TestOrigins tells origins that may call from those that only look like them.
func TestOrigins(t *testing.T) {
	t.Parallel()
	local := testenv.Start(t, testenv.Options())
	o := testenv.Options()
	o.CORSOrigins = []string{"https://app.example.com", "https://other.example.com:8443"}
	listed := testenv.Start(t, o)
	for origin, allowed := range map[string]struct{ local, listed bool }{
		"http://localhost":                      {true, false},
		"https://localhost:8443":                {true, false},
		"http://LOCALHOST:5173":                 {true, false},
		"http://page.localhost:5173":            {true, false},
		"http://127.0.0.1:1":                    {true, false},
		"http://127.1.2.3":                      {true, false},
		"http://[::1]:80":                       {true, false},
		"https://localhost.evil.com":            {},
		"http://evil-localhost":                 {},
		"http://localhost@evil.com":             {},
		"http://evil.com@localhost":             {},
		"http://localhost/":                     {},
		"http://localhost?evil.com":             {},
		"http://localhost#":                     {},
		"http://127.0.0.1.evil.com":             {},
		"http://evil.com:127":                   {},
		"ftp://localhost":                       {},
		"file://localhost":                      {},
		"localhost":                             {},
		"null":                                  {},
		"http://10.0.0.1":                       {},
		"https://app.example.com":               {false, true},
		"https://APP.example.com":               {false, true},
		"http://app.example.com":                {},
		"https://app.example.com:443":           {},
		"https://app.example.com.evil.com":      {},
		"https://evil-app.example.com":          {},
		"https://sub.app.example.com":           {},
		"https://other.example.com:8443":        {false, true},
		"https://other.example.com":             {},
		"https://app.example.com, null":         {},
		"https://app.example.com https://a.com": {},
	} {
		for name, test := range map[string]struct {
			env     *testenv.Env
			allowed bool
		}{"local": {local, allowed.local}, "listed": {listed, allowed.listed}} {
			for _, method := range []string{http.MethodOptions, http.MethodPost} {
				h := crossing(t, test.env, method, origin, "content-type")
				want := ""
				if test.allowed {
					want = origin
				}
				if got := h.Get("Access-Control-Allow-Origin"); got != want {
					t.Errorf("%s, %s from %s: Access-Control-Allow-Origin is %q, expected %q", name, method, origin, got, want)
				}
				if !slices.ContainsFunc(h.Values("Vary"), func(v string) bool { return strings.Contains(v, "Origin") }) {
					t.Errorf("%s, %s from %s: Vary is %q, expected Origin in it", name, method, origin, h.Values("Vary"))
				}
				if got := h.Get("Access-Control-Allow-Credentials"); got != "" {
					t.Errorf("%s, %s from %s: Access-Control-Allow-Credentials is %q", name, method, origin, got)
				}
			}
		}
	}
}

// TestPreflight asks for the headers that clients send, and for one that none does.
func TestPreflight(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for wants, allowed := range map[string]bool{
		"authorization":                                     true,
		"authorization,content-type":                        true,
		"connect-protocol-version":                          true,
		"content-type,grpc-timeout,x-grpc-web,x-user-agent": true,
		"x-request-id":                                      true,
		"cookie":                                            false,
		"x-evil":                                            false,
	} {
		h := crossing(t, env, http.MethodOptions, "http://localhost:5173", wants)
		if got := h.Get("Access-Control-Allow-Headers") != ""; got != allowed {
			t.Errorf("%s: allowed is %t, expected %t", wants, got, allowed)
		}
	}
}

// TestAnswersToBrowsers shows the headers of what a browser may ask for by itself.
func TestAnswersToBrowsers(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for path, cache := range map[string]string{
		"/":        "no-cache",
		"/none":    "no-cache",
		"/livez":   "no-store",
		"/metrics": "no-store",
		predictPath + "?encoding=json&message=%7B%22features%22%3A%5B5.1%2C3.5%2C1.4%2C0.2%5D%7D": "no-store",
		predictPath + "?encoding=json&message=x":                                                  "no-store",
	} {
		response, err := testenv.HTTPClient(t, false).Get(env.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": cache, "Strict-Transport-Security": ""} {
			if got := strings.Join(response.Header.Values(name), ", "); got != want {
				t.Errorf("%s: %s is %q, expected %q", path, name, got, want)
			}
		}
	}
	if got := crossing(t, env, http.MethodPost, "http://localhost:5173", "").Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("POST of a page: X-Content-Type-Options is %q", got)
	}
}
