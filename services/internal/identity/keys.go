package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"
)

// algorithms are all that a JWT may be signed by. What is not here, none and those with a shared
// secret first of all, is never looked at.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

const algorithmNames = "RS256, ES256 or EdDSA"

// Bounds of a set of keys.
const (
	maxKeys    = 64
	maxTried   = 8 // keys for a token that names none
	maxKeyID   = 256
	leastRSA   = 2048 // bits
	largestRSA = 4096 // what go-jose reads too
)

// key is a public key, which signs by one algorithm.
type key struct {
	id        string // empty: it has none
	algorithm jose.SignatureAlgorithm
	public    any
}

// ring is a set of keys, and the tokens that they were found to have signed: with the keys these go.
type ring struct {
	keys    []key
	skipped []string // what was passed over, and why
	known   tokenCache
}

// candidates returns the keys that may have signed a token. A token that names a key is checked by
// that of this name only, if there is one, or else by those that have no names.
func (r *ring) candidates(algorithm jose.SignatureAlgorithm, id string) []key {
	if r == nil {
		return nil
	}
	var named, others []key
	for _, k := range r.keys {
		switch {
		case k.algorithm != algorithm:
		case id != "" && k.id == id:
			named = append(named, k)
		case id == "" || k.id == "":
			others = append(others, k)
		}
	}
	if len(named) > 0 {
		return named
	}
	return others[:min(len(others), maxTried)]
}

func (r *ring) log(logger zerolog.Logger, from string) {
	names := make([]string, len(r.keys))
	for i, k := range r.keys {
		names[i] = string(k.algorithm) + " " + shownID(k.id)
	}
	logger.Info().Str("from", from).Strs("keys", names).Strs("passed_over", r.skipped).Msg("the keys of tokens were read")
}

// shownID returns the name of a key for a log.
func shownID(id string) string {
	const most = 64
	if id == "" {
		return "without a name"
	}
	if len(id) > most {
		id = id[:most] + "…"
	}
	return fmt.Sprintf("%q", id)
}

// Algorithm returns the algorithm of the tokens that a public key is for, RS256, ES256 or EdDSA, or
// says what kind of key cannot be used: one of another kind, or too short.
func Algorithm(public any) (jose.SignatureAlgorithm, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		switch bits := k.N.BitLen(); {
		case bits < leastRSA:
			return "", fmt.Errorf("an RSA key of %d bits, expected %d or more", bits, leastRSA)
		case bits > largestRSA:
			return "", fmt.Errorf("an RSA key of %d bits, expected %d or fewer", bits, largestRSA)
		case k.E < 3 || k.E%2 == 0:
			return "", errors.New("an RSA key whose exponent is none")
		}
		return jose.RS256, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", fmt.Errorf("a key on the curve %s, expected P-256", k.Params().Name)
		}
		return jose.ES256, nil
	case ed25519.PublicKey:
		return jose.EdDSA, nil
	}
	return "", fmt.Errorf("a key of another kind, expected one for %s", algorithmNames)
}

// parsePEM reads public keys, and certificates for the keys in them: who put them there vouches for
// them, so neither their issuers nor their ends count. A private key is refused.
func parsePEM(data []byte) (*ring, error) {
	r := new(ring)
	for number := 1; ; number++ {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if number > maxKeys {
			return nil, fmt.Errorf("there are more than %d keys", maxKeys)
		}
		public, err := parseBlock(block)
		if err == nil {
			var algorithm jose.SignatureAlgorithm
			if algorithm, err = Algorithm(public); err == nil {
				r.keys = append(r.keys, key{algorithm: algorithm, public: public})
			}
		}
		if err != nil {
			return nil, fmt.Errorf("PEM block %d is %w", number, err)
		}
	}
	if len(r.keys) == 0 {
		return nil, errors.New("there is no PEM block in it, expected PUBLIC KEY or CERTIFICATE")
	}
	return r, nil
}

func parseBlock(block *pem.Block) (any, error) {
	switch {
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("a private key (" + shortType(block.Type) + "), which a server must not have; write its public key, as `openssl pkey -pubout` does")
	case block.Type == "PUBLIC KEY":
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("a PUBLIC KEY that cannot be read")
		}
		return public, nil
	case block.Type == "RSA PUBLIC KEY":
		public, err := x509.ParsePKCS1PublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("an RSA PUBLIC KEY that cannot be read")
		}
		return public, nil
	case block.Type == "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a CERTIFICATE that cannot be read")
		}
		return certificate.PublicKey, nil
	}
	return nil, fmt.Errorf("%q, expected PUBLIC KEY or CERTIFICATE", shortType(block.Type))
}

// shortType returns the type of a PEM block as an error may quote it.
func shortType(text string) string {
	const most = 40
	return text[:min(len(text), most)]
}
