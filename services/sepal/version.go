package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd is the verb version.
type versionCmd struct {
	JSON bool `name:"json" env:"SEPAL_JSON" help:"Print JSON."`
}

// build is what the Go tool recorded of this program when it was built.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func readBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	return b
}

// Run prints the version.
func (c *versionCmd) Run(p *process) error {
	b := readBuild()
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(b)
	}
	text := "sepal " + b.Version
	if b.Commit != "" {
		text += " " + b.Commit
	}
	_, err := fmt.Fprintf(p.stdout, "%s %s %s/%s\n", text, b.Go, b.OS, b.Arch)
	return err
}
