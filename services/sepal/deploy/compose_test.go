package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

const composeFile = "docker-compose.yml"

// load reads a compose file as docker compose does, from the top of the repository.
func load(t *testing.T, content string) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root(),
		ConfigFiles: []types.ConfigFile{{Filename: root(composeFile), Content: []byte(content)}},
		Environment: types.Mapping{},
	}, func(o *loader.Options) { o.SetProjectName("sepal", true) })
}

func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := load(t, read(t, root(composeFile)))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// TestComposeIsStrict shows that a misspelt field would be refused.
func TestComposeIsStrict(t *testing.T) {
	t.Parallel()
	content := read(t, root(composeFile))
	for _, wrong := range []struct{ from, to string }{
		{"stop_grace_period: 20s", "stop_grace_periods: 20s"},
		{"condition: service_healthy", "condition: service_healthful"},
		{"replicas: 3", "replica: 3"},
		{"- models:/models\n    networks", "- modells:/models\n    networks"},
	} {
		if !strings.Contains(content, wrong.from) {
			t.Fatalf("%s has no %q", composeFile, wrong.from)
		}
		if _, err := load(t, strings.Replace(content, wrong.from, wrong.to, 1)); err == nil {
			t.Errorf("%q is taken", wrong.to)
		}
	}
}

// TestComposeMounts looks for every file that is mounted.
func TestComposeMounts(t *testing.T) {
	t.Parallel()
	project := compose(t)
	for _, service := range project.Services {
		for _, mount := range service.Volumes {
			if mount.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(mount.Source); err != nil {
				t.Errorf("%s: %v", service.Name, err)
			}
			if !mount.ReadOnly {
				t.Errorf("%s may write to %s", service.Name, mount.Source)
			}
		}
	}
}

// TestComposeGrantsLittle holds every service to what it needs.
func TestComposeGrantsLittle(t *testing.T) {
	t.Parallel()
	for _, service := range compose(t).Services {
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || service.Privileged ||
			!slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it needs", service.Name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is reachable from other machines at port %s", service.Name, port.Published)
			}
		}
	}
}

// TestComposeRunsTheBinary holds what the services set against what the binary knows.
func TestComposeRunsTheBinary(t *testing.T) {
	t.Parallel()
	project := compose(t)
	server, traffic := project.Services["sepal"], project.Services["traffic"]
	requireArguments(t, server.Command)
	requireVariables(t, server.Command[0], server.Environment)
	requireArguments(t, traffic.Command)
	if server.Build == nil || server.Image != traffic.Image {
		t.Errorf("sepal is %q, traffic %q, expected one image, which is built", server.Image, traffic.Image)
	}
}

// TestComposeHealthcheck holds how docker asks for the health of a server against the image.
func TestComposeHealthcheck(t *testing.T) {
	t.Parallel()
	server := compose(t).Services["sepal"]
	image := read(t, filepath.Join(server.Build.Context, server.Build.Dockerfile))
	program := regexp.MustCompile(`(?m)^ENTRYPOINT \["([^"]+)"`).FindStringSubmatch(image)
	if program == nil {
		t.Fatalf("%s has no ENTRYPOINT", server.Build.Dockerfile)
	}
	if test := server.HealthCheck.Test; len(test) < 3 || test[0] != "CMD" || test[1] != program[1] {
		t.Errorf("the health check is %q, the program of the image %s", test, program[1])
	} else {
		requireArguments(t, test[2:])
	}
	if !regexp.MustCompile(`(?m)^USER 65532(:65532)?$`).MatchString(image) {
		t.Error("the image does not run as the user 65532, to whom the volume belongs")
	}
}

// seconds reads a duration of haproxy, such as 500ms.
func seconds(t *testing.T, config, expression string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(config)
	if found == nil {
		t.Fatalf("haproxy.cfg has no %s", expression)
	}
	d, err := time.ParseDuration(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestComposeStops holds the times of a stop against each other: who asks must know before a server
// ends, and nobody may be killed while it finishes.
func TestComposeStops(t *testing.T) {
	t.Parallel()
	project, config := compose(t), read(t, "compose/haproxy.cfg")
	server, balancer := project.Services["sepal"], project.Services["balancer"]
	duration := func(name string) time.Duration {
		d, err := time.ParseDuration(*server.Environment[name])
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	drain, stop := duration("SEPAL_DRAIN_DELAY"), duration("SEPAL_STOP_TIMEOUT")
	if grace := time.Duration(*server.StopGracePeriod); grace < drain+stop+2*time.Second {
		t.Errorf("docker kills a server after %v, and it takes %v to drain and %v to stop", grace, drain, stop)
	}
	// Each check may take as long as its limit, and begins an interval after the one before.
	noticed := 2*(seconds(t, config, ` inter (\S+) fall 2 `)) + seconds(t, config, `timeout check +(\S+)`)
	if noticed >= drain {
		t.Errorf("the balancer knows after %v that a server drains, which it does for %v", noticed, drain)
	}
	hard := seconds(t, config, `hard-stop-after (\S+)`)
	if grace := time.Duration(*balancer.StopGracePeriod); hard <= drain+stop || grace <= hard {
		t.Errorf("the balancer ends after %v and is killed after %v; a server takes %v", hard, grace, drain+stop)
	}
}

// TestComposeNames holds the names and ports by which the services call each other against what
// they are.
func TestComposeNames(t *testing.T) {
	t.Parallel()
	project, config := compose(t), read(t, "compose/haproxy.cfg")
	template := regexp.MustCompile(`server-template sepal 1-(\d+) sepal:50051 `).FindStringSubmatch(config)
	if template == nil {
		t.Fatal("haproxy.cfg sends nothing to sepal:50051")
	}
	server, replicas := project.Services["sepal"], 0
	if server.Deploy != nil && server.Deploy.Replicas != nil {
		replicas = *server.Deploy.Replicas
	}
	if most, _ := strconv.Atoi(template[1]); replicas != 3 || most < replicas {
		t.Errorf("there are %d servers, and the balancer has room for %s", replicas, template[1])
	}
	prometheus := read(t, root("services", "monitoring", "prometheus", "prometheus.yml"))
	if !strings.Contains(prometheus, "- names: [sepal]\n        type: A\n        port: 50051\n") {
		t.Error("prometheus.yml does not scrape what sepal:50051 resolves to")
	}
	for _, pair := range [][2]string{{"prometheus", "sepal"}, {"balancer", "sepal"}, {"traffic", "balancer"}, {"grafana", "prometheus"}} {
		meet := false
		for network := range project.Services[pair[0]].Networks {
			_, shared := project.Services[pair[1]].Networks[network]
			meet = meet || shared
		}
		if !meet {
			t.Errorf("%s and %s have no network in common", pair[0], pair[1])
		}
	}
}

// TestComposeGrafana reads what Grafana is provisioned with, field by field.
func TestComposeGrafana(t *testing.T) {
	t.Parallel()
	grafana := compose(t).Services["grafana"]
	mounted := func(path string) string { // where a file in the container is in the repository
		for _, mount := range grafana.Volumes {
			if rest, is := strings.CutPrefix(path, mount.Target+"/"); is && mount.Type == types.VolumeTypeBind {
				return filepath.Join(mount.Source, rest)
			}
		}
		t.Fatalf("%s is in no mount", path)
		return ""
	}
	var sources struct {
		APIVersion  int `json:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `json:"isDefault"`
			JSONData                     struct {
				HTTPMethod string `json:"httpMethod"`
			} `json:"jsonData"`
		} `json:"datasources"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, mounted("/etc/grafana/provisioning/datasources/prometheus.yml"))), &sources); err != nil {
		t.Fatal(err)
	}
	if sources.Datasources[0].URL != "http://prometheus:9090" {
		t.Errorf("Grafana asks %s", sources.Datasources[0].URL)
	}
	var providers struct {
		APIVersion int `json:"apiVersion"`
		Providers  []struct {
			Name, Type            string
			UpdateIntervalSeconds int `json:"updateIntervalSeconds"`
			Options               struct {
				Path string `json:"path"`
			}
		} `json:"providers"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, mounted("/etc/grafana/provisioning/dashboards/sepal.yml"))), &providers); err != nil {
		t.Fatal(err)
	}
	home := *grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if filepath.Dir(home) != providers.Providers[0].Options.Path {
		t.Errorf("dashboards come from %s, and the first is %s", providers.Providers[0].Options.Path, home)
	}
	if !json.Valid([]byte(read(t, mounted(home)))) {
		t.Errorf("%s is no JSON", home)
	}
}

// TestComposeSeeds runs what fills the volume: at first, again, and after somebody has published.
func TestComposeSeeds(t *testing.T) {
	t.Parallel()
	volume := filepath.Join(t.TempDir(), "models")
	if err := os.Mkdir(volume, 0o700); err != nil {
		t.Fatal(err)
	}
	seed := compose(t).Services["seed"]
	source := filepath.Dir(seed.Volumes[1].Source)
	// To whom the files belong matters in a container only.
	script := "chown() { :; }\n" + strings.NewReplacer("/models/iris", volume+"/iris", "/models", volume, "/seed", source).Replace(seed.Command[2])
	fill := func() {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "sh", seed.Command[1], script).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	models := func(arguments ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), sepal(t), append([]string{"models", "--registry", volume}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("sepal models %q: %v\n%s", arguments, err, out)
		}
		return string(out)
	}
	fill()
	first := models("list")
	if !strings.Contains(first, "iris") || !strings.Contains(first, "v1.0.0") {
		t.Errorf("the volume holds\n%s", first)
	}
	models("publish", filepath.Join(source, "iris", "v1.0.0", "model.binpb"), "--model-version", "v9.0.0")
	models("promote", "v9.0.0")
	before := models("show")
	fill()
	if after := models("show"); after != before {
		t.Errorf("once more, the volume holds\n%s\nin place of\n%s", after, before)
	}
}
