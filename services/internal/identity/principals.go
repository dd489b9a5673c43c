package identity

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
)

// maxPrincipals is how many lines a principals file may have that are not comments.
const maxPrincipals = 10_000

// principals is the content of a principals file. It does not change but for what was found before.
type principals struct {
	tokens   map[hash]*Principal
	subjects map[string]ranked // by their canonical form
	names    map[string]ranked // alternative names, by kind and name
	known    certificateCache
}

// ranked is a principal and its line: of several that a certificate fits, the first one counts.
type ranked struct {
	line int
	*Principal
}

// principalsFile is a principals file that is followed.
type principalsFile struct {
	file followedFile
	now  atomic.Pointer[principals]
}

func (f *principalsFile) current() *principals { return f.now.Load() }

func newPrincipalsFile(o Options) *principalsFile {
	f := new(principalsFile)
	f.file = followedFile{path: o.PrincipalsFile, logger: o.Logger, take: func(data []byte) error {
		p, err := parsePrincipals(data)
		if err != nil {
			return err
		}
		f.now.Store(p)
		o.Logger.Info().Str("file", o.PrincipalsFile).Int("tokens", len(p.tokens)).
			Int("certificates", p.certificates()).Msg("principals were read")
		if p.certificates() > 0 && !o.CertificatesTrusted {
			o.Logger.Warn().Str("file", o.PrincipalsFile).
				Msg("principals with certificates count for nothing: no CA of client certificates is set (--tls-client-ca)")
		}
		return nil
	}}
	// Who takes the last line out wants nobody to call by this file any more.
	f.file.emptied = func() {
		f.now.Store(new(principals))
		o.Logger.Warn().Str("file", o.PrincipalsFile).Msg("the principals file names nobody any more; all its tokens and certificates are refused")
	}
	return f
}

func (p *principals) certificates() int { return len(p.subjects) + len(p.names) }

// ParsePrincipals returns the first error of a principals file, which names the line.
//
// Each line is NAME SCOPES CREDENTIAL, separated by spaces or tabs; what is empty or begins with #
// is passed over. SCOPES are separated by commas. CREDENTIAL is one of
//
//	sha256:HEX    the SHA-256 of a static token, as `sepal token new` prints it
//	subject:NAME  the subject of a client certificate (RFC 2253), such as CN=ada,O=Example
//	san:NAME      its DNS name, URI or e-mail address
//
// One NAME may have several lines, a credential one only. Of several lines that fit a certificate the
// first counts.
func ParsePrincipals(data []byte) error {
	_, err := parsePrincipals(data)
	return err
}

func parsePrincipals(data []byte) (*principals, error) {
	p := &principals{tokens: map[hash]*Principal{}, subjects: map[string]ranked{}, names: map[string]ranked{}}
	number, found := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if found++; found > maxPrincipals {
			return nil, fmt.Errorf("line %d: there are more than %d principals; use tokens that an issuer signs (--jwt-jwks) for so many", number, maxPrincipals)
		}
		if err := p.add(number, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if found == 0 {
		return nil, errNobody
	}
	return p, nil
}

// add takes a line up. What it says of a credential must not be quoted in errors: somebody may have
// written the token itself.
func (p *principals) add(number int, line string) error {
	name, rest := field(line)
	scopes, credential := field(rest)
	if credential == "" {
		return errors.New("expected NAME SCOPES CREDENTIAL, such as: ada predict,read sha256:…")
	}
	if IsStatic(name) {
		return errors.New("a token stands where the name should; expected NAME SCOPES sha256:HEX, as `sepal token new` prints it, and make a new token: this one was seen")
	}
	if err := CheckName(name); err != nil {
		return err
	}
	granted, err := ParseScopes(scopes)
	if err != nil {
		return fmt.Errorf("scopes of %s: %w", name, err)
	}
	if err := p.grant(number, &Principal{Name: name, Scopes: granted}, credential); err != nil {
		return fmt.Errorf("credential of %s: %w", name, err)
	}
	return nil
}

// field returns the first word of a text, and what is after it.
func field(text string) (word, rest string) {
	at := strings.IndexAny(text, " \t")
	if at < 0 {
		return text, ""
	}
	return text[:at], strings.TrimLeft(text[at:], " \t")
}

func (p *principals) grant(number int, to *Principal, credential string) error {
	kind, value, _ := strings.Cut(credential, ":")
	switch kind {
	case "sha256":
		to.Kind = KindToken
		var sum hash
		if n, err := hex.Decode(sum[:], []byte(checked(value))); err != nil || n != len(sum) {
			return fmt.Errorf("sha256: is followed by %d characters, expected %d hexadecimal digits", len(value), 2*len(sum))
		}
		if other := p.tokens[sum]; other != nil {
			return fmt.Errorf("%s has the same token; each needs its own", other.Name)
		}
		p.tokens[sum] = to
		return nil
	case "subject":
		to.Kind = KindCertificate
		name, err := parseName(value)
		if err != nil {
			return fmt.Errorf("subject: %w", err)
		}
		return claim(p.subjects, name, ranked{number, to})
	case "san":
		to.Kind = KindCertificate
		name, err := parseAlternative(value)
		if err != nil {
			return fmt.Errorf("san: %w", err)
		}
		return claim(p.names, name, ranked{number, to})
	default:
		return errors.New("expected sha256:HEX, subject:NAME or san:NAME")
	}
}

// checked returns a text that may be a hash, and none for one that is too long to be decoded.
func checked(value string) string {
	if len(value) != 2*len(hash{}) {
		return ""
	}
	return value
}

func claim(all map[string]ranked, name string, of ranked) error {
	if other, taken := all[name]; taken {
		return fmt.Errorf("line %d, of %s, has the same certificate", other.line, other.Name)
	}
	all[name] = of
	return nil
}

// parseAlternative returns the canonical form of an alternative name: its kind tells a URI from a
// DNS name of the same letters.
func parseAlternative(text string) (string, error) {
	switch {
	case text == "" || strings.ContainsAny(text, " \t") || !printable(text):
		return "", errors.New("expected one DNS name, URI or e-mail address without spaces")
	case strings.Contains(text, "://") || strings.HasPrefix(text, "urn:"):
		u, err := url.Parse(text)
		if err != nil {
			return "", errors.New("the URI cannot be read")
		}
		return "uri:" + u.String(), nil
	case strings.Contains(text, "@"):
		return "email:" + text, nil
	default:
		return "dns:" + strings.ToLower(strings.TrimSuffix(text, ".")), nil
	}
}

// alternatives returns the alternative names of a certificate in canonical form.
func alternatives(c *x509.Certificate) []string {
	var names []string
	for _, name := range c.URIs {
		names = append(names, "uri:"+name.String())
	}
	for _, name := range c.DNSNames {
		names = append(names, "dns:"+strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	for _, name := range c.EmailAddresses {
		names = append(names, "email:"+name)
	}
	return names
}
