package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// overlays are what is applied.
var overlays = []string{"base", "overlays/laptop", "overlays/production"}

// kinds are the types of what the overlays hold.
var kinds = map[string]func() any{
	"v1 ServiceAccount":                       func() any { return new(corev1.ServiceAccount) },
	"v1 Service":                              func() any { return new(corev1.Service) },
	"v1 ConfigMap":                            func() any { return new(corev1.ConfigMap) },
	"apps/v1 Deployment":                      func() any { return new(appsv1.Deployment) },
	"policy/v1 PodDisruptionBudget":           func() any { return new(policyv1.PodDisruptionBudget) },
	"autoscaling/v2 HorizontalPodAutoscaler":  func() any { return new(autoscalingv2.HorizontalPodAutoscaler) },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return new(networkingv1.NetworkPolicy) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return new(monitoringv1.ServiceMonitor) },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(monitoringv1.PrometheusRule) },
}

// render does what kubectl kustomize does, and decodes each object into its type. A field that the
// type does not have, in exactly that spelling, is an error.
func render(files filesys.FileSystem, path string) ([]any, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, path)
	if err != nil {
		return nil, err
	}
	var objects []any
	for _, r := range resources.Resources() {
		content, err := r.MarshalJSON()
		if err != nil {
			return nil, err
		}
		kind := r.GetApiVersion() + " " + r.GetKind()
		empty, known := kinds[kind]
		if !known {
			return nil, fmt.Errorf("%s is of the kind %s, which there is not", r.GetName(), kind)
		}
		object := empty()
		strict, err := json.UnmarshalStrict(content, object)
		if err != nil || len(strict) > 0 {
			return nil, fmt.Errorf("%s %s: %v %v", kind, r.GetName(), err, strict)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// cluster is what an overlay applies.
type cluster []any

func rendered(t *testing.T, overlay string) cluster {
	t.Helper()
	objects, err := render(filesys.MakeFsOnDisk(), filepath.Join("kubernetes", overlay))
	if err != nil {
		t.Fatalf("%s: %v", overlay, err)
	}
	return objects
}

// all returns the objects of a type.
func all[T any](c cluster) []*T {
	var found []*T
	for _, object := range c {
		if o, is := object.(*T); is {
			found = append(found, o)
		}
	}
	return found
}

// one returns the only object of a type.
func one[T any](t *testing.T, c cluster) *T {
	t.Helper()
	found := all[T](c)
	if len(found) != 1 {
		t.Fatalf("there are %d objects of the kind %v, expected one", len(found), reflect.TypeFor[T]())
	}
	return found[0]
}

// TestOverlays renders and decodes each overlay.
func TestOverlays(t *testing.T) {
	t.Parallel()
	for overlay, want := range map[string]int{"base": 7, "overlays/laptop": 7, "overlays/production": 10} {
		if got := len(rendered(t, overlay)); got != want {
			t.Errorf("%s has %d objects, expected %d", overlay, got, want)
		}
	}
}

// TestDecodingIsStrict shows that a misspelt field would be refused, wherever it stands.
func TestDecodingIsStrict(t *testing.T) {
	t.Parallel()
	for _, wrong := range []struct{ file, from, to string }{
		{"base/deployment.yaml", "terminationGracePeriodSeconds", "terminationGracePeriodSecond"},
		{"base/deployment.yaml", "readOnlyRootFilesystem", "readOnlyRootFileSystem"},
		{"base/deployment.yaml", "periodSeconds: 1\n", "periodSeconds: often\n"},
		{"base/service.yaml", "clusterIP: None", "clusterIp: None"},
		{"base/poddisruptionbudget.yaml", "maxUnavailable", "maxUnvailable"},
		{"base/networkpolicy.yaml", "policyTypes", "policyType"},
		{"base/poddisruptionbudget.yaml", "policy/v1", "policy/v2"},
		{"overlays/production/horizontalpodautoscaler.yaml", "averageUtilization", "averageUtilisation"},
		{"overlays/production/servicemonitor.yaml", "serverName", "serverNames"},
		{"components/prometheus/prometheusrule.yaml", "expr: sum by", "expression: sum by"},
	} {
		files := filesys.MakeFsInMemory()
		err := filepath.WalkDir("kubernetes", func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content := read(t, path)
			if path == filepath.Join("kubernetes", wrong.file) {
				if !strings.Contains(content, wrong.from) {
					t.Fatalf("%s has no %q", wrong.file, wrong.from)
				}
				content = strings.Replace(content, wrong.from, wrong.to, 1)
			}
			return files.WriteFile("/"+filepath.ToSlash(path), []byte(content))
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := render(files, "/kubernetes/overlays/production"); err == nil {
			t.Errorf("%s: %q is taken", wrong.file, wrong.to)
		}
	}
}

// TestPrometheusRule holds the rules of the operator against those of services/monitoring.
func TestPrometheusRule(t *testing.T) {
	t.Parallel()
	_, rules, found := strings.Cut(read(t, root("services", "monitoring", "prometheus", "sepal.rules.yml")), "\ngroups:\n")
	if !found {
		t.Fatal("sepal.rules.yml has no groups")
	}
	var want strings.Builder
	want.WriteString("# Written from services/monitoring/prometheus/sepal.rules.yml by `task golden:update`.\n" +
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: sepal\n  labels:\n" +
		"    app.kubernetes.io/name: sepal\nspec:\n  groups:\n")
	for line := range strings.Lines(rules) {
		if line != "\n" {
			want.WriteString("  ")
		}
		want.WriteString(line)
	}
	const path = "kubernetes/components/prometheus/prometheusrule.yaml"
	if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, path) != want.String() {
		t.Errorf("%s is not what sepal.rules.yml says; run `task golden:update`", path)
	}
}
