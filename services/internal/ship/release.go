package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var versionForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// release writes all that belongs to a release into a new folder: an archive for each platform, the
// image, the npm package, the list of what is inside, what changed, and checksums of it all.
func (s *ship) release(ctx context.Context, version, list, folder string, dry bool) error {
	if !versionForm.MatchString(version) {
		return fmt.Errorf("version %q, expected one such as v1.2.3 or v1.2.3-rc.1", version)
	}
	platforms, err := parsePlatforms(list)
	if err != nil {
		return err
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already; name a new folder", folder)
	}
	if !dry {
		if err := tagged(ctx, version); err != nil {
			return err
		}
	}
	from, err := readSource(ctx)
	if err != nil {
		return err
	}
	from.version = version
	r := &releasing{ship: s, version: version, folder: folder, from: from, dry: dry}
	if r.known, err = components(ctx); err != nil {
		return err
	}
	for _, p := range platforms {
		if err := r.archive(ctx, p); err != nil {
			return err
		}
	}
	linux := slices.DeleteFunc(platforms, func(p platform) bool { return p.os != "linux" })
	image := filepath.Join(folder, "sepal_"+strings.TrimPrefix(version, "v")+"_image.tar")
	for _, do := range []func() error{
		func() error { return s.image(ctx, linux, from, image) },
		func() error { return r.lists(ctx) },
		func() error { return r.npm(ctx, "clients/ts") },
		r.checksums,
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// tagged refuses a commit that is not the version's, and files that are not the commit's.
func tagged(ctx context.Context, version string) error {
	changed, err := git(ctx, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("there are changes that are not committed:\n%s", changed)
	}
	tags, err := git(ctx, "tag", "--points-at", "HEAD")
	if err != nil {
		return err
	}
	for tag := range strings.Lines(tags) {
		if strings.TrimSpace(tag) == version {
			return nil
		}
	}
	return fmt.Errorf("this commit has no tag %s", version)
}

// releasing is a release that is being written.
type releasing struct {
	*ship
	version, folder string
	from            source
	dry             bool
	known           []component
	binaries        [][]byte
}

func (r *releasing) write(name string, data []byte) error {
	fmt.Fprintf(r.stdout, "%9d  %s\n", len(data), name)
	return writeFile(filepath.Join(r.folder, name), data)
}

// archive writes the binary for a platform, with the licences.
func (r *releasing) archive(ctx context.Context, p platform) error {
	path, remove, err := inFolder(binaryName)
	if err != nil {
		return err
	}
	defer remove()
	if err := compile(ctx, p, binaryTags, path, nil); err != nil {
		return err
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return err
	}
	if info.Main.Version != r.version && !r.dry {
		return fmt.Errorf("the binary for %v says that it is %s, expected %s", p, info.Main.Version, r.version)
	}
	r.binaries = append(r.binaries, binary)
	licence, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("sepal_%s_%s_%s", strings.TrimPrefix(r.version, "v"), p.os, p.arch)
	files := []entry{
		{path: name + "/sepal", mode: 0o755, data: binary},
		{path: name + "/LICENSE", mode: 0o644, data: licence},
		{path: name + "/THIRD_PARTY.txt", mode: 0o644, data: noticesOf(r.known)},
	}
	if p.os == "windows" {
		files[0].path += ".exe"
		data, err := zipped(files, r.from.time)
		if err != nil {
			return err
		}
		return r.write(name+".zip", data)
	}
	data, err := tarred(files, r.from.time)
	if err != nil {
		return err
	}
	return r.write(name+".tar.gz", data)
}

func tarred(files []entry, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(writeTar(packed, files, at), packed.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func zipped(files []entry, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.path, Method: zip.Deflate, Modified: at}
		header.SetMode(f.mode)
		w, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return out.Bytes(), err
}

// lists writes what is inside, and what changed.
func (r *releasing) lists(ctx context.Context) error {
	parts, err := newBOM(r.binaries, r.known, r.version, r.from.time)
	if err != nil {
		return err
	}
	changes, err := changelog(ctx, r.version)
	if err != nil {
		return err
	}
	return errors.Join(r.write("sepal.cdx.json", append(parts, '\n')), r.write("CHANGELOG.md", []byte(changes)))
}

// npm packs the TypeScript client as it was built, under the version of the release.
func (r *releasing) npm(ctx context.Context, client string) error {
	copied, remove, err := inFolder("package")
	if err != nil {
		return err
	}
	defer remove()
	if err := os.CopyFS(filepath.Join(copied, "dist"), os.DirFS(filepath.Join(client, "dist"))); err != nil {
		return fmt.Errorf("the client is not built; `npm --prefix clients run build -w ts` does that: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(client, "package.json"))
	if err != nil {
		return err
	}
	text, err = withVersion(text, strings.TrimPrefix(r.version, "v"))
	if err != nil {
		return err
	}
	readme, err := os.ReadFile(filepath.Join(client, "README.md"))
	if err != nil {
		return err
	}
	licence, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"package.json": text, "README.md": readme, "LICENSE": licence} {
		if err := writeFile(filepath.Join(copied, name), data); err != nil {
			return err
		}
	}
	packed := filepath.Dir(copied)
	if out, err := exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", packed, copied).CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(packed, "*.tgz"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("npm pack made %d files, expected one", len(files))
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	return r.write(filepath.Base(files[0]), data)
}

var npmVersion = regexp.MustCompile(`"version": "[^"]*"`)

// withVersion puts the version into a package.json, and leaves the rest as it is.
func withVersion(text []byte, version string) ([]byte, error) {
	at := npmVersion.FindIndex(text)
	if at == nil {
		return nil, errors.New("package.json has no version")
	}
	quoted, err := json.Marshal(version)
	if err != nil {
		return nil, err
	}
	changed := append(bytes.Clone(text[:at[0]]), `"version": `+string(quoted)...)
	return append(changed, text[at[1]:]...), nil
}

// checksums writes the digests of all files of the release, as sha256sum checks them.
func (r *releasing) checksums() error {
	files, err := os.ReadDir(r.folder)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(r.folder, file.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s  %s\n", sum(data), file.Name())
	}
	return r.write("SHA256SUMS", []byte(out.String()))
}
