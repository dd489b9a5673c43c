package monitoring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// program returns the path of a program of Debian's package prometheus, and skips the test where
// it is not there: in CI, it is an error.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%v; install Debian's package prometheus", err)
	default:
		t.Skipf("%v; install Debian's package prometheus", err)
	}
	return path
}

// prometheus is one that runs, with the rules of this folder.
type prometheus struct {
	url    string
	client *http.Client
}

// hasty are the rules, with alerts that fire at once.
func hasty(t *testing.T) string {
	t.Helper()
	rules, err := os.ReadFile("prometheus/sepal.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(rules), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "        for: ") {
			lines[i] = "        for: 0s"
		}
	}
	return strings.Join(lines, "\n")
}

// startPrometheus starts one that scrapes the addresses a few times per second, each as a job, and
// waits until it has.
func startPrometheus(t *testing.T, jobs map[string]string) *prometheus {
	t.Helper()
	binary := program(t, "prometheus")
	dir := t.TempDir()
	var config strings.Builder
	config.WriteString("global: {scrape_interval: 300ms, evaluation_interval: 300ms, scrape_timeout: 300ms}\nrule_files: [sepal.rules.yml]\nscrape_configs:\n")
	for job, address := range jobs {
		fmt.Fprintf(&config, "- {job_name: %s, static_configs: [{targets: [%q]}]}\n", job, address)
	}
	for name, content := range map[string]string{"prometheus.yml": config.String(), "sepal.rules.yml": hasty(t)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := new(testenv.Log)
	command := exec.CommandContext(t.Context(), binary, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	command.Stderr = log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() { <-ended }) // the test's context has ended
	p := &prometheus{client: testenv.HTTPClient(t, false)}
	eventually(t, func() error {
		select {
		case <-ended:
			t.Fatalf("prometheus ended:\n%s", log)
		default:
		}
		address := listening.FindStringSubmatch(log.String())
		if address == nil {
			return errors.New("prometheus does not listen")
		}
		p.url = "http://" + address[1]
		up, err := p.query(t.Context(), "up == 1")
		if err == nil && len(up) < len(jobs) {
			err = fmt.Errorf("%d of %d servers scraped", len(up), len(jobs))
		}
		return err
	})
	return p
}

// listening finds the address in the log of a Prometheus.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// eventually waits until there is no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for err := try(); err != nil; err = try() {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sample is one value of a result.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"` // the time, and the value as text
}

// query evaluates an expression now.
func (p *prometheus) query(ctx context.Context, expression string) ([]sample, error) {
	var data struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	if err := p.get(ctx, "query?query="+url.QueryEscape(expression), &data); err != nil {
		return nil, fmt.Errorf("%s: %w", expression, err)
	}
	var samples []sample
	return samples, json.Unmarshal(data.Result, &samples)
}

// rule is a rule as Prometheus has read it.
type rule struct {
	Name, Query, Type, Health, LastError string
	Annotations                          map[string]string
	Alerts                               []struct {
		Labels map[string]string
		State  string
	}
}

func (p *prometheus) rules(ctx context.Context) ([]rule, error) {
	var data struct {
		Groups []struct{ Rules []rule }
	}
	if err := p.get(ctx, "rules", &data); err != nil {
		return nil, err
	}
	var all []rule
	for _, g := range data.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

func (p *prometheus) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var body struct {
		Error string
		Data  json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return err
	}
	if body.Error != "" {
		return fmt.Errorf("prometheus: %s", body.Error)
	}
	return json.Unmarshal(body.Data, into)
}
