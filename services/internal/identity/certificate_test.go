package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// certificate is what tests want in one.
type certificate struct {
	common, organisation string
	raw                  []byte // in place of these two
	dns, uris, emails    []string
}

var certificateKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })

func newCertificate(t testing.TB, c certificate) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: c.common}, RawSubject: c.raw, DNSNames: c.dns, EmailAddresses: c.emails,
	}
	if c.organisation != "" {
		template.RawSubject = rdn("2.5.4.10="+c.organisation, "2.5.4.3="+c.common)
	}
	for _, text := range c.uris {
		template.URIs = append(template.URIs, must(url.Parse(text)))
	}
	key := certificateKey()
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))))
}

// connected returns a request over a connection with a certificate that was verified.
func connected(c *x509.Certificate, authorization ...string) *http.Request {
	r := request(authorization...)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
	return r
}

const principalsOfCertificates = `
ada    predict,read  subject:O=Example\, Inc. , cn=ada
web    predict       san:web.example.com
job    publish       san:spiffe://example.com/ns/ml/job
eve    read          san:eve@example.com
late   admin         san:both.example.com
`

func TestCertificates(t *testing.T) {
	t.Parallel()
	o := identity.Options{PrincipalsFile: write(t, "p", []byte(principalsOfCertificates)), CertificatesTrusted: true}
	a := open(t, o)
	o.CertificateScopes = identity.Read
	lenient := open(t, o)
	for _, test := range []struct {
		name        string
		certificate certificate
		want        identity.Principal // of the zero name: none
		otherwise   string             // its name where it is a stranger
	}{
		{"subject", certificate{common: "ada", raw: rdn("2.5.4.3=ada", "2.5.4.10=Example, Inc.")}, identity.Principal{Name: "ada", Scopes: identity.Predict | identity.Read}, ""},
		{"other order", certificate{common: "ada", organisation: "Example, Inc."}, identity.Principal{}, `CN=ada,O=Example\, Inc.`},
		{"other case", certificate{raw: rdn("2.5.4.3=Ada", "2.5.4.10=Example, Inc.")}, identity.Principal{}, `O=Example\, Inc.,CN=Ada`},
		{"common name alone", certificate{common: "ada"}, identity.Principal{}, "CN=ada"},
		{"a name that reads like two", certificate{common: "ada,O=Example\\, Inc."}, identity.Principal{}, `CN=ada\,O\=Example\\\, Inc.`},
		{"DNS", certificate{common: "x", dns: []string{"WEB.example.com"}}, identity.Principal{Name: "web", Scopes: identity.Predict}, ""},
		{"wildcard", certificate{dns: []string{"*.example.com"}}, identity.Principal{}, "dns:*.example.com"},
		{"URI", certificate{uris: []string{"spiffe://example.com/ns/ml/job"}}, identity.Principal{Name: "job", Scopes: identity.Publish}, ""},
		{"part of a URI", certificate{uris: []string{"spiffe://example.com/ns/ml/job/x"}}, identity.Principal{}, "uri:spiffe://example.com/ns/ml/job/x"},
		{"e-mail", certificate{emails: []string{"eve@example.com"}}, identity.Principal{Name: "eve", Scopes: identity.Read}, ""},
		{"e-mail as DNS", certificate{common: "y", dns: []string{"eve.example.com"}}, identity.Principal{}, "CN=y"},
		{"two lines", certificate{dns: []string{"both.example.com", "web.example.com"}}, identity.Principal{Name: "web", Scopes: identity.Predict}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCertificate(t, test.certificate)
			for range 2 {
				got, err := a.Authenticate(connected(c))
				if test.want.Name == "" {
					if why := reason(t, a, connected(c)); why != identity.ReasonUnknownCertificate || !strings.Contains(err.Error(), test.otherwise) {
						t.Errorf("got %v and %v, expected a stranger called %s", got, err, test.otherwise)
					}
				} else {
					want := test.want
					want.Kind = identity.KindCertificate
					if diff := cmp.Diff(&want, got); diff != "" {
						t.Errorf("%v, -want +got:\n%s", err, diff)
					}
				}
				got, err = lenient.Authenticate(connected(c))
				want := identity.Principal{Name: test.otherwise, Kind: identity.KindCertificate, Scopes: identity.Read}
				if test.want.Name != "" {
					want.Name, want.Scopes = test.want.Name, test.want.Scopes
				}
				if diff := cmp.Diff(&want, got); diff != "" {
					t.Errorf("with scopes for strangers: %v, -want +got:\n%s", err, diff)
				}
			}
		})
	}
}

// rdn returns a subject of these parts, TYPE=VALUE, the first one at the top.
func rdn(parts ...string) []byte {
	var sequence pkix.RDNSequence
	for _, part := range parts {
		kind, value, _ := strings.Cut(part, "=")
		var id asn1.ObjectIdentifier
		for _, number := range strings.Split(kind, ".") {
			n := 0
			for _, digit := range number {
				n = 10*n + int(digit-'0')
			}
			id = append(id, n)
		}
		sequence = append(sequence, pkix.RelativeDistinguishedNameSET{{Type: id, Value: value}})
	}
	return must(asn1.Marshal(sequence))
}

// TestWhatIsNoCertificate shows certificates that nobody has verified, or that have ended.
func TestWhatIsNoCertificate(t *testing.T) {
	t.Parallel()
	o := identity.Options{PrincipalsFile: write(t, "p", []byte(principalsOfCertificates)), CertificatesTrusted: true, CertificateScopes: identity.Admin}
	var now atomicTime
	now.set(time.Now())
	a := open(t, o.WithTiming(identity.Timing{Now: now.get}))
	c := newCertificate(t, certificate{dns: []string{"web.example.com"}})
	unverified := connected(c)
	unverified.TLS.VerifiedChains = nil
	if got := reason(t, a, unverified); got != identity.ReasonMissing {
		t.Errorf("not verified: got %q", got)
	}
	if got := reason(t, a, connected(c, "Bearer "+mint.NewToken())); got != identity.ReasonUnknownToken {
		t.Errorf("with a bad token: got %q", got)
	}
	if got := reason(t, a, connected(c)); got != "" {
		t.Errorf("a good one: got %q", got)
	}
	now.add(2 * time.Hour)
	if got := reason(t, a, connected(c)); got != identity.ReasonExpired {
		t.Errorf("ended: got %q", got)
	}
	o.CertificatesTrusted, o.CertificateScopes = false, 0
	untrusting := open(t, o)
	if got := reason(t, untrusting, connected(c)); got != identity.ReasonMissing {
		t.Errorf("without a CA: got %q", got)
	}
}

// TestCertificatesAlone are enough to be somebody.
func TestCertificatesAlone(t *testing.T) {
	t.Parallel()
	a := open(t, identity.Options{CertificatesTrusted: true, CertificateScopes: identity.Predict})
	long := strings.Repeat("a", 64)
	for _, test := range []struct {
		certificate certificate
		want        string
	}{
		{certificate{common: "ada"}, "CN=ada"},
		{certificate{uris: []string{"spiffe://x/y"}}, "uri:spiffe://x/y"},
		{certificate{}, "serial:7"},
	} {
		got, err := a.Authenticate(connected(newCertificate(t, test.certificate)))
		if err != nil || got.Name != test.want || got.Kind != identity.KindCertificate || got.Scopes != identity.Predict {
			t.Errorf("got %v and %v, expected %s", got, err, test.want)
		}
	}
	names := map[string]bool{}
	for _, last := range []string{"1", "2", "\x01"} {
		c := newCertificate(t, certificate{raw: rdn("2.5.4.3="+last, "2.5.4.10="+long, "2.5.4.11="+long, "2.5.4.7="+long, "2.5.4.8="+long)})
		got, err := a.Authenticate(connected(c))
		if err != nil || identity.CheckName(got.Name) != nil || names[got.Name] {
			t.Errorf("got %v and %v, expected a name of its own within bounds", got, err)
			continue
		}
		names[got.Name] = true
	}
}

func TestCertificatesRememberedAreBounded(t *testing.T) {
	t.Parallel()
	a := open(t, identity.Options{CertificatesTrusted: true, CertificateScopes: identity.Predict})
	c := newCertificate(t, certificate{common: "ada"})
	for range identity.MaxCertificates + 100 {
		other := *c // as another connection parses it
		if got := reason(t, a, connected(&other)); got != "" {
			t.Fatalf("got %q", got)
		}
	}
	if got := a.CertificatesRemembered(); got != identity.MaxCertificates {
		t.Errorf("%d are remembered, expected %d", got, identity.MaxCertificates)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"CN=ada":                   "CN=ada",
		" cn = ada , O=Example ":   "CN=ada,O=Example",
		"commonname=x":             "!",
		"2.5.4.3=ada":              "CN=ada",
		"OID.2.5.4.3=ada":          "CN=ada",
		"1.2.3.4=x":                "1.2.3.4=x",
		"S=Bavaria,E=a@b.c":        "ST=Bavaria,EMAILADDRESS=a@b.c",
		`O=Example\, Inc.`:         `O=Example\, Inc.`,
		`O="Example, Inc."`:        `O=Example\, Inc.`,
		`O="Example, Inc." , C=DE`: `O=Example\, Inc.,C=DE`,
		`CN=\C3\A4da`:              "CN=äda",
		`CN=a\20`:                  `CN=a\ `,
		`CN=a\ `:                   `CN=a\ `,
		`CN=\#a`:                   `CN=\#a`,
		"OU=b+CN=a,O=x":            "CN=a+OU=b,O=x",
		"DC=example,DC=com":        "DC=example,DC=com",
		"":                         "!",
		"ada":                      "!",
		"CN=":                      "!",
		"CN=a,":                    "!",
		"CN=a,,O=b":                "!",
		"CN=a;O=b":                 "!",
		`CN="a`:                    "!",
		`CN="a"b`:                  "!",
		`CN=a\`:                    "!",
		`CN=a\x`:                   "!",
		`CN=\FF`:                   "!",
		"CN=#0401":                 "!",
		"X=a":                      "!",
		"1.=a":                     "!",
		"01.2=a":                   "!",
	} {
		got, err := identity.ParseName(text)
		if (err != nil) != (want == "!") || err == nil && got != want {
			t.Errorf("%q: got %q and %v, expected %q", text, got, err, want)
			continue
		}
		if err == nil {
			if again, err := identity.ParseName(got); err != nil || again != got {
				t.Errorf("%q: %q is read as %q, %v", text, got, again, err)
			}
		}
	}
}

// TestSubjectsAreReadAsTheyAreWritten takes names of certificates, in the way that openssl prints them.
func TestSubjectsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"CN=ada,OU=ML,O=Example,C=DE": {"2.5.4.6=DE", "2.5.4.10=Example", "2.5.4.11=ML", "2.5.4.3=ada"},
		`CN=a\+b\,c\\\"\<\>\;\=`:      {`2.5.4.3=a+b,c\"<>;=`},
		`CN=\ x\ `:                    {"2.5.4.3= x "},
		"UID=7,DC=com":                {"0.9.2342.19200300.100.1.25=com", "0.9.2342.19200300.100.1.1=7"},
	} {
		got, ok := identity.SubjectOf(newCertificate(t, certificate{raw: rdn(parts...)}))
		if !ok || got != want {
			t.Errorf("got %q, %v, expected %q", got, ok, want)
			continue
		}
		if again, err := identity.ParseName(got); err != nil || again != got {
			t.Errorf("%q is read as %q, %v", got, again, err)
		}
	}
}
