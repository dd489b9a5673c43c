package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

const model, rollout = "iris/v1.0.0/model.binpb", "iris/rollout.json"

// faulty is a server of S3 whose requests can be answered otherwise.
type faulty struct {
	*s3mem.Backend
	store *store
	now   atomic.Pointer[meddler]
}

// meddler tells whether it answered a request.
type meddler func(w http.ResponseWriter, r *http.Request, s3 http.Handler) bool

func (f *faulty) meddle(m meddler) { f.now.Store(&m) }

func newFaulty(t *testing.T, timeout time.Duration) *faulty {
	t.Helper()
	f := &faulty{Backend: s3mem.New()}
	if err := f.CreateBucket("models"); err != nil {
		t.Fatal(err)
	}
	s3 := gofakes3.New(f.Backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m := f.now.Load(); m == nil || !(*m)(w, r, s3) {
			s3.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.store = openAt(t, server.URL, timeout)
	return f
}

func openAt(t *testing.T, endpoint string, timeout time.Duration) *store {
	t.Helper()
	s, err := open(t.Context(), "s3://models?region=eu-central-1&use_path_style=true&endpoint="+endpoint, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *faulty) put(t *testing.T, key, content string) {
	t.Helper()
	if _, err := f.PutObject("models", key, map[string]string{}, strings.NewReader(content), int64(len(content)), nil); err != nil {
		t.Fatal(err)
	}
}

func (f *faulty) requireContent(t *testing.T, key, want string) {
	t.Helper()
	o, err := f.GetObject("models", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(o.Contents); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, expected %q", key, got, err, want)
	}
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

func TestListsAllPages(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	const versions = 2100 // of which S3 lists a thousand at a time
	for i := range versions {
		f.put(t, fmt.Sprintf("iris/v%d.0.0/model.binpb", i), "x")
	}
	var requests atomic.Int32
	f.meddle(func(http.ResponseWriter, *http.Request, http.Handler) bool { requests.Add(1); return false })
	view, err := f.store.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := fs.ReadDir(view, "iris")
	if err != nil || len(entries) != versions {
		t.Errorf("%d versions are listed, expected %d; %v", len(entries), versions, err)
	}
	if requests.Load() != 3 {
		t.Errorf("%d requests, expected 3", requests.Load())
	}
}

// TestLostConnectionIsNoEndOfTheList: a part of the list would take the rest of the versions away.
func TestLostConnectionIsNoEndOfTheList(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	const versions = 1100 // of which S3 lists a thousand at a time
	for i := range versions {
		f.put(t, fmt.Sprintf("iris/v%d.0.0/model.binpb", i), "x")
	}
	for _, answered := range []int32{0, 1} {
		var requests atomic.Int32
		f.meddle(func(http.ResponseWriter, *http.Request, http.Handler) bool {
			if requests.Add(1) > answered {
				panic(http.ErrAbortHandler)
			}
			return false
		})
		if _, err := f.store.Files(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "cannot be listed: ") {
			t.Errorf("after %d pages: %v", answered, err)
		}
	}
}

func TestObjectsThatAreNoFiles(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	for _, key := range []string{"iris/", model, "a//b", ".hidden/x", "both", "both/inner", "deep/er/", "iris/.lock"} {
		f.put(t, key, "content")
	}
	view, err := f.store.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(view, model, "both/inner"); err != nil {
		t.Error(err)
	}
	var got []string
	err = fs.WalkDir(view, ".", func(path string, _ fs.DirEntry, err error) error {
		got = append(got, path)
		return err
	})
	if want := ". both both/inner iris iris/v1.0.0 " + model; err != nil || strings.Join(got, " ") != want {
		t.Errorf("the view shows %q, %v, expected %s", got, err, want)
	}
}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			// What is accepted is kept open, and never answered.
			c, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	s := openAt(t, "http://"+listener.Addr().String(), 100*time.Millisecond)
	_, err = s.Files(t.Context())
	requireError(t, err, "cannot be listed: no answer within 100ms", context.DeadlineExceeded)
	requireError(t, s.Create(t.Context(), model, []byte("x")), "cannot be written: no answer within 100ms", context.DeadlineExceeded)
	requireError(t, s.Replace(t.Context(), model, []byte("x"), nil), "cannot be written: no answer within 100ms", context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(t.Context())
	s.timeout = timeout
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = s.Files(ctx)
	requireError(t, err, "cannot be listed: context canceled", context.Canceled)
}

func TestServerThatFallsSilentInAFile(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, 200*time.Millisecond)
	f.put(t, model, "content")
	view, err := f.store.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.meddle(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		w.Header().Set("Content-Length", "7")
		fmt.Fprint(w, "con")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	_, err = fs.ReadFile(view, model)
	requireError(t, err, "open "+model+": no answer within 200ms", context.DeadlineExceeded)
}

// TestManyFilesOfASilentServer: to say of each that there is no answer takes no longer than of a few.
func TestManyFilesOfASilentServer(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, 100*time.Millisecond)
	const versions = 20
	for i := range versions {
		f.put(t, fmt.Sprintf("iris/v%d.0.0/model.binpb", i), "content")
	}
	view, err := f.store.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	f.meddle(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		asked.Add(1)
		<-r.Context().Done()
		return true
	})
	for i := range versions {
		_, err = fs.ReadFile(view, fmt.Sprintf("iris/v%d.0.0/model.binpb", i))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("version %d: %v", i, err)
		}
	}
	if asked.Load() > mostSilent {
		t.Errorf("%d files were asked for, expected at most %d", asked.Load(), mostSilent)
	}
	requireError(t, err, "open iris/v19.0.0/model.binpb: not asked for: of other files, there was no answer within 100ms", nil)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	f.put(t, rollout, "{}")
	answer := func(status int, code, message string) {
		f.meddle(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
			refuse(w, status, code, message)
			return true
		})
	}
	answer(http.StatusForbidden, "AccessDenied", "Access Denied")
	_, err := f.store.Files(t.Context())
	requireError(t, err, "cannot be listed: AccessDenied: Access Denied", nil)
	denied := registry.ErrReadOnly.Error() + ": AccessDenied: Access Denied"
	requireError(t, f.store.Create(t.Context(), model, []byte("x")), denied, registry.ErrReadOnly)
	requireError(t, f.store.Replace(t.Context(), rollout, nil, []byte("x")), denied, registry.ErrReadOnly)

	answer(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	const missing = "NoSuchBucket: The specified bucket does not exist"
	_, err = f.store.Files(t.Context())
	requireError(t, err, "cannot be listed: "+missing, nil)
	requireError(t, f.store.Create(t.Context(), model, []byte("x")), "cannot be written: "+missing, nil)
	requireError(t, f.store.Replace(t.Context(), rollout, []byte("{}"), []byte("x")), "cannot be written: "+missing, nil)

	answer(http.StatusBadRequest, "InvalidArgument", strings.Repeat("long ", 1000))
	_, err = f.store.Files(t.Context())
	requireError(t, err, "cannot be listed: InvalidArgument: "+strings.Repeat("long ", 40), nil)
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	s := openAt(t, "http://"+listener.Addr().String(), timeout)
	_, err = s.Files(t.Context())
	requireError(t, err, "cannot be listed: dial tcp "+listener.Addr().String()+": connect: connection refused", nil)
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	var puts atomic.Int32
	// The first of two equal writes is done, but the connection ends before it is said so.
	f.meddle(func(w http.ResponseWriter, r *http.Request, s3 http.Handler) bool {
		if r.Method != http.MethodPut || puts.Add(1)%2 == 0 {
			return false
		}
		s3.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	requireError(t, f.store.Create(t.Context(), rollout, []byte("1")), "", nil)
	requireError(t, f.store.Replace(t.Context(), rollout, []byte("1"), []byte("2")), "", nil)
	requireError(t, f.store.Create(t.Context(), rollout, []byte("1")), fs.ErrExist.Error(), fs.ErrExist)
	requireError(t, f.store.Replace(t.Context(), rollout, nil, []byte("2")), registry.ErrConflict.Error(), registry.ErrConflict)
	f.requireContent(t, rollout, "2")
	if puts.Load() < 6 {
		t.Errorf("%d writes: nothing was lost", puts.Load())
	}
}

func TestUndecidedWritesAreTriedAgain(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	var puts atomic.Int32
	var decides atomic.Int32
	decides.Store(3)
	f.meddle(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Method != http.MethodPut || puts.Add(1)%decides.Load() == 0 {
			return false
		}
		refuse(w, http.StatusConflict, "ConditionalRequestConflict", "a conflicting operation occurred")
		return true
	})
	requireError(t, f.store.Create(t.Context(), rollout, []byte("1")), "", nil)
	requireError(t, f.store.Replace(t.Context(), rollout, []byte("1"), []byte("2")), "", nil)
	decides.Store(1000)
	requireError(t, f.store.Replace(t.Context(), rollout, []byte("2"), []byte("3")), registry.ErrConflict.Error(), registry.ErrConflict)
	f.requireContent(t, rollout, "2")
}

func TestReplacedAfterItWasRead(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	for _, meanwhile := range []func(){
		func() { f.put(t, rollout, "other") },
		func() {
			if _, err := f.DeleteObject("models", rollout); err != nil {
				t.Error(err)
			}
		},
	} {
		f.put(t, rollout, "1")
		f.meddle(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			if r.Method == http.MethodPut {
				meanwhile()
			}
			return false
		})
		requireError(t, f.store.Replace(t.Context(), rollout, []byte("1"), []byte("2")), registry.ErrConflict.Error(), registry.ErrConflict)
	}
}

func TestFilesThatChangedSinceTheyWereListed(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	f.put(t, rollout, "content")
	view, err := f.store.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"CONTENT", "content and more", "cont", ""} {
		f.put(t, rollout, other)
		_, err = fs.ReadFile(view, rollout)
		requireError(t, err, "open "+rollout+": "+registry.ErrConflict.Error(), registry.ErrConflict)
	}
	f.put(t, rollout, "content")
	if _, err := fs.ReadFile(view, rollout); err != nil {
		t.Errorf("the same content: %v", err)
	}
	if _, err := f.DeleteObject("models", rollout); err != nil {
		t.Fatal(err)
	}
	_, err = fs.ReadFile(view, rollout)
	requireError(t, err, "open "+rollout+": "+fs.ErrNotExist.Error(), fs.ErrNotExist)
}

func TestManyMegabytes(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, timeout)
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
	requireError(t, f.store.Create(t.Context(), model, content), "", nil)
	view, err := f.store.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(view, model); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes were read, %v", len(got), err)
	}
	requireError(t, f.store.Create(t.Context(), model, content), fs.ErrExist.Error(), fs.ErrExist)
	requireError(t, f.store.Replace(t.Context(), model, content, content[1:]), "", nil)
}

func TestNoCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	s := openAt(t, "http://127.0.0.1:1", timeout)
	_, err := s.Files(t.Context())
	requireError(t, err, "cannot be listed: no credentials are to be had (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role)", nil)
}

// requireError checks an error, or that there is none where want is empty.
func requireError(t *testing.T, err error, want string, is error) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got error\n\t%s\nexpected\n\t%s", got, want)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("error %v is not %v", err, is)
	}
}
