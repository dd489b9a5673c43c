package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// tokenNew is the verb token new.
type tokenNew struct {
	Name string `arg:"" help:"Whom the token is for: a word."`

	Scopes identity.Scopes `env:"SEPAL_TOKEN_SCOPES" default:"predict,read" placeholder:"SCOPES" help:"What it allows, of predict, read, publish and admin; ${default} by default."`
	File   string          `short:"f" env:"SEPAL_PRINCIPALS" placeholder:"FILE" help:"Principals file to add the line to; it is printed by default."`
}

// Help returns what the help of the verb says beside its flags.
func (tokenNew) Help() string {
	return `Examples:
  sepal token new ada
  sepal token new ci --scopes publish --file principals.txt

The token goes to standard output, once: it is kept nowhere. The principals file has its hash only,
so it may be read by those who may not call; whoever may write to it decides who calls. A server
with --principals reads it again when it changes. A name may have several tokens: to renew one, make
another, and take the old line out when nobody uses it.`
}

// AfterApply refuses names that cannot stand in a line.
func (c *tokenNew) AfterApply() error {
	if err := identity.CheckName(c.Name); err != nil {
		return err
	}
	if strings.ContainsAny(c.Name, " \t") || strings.HasPrefix(c.Name, "#") || identity.IsStatic(c.Name) {
		return errors.New("the name must be one word that begins with neither # nor " + identity.TokenPrefix)
	}
	return nil
}

// Run makes the token.
func (c *tokenNew) Run(p *process) error {
	token := mint.NewToken()
	line := fmt.Sprintf("%s %s %s", c.Name, c.Scopes, mint.Credential(token))
	if c.File != "" {
		if err := addLine(c.File, line); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(p.stdout, token); err != nil {
		return err
	}
	if c.File != "" {
		say(p.stderr, "added %s to %s", c.Name, c.File)
		return nil
	}
	say(p.stderr, "add this line to the principals file of the server (sepal serve --principals FILE):")
	_, err := fmt.Fprintln(p.stderr, line)
	return err
}

// addLine adds a line to a principals file, which it makes if there is none. A file that a server
// would refuse is left as it is.
func addLine(path, line string) error {
	// There is no secret in it.
	perm := fs.FileMode(0o644)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		perm = info.Mode().Perm()
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	data = append(data, line+"\n"...)
	if err := identity.ParsePrincipals(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, data, perm)
}
