package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// platform is an operating system and an architecture, as Go names them.
type platform struct {
	os, arch string
}

func (p platform) String() string { return p.os + "/" + p.arch }

func here() platform { return platform{runtime.GOOS, runtime.GOARCH} }

const (
	imagePlatforms   = "linux/amd64,linux/arm64"
	releasePlatforms = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"
)

func parsePlatforms(list string) ([]platform, error) {
	var all []platform
	for part := range strings.SplitSeq(list, ",") {
		goos, arch, ok := strings.Cut(part, "/")
		if !ok || goos == "" || arch == "" {
			return nil, fmt.Errorf("platform %q, expected OS/ARCH such as linux/amd64", part)
		}
		all = append(all, platform{goos, arch})
	}
	return all, nil
}

// Build tags. grpcnotrace keeps templates out of gRPC: they call methods by name, and the linker
// then keeps all methods of all types. nosqlite leaves the tables of SQLite to the binaries of a
// release: it is for training, and a seventh of the binary.
const (
	binaryTags = "grpcnotrace"
	imageTags  = "grpcnotrace,nosqlite"
)

// compile builds the binary: static, without symbols, and without paths of this machine. What the
// linker says with -dumpdep goes to dependencies, unless that is nil.
func compile(ctx context.Context, p platform, tags, output string, dependencies *bytes.Buffer) error {
	linking := "-s -w"
	if dependencies != nil {
		linking += " -dumpdep"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", tags, "-ldflags", linking, "-o", output, "./services/sepal")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		text := said.String()
		const enough = 4000
		return fmt.Errorf("building for %v: %w\n%s", p, err, text[max(0, len(text)-enough):])
	}
	if dependencies != nil {
		*dependencies = said
	}
	return nil
}

// byName returns the functions that look methods up by names that the linker does not know, as far
// as it keeps them; given what it says with -dumpdep.
func byName(dependencies io.Reader) []string {
	const mark = " <ReflectMethod> -> "
	found := map[string]bool{}
	lines := bufio.NewScanner(dependencies)
	for lines.Scan() {
		function, _, marked := strings.Cut(lines.Text(), mark)
		if marked && !strings.HasPrefix(function, "reflect.") {
			found[function] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// git runs git and returns what it prints, without the line end.
func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// source is the commit that is built.
type source struct {
	commit  string
	version string    // by the nearest tag, as `git describe` has it; the commit where there is none
	time    time.Time // that all files are given
}

func readSource(ctx context.Context) (source, error) {
	line, err := git(ctx, "log", "-1", "--format=%H %ct")
	if err != nil {
		return source{}, err
	}
	commit, stamp, _ := strings.Cut(line, " ")
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		stamp = epoch
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return source{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, expected seconds since 1970", stamp)
	}
	version, err := git(ctx, "describe", "--tags", "--always", "--match", "v*")
	if err != nil {
		return source{}, err
	}
	return source{commit: commit, version: version, time: time.Unix(seconds, 0).UTC()}, nil
}

// inFolder returns a path within a temporary folder, and what removes that.
func inFolder(name string) (path string, remove func(), err error) {
	folder, err := os.MkdirTemp("", "ship-")
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(folder, name), func() { _ = os.RemoveAll(folder) }, nil
}
