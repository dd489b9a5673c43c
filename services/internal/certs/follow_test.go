package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/certs"
	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
)

// patience is how long a test waits for what a machine that is not busy does in a moment.
const patience = time.Minute

// log keeps what is written to it.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until waits until the log has a text so many times.
func (l *log) until(t *testing.T, text string, times int) {
	t.Helper()
	for end := time.Now().Add(patience); strings.Count(l.String(), text) < times; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log never has %q %d times:\n%s", text, times, l)
		}
	}
}

// server is a TLS server that sends back what it is sent.
type server struct {
	address string
	log     *log
}

// serve opens the files, follows them, and ends with the test.
func serve(t *testing.T, o certs.Options) *server {
	t.Helper()
	return serveAt(t, o, time.Now)
}

// serveAt is serve with a clock.
func serveAt(t *testing.T, o certs.Options, now func() time.Time) *server {
	t.Helper()
	s := &server{log: new(log)}
	o.Logger = zerolog.New(s.log)
	o.Poll = 20 * time.Millisecond
	store, err := certs.OpenAt(o, now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var followed sync.WaitGroup
	followed.Go(func() { store.Follow(ctx) })
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := tls.NewListener(inner, store.Config())
	t.Cleanup(func() {
		listener.Close()
		stop()
		followed.Wait()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	s.address = listener.Addr().String()
	return s
}

// dial connects and has a byte sent back. In TLS 1.3 only that tells whether the server takes the
// client's certificate.
func (s *server) dial(t *testing.T, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", s.address, config)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	return conn, echo(conn)
}

func echo(conn net.Conn) error {
	if _, err := conn.Write([]byte{1}); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err
}

// shown returns the certificate that the server shows.
func (s *server) shown(t *testing.T, trusts *x509.CertPool) *x509.Certificate {
	t.Helper()
	conn, err := s.dial(t, &tls.Config{RootCAs: trusts})
	if err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// untilShown waits until the server shows the certificate.
func (s *server) untilShown(t *testing.T, trusts *x509.CertPool, want certstest.Pair) {
	t.Helper()
	for end := time.Now().Add(patience); !s.shown(t, trusts).Equal(want.Leaf); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the certificate is never shown; the log:\n%s", s.log)
		}
	}
}

const (
	taken    = `"message":"certificate taken"`
	notTaken = `"message":"certificate not taken; the one before stays"`
)

// TestNewCertificate renews a certificate while a connection is open, one file after the other.
func TestNewCertificate(t *testing.T) {
	t.Parallel()
	authority := certstest.New(t, "authority")
	first, second := authority.Server(t), authority.Server(t)
	folder := t.TempDir()
	cert, key := certstest.WritePair(t, folder, first)
	s := serve(t, certs.Options{Cert: cert, Key: key})
	open, err := s.dial(t, &tls.Config{RootCAs: authority.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	if version := open.ConnectionState().Version; version != tls.VersionTLS13 {
		t.Errorf("the version is %s", tls.VersionName(version))
	}
	certstest.Write(t, folder, "tls.crt", second.CertPEM())
	s.log.until(t, notTaken, 1)
	if !s.shown(t, authority.Pool()).Equal(first.Leaf) {
		t.Error("a certificate is shown whose key is not there yet")
	}
	certstest.Write(t, folder, "tls.key", second.KeyPEM(t))
	s.untilShown(t, authority.Pool(), second)
	if err := echo(open); err != nil {
		t.Errorf("the connection that was open does not go on: %v", err)
	}
	if log := s.log.String(); strings.Count(log, notTaken) != 1 || strings.Count(log, taken) != 1 ||
		!strings.Contains(log, "tls.key: the key does not belong to the certificate in ") {
		t.Errorf("the log has\n%s", log)
	}
}

// TestKubernetes exchanges both files at once, as Kubernetes does: by a link to their folder.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	authority := certstest.New(t, "authority")
	mount := t.TempDir()
	exchange := func(version string, p certstest.Pair) {
		folder := filepath.Join(mount, "..", filepath.Base(mount)+version)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		certstest.WritePair(t, folder, p)
		next := filepath.Join(mount, "..data_tmp")
		if err := os.Symlink(folder, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(mount, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	first, second := authority.Server(t), authority.Server(t)
	exchange("one", first)
	var files []string
	for _, name := range []string{"tls.crt", "tls.key"} {
		path := filepath.Join(mount, name)
		if err := os.Symlink(filepath.Join("..data", name), path); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	s := serve(t, certs.Options{Cert: files[0], Key: files[1]})
	exchange("two", second)
	s.untilShown(t, authority.Pool(), second)
	if log := s.log.String(); strings.Contains(log, notTaken) {
		t.Errorf("the log has\n%s", log)
	}
}

// TestWhatIsBrokenIsNotTaken writes one thing after another that cannot be used, each once told.
func TestWhatIsBrokenIsNotTaken(t *testing.T) {
	t.Parallel()
	authority := certstest.New(t, "authority")
	first := authority.Server(t)
	folder := t.TempDir()
	cert, key := certstest.WritePair(t, folder, first)
	s := serve(t, certs.Options{Cert: cert, Key: key})
	expired := authority.Sign(t, &x509.Certificate{NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(1.5e9, 0)})
	future := authority.Sign(t, &x509.Certificate{NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)})
	for _, step := range []struct {
		text []byte
		want string
	}{
		{[]byte("nonsense"), "holds no certificate in PEM"},
		{nil, "there is no such file"},
		{append(expired.CertPEM(), expired.KeyPEM(t)...), "the certificate was valid until 2017-07-14T02:40:00Z"},
		{append(future.CertPEM(), future.KeyPEM(t)...), "the certificate is not valid before "},
	} {
		if step.text == nil {
			if err := os.Remove(cert); err != nil {
				t.Fatal(err)
			}
		} else {
			certstest.Write(t, folder, "tls.key", step.text)
			certstest.Write(t, folder, "tls.crt", step.text)
		}
		s.log.until(t, step.want, 1)
		if !s.shown(t, authority.Pool()).Equal(first.Leaf) {
			t.Errorf("%s: another certificate is shown", step.want)
		}
	}
	certstest.WritePair(t, folder, first)
	second := authority.Server(t)
	certstest.WritePair(t, folder, second)
	s.untilShown(t, authority.Pool(), second)
}

// TestClientAuthority shows whom a server takes for known, and that a client is forgotten with its
// authority, also one that would resume its session.
func TestClientAuthority(t *testing.T) {
	t.Parallel()
	authority, clients, others := certstest.New(t, "authority"), certstest.New(t, "clients"), certstest.New(t, "others")
	folder := t.TempDir()
	cert, key := certstest.WritePair(t, folder, authority.Server(t))
	ca := certstest.Write(t, folder, "ca.crt", clients.PEM())
	for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
		certstest.Write(t, folder, "ca.crt", clients.PEM())
		s := serve(t, certs.Options{Cert: cert, Key: key, ClientCA: ca, MinVersion: tls.VersionTLS12})
		as := func(p ...tls.Certificate) *tls.Config {
			return &tls.Config{RootCAs: authority.Pool(), Certificates: p, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
		}
		known := as(clients.Client(t, "a").TLS())
		for i, want := range []bool{false, true} {
			conn, err := s.dial(t, known)
			if err != nil || conn.ConnectionState().DidResume != want {
				t.Fatalf("connection %d: resumed, or %v", i, err)
			}
		}
		if _, err := s.dial(t, as()); err != nil {
			t.Errorf("without a certificate: %v", err)
		}
		unknown := as(others.Client(t, "b").TLS())
		// Or the client would not show one of an authority that it was not asked for.
		unknown.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &unknown.Certificates[0], nil }
		if _, err := s.dial(t, unknown); err == nil {
			t.Error("a client of an unknown authority is let in")
		}
		certstest.Write(t, folder, "ca.crt", others.PEM())
		s.log.until(t, taken, 1)
		known.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &known.Certificates[0], nil }
		if _, err := s.dial(t, known); err == nil {
			t.Errorf("%s: a client is let in whose authority was removed", tls.VersionName(version))
		}
		if _, err := s.dial(t, unknown); err != nil {
			t.Errorf("%s: a client of the new authority: %v", tls.VersionName(version), err)
		}
	}
}

// TestSessionsOutlastCertificates shows that a new certificate of the server ends no session, and
// that other authorities of clients end all.
func TestSessionsOutlastCertificates(t *testing.T) {
	t.Parallel()
	authority, clients := certstest.New(t, "authority"), certstest.New(t, "clients")
	folder := t.TempDir()
	cert, key := certstest.WritePair(t, folder, authority.Server(t))
	ca := certstest.Write(t, folder, "ca.crt", clients.PEM())
	s := serve(t, certs.Options{Cert: cert, Key: key, ClientCA: ca})
	config := &tls.Config{RootCAs: authority.Pool(), ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	resumed := func() bool {
		conn, err := s.dial(t, config)
		if err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().DidResume
	}
	if resumed() || !resumed() {
		t.Fatal("the second connection should resume the session of the first")
	}
	certstest.WritePair(t, folder, authority.Server(t))
	s.log.until(t, taken, 1)
	if !resumed() {
		t.Error("a new certificate ended the session")
	}
	certstest.Write(t, folder, "ca.crt", append(clients.PEM(), certstest.New(t, "more").PEM()...))
	s.log.until(t, taken, 2)
	if resumed() {
		t.Error("a session outlasted the authorities that it began under")
	}
}

func TestVersionsAndSuites(t *testing.T) {
	t.Parallel()
	authority := certstest.New(t, "authority")
	cert, key := certstest.WritePair(t, t.TempDir(), authority.Server(t))
	strict := serve(t, certs.Options{Cert: cert, Key: key})
	lenient := serve(t, certs.Options{Cert: cert, Key: key, MinVersion: tls.VersionTLS12})
	for _, test := range []struct {
		server *server
		config *tls.Config
		ok     bool
	}{
		{strict, &tls.Config{}, true},
		{strict, &tls.Config{MaxVersion: tls.VersionTLS12}, false},
		{lenient, &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{lenient, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{lenient, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{lenient, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}, true},
	} {
		test.config.RootCAs = authority.Pool()
		if _, err := test.server.dial(t, test.config); (err == nil) != test.ok {
			t.Errorf("up to %s, suites %v: %v", tls.VersionName(test.config.MaxVersion), test.config.CipherSuites, err)
		}
	}
}

// TestEndIsTold shows what is logged of a certificate as time goes by, each once.
func TestEndIsTold(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	authority := certstest.New(t, "authority")
	begin := time.Now().Truncate(time.Second)
	pair := authority.Sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "server"}, NotBefore: begin, NotAfter: begin.Add(90 * day),
	})
	cert, key := certstest.WritePair(t, t.TempDir(), pair)
	var passed atomic.Int64
	passed.Store(int64(-day))
	s := serveAt(t, certs.Options{Cert: cert, Key: key}, func() time.Time { return begin.Add(time.Duration(passed.Load())) })
	for _, step := range []struct {
		passed time.Duration
		want   string
	}{
		{-day, "the certificate is not valid yet"},
		{70*day - day/2, `"days_left":20,"message":"the certificate ends soon; renew it"`},
		{71 * day, ""},
		{85*day - day/2, `"days_left":5,"message":"the certificate ends soon; renew it"`},
		{91 * day, `"message":"the certificate has expired; clients refuse it; renew it"`},
	} {
		passed.Store(int64(step.passed))
		s.log.until(t, step.want, 1)
	}
	if lines := strings.Count(s.log.String(), "\n"); lines != 4 {
		t.Errorf("the log has %d lines, expected 4:\n%s", lines, s.log)
	}
}
