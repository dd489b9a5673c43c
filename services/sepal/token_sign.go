package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// longestToken is how long a signed token may be good: nobody can take it back before.
const longestToken = 24 * time.Hour

// tokenSign is the verb token sign.
type tokenSign struct {
	Key      string          `env:"SEPAL_TOKEN_KEY" default:"token-key.pem" placeholder:"FILE" help:"Private key, as sepal token key writes it; ${default} by default."`
	Subject  string          `env:"SEPAL_TOKEN_SUBJECT" default:"developer" placeholder:"NAME" help:"Whom the token is for; ${default} by default."`
	Scopes   identity.Scopes `env:"SEPAL_TOKEN_SCOPES" default:"predict,read" placeholder:"SCOPES" help:"What it allows, of predict, read, publish and admin; ${default} by default."`
	Issuer   string          `env:"SEPAL_JWT_ISSUER" default:"${token_issuer}" placeholder:"NAME" help:"Issuer that the server is told to trust; ${default} by default."`
	Audience string          `env:"SEPAL_JWT_AUDIENCE" default:"${token_audience}" placeholder:"NAME" help:"Audience that the server is told to be; ${default} by default."`
	Expires  time.Duration   `env:"SEPAL_TOKEN_EXPIRES" default:"1h" help:"How long it is good, 24h at most."`
	Force    bool            `env:"SEPAL_TOKEN_FORCE" help:"Make one that is good for longer: nobody can take it back, but by replacing the key."`
}

// Help returns what the help of the verb says beside its flags.
func (tokenSign) Help() string {
	return `Examples:
  sepal token sign
  sepal token sign --subject ci --scopes publish --expires 10m
  curl -H "Authorization: Bearer $(sepal token sign)" -H 'Content-Type: application/json' \
    -d '{"features":[5.1,3.5,1.4,0.2]}' localhost:50051/sepal.prediction.v1.PredictionService/Predict

The token alone goes to standard output. For development: where people sign in, take tokens from
what they sign in with.`
}

// AfterApply refuses claims that a server would.
func (c *tokenSign) AfterApply() error {
	if err := identity.CheckName(c.Subject); err != nil {
		return fmt.Errorf("--subject: %w", err)
	}
	switch {
	case c.Expires < time.Second:
		return fmt.Errorf("--expires is %v, expected 1s or more", c.Expires)
	case c.Expires > longestToken && !c.Force:
		return fmt.Errorf("--expires is %v, expected %v at most, since nobody can take a token back; make it so with --force, or a static one with sepal token new", c.Expires, longestToken)
	}
	return nil
}

// Run makes the token.
func (c *tokenSign) Run(p *process) error {
	data, err := os.ReadFile(c.Key)
	if os.IsNotExist(err) {
		return fmt.Errorf("%s: no such key; make one with sepal token key, or name one with --key", c.Key)
	}
	if err != nil {
		return err
	}
	key, err := mint.ParseKey(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Key, err)
	}
	now := time.Now()
	token, err := key.Sign(mint.Claims{
		Issuer: c.Issuer, Audience: c.Audience, Subject: c.Subject, Scopes: c.Scopes, Made: now, Ends: now.Add(c.Expires),
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(p.stdout, token); err != nil {
		return err
	}
	jwks := filepath.Join(filepath.Dir(c.Key), publicKeysFile)
	if _, err := os.Stat(jwks); err != nil {
		jwks = "JWKS"
	}
	say(p.stderr, "%s may %s until %s, served by: sepal serve --jwt-jwks %s --jwt-issuer %s --jwt-audience %s",
		printable(c.Subject), c.Scopes, now.Add(c.Expires).Format(time.RFC3339), shellWord(jwks), shellWord(c.Issuer), shellWord(c.Audience))
	return nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shellWord returns a text as a shell takes it for one word.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
