package process_test

import (
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/bench/internal/process"
)

// shell returns a command that runs the script on the last processor that there is.
func shell(t *testing.T, script string) process.Command {
	t.Helper()
	cpus, err := process.CPUs()
	if err != nil {
		t.Fatal(err)
	}
	return process.Command{Name: "the shell", Path: "/bin/sh", Args: []string{"-c", script}, CPU: cpus[len(cpus)-1]}
}

// TestStart starts a process that, before it listens, looks up where it may run, and
// then uses what time it gets.
func TestStart(t *testing.T) {
	t.Parallel()
	c := shell(t, `allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
echo "loading $WORD" >&2
echo "{\"address\":\"cpu $allowed\"}" >&2
while :; do :; done`)
	c.Env = []string{"WORD=a model"}
	p, err := process.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if strings.ContainsAny(strings.TrimPrefix(p.Address, "cpu "), ",-") || p.Address == "cpu " {
		t.Errorf("the process may run on %q, expected one processor", p.Address)
	}
	if got := p.Wrote(); !strings.Contains(got, "loading a model") {
		t.Errorf("the process wrote %q", got)
	}
	if n, err := p.SystemCalls(); err != nil || n == 0 {
		t.Errorf("the process made %d reads and writes (%v)", n, err)
	}
	if now, peak, err := p.Memory(); err != nil || now == 0 || peak < now {
		t.Errorf("the process has %d bytes and had %d (%v)", now, peak, err)
	}
	if used, err := p.CPU(); err != nil || used <= 0 {
		t.Errorf("the process has used %v (%v)", used, err)
	}
	p.Stop()
	if _, err := p.CPU(); err == nil {
		t.Error("a process that has ended has a processor time")
	}
}

func TestStartTellsWhyThereIsNoServer(t *testing.T) {
	t.Parallel()
	_, err := process.Start(t.Context(), shell(t, "echo the port is taken >&2; exit 1"))
	if err == nil || !strings.Contains(err.Error(), "start the shell") || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("got the error %v, expected one that says what the process wrote", err)
	}
	if _, err := process.Start(t.Context(), process.Command{Name: "nobody", Path: "/no/such/program", CPU: -1}); err == nil {
		t.Error("a program that there is not was started")
	}
}
