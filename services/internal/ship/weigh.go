package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"debug/elf"
	"debug/gosym"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// weigh says what the image is made of, and refuses one that is too large.
func (s *ship) weigh(p platform, entries []entry) error {
	total := 0
	out := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, e := range entries {
		total += len(e.data)
		if len(e.data) > 0 {
			fmt.Fprintf(out, "%s\t %s\n", megabytes(uint64(len(e.data))), "/"+e.path)
		}
	}
	parts, err := partsOf(entries[len(entries)-1].data)
	if err != nil {
		return err
	}
	for _, part := range parts {
		fmt.Fprintf(out, "%s\t   %s\n", megabytes(part.bytes), part.name)
	}
	fmt.Fprintf(out, "%s\t %v, all files\n", megabytes(uint64(total)), p)
	if err := out.Flush(); err != nil {
		return err
	}
	if total > maxImageBytes {
		return fmt.Errorf("the files of the image are %d bytes, at most %d are allowed", total, maxImageBytes)
	}
	return nil
}

func megabytes(n uint64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

// part is a part of a binary.
type part struct {
	name  string
	bytes uint64
}

const manyParts = 12

// partsOf returns what weighs in a binary of Linux: its sections but the code, and of that the
// modules with most of it. The largest come first.
func partsOf(binary []byte) ([]part, error) {
	file, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	names := map[string]string{".rodata": "constants", ".gopclntab": "lines and stack maps of the code", ".data": "data", ".noptrdata": "data"}
	sizes := map[string]uint64{}
	for _, section := range file.Sections {
		if section.Type != elf.SHT_NOBITS && section.Name != ".text" {
			sizes[cmp.Or(names[section.Name], "else")] += section.FileSize
		}
	}
	modules, err := codeOf(file, binary)
	if err != nil {
		return nil, err
	}
	for i, m := range modules {
		if i < manyParts {
			sizes["code of "+m.name] = m.bytes
		} else {
			sizes["code of other modules"] += m.bytes
		}
	}
	var parts []part
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		parts = append(parts, part{name, sizes[name]})
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.bytes, a.bytes) })
	return parts, nil
}

// codeOf returns how much code each module has, the largest first.
func codeOf(file *elf.File, binary []byte) ([]part, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	lines, code := file.Section(".gopclntab"), file.Section(".text")
	if lines == nil || code == nil {
		return nil, fmt.Errorf("the binary of %s has no code of Go", info.Path)
	}
	data, err := lines.Data()
	if err != nil {
		return nil, err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, code.Addr))
	if err != nil {
		return nil, err
	}
	known := map[string]bool{info.Main.Path: true}
	for _, dep := range info.Deps {
		known[dep.Path] = true
	}
	sizes := map[string]uint64{}
	for _, f := range table.Funcs {
		sizes[cmp.Or(moduleOf(f.Name, known), map[bool]string{true: info.Main.Path, false: "Go"}[strings.HasPrefix(f.Name, "main.")])] += f.End - f.Entry
	}
	var modules []part
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		modules = append(modules, part{name, sizes[name]})
	}
	slices.SortStableFunc(modules, func(a, b part) int { return cmp.Compare(b.bytes, a.bytes) })
	return modules, nil
}

// moduleOf returns which of the known modules a function is of, or nothing.
func moduleOf(function string, known map[string]bool) string {
	function, _, _ = strings.Cut(function, "[") // what it is instantiated with
	path := strings.ReplaceAll(function, "%2e", ".")
	for path != "" {
		if known[path] {
			return path
		}
		path = path[:max(0, strings.LastIndexAny(path, "/."))]
	}
	return ""
}
