package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	sepal "github.com/sepal-ml/sepal/clients/go"
)

// tokenVariable is the environment variable that holds a token. It has no flag: other users of a
// machine see the command lines of its processes.
const tokenVariable = "SEPAL_TOKEN" //nolint:gosec // its name, and no token

// targetFlags are the flags of the verbs that ask a server: how it is known, and who asks.
type targetFlags struct {
	TokenFile      string `env:"SEPAL_TOKEN_FILE" placeholder:"FILE" help:"Say who asks by the token in this file, which is read again when it changes. A token in SEPAL_TOKEN does too; there is no flag for that, since command lines are seen by all."`
	CA             string `name:"ca" env:"SEPAL_CA" placeholder:"FILE" help:"Authorities to know the server by, in PEM; those of the system by default. With it, HOST:PORT is https://HOST:PORT."`
	Cert           string `env:"SEPAL_CERT" placeholder:"FILE" help:"Say who asks by this certificate, in PEM."`
	Key            string `env:"SEPAL_KEY" placeholder:"FILE" help:"Private key of the certificate, in PEM, not encrypted."`
	ClearTextToken bool   `env:"SEPAL_CLEAR_TEXT_TOKEN" help:"Send a token to another machine without TLS too, where anyone on the way can read it: for networks that are encrypted beneath."`
}

// settle refuses flags that contradict each other or the server, and returns the server as a URL
// where they say that it speaks TLS. A flag wins over the environment, so only flags contradict
// flags: variables for another server do not matter.
func (f *targetFlags) settle(parsed *kong.Context, server string) (string, error) {
	given := func(flag string) bool { return given(parsed, flag) }
	if server == "" {
		for _, flag := range []string{"token-file", "ca", "cert", "key", "clear-text-token"} {
			if given(flag) {
				return "", fmt.Errorf("--%s is for a server, expected --server HOST:PORT (SEPAL_SERVER) too", flag)
			}
		}
		return "", nil
	}
	if strings.HasPrefix(strings.ToLower(server), "http://") {
		for _, flag := range []string{"ca", "cert", "key"} {
			if given(flag) {
				return "", fmt.Errorf("--%s is for TLS, which http:// is without, expected --server https://HOST:PORT", flag)
			}
		}
		f.CA, f.Cert, f.Key = "", "", ""
	}
	switch {
	case f.Cert != "" && f.Key == "":
		return "", errors.New("--cert needs the private key of the certificate: set --key (SEPAL_KEY)")
	case f.Cert == "" && f.Key != "":
		return "", errors.New("--key needs the certificate of the key: set --cert (SEPAL_CERT)")
	case (f.CA != "" || f.Cert != "") && !strings.Contains(server, "://"):
		return "https://" + server, nil
	}
	return server, nil
}

// token returns what has the token to send, or nil where there is none.
func (f *targetFlags) token() sepal.TokenSource {
	if f.TokenFile != "" {
		return sepal.TokenFile(f.TokenFile)
	}
	token := strings.TrimSpace(os.Getenv(tokenVariable))
	if token == "" {
		return nil
	}
	return func(context.Context) (string, error) { return token, nil }
}

// dial returns a client of the server. The error is one of how the verb was called.
func (f *targetFlags) dial(ctx context.Context, verb, server string, options ...sepal.Option) (*sepal.Client, error) {
	token := f.token()
	if err := f.check(ctx, token); err != nil {
		return nil, err
	}
	options = append(options[:len(options):len(options)], sepal.WithTokenSource(token))
	if speaksTLS(server) {
		options = append(options, sepal.WithTLSFiles(f.CA, f.Cert, f.Key))
	}
	if f.ClearTextToken {
		options = append(options, sepal.WithClearTextToken())
	}
	client, err := sepal.Dial(server, options...)
	switch {
	case errors.Is(err, sepal.ErrClearText):
		return nil, &usageError{verb: verb, err: fmt.Errorf("the token would go to %s in clear text, for anyone on the way to read: "+
			"write https:// before the server, or allow that with --clear-text-token", server)}
	case err != nil:
		return nil, &usageError{verb: verb, err: inTargetFlags(err)}
	}
	return client, nil
}

// check reads the token once, to say what is wrong with it in the words of the command line.
func (f *targetFlags) check(ctx context.Context, token sepal.TokenSource) error {
	if token == nil {
		return nil
	}
	text, err := token(ctx)
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	if strings.ContainsAny(text, " \t\r\n") {
		return fmt.Errorf("%s is no token: there is a space in it, expected what sepal token new printed, without Bearer", tokenVariable)
	}
	return nil
}

func speaksTLS(server string) bool { return strings.HasPrefix(strings.ToLower(server), "https://") }

// inTargetFlags says what is wrong with an option of the client in the words of the command line.
func inTargetFlags(err error) error {
	const option = "sepal: WithTLSFiles: "
	if text, ok := strings.CutPrefix(err.Error(), option); ok {
		return fmt.Errorf("--ca, --cert and --key: %s", text)
	}
	return err
}

// tlsConfig returns how a server is known, for those that are not asked with the client. It is nil where the
// server does not speak TLS.
func (f *targetFlags) tlsConfig(server string) (*tls.Config, error) {
	if !speaksTLS(server) {
		return nil, nil
	}
	config, err := sepal.LoadTLSFiles(f.CA, f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("--ca, --cert and --key: %w", err)
	}
	return config, nil
}
