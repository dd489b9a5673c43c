// Package mint makes what package identity checks: key pairs, JWTs that they sign, and static
// tokens.
package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sepal-ml/sepal/services/internal/identity"
)

// rsaBits is the length of a new RSA key, as good as the other kinds.
const rsaBits = 3072

// Key is a private key that signs tokens by one algorithm.
type Key struct {
	private   crypto.Signer
	algorithm jose.SignatureAlgorithm
	id        string
}

// NewKey makes a key for EdDSA (Ed25519), ES256 or RS256.
func NewKey(algorithm string) (*Key, error) {
	var private crypto.Signer
	var err error
	switch jose.SignatureAlgorithm(algorithm) {
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return nil, fmt.Errorf("%q is no algorithm of tokens, expected EdDSA, ES256 or RS256", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return keyOf(private)
}

func keyOf(private crypto.Signer) (*Key, error) {
	algorithm, err := identity.Algorithm(private.Public())
	if err != nil {
		return nil, err
	}
	id, err := identity.Thumbprint(private.Public())
	if err != nil {
		return nil, err
	}
	return &Key{private: private, algorithm: algorithm, id: id}, nil
}

// ParseKey reads a private key in PEM: PRIVATE KEY (PKCS #8), RSA PRIVATE KEY or EC PRIVATE KEY. The
// error quotes nothing of it.
func ParseKey(data []byte) (*Key, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("there is no private key in it, expected PEM with PRIVATE KEY, as sepal token key writes it")
		}
		var private any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			private, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key is encrypted; decrypt it first, as `openssl pkey` does")
		default:
			continue // such as EC PARAMETERS
		}
		signer, ok := private.(crypto.Signer)
		if err != nil || !ok {
			return nil, fmt.Errorf("the %s in it cannot be read", block.Type)
		}
		key, err := keyOf(signer)
		if err != nil {
			return nil, fmt.Errorf("the private key is %w", err)
		}
		return key, nil
	}
}

// Algorithm returns the algorithm that the key signs by.
func (k *Key) Algorithm() string { return string(k.algorithm) }

// ID returns the name of the key, which follows from it: its thumbprint (RFC 7638).
func (k *Key) ID() string { return k.id }

// PEM returns the private key as [ParseKey] reads it. It is a secret.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, errors.New("the private key cannot be written")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// JWKS returns the public key as a JSON Web Key Set, which servers check tokens by.
func (k *Key) JWKS() ([]byte, error) {
	public := jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"}
	set, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}}, "", "  ")
	if err != nil {
		return nil, errors.New("the public key cannot be written")
	}
	return append(set, '\n'), nil
}

// Claims are what a token says.
type Claims struct {
	Issuer, Audience, Subject string
	Scopes                    identity.Scopes
	Made, Ends                time.Time // to the second
}

// Sign returns a JWT.
func (k *Key) Sign(c Claims) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: k.private}, options)
	if err != nil {
		return "", errors.New("the key cannot sign")
	}
	claims, err := json.Marshal(payload{
		Claims: jwt.Claims{
			Issuer: c.Issuer, Subject: c.Subject, Audience: jwt.Audience{c.Audience},
			IssuedAt: jwt.NewNumericDate(c.Made), NotBefore: jwt.NewNumericDate(c.Made), Expiry: jwt.NewNumericDate(c.Ends),
		},
		Scope: strings.Join(c.Scopes.Names(), " "),
	})
	if err != nil {
		return "", errors.New("the claims cannot be written")
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", errors.New("the key cannot sign")
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", errors.New("the token cannot be written")
	}
	return token, nil
}

// payload is what a JWT holds.
type payload struct {
	jwt.Claims

	Scope string `json:"scope"`
}

// NewToken returns a new static token, of 256 random bits. It is a secret.
func NewToken() string {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails
	return identity.TokenPrefix + base64.RawURLEncoding.EncodeToString(bits[:])
}

// Credential returns what stands for a static token in a principals file.
func Credential(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:])
}
