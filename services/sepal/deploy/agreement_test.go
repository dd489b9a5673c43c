package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// eachOverlay runs a test for what each overlay applies.
func eachOverlay(t *testing.T, test func(*testing.T, cluster)) {
	t.Helper()
	t.Parallel()
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			test(t, rendered(t, overlay))
		})
	}
}

// container returns the only container of the server.
func container(t *testing.T, c cluster) (corev1.PodSpec, corev1.Container) {
	t.Helper()
	pod := one[appsv1.Deployment](t, c).Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Fatalf("a pod has %d containers, expected one", len(pod.Containers)+len(pod.InitContainers))
	}
	return pod, pod.Containers[0]
}

// settings returns the variables of the server, from wherever they come; those of Secrets are empty.
func settings(t *testing.T, c cluster) map[string]string {
	t.Helper()
	variables := map[string]string{}
	_, server := container(t, c)
	for _, from := range server.EnvFrom {
		config := one[corev1.ConfigMap](t, c)
		if from.ConfigMapRef == nil || from.ConfigMapRef.Name != config.Name {
			t.Fatalf("variables come from %v, and there is the ConfigMap %s", from, config.Name)
		}
		for name, value := range config.Data {
			variables[name] = value
		}
	}
	for _, v := range server.Env {
		variables[v.Name] = v.Value
	}
	return variables
}

// TestSettings holds what the overlays set against what the binary knows.
func TestSettings(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		_, server := container(t, c)
		requireArguments(t, server.Args)
		requireVariables(t, server.Args[0], settings(t, c))
		if len(server.Command) != 0 {
			t.Errorf("the command is %q, expected that of the image", server.Command)
		}
	})
}

// TestGracePeriod leaves a server the time that it needs to stop.
func TestGracePeriod(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		pod, server := container(t, c)
		needed := 2 * time.Second
		for _, name := range []string{"SEPAL_DRAIN_DELAY", "SEPAL_STOP_TIMEOUT"} {
			d, err := time.ParseDuration(settings(t, c)[name])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			needed += d
		}
		if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace < needed {
			t.Errorf("a server is killed after %v and needs %v", grace, needed)
		}
		if server.Lifecycle != nil {
			t.Error("there is a hook, which takes its time from the grace period")
		}
	})
}

// TestPorts leads every probe, service and monitor to the port that the server listens at.
func TestPorts(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		_, server := container(t, c)
		port := server.Ports[0]
		if variables := settings(t, c); variables["PORT"] != strconv.Itoa(int(port.ContainerPort)) || variables["HOST"] != "0.0.0.0" {
			t.Errorf("the server listens at %s:%s, the port of the container is %d", variables["HOST"], variables["PORT"], port.ContainerPort)
		}
		secure := settings(t, c)["SEPAL_TLS_CERT"] != ""
		for name, probe := range map[string]*corev1.Probe{"startup": server.StartupProbe, "readiness": server.ReadinessProbe, "liveness": server.LivenessProbe} {
			switch {
			case probe == nil:
				t.Errorf("there is no %s probe", name)
			case secure && (probe.HTTPGet == nil || probe.HTTPGet.Scheme != corev1.URISchemeHTTPS || probe.HTTPGet.Port.StrVal != port.Name):
				t.Errorf("the %s probe does not ask port %s by HTTPS: %v", name, port.Name, probe.ProbeHandler)
			case !secure && (probe.GRPC == nil || probe.GRPC.Port != port.ContainerPort):
				t.Errorf("the %s probe does not ask port %d by gRPC: %v", name, port.ContainerPort, probe.ProbeHandler)
			}
		}
		for _, s := range all[corev1.Service](c) {
			if len(s.Spec.Ports) != 1 || s.Spec.Ports[0].TargetPort.StrVal != port.Name || s.Spec.Ports[0].Name != port.Name || s.Spec.Ports[0].Port != port.ContainerPort {
				t.Errorf("the service %s leads to %v", s.Name, s.Spec.Ports)
			}
		}
		for _, m := range all[monitoringv1.ServiceMonitor](c) {
			if m.Spec.Endpoints[0].Port != port.Name || secure != (m.Spec.Endpoints[0].Scheme == "https") {
				t.Errorf("Prometheus asks %v", m.Spec.Endpoints)
			}
		}
	})
}

// TestSelectors has everything that selects pods select those of the server.
func TestSelectors(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		deployment := one[appsv1.Deployment](t, c)
		pods := deployment.Spec.Template.Labels
		selectors := map[string]map[string]string{
			"Deployment":          deployment.Spec.Selector.MatchLabels,
			"PodDisruptionBudget": one[policyv1.PodDisruptionBudget](t, c).Spec.Selector.MatchLabels,
			"NetworkPolicy":       one[networkingv1.NetworkPolicy](t, c).Spec.PodSelector.MatchLabels,
		}
		for i, spread := range deployment.Spec.Template.Spec.TopologySpreadConstraints {
			selectors[fmt.Sprintf("constraint %d", i)] = spread.LabelSelector.MatchLabels
		}
		for _, s := range all[corev1.Service](c) {
			selectors["Service "+s.Name] = s.Spec.Selector
			if headless := strings.HasSuffix(s.Name, "-headless"); headless != (s.Spec.ClusterIP == corev1.ClusterIPNone) {
				t.Errorf("the service %s has the address %q", s.Name, s.Spec.ClusterIP)
			}
		}
		for what, labels := range selectors {
			requireLabels(t, what, labels, pods)
		}
		for _, m := range all[monitoringv1.ServiceMonitor](c) {
			var scraped []string
			for _, s := range all[corev1.Service](c) {
				if matches(m.Spec.Selector.MatchLabels, s.Labels) {
					scraped = append(scraped, s.Name)
				}
				if s.Labels[m.Spec.JobLabel] != "sepal" {
					t.Errorf("the job of the service %s is %q", s.Name, s.Labels[m.Spec.JobLabel])
				}
			}
			if !slices.Equal(scraped, []string{"sepal-headless"}) {
				t.Errorf("Prometheus scrapes %q, expected one service", scraped)
			}
		}
	})
}

func matches(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

func requireLabels(t *testing.T, what string, selector, labels map[string]string) {
	t.Helper()
	if !matches(selector, labels) {
		t.Errorf("%s selects %v, and the pods have %v", what, selector, labels)
	}
}

// TestPodsMayDoLittle holds the pods to what they need.
func TestPodsMayDoLittle(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		pod, server := container(t, c)
		p, s := pod.SecurityContext, server.SecurityContext
		if !*p.RunAsNonRoot || *p.RunAsUser != 65532 || *p.RunAsGroup != 65532 || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("the pod runs as %v", p)
		}
		if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) != 0 {
			t.Errorf("the server may %v", s)
		}
		account := one[corev1.ServiceAccount](t, c)
		if pod.ServiceAccountName != account.Name || *pod.AutomountServiceAccountToken || *account.AutomountServiceAccountToken {
			t.Errorf("the pod has a token of the service account %s", pod.ServiceAccountName)
		}
	})
}

// TestMemory leaves room between what the collector aims at and where the kernel kills.
func TestMemory(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		_, server := container(t, c)
		limit := server.Resources.Limits.Memory().Value()
		aim, err := strconv.ParseInt(strings.TrimSuffix(settings(t, c)["GOMEMLIMIT"], "MiB"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if share := float64(aim<<20) / float64(limit); share < 0.7 || share > 0.85 {
			t.Errorf("GOMEMLIMIT is %.2f of the limit, expected about four fifths", share)
		}
		if !server.Resources.Limits.Cpu().IsZero() || server.Resources.Requests.Cpu().IsZero() {
			t.Errorf("processor time: %v requested, limit %v", server.Resources.Requests.Cpu(), server.Resources.Limits.Cpu())
		}
	})
}

// TestIngress lets Prometheus in, and who is labelled as a client.
func TestIngress(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		_, server := container(t, c)
		rules := one[networkingv1.NetworkPolicy](t, c).Spec.Ingress
		if len(rules) != 1 || len(rules[0].Ports) != 1 || rules[0].Ports[0].Port.StrVal != server.Ports[0].Name {
			t.Fatalf("the policy lets in %v", rules)
		}
		var from []string
		for _, peer := range rules[0].From {
			var labels []string
			for _, selector := range []*metav1.LabelSelector{peer.NamespaceSelector, peer.PodSelector} {
				if selector != nil {
					labels = append(labels, fmt.Sprint(selector.MatchLabels))
				}
			}
			from = append(from, strings.Join(labels, " "))
		}
		want := []string{"map[]", "map[sepal/client:true]", "map[kubernetes.io/metadata.name:monitoring] map[app.kubernetes.io/name:prometheus]"}
		if !slices.Equal(from, want) {
			t.Errorf("the policy lets in %q, expected %q", from, want)
		}
	})
}

// TestEgress lets the server ask for names, and where its models are in a bucket, that.
func TestEgress(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		var ports []string
		for _, rule := range one[networkingv1.NetworkPolicy](t, c).Spec.Egress {
			for _, port := range rule.Ports {
				ports = append(ports, fmt.Sprint(*port.Protocol, " ", port.Port.IntValue()))
			}
		}
		want := []string{"UDP 53", "TCP 53"}
		if strings.HasPrefix(settings(t, c)["MODEL_PATH"], "s3://") {
			want = append(want, "TCP 443")
		}
		if !slices.Equal(ports, want) {
			t.Errorf("the server may call %q, expected %q", ports, want)
		}
	})
}

// TestReplicas has exactly one say how many servers there are.
func TestReplicas(t *testing.T) {
	eachOverlay(t, func(t *testing.T, c cluster) {
		deployment := one[appsv1.Deployment](t, c)
		scalers := all[autoscalingv2.HorizontalPodAutoscaler](c)
		if (deployment.Spec.Replicas == nil) != (len(scalers) == 1) {
			t.Errorf("the Deployment has replicas: %v, and there are %d autoscalers", deployment.Spec.Replicas, len(scalers))
		}
		for _, s := range scalers {
			if s.Spec.ScaleTargetRef.Name != deployment.Name || s.Spec.ScaleTargetRef.Kind != "Deployment" || *s.Spec.MinReplicas < 3 {
				t.Errorf("the autoscaler is %v", s.Spec)
			}
		}
	})
}

// TestSecrets has the README make each Secret that production names, with its keys.
func TestSecrets(t *testing.T) {
	t.Parallel()
	c := rendered(t, "overlays/production")
	pod, server := container(t, c)
	needed := map[string][]string{}
	for _, v := range server.Env {
		if v.ValueFrom != nil {
			needed[v.ValueFrom.SecretKeyRef.Name] = append(needed[v.ValueFrom.SecretKeyRef.Name], v.ValueFrom.SecretKeyRef.Key)
		}
	}
	for _, mount := range server.VolumeMounts {
		i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		if i < 0 || !mount.ReadOnly || mount.SubPath != "" {
			t.Fatalf("%v: expected a whole volume that is there, to be read", mount)
		}
		for _, path := range settings(t, c) {
			if file, in := strings.CutPrefix(path, mount.MountPath+"/"); in {
				needed[pod.Volumes[i].Secret.SecretName] = append(needed[pod.Volumes[i].Secret.SecretName], file)
			}
		}
	}
	endpoint := one[monitoringv1.ServiceMonitor](t, c).Spec.Endpoints[0]
	for _, key := range []*corev1.SecretKeySelector{endpoint.Authorization.Credentials, endpoint.TLSConfig.CA.Secret} {
		needed[key.Name] = append(needed[key.Name], key.Key)
	}
	readme := strings.ReplaceAll(read(t, "README.md"), "\\\n", "")
	for name, keys := range needed {
		command := regexp.MustCompile(`kubectl -n sepal create secret generic ` + name + ` .*`).FindString(readme)
		for _, key := range keys {
			if !strings.Contains(command, "="+key+"=") {
				t.Errorf("README.md does not make the key %s of the Secret %s: %q", key, name, command)
			}
		}
	}
	if len(needed) != 4 {
		t.Errorf("production needs the Secrets %v, expected four", needed)
	}
}
