package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/reference"
)

// servers are the programs that are measured.
type servers struct {
	sepal    string // the binary, as `task build` builds it
	stripped string // the same without what only debuggers read; empty: not built
	self     string // this program, which is the peers
	cpu      int    // what they run on
	python   *reference.Python
	noPython string // why python is nil
}

const (
	commandPath = "github.com/sepal-ml/sepal/services/sepal"
	// cores is what a server in Go is told, besides being confined to one.
	cores = "GOMAXPROCS=1"
)

// findServers builds Sepal in the folder, unless a binary is given; stripped too, where asked for.
func findServers(ctx context.Context, binary, folder string, stripped bool) (servers, error) {
	self, err := os.Executable()
	if err != nil {
		return servers{}, err
	}
	if binary != "" {
		binary, err = filepath.Abs(binary)
		return servers{sepal: binary, self: self}, err
	}
	s := servers{sepal: filepath.Join(folder, "sepal"), self: self}
	if err := build(ctx, s.sepal); err != nil {
		return servers{}, err
	}
	if stripped {
		s.stripped = filepath.Join(folder, "sepal-stripped")
		return s, build(ctx, s.stripped, "-ldflags", "-s -w")
	}
	return s, nil
}

func build(ctx context.Context, to string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", to}, flags...)
	output, err := exec.CommandContext(ctx, "go", append(args, commandPath)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", commandPath, err, output)
	}
	return nil
}

// version returns what the binary says that it is.
func (s *servers) version(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, s.sepal, "version").Output()
	if err != nil {
		return "sepal of an unknown version"
	}
	return strings.TrimSpace(string(text))
}

// ours returns how Sepal is run: as it is when no option is set, on a port that is free.
func (s *servers) ours() process.Command {
	return process.Command{
		Name: "sepal", Path: s.sepal, Args: []string{"serve", "--port", "0"}, CPU: s.cpu,
		Env: append(unset(os.Environ()), cores),
	}
}

// unbound is ours, but that it chooses for itself how many threads it runs on its processor.
func (s *servers) unbound() process.Command {
	c := s.ours()
	c.Env = unset(os.Environ())
	return c
}

// unset returns the variables that Sepal reads, empty, which is to it as if they were not there. Those
// of OpenTelemetry and Sentry would have it send to who has no part in this.
func unset(environment []string) []string {
	var list []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "SEPAL_"), strings.HasPrefix(name, "OTEL_"), strings.HasPrefix(name, "SENTRY_"), name == "HOST", name == "PORT", name == "MODEL_PATH", name == "MODEL_VERSION", name == "GOMAXPROCS":
			list = append(list, name+"=")
		}
	}
	return list
}

// peer returns how a peer of the kind is run.
func (s *servers) peer(kind string) process.Command {
	return process.Command{Name: kind, Path: s.self, Args: []string{peerVerb, kind}, Env: []string{cores}, CPU: s.cpu}
}
