package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootFiles are files of the image as they are.
//
//go:embed root
var rootFiles embed.FS

const (
	binaryName       = "sepal"
	certificatesPath = "etc/ssl/certs/ca-certificates.crt"
	sticky           = fs.ModeSticky | 0o777
)

// entry is a file or a folder of the image. All belong to root, and nobody else may write them.
type entry struct {
	path string // without a leading slash
	mode fs.FileMode
	data []byte // of a file
}

// base returns what the image holds beside the binary: who its user is, whom TLS trusts, a place for
// temporary files and the licences.
func base(notices []byte) ([]entry, error) {
	var all []entry
	err := fs.WalkDir(rootFiles, "root", func(path string, d fs.DirEntry, err error) error {
		name, below := strings.CutPrefix(path, "root/")
		if err != nil || !below {
			return err
		}
		if d.IsDir() {
			all = append(all, entry{path: name, mode: fs.ModeDir | 0o755})
			return nil
		}
		data, err := rootFiles.ReadFile(path)
		all = append(all, entry{path: name, mode: 0o644, data: data})
		return err
	})
	return append(all,
		entry{path: "etc/ssl", mode: fs.ModeDir | 0o755},
		entry{path: "etc/ssl/certs", mode: fs.ModeDir | 0o755},
		entry{path: certificatesPath, mode: 0o644, data: certificates()},
		entry{path: "licences", mode: fs.ModeDir | 0o755},
		entry{path: "licences/third-party.txt", mode: 0o644, data: notices},
		entry{path: "tmp", mode: fs.ModeDir | sticky},
	), err
}

// certificates returns the authorities that Mozilla trusts without conditions, in PEM.
func certificates() []byte {
	var out []byte
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	return out
}

// writeTar writes the entries as a layer.
func writeTar(w io.Writer, entries []entry, at time.Time) error {
	archive := tar.NewWriter(w)
	for _, e := range entries {
		header := &tar.Header{Name: e.path, Mode: int64(e.mode.Perm()), Size: int64(len(e.data)), ModTime: at, Format: tar.FormatPAX, Typeflag: tar.TypeReg}
		if e.mode.IsDir() {
			header.Typeflag = tar.TypeDir
			header.Name += "/"
		}
		if e.mode&fs.ModeSticky != 0 {
			header.Mode |= 0o1000
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(e.data); err != nil {
			return err
		}
	}
	return archive.Close()
}

// root writes the root file system of the image into a new folder.
func (s *ship) root(ctx context.Context, p platform, folder string) error {
	entries, err := s.entries(ctx, p)
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // the image is run by another user
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; name a new folder", folder)
		}
		return err
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.path)
		if e.mode.IsDir() {
			err = os.Mkdir(path, 0o755) //nolint:gosec // the image is run by another user
		} else {
			err = os.WriteFile(path, e.data, 0o600)
		}
		// What the process may not set by itself, Mkdir and WriteFile leave out.
		if err = errors.Join(err, os.Chmod(path, e.mode)); err != nil {
			return err
		}
	}
	return nil
}

// entries returns all that is in the image, the binary last.
func (s *ship) entries(ctx context.Context, p platform) ([]entry, error) {
	notices, err := s.notices(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := base(notices)
	if err != nil {
		return nil, err
	}
	path, remove, err := inFolder(binaryName)
	if err != nil {
		return nil, err
	}
	defer remove()
	var dependencies bytes.Buffer
	if err := compile(ctx, p, imageTags, path, &dependencies); err != nil {
		return nil, err
	}
	if by := byName(&dependencies); len(by) > 0 {
		return nil, fmt.Errorf("methods are called by name, so that the linker keeps every exported one, a third of the binary, by %s", strings.Join(by, ", "))
	}
	data, err := os.ReadFile(path)
	return append(entries, entry{path: binaryName, mode: 0o755, data: data}), err
}

// sum returns the digest of data, in hexadecimal.
func sum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
