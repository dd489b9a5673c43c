// Ship makes what is released: the container image, archives of the binary, and the lists that go
// with them. It is a tool of the build, not a part of the services.
//
//	ship root [-os OS] [-arch ARCH] FOLDER      writes the root file system of the image
//	ship image [-platforms OS/ARCH,...] FILE    writes the image, an archive of OCI's layout
//	ship release [-dry-run] [-platforms OS/ARCH,...] VERSION FOLDER
//	                                            writes all that belongs to a release
//	ship changelog [VERSION]                    prints what changed since the version before
//	ship licences [-check]                      lists the licences of what is released
//	ship vulnerabilities                        asks for known ones of what is released
//
// It is run in the root of a checkout. The same commit gives the same bytes: times are those of the
// commit, or of SOURCE_DATE_EPOCH. The exit code is 1 where something is not as it should be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ship:", err)
		os.Exit(1)
	}
}

const usage = "expected root, image, release, changelog, licences or vulnerabilities as the first argument"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("ship "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	s := &ship{stdout: stdout, stderr: stderr}
	var do func([]string) error
	switch args[0] {
	case "root":
		goos, arch := flags.String("os", "linux", "operating system"), flags.String("arch", here().arch, "architecture")
		do = exactly(1, "FOLDER", func(rest []string) error { return s.root(ctx, platform{os: *goos, arch: *arch}, rest[0]) })
	case "image":
		platforms := flags.String("platforms", imagePlatforms, "what the image is for")
		do = exactly(1, "FILE", func(rest []string) error { return s.imageFile(ctx, *platforms, rest[0]) })
	case "release":
		dry := flags.Bool("dry-run", false, "the commit need not have the tag")
		platforms := flags.String("platforms", releasePlatforms, "what the binaries are for")
		do = exactly(2, "VERSION FOLDER", func(rest []string) error { return s.release(ctx, rest[0], *platforms, rest[1], *dry) })
	case "changelog":
		do = func(rest []string) error { return s.printChangelog(ctx, strings.Join(rest, " ")) }
	case "licences":
		check := flags.Bool("check", false, "compare with the list that is kept")
		do = exactly(0, "no argument", func([]string) error { return s.licences(ctx, *check) })
	case "vulnerabilities":
		do = exactly(0, "no argument", func([]string) error { return s.vulnerabilities(ctx) })
	default:
		return errors.New(usage)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	return do(flags.Args())
}

// ship does the work.
type ship struct {
	stdout, stderr io.Writer
}

func exactly(n int, want string, do func([]string) error) func([]string) error {
	return func(rest []string) error {
		if len(rest) != n {
			return fmt.Errorf("expected %s after the flags, found %q", want, rest)
		}
		return do(rest)
	}
}
