package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxImageBytes is how large the files of the image may be together.
const maxImageBytes = 30_000_000

// imageFile builds the image of HEAD for the platforms.
func (s *ship) imageFile(ctx context.Context, list, path string) error {
	platforms, err := parsePlatforms(list)
	if err != nil {
		return err
	}
	from, err := readSource(ctx)
	if err != nil {
		return err
	}
	return s.image(ctx, platforms, from, path)
}

// image builds the image, an archive of an OCI layout, and says what weighs.
func (s *ship) image(ctx context.Context, platforms []platform, from source, path string) error {
	index := v1.ImageIndex(empty.Index)
	for _, p := range platforms {
		entries, err := s.entries(ctx, p)
		if err != nil {
			return err
		}
		if err := s.weigh(p, entries); err != nil {
			return err
		}
		image, err := newImage(p, entries, from)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	index, annotated := mutate.Annotations(index, sourceLabels(from)).(v1.ImageIndex)
	if !annotated {
		return fmt.Errorf("annotations made a %T of the index", index)
	}
	if err := writeArchive(index, path, from.time); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%s: %s, for %v\n", path, digest, platforms)
	return nil
}

// sourceLabels say what the image was made from.
func sourceLabels(from source) map[string]string {
	return map[string]string{
		"org.opencontainers.image.version":  from.version,
		"org.opencontainers.image.revision": from.commit,
		"org.opencontainers.image.created":  from.time.Format(time.RFC3339),
	}
}

// newImage makes an image of two layers: what seldom changes, and the binary.
func newImage(p platform, entries []entry, from source) (v1.Image, error) {
	config, err := readConfig(dockerfile)
	if err != nil {
		return nil, err
	}
	maps.Copy(config.Labels, sourceLabels(from))
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	at := v1.Time{Time: from.time}
	for _, part := range []struct {
		says    string
		entries []entry
	}{{"users, certificates, licences", entries[:len(entries)-1]}, {"sepal", entries[len(entries)-1:]}} {
		var packed bytes.Buffer
		if err := writeTar(&packed, part.entries, from.time); err != nil {
			return nil, err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
		layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, err
		}
		image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: at, CreatedBy: "ship image", Comment: part.says}})
		if err != nil {
			return nil, err
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created, file.Config = p.os, p.arch, at, config
	return mutate.ConfigFile(image, file)
}

// writeArchive writes the layout of an index as one file.
func writeArchive(index v1.ImageIndex, path string, at time.Time) (err error) {
	folder, remove, err := inFolder("layout")
	if err != nil {
		return err
	}
	defer remove()
	if _, err := layout.Write(folder, index); err != nil {
		return err
	}
	var entries []entry
	files := os.DirFS(folder)
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			entries = append(entries, entry{path: name, mode: fs.ModeDir | 0o755})
			return nil
		}
		data, err := fs.ReadFile(files, name)
		entries = append(entries, entry{path: name, mode: 0o644, data: data})
		return err
	})
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := writeTar(&packed, entries, at); err != nil {
		return err
	}
	return writeFile(path, packed.Bytes())
}

// writeFile writes a file, and the folder that it is in.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // what is released is for everyone
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec // what is released is for everyone
}

// unpack writes the files of an image below a folder, as a runtime lays them out.
func unpack(image v1.Image, folder string) error {
	files := mutate.Extract(image)
	defer func() { _ = files.Close() }()
	return unpackTar(files, folder)
}

// unpackTar writes the files of an archive below a folder.
func unpackTar(files io.Reader, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	archive := tar.NewReader(files)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackFile(root, header, archive); err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(header.Name)
	switch header.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
	case tar.TypeReg:
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		file, err := root.Create(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		if closeErr := file.Close(); err != nil || closeErr != nil {
			return fmt.Errorf("%s: %w, %w", name, err, closeErr)
		}
	default:
		return fmt.Errorf("%s is neither a file nor a folder", name)
	}
	return root.Chmod(name, header.FileInfo().Mode()&(fs.ModePerm|fs.ModeSticky))
}
