package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The parts of CycloneDX 1.5 that are used.
type (
	bom struct {
		Format       string          `json:"bomFormat"`
		Spec         string          `json:"specVersion"`
		Serial       string          `json:"serialNumber"`
		Version      int             `json:"version"`
		Metadata     bomMetadata     `json:"metadata"`
		Components   []bomComponent  `json:"components"`
		Dependencies []bomDependency `json:"dependencies"`
	}
	bomMetadata struct {
		Timestamp string       `json:"timestamp"`
		Component bomComponent `json:"component"`
	}
	bomComponent struct {
		Type     string       `json:"type"`
		Ref      string       `json:"bom-ref"`
		Name     string       `json:"name"`
		Version  string       `json:"version"`
		PURL     string       `json:"purl"`
		Licences []bomLicence `json:"licenses,omitempty"`
	}
	bomLicence struct {
		Licence    *bomLicenceID `json:"license,omitempty"`
		Expression string        `json:"expression,omitempty"`
	}
	bomLicenceID struct {
		ID string `json:"id"`
	}
	bomDependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// newBOM lists what is in the binaries, by what the Go tool recorded in them, and in the web page
// that they carry.
func newBOM(binaries [][]byte, known []component, version string, at time.Time) ([]byte, error) {
	linked := map[string]bool{"std": true}
	for _, binary := range binaries {
		info, err := buildinfo.Read(bytes.NewReader(binary))
		if err != nil {
			return nil, err
		}
		for _, dep := range info.Deps {
			linked[dep.Path+" "+dep.Version] = true
		}
	}
	self := bomComponent{Type: "application", Name: "sepal", Version: version, PURL: "pkg:golang/github.com/sepal-ml/sepal@" + version}
	self.Ref = self.PURL
	self.Licences = licenceIDs("Apache-2.0")
	out := bom{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: bomMetadata{Timestamp: at.Format(time.RFC3339), Component: self}}
	var needs []string
	for _, c := range known {
		if c.kind == "golang" && c.name != "std" {
			if !linked[c.name+" "+c.version] {
				continue
			}
			delete(linked, c.name+" "+c.version)
		}
		delete(linked, c.name)
		part := bomComponent{Type: "library", Name: c.name, Version: c.version, PURL: c.purl(), Licences: licenceIDs(c.licence)}
		part.Ref = part.PURL
		out.Components = append(out.Components, part)
		needs = append(needs, part.Ref)
	}
	for rest := range linked {
		return nil, fmt.Errorf("the binary has %s, which `go list` does not tell of", rest)
	}
	slices.Sort(needs)
	out.Dependencies = []bomDependency{{Ref: self.Ref, DependsOn: needs}}
	for _, ref := range needs {
		out.Dependencies = append(out.Dependencies, bomDependency{Ref: ref})
	}
	content, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	// By its content: the same list has the same number. Version 8 of a UUID is one of one's own making.
	id := sum(content)
	out.Serial = fmt.Sprintf("urn:uuid:%s-%s-8%s-a%s-%s", id[:8], id[8:12], id[12:15], id[15:18], id[18:30])
	return json.MarshalIndent(out, "", "  ")
}

func licenceIDs(id string) []bomLicence {
	if strings.Contains(id, " ") {
		return []bomLicence{{Expression: id}}
	}
	return []bomLicence{{Licence: &bomLicenceID{ID: id}}}
}

// purl returns the URL that names a component.
func (c component) purl() string {
	name := c.name
	if scope, rest, ok := strings.Cut(name, "/"); ok && c.kind == "npm" {
		name = url.QueryEscape(scope) + "/" + rest // the @ of a scope
	}
	return fmt.Sprintf("pkg:%s/%s@%s", c.kind, name, url.PathEscape(c.version))
}
