package report

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is what a run ran on.
type Machine struct {
	// CPU is the model of the processor, Cores how many there are.
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	// OS is the operating system, with the release of the kernel where it is told.
	OS string `json:"os"`
	// Go is the version that built the servers.
	Go string `json:"go"`
	// Python is that of the reference service, with its packages. Empty: there was none.
	Python string `json:"python,omitempty"`
	// Sepal is the version of the binary that was measured.
	Sepal string `json:"sepal"`
}

// ThisMachine returns what can be told of the machine without more.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown processor", Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuModel(string(text), m.CPU)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.OS += " " + strings.TrimSpace(string(release))
	}
	return m
}

// cpuModel returns the model that /proc/cpuinfo names, which not every architecture does.
func cpuModel(cpuinfo, unknown string) string {
	for lines := bufio.NewScanner(strings.NewReader(cpuinfo)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

// String describes the machine in a line.
func (m Machine) String() string {
	text := fmt.Sprintf("%s, %d cores, %s, %s", m.CPU, m.Cores, m.OS, m.Go)
	if m.Python != "" {
		text += "; " + m.Python
	}
	if m.Sepal != "" {
		text += "; " + m.Sepal
	}
	return text
}
