package bucket_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/registry/bucket"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ location, want string }{
		{"s3://key:hunter2@models", "s3://models: credentials do not belong in a URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
		{"s3:///models?token=hunter2", "s3:///models: names no bucket; expected s3://BUCKET/PREFIX"},
		{"mem://", "mem:: names no bucket; expected mem://BUCKET/PREFIX"},
		{"s3://models/a/../b?region=x", `s3://models/a/../b: the prefix "a/../b" is no path`},
		{"s3://models?region=x&regoin=hunter2", `s3://models: the bucket cannot be opened: unknown query parameter "regoin"`},
		{"s3://models?token=hunter2&region=x", `s3://models: the bucket cannot be opened: unknown query parameter "token"`},
		{"s3://models", "s3://models: the region of the bucket is unknown; add ?region=REGION, or set AWS_REGION"},
		{"s3://models?hunter2=%zz\x00", "the URL of the bucket cannot be parsed; expected s3://BUCKET/PREFIX?region=REGION or mem://NAME"},
		{"mem://models?hunter2", "mem://models: a bucket of memory has no parameters"},
		{"gs://models?hunter2", "gs://models: is no bucket; expected s3:// or mem://"},
	}
	for _, test := range tests {
		s, err := bucket.Open(t.Context(), test.location)
		if s != nil || err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v and error\n\t%v\nexpected\n\t%s", test.location, s, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error gives a secret away: %v", test.location, err)
		}
	}
}

func TestNamesDoNotTellParameters(t *testing.T) {
	t.Parallel()
	s := open(t, "s3://models/of/mine?region=eu-central-1&endpoint=http://localhost:1")
	if got := s.String(); got != "s3://models/of/mine" {
		t.Errorf("the store is called %s", got)
	}
}

func TestMemoryIsFoundByItsName(t *testing.T) {
	t.Parallel()
	name := "mem://" + rand.Text()
	if err := open(t, name+"/a").Create(t.Context(), "b/c", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for location, path := range map[string]string{name: "a/b/c", name + "/a": "b/c", name + "/a/b/": "c"} {
		view, err := open(t, location).Files(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fs.ReadFile(view, path); err != nil || string(got) != "x" {
			t.Errorf("%s in %s: %q, %v", path, location, got, err)
		}
	}
	view, err := open(t, name+"2").Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(view, "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another name is the same bucket: %v", err)
	}
}
