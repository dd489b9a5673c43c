package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// without returns the paths of a file's RPCs that state no scope which a caller can have.
func without(file protoreflect.FileDescriptor, paths map[string]rpc.Access) []string {
	var all []string
	eachMethod(file, func(path string, method protoreflect.MethodDescriptor) {
		if scope := scopeOf(method); scope == accessv1.Scope_SCOPE_UNSPECIFIED || paths[path].Scope != scope {
			all = append(all, path)
		}
	})
	return all
}

// TestEveryRPCStatesItsScope walks every service of the contract that is in the binary, served or not.
func TestEveryRPCStatesItsScope(t *testing.T) {
	t.Parallel()
	known := paths()
	services := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(file.Package()), "sepal.") {
			services += file.Services().Len()
			for _, path := range without(file, known) {
				t.Errorf("%s has no scope that the guard asks for; state one in %s", path, file.Path())
			}
		}
		return true
	})
	if services < 3 {
		t.Errorf("%d services were looked at, expected those of the contract", services)
	}
	for _, p := range procedures() {
		if known[p.Path].Scope == accessv1.Scope_SCOPE_UNSPECIFIED {
			t.Errorf("%s has no scope that the guard asks for", p.Path)
		}
	}
}

// TestAnRPCWithoutAScopeIsFound takes the scope of one RPC away.
func TestAnRPCWithoutAScopeIsFound(t *testing.T) {
	t.Parallel()
	file := protodesc.ToFileDescriptorProto(predictionv1.File_sepal_prediction_v1_prediction_service_proto)
	batch := file.GetService()[0].GetMethod()[2]
	options := proto.CloneOf(batch.GetOptions())
	if options == nil {
		options = new(descriptorpb.MethodOptions)
	}
	proto.ClearExtension(options, accessv1.E_Scope)
	batch.Options = options
	changed, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	got := without(changed, paths())
	if want := "/sepal.prediction.v1.PredictionService/" + batch.GetName(); len(got) != 1 || got[0] != want {
		t.Errorf("found %v, expected %s", got, want)
	}
}

// caller is one that need not show who it is.
type caller identity.Principal

func (c caller) Authenticate(*http.Request) (*identity.Principal, error) {
	p := identity.Principal(c)
	return &p, nil
}

// TestPagesOfOtherOriginsChangeNothingByACertificate shows that what a browser adds by itself is not taken
// for what somebody wants.
func TestPagesOfOtherOriginsChangeNothingByACertificate(t *testing.T) {
	t.Parallel()
	for kind, want := range map[identity.Kind]map[string]int{
		identity.KindCertificate: {"": 200, "http://sepal.example": 200, "https://evil.example": 403, "null": 403},
		identity.KindToken:       {"": 200, "http://sepal.example": 200, "https://app.example": 200},
		identity.KindJWT:         {"https://app.example": 200},
	} {
		pass := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
		handler := rpc.Guard(rpc.GuardOptions{
			Authenticator: caller{Name: "ada", Kind: kind, Scopes: identity.Admin},
			Access:        paths(),
		}, ofOwnPage(pass, nil))
		for origin, status := range want {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sepal.registry.v1.RegistryService/Reload", strings.NewReader("{}"))
			r.Host = "sepal.example"
			r.Header.Set("Content-Type", "application/json")
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != status {
				t.Errorf("%s from %q: got %d, expected %d", kind, origin, w.Code, status)
			}
		}
	}
}

// TestWhoIsNotKnownChangesNothing is about a mistake in the layers: without a caller, nothing of
// another origin passes.
func TestWhoIsNotKnownChangesNothing(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sepal.registry.v1.RegistryService/Reload", strings.NewReader("{}"))
	r.Header.Set("Origin", "https://evil.example")
	w := httptest.NewRecorder()
	ofOwnPage(http.NotFoundHandler(), nil).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("got %d", w.Code)
	}
}
