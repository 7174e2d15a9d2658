package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"linquant/tools/internal/linked"
)

// The parts of CycloneDX 1.5 that are used, https://cyclonedx.org/docs/1.5/json/.
type (
	document struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		SerialNumber string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Licences   []licence  `json:"licenses,omitempty"`
		PURL       string     `json:"purl"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	licence struct {
		Licence licenceID `json:"license"`
	}
	licenceID struct {
		ID string `json:"id"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn"`
	}
)

// licencesByModule returns the identifiers of the licences of all that is linked on any of the platforms.
func licencesByModule(root string, platforms []linked.Platform) (map[string][]string, error) {
	modules, err := linked.Modules(root, platforms)
	if err != nil {
		return nil, err
	}
	ids := map[string][]string{}
	for _, m := range modules {
		licences, err := m.Licences()
		if err != nil {
			return nil, err
		}
		ids[m.Path] = linked.IDs(licences)
	}
	return ids, nil
}

// bill returns the list of a binary's parts in JSON: the modules that the Go command recorded in it, and Go itself, under the
// name by which lists of vulnerabilities know it. The sums of modules are those of go.sum, which are of a whole module and
// none of a file, and so stand as properties.
func bill(b *buildinfo.BuildInfo, binary []byte, licences map[string][]string, at time.Time) ([]byte, error) {
	sum := sha256.Sum256(binary)
	id := slices.Clone(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8 of RFC 9562, bits of one's own: the same for the same binary
	subject := newComponent("application", b.Main.Path, b.Main.Version, []string{"MIT"})
	subject.Hashes = []hash{{"SHA-256", fmt.Sprintf("%x", sum)}}
	for _, s := range b.Settings {
		subject.Properties = append(subject.Properties, property{"go:build:" + s.Key, s.Value})
	}
	d := document{
		Schema: "http://cyclonedx.org/schema/bom-1.5.schema.json", Format: "CycloneDX", SpecVersion: "1.5", Version: 1,
		SerialNumber: fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		Metadata:     metadata{Timestamp: at.Format(time.RFC3339), Component: subject},
		Components:   []component{newComponent("library", "stdlib", strings.TrimPrefix(b.GoVersion, "go"), licences[linked.Std])},
	}
	for _, m := range b.Deps {
		if licences[m.Path] == nil {
			return nil, fmt.Errorf("the binary contains %s, which go list -deps does not name", m.Path)
		}
		if m.Replace != nil {
			return nil, fmt.Errorf("the binary contains %s in place of %s: what is handed out has no replacements", m.Replace.Path, m.Path)
		}
		c := newComponent("library", m.Path, m.Version, licences[m.Path])
		c.Properties = []property{{"go:sum", m.Sum}}
		d.Components = append(d.Components, c)
	}
	on := dependency{Ref: subject.Ref}
	for _, c := range d.Components {
		on.On = append(on.On, c.Ref)
	}
	d.Dependencies = []dependency{on}
	data, err := json.MarshalIndent(d, "", "  ")
	return append(data, '\n'), err
}

func newComponent(kind, path, version string, licences []string) component {
	// A purl escapes what is no letter, digit or one of -._~ in each part of a name and in a version.
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.QueryEscape(parts[i])
	}
	c := component{Type: kind, Name: path, Version: version, PURL: "pkg:golang/" + strings.Join(parts, "/") + "@" + url.QueryEscape(version)}
	c.Ref = c.PURL
	for _, id := range licences {
		c.Licences = append(c.Licences, licence{licenceID{id}})
	}
	return c
}
