package identity_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// logged is a log that tests read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// seldom is longer than any test: what it is given for happens for another cause, or not at all.
const seldom = time.Hour

func replace(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPrincipalsAreReadAgain by word of the system, or by looking from time to time.
func TestPrincipalsAreReadAgain(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T, path string, data []byte){
		"replaced": replace,
		"written in place": func(t *testing.T, path string, data []byte) {
			t.Helper()
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	timings := map[string]identity.Timing{
		"told":   {Poll: seldom, Settle: time.Millisecond},
		"polled": {Poll: 5 * time.Millisecond, Deaf: true},
	}
	for way, change := range ways {
		for what, timing := range timings {
			t.Run(way+", "+what, func(t *testing.T) {
				t.Parallel()
				old, young := mint.NewToken(), mint.NewToken()
				path := write(t, "principals.txt", []byte("ada read "+mint.Credential(old)+"\n"))
				var log logged
				o := identity.Options{PrincipalsFile: path, Logger: zerolog.New(&log)}
				a := open(t, o.WithTiming(timing))
				change(t, path, []byte("ada read "+mint.Credential(young)+"\n"))
				eventually(t, "the new token is good", func() bool { return reason(t, a, bearer(young)) == "" })
				if got := reason(t, a, bearer(old)); got != identity.ReasonUnknownToken {
					t.Errorf("the old token: got %q", got)
				}
				change(t, path, []byte("# new\nada read "+mint.Credential(old)+"\nbob write "+mint.Credential(young)))
				eventually(t, "the log tells the line", func() bool {
					return strings.Contains(log.String(), path+`: line 3: scopes of bob: \"write\" is no scope`)
				})
				if got := reason(t, a, bearer(young)); got != "" {
					t.Errorf("after a broken file: got %q", got)
				}
				change(t, path, []byte("ada read "+mint.Credential(old)+"\n"))
				eventually(t, "the old token is good again", func() bool { return reason(t, a, bearer(old)) == "" })
			})
		}
	}
}

// TestAFileThatIsAwayCountsOn until it comes back.
func TestAFileThatIsAwayCountsOn(t *testing.T) {
	t.Parallel()
	old, young := mint.NewToken(), mint.NewToken()
	path := write(t, "principals.txt", []byte("ada read "+mint.Credential(old)))
	var log logged
	o := identity.Options{PrincipalsFile: path, Logger: zerolog.New(&log)}
	a := open(t, o.WithTiming(identity.Timing{Poll: 5 * time.Millisecond, Deaf: true}))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log tells that it is away", func() bool { return strings.Contains(log.String(), "no such file or directory") })
	if got := reason(t, a, bearer(old)); got != "" {
		t.Errorf("got %q", got)
	}
	replace(t, path, []byte("ada read "+mint.Credential(young)))
	eventually(t, "it is back", func() bool { return reason(t, a, bearer(young)) == "" })
	if n := strings.Count(log.String(), "no such file or directory"); n != 1 {
		t.Errorf("the log tells it %d times", n)
	}
}

// TestTheLastLineIsTakenOut: nobody may call then, when the file has stayed so for a while.
func TestTheLastLineIsTakenOut(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]string{"nothing is left": "", "a comment is left": "# nobody\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := mint.NewToken()
			path := write(t, "principals.txt", []byte("ada read "+mint.Credential(token)))
			var log logged
			o := identity.Options{PrincipalsFile: path, Logger: zerolog.New(&log)}
			a := open(t, o.WithTiming(identity.Timing{Poll: 5 * time.Millisecond, Deaf: true, Emptied: 20 * time.Millisecond}))
			replace(t, path, []byte(left))
			eventually(t, "the token is refused", func() bool { return reason(t, a, bearer(token)) == identity.ReasonUnknownToken })
			eventually(t, "the log tells it", func() bool { return strings.Contains(log.String(), "names nobody any more") })
			replace(t, path, []byte("ada read "+mint.Credential(token)))
			eventually(t, "the token is good again", func() bool { return reason(t, a, bearer(token)) == "" })
		})
	}
	t.Run("for a moment", func(t *testing.T) {
		t.Parallel()
		token := mint.NewToken()
		path := write(t, "principals.txt", []byte("ada read "+mint.Credential(token)))
		var log logged
		o := identity.Options{PrincipalsFile: path, Logger: zerolog.New(&log)}
		a := open(t, o.WithTiming(identity.Timing{Poll: 5 * time.Millisecond, Deaf: true, Emptied: seldom}))
		replace(t, path, nil)
		eventually(t, "the log tells it", func() bool { return strings.Contains(log.String(), "there is no principal in it") })
		if got := reason(t, a, bearer(token)); got != "" {
			t.Errorf("got %q", got)
		}
	})
}

// TestANamedPipeIsNotRead: to open it would wait for somebody to write.
func TestANamedPipeIsNotRead(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", pipe).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	for option, o := range map[string]identity.Options{
		"--principals":     {PrincipalsFile: pipe},
		"--jwt-jwks":       {JWKS: pipe, Issuer: issuer, Audience: audience},
		"--jwt-public-key": {PublicKeyFile: pipe, Issuer: issuer, Audience: audience},
	} {
		want := option + ": " + pipe + ": is no regular file"
		if _, err := identity.New(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got the error %v, expected %s", option, err, want)
		}
	}
}

// TestFilesOfKubernetes are links to links, of which one is exchanged.
func TestFilesOfKubernetes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	version := func(name string, data []byte) {
		folder := filepath.Join(root, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		replace(t, filepath.Join(folder, "jwks.json"), data)
		link := filepath.Join(root, "..data_tmp")
		if err := os.Symlink(name, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(root, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", jwks())
	path := filepath.Join(root, "jwks.json")
	if err := os.Symlink("..data/jwks.json", path); err != nil {
		t.Fatal(err)
	}
	o := identity.Options{JWKS: path, Issuer: issuer, Audience: audience}
	a := open(t, o.WithTiming(identity.Timing{Poll: seldom, Settle: time.Millisecond}))
	signed := bearer(ed(claims()))
	if got := reason(t, a, signed); got != "" {
		t.Fatalf("got %q", got)
	}
	other := newEd()
	version("..2", set(jwk("other", other.Public(), "")))
	eventually(t, "the new key is good", func() bool {
		return reason(t, a, bearer(token(header("EdDSA", "other"), claims(), signedBy(other)))) == ""
	})
	if got := reason(t, a, signed); got != identity.ReasonUnknownKey {
		t.Errorf("a remembered token of the old key: got %q", got)
	}
}

// TestClosedStillTells but follows nothing.
func TestClosedStillTells(t *testing.T) {
	t.Parallel()
	secret := mint.NewToken()
	a := open(t, identity.Options{PrincipalsFile: write(t, "p", []byte("ada read "+mint.Credential(secret)))})
	a.Close()
	a.Close()
	if got := reason(t, a, bearer(secret)); got != "" {
		t.Errorf("got %q", got)
	}
}
