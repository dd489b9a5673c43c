package identity_test

import (
	"testing"

	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
	"github.com/sepal-ml/sepal/services/internal/identity"
)

func TestParseScopes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]identity.Scopes{
		"predict":                        identity.Predict,
		"predict,read":                   identity.Predict | identity.Read,
		" admin  publish, read predict ": identity.Predict | identity.Read | identity.Publish | identity.Admin,
		"read read":                      identity.Read,
	} {
		got, err := identity.ParseScopes(text)
		if err != nil || got != want {
			t.Errorf("%q: got %v and %v, expected %v", text, got, err, want)
		}
		again, err := identity.ParseScopes(got.String())
		if err != nil || again != got {
			t.Errorf("%q: as %q it is %v, %v", text, got, again, err)
		}
	}
	for text, want := range map[string]string{
		"":             "no scope is named, expected some of predict, read, publish, admin",
		" , ":          "no scope is named, expected some of predict, read, publish, admin",
		"Predict":      `"Predict" is no scope, expected some of predict, read, publish, admin`,
		"predict;read": `"predict;read" is no scope, expected some of predict, read, publish, admin`,
		"sepal_AQeKx0uIPHu08nIwaWyw64Z_sN7Zc6p9BDtklsKogyY": "a word of 49 characters is no scope, expected some of predict, read, publish, admin",
	} {
		if got, err := identity.ParseScopes(text); err == nil || err.Error() != want || got != 0 {
			t.Errorf("%q: got %v and %v, expected %s", text, got, err, want)
		}
	}
	if got := identity.Scopes(0).String(); got != "none" {
		t.Errorf("no scopes are %q", got)
	}
}

// TestWhatScopesAllow goes through all sets and all needs.
func TestWhatScopesAllow(t *testing.T) {
	t.Parallel()
	enough := map[accessv1.Scope]identity.Scopes{
		accessv1.Scope_SCOPE_UNSPECIFIED: 0,
		accessv1.Scope_SCOPE_PREDICT:     identity.Predict | identity.Admin,
		accessv1.Scope_SCOPE_READ:        identity.Read | identity.Publish | identity.Admin,
		accessv1.Scope_SCOPE_PUBLISH:     identity.Publish | identity.Admin,
		accessv1.Scope_SCOPE_ADMIN:       identity.Admin,
		accessv1.Scope(99):               0,
	}
	for number := range accessv1.Scope_name {
		need := accessv1.Scope(number)
		if _, known := enough[need]; !known && need != accessv1.Scope_SCOPE_NONE {
			t.Errorf("nothing is said of %v", need)
		}
	}
	for s := range identity.Scopes(16) {
		for need, some := range enough {
			if got, want := s.Allows(need), s&some != 0; got != want {
				t.Errorf("%v for %v: got %v, expected %v", s, need, got, want)
			}
		}
		if !s.Allows(accessv1.Scope_SCOPE_NONE) {
			t.Errorf("%v is not enough where nothing is needed", s)
		}
	}
}
