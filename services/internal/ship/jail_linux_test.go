package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// jail runs the commands of an image as a container would: in its root file system, which nobody can
// write, as its user, with its environment.
type jail struct {
	root   string
	config v1.Config
	// apart tells whether commands get a mount namespace, in which the root is read-only even for
	// root, and are the first process of theirs. Without the right to that, modes keep files as they are.
	apart bool
}

// enter makes the file system at $0 read-only and becomes the command in it.
const enter = `mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec chroot --userspec="$1" "$0" "$2" "$3" "${@:4}"`

func newJail(t *testing.T, root string, config v1.Config) *jail {
	t.Helper()
	j := &jail{root: root, config: config}
	probe := exec.CommandContext(t.Context(), "bash", "-c", `mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"`, root)
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	j.apart = os.Getuid() == 0 && probe.Run() == nil
	t.Logf("as root: %t, in namespaces: %t", os.Getuid() == 0, j.apart)
	if !j.apart {
		j.lock(t)
	}
	return j
}

// lock takes the right to write away, and gives it back at the end of the test.
func (j *jail) lock(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { j.chmod(t, 0o755) })
	j.chmod(t, 0o555)
}

func (j *jail) chmod(t *testing.T, mode fs.FileMode) {
	t.Helper()
	err := filepath.WalkDir(j.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		t.Error(err)
	}
}

// command returns the binary with a verb, which is the image's own where there is none.
func (j *jail) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	if len(args) == 0 {
		args = j.config.Cmd
	}
	var cmd *exec.Cmd
	user, group, _ := strings.Cut(j.config.User, ":")
	switch {
	case j.apart:
		cmd = exec.CommandContext(ctx, "bash", append([]string{"-c", enter, j.root, user + ":" + group, j.config.Entrypoint[0]}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	case os.Getuid() == 0:
		cmd = exec.CommandContext(ctx, j.config.Entrypoint[0], args...)
		cmd.Path, cmd.Err, cmd.Dir = j.config.Entrypoint[0], nil, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: j.root, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
	default:
		cmd = exec.CommandContext(ctx, filepath.Join(j.root, j.config.Entrypoint[0]), args...)
	}
	cmd.Env = append(append([]string{}, j.config.Env...), env...)
	if j.apart {
		cmd.Env = append(cmd.Env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin") // bash needs it, and sepal does not
	}
	return cmd
}

// imageUser is the user of the image, and its group.
const imageUser = 65532

// contained is a server in a jail.
type contained struct {
	cmd     *exec.Cmd
	log     *bufio.Scanner
	address string
}

// serve starts the image's command on a free port and waits until it serves.
func (j *jail) serve(t *testing.T) *contained {
	t.Helper()
	s := &contained{cmd: j.command(t.Context(), []string{"PORT=0", "SEPAL_DRAIN_DELAY=0s"})}
	out, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.log = bufio.NewScanner(out)
	for s.log.Scan() {
		var line struct{ Message, Address string }
		if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
			t.Fatalf("the log has %q", s.log.Text())
		}
		if line.Message == "serving" {
			s.address = line.Address
			return s
		}
	}
	_ = s.cmd.Wait()
	t.Fatalf("the server ended before it served: %v", s.cmd.ProcessState)
	return nil
}

// stop sends SIGTERM, as every runtime does, and returns how the server ended.
func (s *contained) stop(t *testing.T) *os.ProcessState {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for s.log.Scan() {
	}
	_ = s.cmd.Wait() // the state says it all
	return s.cmd.ProcessState
}

// run runs a verb to its end and returns all that it printed.
func (j *jail) run(t *testing.T, stdin io.Reader, env []string, args ...string) (output string, code int) {
	t.Helper()
	var out bytes.Buffer
	cmd := j.command(t.Context(), env, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &out
	_ = cmd.Run() // the state says it all
	if cmd.ProcessState == nil {
		t.Fatalf("%v did not start: %s", args, out.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
