package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// scan is a command that asks for known vulnerabilities, and how to read its end.
type scan struct {
	name    string
	command []string
	// judge returns whether the command found something; ok is false where it could not ask.
	judge func(code int, output string) (found, ok bool)
}

var scans = []scan{
	{"Go, with govulncheck", []string{"go", "tool", "-modfile=go.tool.mod", "govulncheck", "./services/sepal", "./services/softmax/...", "./services/modelfile/...", "./clients/go/..."}, judgeGo},
	{"npm, with npm audit", []string{"npm", "--prefix", "clients", "audit", "--omit=dev", "--audit-level=moderate"}, judgeNPM},
}

// judgeGo reads govulncheck, which ends with 3 where a vulnerable function is called.
func judgeGo(code int, _ string) (found, ok bool) {
	const called = 3
	return code == called, code == 0 || code == called
}

// judgeNPM reads npm audit, which ends with 1 both where it found something and where it could not ask.
func judgeNPM(code int, output string) (found, ok bool) {
	if code == 0 {
		return false, true
	}
	found = strings.Contains(output, "# npm audit report") || strings.Contains(output, "Severity:")
	return found, found
}

// vulnerabilities asks for known vulnerabilities of what is released. Where the data cannot be
// reached it says so, which is no failure.
func (s *ship) vulnerabilities(ctx context.Context) error {
	var failed error
	for _, scan := range scans {
		output, code, err := runCommand(ctx, scan.command)
		if err != nil {
			return err
		}
		switch found, ok := scan.judge(code, output); {
		case found:
			fmt.Fprint(s.stdout, output)
			failed = errors.Join(failed, fmt.Errorf("%s: there are known vulnerabilities in what is used", scan.name))
		case ok:
			fmt.Fprintf(s.stdout, "%s: no known vulnerability in what is used\n", scan.name)
		default:
			fmt.Fprintf(s.stdout, "%s: NOT CHECKED, the data could not be read:\n%s\n", scan.name, lastLines(output))
		}
	}
	return failed
}

func runCommand(ctx context.Context, command []string) (output string, code int, err error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return out.String(), exit.ExitCode(), ctx.Err()
	} else if err != nil {
		return "", 0, err
	}
	return out.String(), 0, nil
}

// lastLines returns the end of a text, for people.
func lastLines(text string) string {
	const few = 4
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-few):], "\n  ")
}
