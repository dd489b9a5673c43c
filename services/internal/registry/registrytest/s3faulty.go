package registrytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// FaultyS3 is a server that speaks S3 and can be made to answer otherwise.
type FaultyS3 struct {
	// Location is the URL of a bucket there, which is empty at first.
	Location string

	backend *s3mem.Backend
	handler http.Handler
	meddler atomic.Pointer[func(w http.ResponseWriter, r *http.Request, s3 http.Handler)]
}

// NewFaultyS3 starts a server until the test ends. Call [S3Environment] before.
func NewFaultyS3(t testing.TB) *FaultyS3 {
	t.Helper()
	f := &FaultyS3{backend: s3mem.New()}
	if err := f.backend.CreateBucket("models"); err != nil {
		t.Fatal(err)
	}
	f.handler = gofakes3.New(f.backend).Server()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.Location = fmt.Sprintf("s3://models?region=eu-central-1&use_path_style=true&endpoint=%s", server.URL)
	return f
}

// Meddle makes a function answer the requests that come from now on, instead of s3.
func (f *FaultyS3) Meddle(instead func(w http.ResponseWriter, r *http.Request, s3 http.Handler)) {
	f.meddler.Store(&instead)
}

// Mend takes back what Meddle did.
func (f *FaultyS3) Mend() { f.meddler.Store(nil) }

// ServeHTTP implements [http.Handler].
func (f *FaultyS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if instead := f.meddler.Load(); instead != nil {
		(*instead)(w, r, f.handler)
		return
	}
	f.handler.ServeHTTP(w, r)
}
