package server_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestCasesOverTLSWithAToken runs every case of testdata/cases in every protocol, as a client does
// that has to say who it is, over TLS.
func TestCasesOverTLSWithAToken(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	env := testenv.Start(t, known(t, o, everyone()))
	url := "https://" + env.Address
	for path, file := range readCases(t) {
		for _, p := range testenv.Protocols() {
			t.Run(filepath.Base(path)+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				client := secureClient(t, authority.Pool(), p.HTTP2())
				client.Transport = bearer{client.Transport, token("admin")}
				caller := testenv.CallerThrough(client, url, p)
				for _, c := range file.Cases {
					response, callErr := outcome(t, caller, c)
					if diff := cmp.Diff(c.Error, callErr); diff != "" {
						t.Errorf("%s: error (-want +got):\n%s", c.Name, diff)
					}
					if diff := cmp.Diff(decode(t, c.Response), decode(t, response), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
						t.Errorf("%s: response (-want +got):\n%s", c.Name, diff)
					}
				}
			})
		}
	}
}
