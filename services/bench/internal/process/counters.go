package process

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU returns the processor time that the process has used, in user mode and in the kernel.
func (p *Process) CPU() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the thread has ended since
		}
		if err != nil {
			return 0, err
		}
		used, err := parseSchedstat(string(text))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += used
	}
	if sum == 0 {
		return 0, fmt.Errorf("%s has no schedstat with processor time: it has ended, or the kernel does not count it", p.name)
	}
	return sum, nil
}

// parseSchedstat returns the time on a processor, the first of the three numbers of a schedstat.
func parseSchedstat(text string) (time.Duration, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("schedstat is %q, expected three numbers", text)
	}
	used, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("schedstat is %q, expected three numbers", text)
	}
	return time.Duration(used), nil
}

// SystemCalls returns how many read(2) and write(2), and others of their kind that work on files
// and sockets alike, the process has made; those that found nothing to read are among them, while
// recvmsg(2) and its like are not.
func (p *Process) SystemCalls() (uint64, error) {
	fields, err := p.fields("io")
	if err != nil {
		return 0, err
	}
	reads, err := number(fields, "syscr")
	if err != nil {
		return 0, err
	}
	writes, err := number(fields, "syscw")
	return reads + writes, err
}

// Memory returns the memory of the process that is resident now and the most that ever was, in
// bytes.
func (p *Process) Memory() (now, peak uint64, err error) {
	fields, err := p.fields("status")
	if err != nil {
		return 0, 0, err
	}
	if now, err = number(fields, "VmRSS"); err != nil {
		return 0, 0, err
	}
	if peak, err = number(fields, "VmHWM"); err != nil {
		return 0, 0, err
	}
	return now << 10, peak << 10, nil
}

// fields reads a file of the process in /proc with a field a line.
func (p *Process) fields(file string) (map[string]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.command.Process.Pid, file))
	if err != nil {
		return nil, err
	}
	return parseFields(string(text)), nil
}

func parseFields(text string) map[string]string {
	fields := make(map[string]string)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

// number returns a field, less its unit.
func number(fields map[string]string, name string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSuffix(fields[name], " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, expected a number", name, fields[name])
	}
	return n, nil
}
