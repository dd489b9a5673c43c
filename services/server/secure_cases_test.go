package server_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestCasesOverTLSWithAToken runs every case of testdata/cases in every protocol, by every server of
// HTTP/2, as a client does that has to say who it is, over TLS.
func TestCasesOverTLSWithAToken(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	o = known(t, o, everyone())
	urls := make(map[string]string)
	for _, door := range doors.Names() {
		urls[door] = "https://" + testenv.Start(t, testenv.Through(o, door)).Address
	}
	for path, file := range readCases(t) {
		for _, w := range testenv.Ways() {
			t.Run(filepath.Base(path)+"/"+w.Name, func(t *testing.T) {
				t.Parallel()
				client := secureClient(t, authority.Pool(), w.HTTP2())
				client.Transport = bearer{client.Transport, token("admin")}
				caller := testenv.CallerThrough(client, urls[w.Door], w.Protocol)
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
