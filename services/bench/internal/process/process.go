// Package process runs the servers that are compared, each on one processor, and reads what the
// kernel counts of them. It needs Linux.
package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Command says what to run. The program tells where it listens by a line of JSON on its standard
// error that has a field "address", as Sepal's log does.
type Command struct {
	// Name is what the program is called in errors.
	Name string
	// Path is the program, Args its arguments.
	Path string
	Args []string
	// Env is added to the environment of this process.
	Env []string
	// CPU is the one processor that it may use. Less than 0: any.
	CPU int
}

// Process is a running server. Make one with [Start].
type Process struct {
	// Address is where it listens.
	Address string

	name    string
	command *exec.Cmd
	drained sync.WaitGroup // what it writes was read to its end
	tail    *tail
}

// startTimeout is how long a server may take to listen. scikit-learn is slow to load.
const startTimeout = time.Minute

// Start runs the command and waits until it listens. When ctx ends, the process is killed.
func Start(ctx context.Context, c Command) (*Process, error) {
	p := &Process{name: c.Name, tail: &tail{}}
	p.command = exec.CommandContext(ctx, c.Path, c.Args...)
	p.command.Env = append(os.Environ(), c.Env...)
	stderr, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(c.CPU, p.command.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	address := make(chan string, 1)
	p.drained.Go(func() { p.read(stderr, address) })

	select {
	case found, ok := <-address:
		if ok {
			p.Address = found
			return p, nil
		}
		err = errors.New("it ended before it listened")
	case <-time.After(startTimeout):
		err = fmt.Errorf("it does not listen after %v", startTimeout)
	}
	p.Stop()
	return nil, fmt.Errorf("start %s: %w; it wrote: %s", c.Name, err, p.tail)
}

// read reads what the process writes until it ends, and sends the address once it is told.
func (p *Process) read(stderr io.Reader, address chan<- string) {
	defer close(address)
	told := false
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		p.tail.add(line)
		if found := addressIn(line); found != "" && !told {
			told = true
			address <- found
		}
		if err != nil {
			return
		}
	}
}

// addressIn returns the address that a line tells, or "".
func addressIn(line string) string {
	var told struct {
		Address string `json:"address"`
	}
	if json.Unmarshal([]byte(line), &told) != nil {
		return ""
	}
	return told.Address
}

// Stop kills the process and waits for its end: a benchmark has nothing to lose.
func (p *Process) Stop() {
	_ = p.command.Process.Kill() // fails only when it has ended already
	p.drained.Wait()
	_ = p.command.Wait() // says that it was killed
}

// Wrote returns the last lines that the process wrote to its standard error.
func (p *Process) Wrote() string { return p.tail.String() }

// tailLines is how much is kept of what a process writes.
const tailLines = 10

// tail keeps the last lines.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "nothing"
	}
	return strings.Join(t.lines, "\n")
}
