package registry_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	r := open(t, options{Path: folder(t, "iris/v1.10.0", "iris/v1.9.0", "rose/v1.0.0"), DefaultModel: "iris"})
	tests := []struct {
		name, model, version string
		want                 registry.NotFoundError
		text                 string
	}{
		{
			"model", "lily", "", registry.NotFoundError{Model: "lily", Exist: []string{"iris", "rose"}},
			`there is no model "lily"; there are: iris, rose`,
		},
		{
			"model and version", "lily", "v1.9.0", registry.NotFoundError{Model: "lily", Exist: []string{"iris", "rose"}},
			`there is no model "lily"; there are: iris, rose`,
		},
		{
			"version", "iris", "v1.0.0", registry.NotFoundError{Model: "iris", Version: "v1.0.0", Exist: []string{"v1.10.0", "v1.9.0"}},
			`model "iris" has no version "v1.0.0"; it has: v1.10.0, v1.9.0`,
		},
		{
			"version of the default model", "", "v1.0.0", registry.NotFoundError{Model: "iris", Version: "v1.0.0", Exist: []string{"v1.10.0", "v1.9.0"}},
			`model "iris" has no version "v1.0.0"; it has: v1.10.0, v1.9.0`,
		},
		{
			"way out of the folder", "../iris", "", registry.NotFoundError{Model: "../iris", Exist: []string{"iris", "rose"}},
			`there is no model "../iris"; there are: iris, rose`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v, err := r.Resolve(test.model, test.version)
			var got *registry.NotFoundError
			if v != nil || !errors.As(err, &got) {
				t.Fatalf("got %v, %v, expected a *NotFoundError", v, err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if got.Error() != test.text {
				t.Errorf("got %s, expected %s", got, test.text)
			}
		})
	}
}

func TestNotFoundNamesAFewOfMany(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		exist int
		want  string
	}{
		{1, "it has: v0.0.0"},
		{20, ", v0.0.19"},
		{21, ", v0.0.19 and 1 more"},
		{1000, ", v0.0.19 and 980 more"},
	} {
		e := &registry.NotFoundError{Model: "m", Version: "v9.0.0"}
		for i := range test.exist {
			e.Exist = append(e.Exist, fmt.Sprintf("v0.0.%d", i))
		}
		if got := e.Error(); !strings.HasSuffix(got, test.want) || strings.Count(got, "v0.0.") != min(test.exist, 20) {
			t.Errorf("%d versions: got %s, expected it to end with %q", test.exist, got, test.want)
		}
	}
	long := strings.Repeat("x", 1<<20)
	for _, e := range []*registry.NotFoundError{{Model: long}, {Model: "m", Version: long}} {
		if got := e.Error(); len(got) > 200 {
			t.Errorf("the error has %d bytes, expected it to quote little of the request", len(got))
		}
	}
}

func TestZeroRegistryHoldsNothing(t *testing.T) {
	t.Parallel()
	r := new(registry.Registry)
	if v := r.Default(); v != nil {
		t.Errorf("the default is %v, expected nil", v)
	}
	if len(r.Versions()) > 0 || len(r.Broken()) > 0 {
		t.Error("there are versions")
	}
	var notFound *registry.NotFoundError
	if _, err := r.Resolve("iris", ""); !errors.As(err, &notFound) {
		t.Errorf("got error %v, expected a *NotFoundError", err)
	}
}

// Under -race this shows that reading needs no lock.
func TestResolveFromManyGoroutines(t *testing.T) {
	t.Parallel()
	r := open(t, options{Path: folder(t, "iris/v1.0.0", "iris/v2.0.0", "rose/v1.0.0"), DefaultModel: "iris"})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				v, err := r.Resolve([]string{"", "iris", "rose"}[i%3], "v1.0.0")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := v.Compiled.Predict(make([]float64, 2), []float64{float64(i)}); err != nil {
					t.Error(err)
				}
				if _, err := r.Resolve("lily", ""); err == nil {
					t.Error("a model is found that is not there")
				}
				if len(r.Versions()) != 3 || len(r.Broken()) != 0 || r.Default().Version != "v2.0.0" {
					t.Error("the registry has changed")
				}
			}
		})
	}
	wg.Wait()
}
