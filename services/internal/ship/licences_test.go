package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLicencesThatAreAllowed(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		"MIT": true, "MPL-2.0": true, "(MIT OR GPL-3.0)": true, "(Apache-2.0 AND BSD-3-Clause)": true,
		"GPL": false, "MIT AND GPL": false, "GPL-3.0 OR AGPL-3.0": false, "": false, "SEE LICENSE IN FILE": false,
	} {
		if got := allowed(expression); got != want {
			t.Errorf("%q: %t", expression, got)
		}
	}
}

func TestLicencesAreToldByTheirTexts(t *testing.T) {
	t.Parallel()
	const bsd = "Redistribution and use in source and binary forms,\n with or without modification, are permitted"
	for text, want := range map[string]string{
		"   Apache License\n  Version 2.0, January 2004":                                "Apache-2.0",
		"Permission is hereby granted, free of charge, to any person obtaining\na copy": "MIT",
		bsd: "BSD-2-Clause",
		bsd + "; names may not be used to endorse or promote products":                  "BSD-3-Clause",
		"Permission to use, copy, modify, and distribute this software for any purpose": "ISC",
		"GNU GENERAL PUBLIC LICENSE":                                                    "GPL",
		"Apache License, Version 2.0 ... " + bsd + " endorse or promote":                "Apache-2.0 BSD-3-Clause",
		"All rights reserved.":                                                          "",
	} {
		if got := strings.Join(licencesOf(text), " "); got != want {
			t.Errorf("%q is %q, expected %q", text, got, want)
		}
	}
}

func TestPackagesOfNPM(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	lock := `{"packages": {
		"": {"name": "root"}, "ts": {"version": "1.0.0"}, "node_modules/ours": {"link": true},
		"node_modules/@a/b": {"version": "1.2.3", "license": "MIT"},
		"node_modules/c": {"version": "2.0.0", "license": "ISC"},
		"node_modules/@a/b/node_modules/c": {"version": "1.0.0", "license": "ISC"},
		"node_modules/builder": {"version": "3.0.0", "license": "GPL-3.0", "dev": true}}}`
	if err := os.WriteFile(filepath.Join(folder, "package-lock.json"), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	packages, err := npmPackages(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range packages {
		got = append(got, p.name+" "+p.version+" "+p.licence+" "+p.purl())
	}
	want := []string{"@a/b 1.2.3 MIT pkg:npm/%40a/b@1.2.3", "c 1.0.0 ISC pkg:npm/c@1.0.0", "c 2.0.0 ISC pkg:npm/c@2.0.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEveryTextOfALicenceStandsOnce(t *testing.T) {
	t.Parallel()
	got := string(noticesOf([]component{
		{name: "a", version: "v1", licence: "MIT", texts: []string{"one"}},
		{name: "b", version: "v2", licence: "MIT", texts: []string{"two", "one"}},
		{name: "c", version: "v3", licence: "ISC"},
	}))
	if strings.Count(got, "\none\n") != 1 || !strings.Contains(got, "a v1, MIT\nb v2, MIT\n\none\n") || !strings.Contains(got, "licenses/ISC.html") {
		t.Errorf("got %s", got)
	}
}

// TestTheBillOfMaterials lists what is in the test's own binary.
func TestTheBillOfMaterials(t *testing.T) {
	t.Parallel()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newBOM([][]byte{binary}, []component{{kind: "golang", name: "std"}}, "v1.0.0", time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), "does not tell of") {
		t.Errorf("of modules that are not known is said %v", err)
	}
	var known []component
	for line := range strings.Lines(buildList(t, binary)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		known = append(known, component{kind: "golang", name: name, version: version, licence: "MIT"})
	}
	known = append(known, component{kind: "golang", name: "std", version: "1.26"}, component{kind: "golang", name: "example.com/unlinked", version: "v1.0.0"},
		component{kind: "npm", name: "@a/b", version: "1.0.0", licence: "(MIT AND ISC)"})
	text, err := newBOM([][]byte{binary}, known, "v1.0.0", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	again, err := newBOM([][]byte{binary}, known, "v1.0.0", time.Unix(0, 0))
	if err != nil || string(again) != string(text) {
		t.Errorf("twice the same gives two lists (%v)", err)
	}
	var got bom
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, c := range got.Components {
		if names[c.Ref] != "" {
			t.Errorf("%s stands twice", c.Ref)
		}
		names[c.Ref] = c.Name
	}
	if names["pkg:npm/%40a/b@1.0.0"] == "" || names["pkg:golang/std@1.26"] == "" || names["pkg:golang/example.com/unlinked@v1.0.0"] != "" {
		t.Errorf("the components are %v", names)
	}
	if len(got.Dependencies) != len(got.Components)+1 || len(got.Dependencies[0].DependsOn) != len(got.Components) {
		t.Errorf("%d components, and %d dependencies", len(got.Components), len(got.Dependencies))
	}
}
