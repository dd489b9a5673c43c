package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

func variant(name, version string, weight uint32) *registryv1.Variant {
	return &registryv1.Variant{Name: name, Version: version, Weight: weight}
}

func edited() *registryv1.Rollout {
	return &registryv1.Rollout{
		Model: "iris", Stable: "v1.0.0", Seed: "iris", Revision: 7, Etag: "r7",
		Variants: []*registryv1.Variant{variant("canary", "v1.1.0", 500), variant("v1.2.0", "v1.2.0", 0), variant("other", "v1.2.0", 100)},
		Shadows:  []string{"v1.3.0", "v1.1.0"},
		Labels:   map[string]string{"champion": "v1.0.0", "next": "v1.1.0"},
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit rolloutEdit
		want func(*registryv1.Rollout)
		err  string
	}{
		{name: "promote", edit: promoted("v1.1.0"), want: func(r *registryv1.Rollout) {
			r.Stable, r.Variants = "v1.1.0", r.Variants[1:]
		}},
		{name: "promote a version of two variants", edit: promoted("v1.2.0"), want: func(r *registryv1.Rollout) {
			r.Stable, r.Variants = "v1.2.0", r.Variants[:1]
		}},
		{name: "promote what is stable", edit: promoted("v1.0.0"), want: func(*registryv1.Rollout) {}},
		{name: "a share by version", edit: split{shares: []share{{"", "v1.1.0", 900}}}.edit, want: func(r *registryv1.Rollout) {
			r.Variants[0].Weight = 900
		}},
		{name: "a share by name, of another version", edit: split{shares: []share{{"canary", "v1.4.0", 0}}}.edit, want: func(r *registryv1.Rollout) {
			r.Variants[0] = variant("canary", "v1.4.0", 0)
		}},
		{name: "a share by name, which is the version", edit: split{shares: []share{{"v1.2.0", "v1.2.0", 1}}}.edit, want: func(r *registryv1.Rollout) {
			r.Variants[1].Weight = 1
		}},
		{name: "new variants", edit: split{shares: []share{{"", "v1.4.0", 1}, {"same", "v1.0.0", 2}}}.edit, want: func(r *registryv1.Rollout) {
			r.Variants = append(r.Variants, variant("", "v1.4.0", 1), variant("same", "v1.0.0", 2))
		}},
		{name: "remove variants", edit: split{remove: []string{"canary", "v1.2.0"}}.edit, want: func(r *registryv1.Rollout) {
			r.Variants = r.Variants[2:]
		}},
		{name: "clear, then share", edit: split{clear: true, shares: []share{{"", "v1.2.0", 3}}}.edit, want: func(r *registryv1.Rollout) {
			r.Variants = []*registryv1.Variant{variant("", "v1.2.0", 3)}
		}},
		{name: "a share of several", edit: split{shares: []share{{"", "v1.2.0", 1}}}.edit, err: "several variants answer with v1.2.0 (v1.2.0, other); name one, such as v1.2.0:v1.2.0=5"},
		{name: "a share of the stable version", edit: split{shares: []share{{"", "v1.0.0", 1}}}.edit, err: "v1.0.0 is the stable version"},
		{name: "a share twice", edit: split{shares: []share{{"", "v1.1.0", 1}, {"canary", "v1.1.0", 2}}}.edit, err: "variant canary is given a share twice"},
		{name: "remove what there is not", edit: split{remove: []string{"none"}}.edit, err: `there is no variant "none"; there are: canary, v1.2.0, other`},
		{name: "remove what was cleared", edit: split{clear: true, remove: []string{"canary"}}.edit, err: `there is no variant "canary"; there is none`},
		{name: "shadows", edit: shadowed{off: []string{"v1.3.0"}, on: []string{"v1.1.0", "v1.2.0"}}.edit, want: func(r *registryv1.Rollout) {
			r.Shadows = []string{"v1.1.0", "v1.2.0"}
		}},
		{name: "clear shadows", edit: shadowed{clear: true, on: []string{"v1.2.0"}}.edit, want: func(r *registryv1.Rollout) {
			r.Shadows = []string{"v1.2.0"}
		}},
		{name: "no shadow", edit: shadowed{off: []string{"v1.0.0"}}.edit, err: "v1.0.0 is no shadow; there are: v1.3.0, v1.1.0"},
		{name: "labels", edit: labelled{remove: []string{"next"}, set: map[string]string{"champion": "v1.1.0", "old": "v1.0.0"}}.edit, want: func(r *registryv1.Rollout) {
			r.Labels = map[string]string{"champion": "v1.1.0", "old": "v1.0.0"}
		}},
		{name: "no label", edit: labelled{remove: []string{"none"}}.edit, err: `there is no label "none"; there are: champion, next`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := edited()
			got, err := test.edit(before)
			if diff := cmp.Diff(edited(), before, protocmp.Transform()); diff != "" {
				t.Errorf("the rollout given was changed (-before +after):\n%s", diff)
			}
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) || got != nil {
					t.Errorf("got %v and the error %v, expected %q", got, err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := edited()
			test.want(want)
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEditsOfARolloutThatNobodySet(t *testing.T) {
	t.Parallel()
	empty := &registryv1.Rollout{Model: "iris", Etag: "r0"}
	for name, edit := range map[string]rolloutEdit{
		"promote": promoted("v1.0.0"), "split": split{shares: []share{{"", "v1.0.0", 1}}}.edit,
		"shadow": shadowed{on: []string{"v1.0.0"}}.edit, "label": labelled{set: map[string]string{"a": "v1.0.0"}}.edit,
	} {
		got, err := edit(empty)
		if err != nil || got.GetEtag() != "r0" || proto.Equal(got, empty) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestSharesAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want share
		err  string
	}{
		{text: "v1.1.0=5", want: share{"", "v1.1.0", 500}},
		{text: "v1.1.0=5%", want: share{"", "v1.1.0", 500}},
		{text: "v1.1.0=12.34 %", want: share{"", "v1.1.0", 1234}},
		{text: "v1.1.0=0.29", want: share{"", "v1.1.0", 29}},
		{text: "v1.1.0=100", want: share{"", "v1.1.0", 10000}},
		{text: "v1.1.0-rc.1+a=0", want: share{"", "v1.1.0-rc.1+a", 0}},
		{text: "canary:v1.1.0=5", want: share{"canary", "v1.1.0", 500}},
		{text: "v1.1.0", err: `found "v1.1.0", expected VERSION=PERCENT`},
		{text: "=5", err: `found "=5", whose version ""`},
		{text: "canary=5", err: `found "canary=5", whose version "canary"`},
		{text: ":v1.1.0=5", err: "without a name before the colon"},
		{text: "v1.1.0=", err: "expected a percentage of 0 to 100"},
		{text: "v1.1.0=-1", err: "expected a percentage of 0 to 100"},
		{text: "v1.1.0=100.01", err: "expected a percentage of 0 to 100"},
		{text: "v1.1.0=NaN", err: "expected a percentage of 0 to 100"},
		{text: "v1.1.0=five", err: "expected a percentage of 0 to 100"},
		{text: "v1.1.0=0.001", err: "at most two digits"},
	}
	for _, test := range tests {
		got, err := shareOf(test.text)
		switch {
		case test.err == "" && (err != nil || got != test.want):
			t.Errorf("%s: got %v, %v, expected %v", test.text, got, err, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: got %v, %v, expected the error %q", test.text, got, err, test.err)
		}
	}
}
