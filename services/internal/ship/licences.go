package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// licencesFile is the list that is kept.
const licencesFile = "services/sepal/THIRD_PARTY.md"

// component is somebody else's work that is part of what is released.
type component struct {
	kind    string // golang, npm
	name    string
	version string
	licence string // by its SPDX identifier
	folder  string // where its files are
	texts   []string
}

// permissive are the licences that may be part of what is released.
var permissive = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// components returns all that is linked into the binaries or packed into the web page and the npm
// package, with their licences.
func components(ctx context.Context) ([]component, error) {
	modules, err := goModules(ctx)
	if err != nil {
		return nil, err
	}
	packages, err := npmPackages("clients")
	if err != nil {
		return nil, err
	}
	all := append(modules, packages...)
	for i := range all {
		if err := all[i].read(); err != nil {
			return nil, err
		}
		if !allowed(all[i].licence) {
			return nil, fmt.Errorf("%s %s is under %q, expected one of %s", all[i].name, all[i].version, all[i].licence, strings.Join(permissive, ", "))
		}
	}
	return all, nil
}

// allowed reports whether a licence is permissive: an identifier, or an expression such as
// "(MIT OR GPL-3.0)", of which one has to be, or "(MIT AND ISC)", of which all have to be.
func allowed(expression string) bool {
	expression = strings.TrimSuffix(strings.TrimPrefix(expression, "("), ")")
	if either := strings.Split(expression, " OR "); len(either) > 1 {
		return slices.ContainsFunc(either, allowed)
	}
	for id := range strings.SplitSeq(expression, " AND ") {
		if !slices.Contains(permissive, id) {
			return false
		}
	}
	return true
}

// goModules returns the modules that the binary of some platform has a package of, and Go itself.
func goModules(ctx context.Context) ([]component, error) {
	platforms, err := parsePlatforms(releasePlatforms)
	if err != nil {
		return nil, err
	}
	found := map[string]component{}
	for _, p := range platforms {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-tags", binaryTags,
			"-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./services/sepal")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOFLAGS=")
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %v: %w: %s", p, err, said.Bytes())
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 {
				found[fields[0]] = component{kind: "golang", name: fields[0], version: fields[1], folder: fields[2]}
			}
		}
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	all := []component{{kind: "golang", name: "std", version: strings.TrimPrefix(version, "go"), folder: root}}
	for _, c := range found {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b component) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

// npmPackages returns the packages that the workspaces of a folder need when they run.
func npmPackages(folder string) ([]component, error) {
	text, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev, Link        bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, "package-lock.json"), err)
	}
	var all []component
	for path, p := range lock.Packages {
		at := strings.LastIndex(path, "node_modules/")
		if at < 0 || p.Dev || p.Link {
			continue
		}
		all = append(all, component{kind: "npm", name: path[at+len("node_modules/"):], version: p.Version, licence: p.License, folder: filepath.Join(folder, path)})
	}
	slices.SortFunc(all, func(a, b component) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
	})
	return all, nil
}

// read reads the files of the licence. A package of npm says which one it is, and may have no file.
func (c *component) read() error {
	files, err := os.ReadDir(c.folder)
	if err != nil && c.kind != "npm" {
		return fmt.Errorf("the files of %s %s: %w", c.name, c.version, err)
	}
	var found []string
	for _, file := range files {
		name := strings.ToUpper(file.Name())
		about := strings.HasPrefix(name, "LICEN") || strings.HasPrefix(name, "COPYING") || strings.HasPrefix(name, "NOTICE") || strings.HasSuffix(name, "-LICENSE")
		if !about || file.IsDir() || strings.HasSuffix(name, ".GO") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(c.folder, file.Name()))
		if err != nil {
			return err
		}
		c.texts = append(c.texts, strings.TrimSpace(string(text)))
		found = append(found, licencesOf(string(text))...)
	}
	slices.Sort(found)
	c.licence = cmp.Or(c.licence, strings.Join(slices.Compact(found), " AND "))
	return nil
}

// phrases are what only the text of a licence says.
var phrases = []struct{ licence, phrase string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"Apache-2.0", "Apache License, Version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
	{"GPL", "GNU GENERAL PUBLIC LICENSE"},
	{"GPL", "GNU LESSER GENERAL PUBLIC LICENSE"},
	{"GPL", "GNU AFFERO GENERAL PUBLIC LICENSE"},
}

// licencesOf returns the identifiers of the licences that a text holds, by what only they say.
func licencesOf(text string) []string {
	words := strings.Join(strings.Fields(text), " ")
	var found []string
	for _, p := range phrases {
		if strings.Contains(words, p.phrase) {
			found = append(found, p.licence)
		}
	}
	if strings.Contains(words, "Redistribution and use in source and binary forms, with or without modification") {
		// The third clause forbids to advertise with names.
		if strings.Contains(words, "endorse or promote") {
			found = append(found, "BSD-3-Clause")
		} else {
			found = append(found, "BSD-2-Clause")
		}
	}
	return found
}

// licences writes the list that is kept, or compares it.
func (s *ship) licences(ctx context.Context, check bool) error {
	all, err := components(ctx)
	if err != nil {
		return err
	}
	list := licenceList(all)
	if !check {
		return writeFile(licencesFile, []byte(list))
	}
	kept, err := os.ReadFile(licencesFile)
	if err != nil {
		return err
	}
	if string(kept) != list {
		return fmt.Errorf("%s is not what go.mod and package-lock.json give; run `task licences` and look at what is new", licencesFile)
	}
	return nil
}

func licenceList(all []component) string {
	var out strings.Builder
	out.WriteString("# Whose work is part of what is released\n\n" +
		"Written by `task licences`, never by hand. Modules of Go that are linked into the binary on some platform, and npm packages\n" +
		"that the web page and the TypeScript client need when they run. Archives and the image carry the texts.\n\n" +
		"| from | name | version | licence |\n| --- | --- | --- | --- |\n")
	for _, c := range all {
		version := c.version
		if c.name == "std" {
			version = "that of the build"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", map[string]string{"golang": "Go", "npm": "npm"}[c.kind], c.name, version, c.licence)
	}
	return out.String()
}

// notices returns the texts of all licences, each once, with whose it is.
func (s *ship) notices(ctx context.Context) ([]byte, error) {
	all, err := components(ctx)
	if err != nil {
		return nil, err
	}
	return noticesOf(all), nil
}

func noticesOf(all []component) []byte {
	var order []string
	whose := map[string][]string{}
	for _, c := range all {
		name := c.name + " " + c.version + ", " + c.licence
		texts := c.texts
		if len(texts) == 0 {
			texts = []string{"There is no text in the package; see https://spdx.org/licenses/" + c.licence + ".html"}
		}
		for _, text := range texts {
			if whose[text] == nil {
				order = append(order, text)
			}
			whose[text] = append(whose[text], name)
		}
	}
	var out bytes.Buffer
	out.WriteString("Sepal contains the work of others, under these licences.\n")
	for _, text := range order {
		out.WriteString("\n" + strings.Repeat("=", 80) + "\n" + strings.Join(whose[text], "\n") + "\n\n" + text + "\n")
	}
	return out.Bytes()
}
