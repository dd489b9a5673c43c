package deploy_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// block is a piece of code of a page.
type block struct{ kind, text string }

var (
	fenced = regexp.MustCompile("(?s)\n```(\\w+)\n(.*?)```\n")
	serves = regexp.MustCompile(`^((?:[A-Z_]+=\S+ )+)sepal serve\n$`)
	values = regexp.MustCompile(`"(?:features|values|data)":(\[[^"{}]*\])`)
)

// migration is somebody who follows services/migration.md, in a folder of their own.
type migration struct {
	folder, address string
	server          *replica
}

// TestMigration does all that the page says, in its order, and compares what comes out with what
// it shows.
func TestMigration(t *testing.T) {
	t.Parallel()
	path := root("services", "migration.md")
	page := read(t, path)
	m := &migration{folder: t.TempDir()}
	for name, from := range map[string]string{"model.pkl": "iris_lr_sk1.2.1_p4.pkl", "model.joblib": "iris_pipe_sk1.9.0.joblib", "forest.pkl": "forest_sk1.9.1.pkl"} {
		m.write(t, name, read(t, root("testdata", "models-elsewhere", "sklearn", from)))
	}
	m.write(t, "rows.csv", "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm\n5.1,3.5,1.4,0.2\n6.5,3,5.8,2.2\n")
	var output string
	var theirs []float64
	run := 0
	follow := func(b block) string {
		switch b.kind {
		case "sh":
			run++
			output = m.run(t, b.text)
			if theirs != nil {
				if diff := cmp.Diff(theirs, numbers(t, b.text)); diff != "" {
					t.Errorf("what is asked there is not what is asked here (-there +here):\n%s", diff)
				}
				theirs = nil
			}
		case "http":
			theirs = numbers(t, b.text)
		case "json", "text":
			return m.plain(output)
		case "python":
			if service := read(t, root("services", "bench", "internal", "reference", "service.py")); !strings.Contains(service, strings.TrimSpace(b.text)) {
				t.Errorf("the reference service has no line %s", b.text)
			}
		default:
			t.Errorf("a block is of the kind %q", b.kind)
		}
		return b.text
	}
	update := os.Getenv("SEPAL_UPDATE_GOLDEN") != ""
	written := fenced.ReplaceAllStringFunc(page, func(text string) string {
		found := fenced.FindStringSubmatch(text)
		b := block{found[1], found[2]}
		got := follow(b)
		if !update && !same(t, b, got) {
			t.Errorf("the page shows\n%sand there is\n%s", b.text, got)
		}
		return "\n```" + b.kind + "\n" + got + "```\n"
	})
	if run < 10 {
		t.Errorf("the page has %d commands", run)
	}
	if update {
		if err := os.WriteFile(path, []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *migration) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command of the page, and returns what it prints. A server is started anew and kept.
func (m *migration) run(t *testing.T, text string) string {
	t.Helper()
	if found := serves.FindStringSubmatch(text); found != nil {
		if m.server != nil {
			m.server.kill(t)
		}
		var environment []string
		for setting := range strings.FieldsSeq(found[1]) {
			name, value, _ := strings.Cut(setting, "=")
			environment = append(environment, name+"="+filepath.Join(m.folder, value))
		}
		m.server = replicas(t, environment, "127.0.0.1")[0]
		m.address = net.JoinHostPort(m.server.address, m.server.port)
		return ""
	}
	installed(t, "curl", "curl")
	if m.address != "" {
		text = strings.ReplaceAll(text, "localhost:50051", m.address)
	}
	command := exec.CommandContext(t.Context(), "sh", "-ec", text)
	command.Dir = m.folder
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(sepal(t))+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", text, err, out)
	}
	return string(out)
}

// plain is an output as the page shows it: with its address, and a line end.
func (m *migration) plain(output string) string {
	if m.address != "" {
		output = strings.ReplaceAll(output, m.address, "localhost:50051")
	}
	return strings.TrimRight(output, "\n") + "\n"
}

var fraction = regexp.MustCompile(`\d+\.\d+(e-?\d+)?`)

// same compares an output with what the page shows: fractions to the ninth digit, for processors
// differ in the last, and the rest to the letter.
func same(t *testing.T, b block, got string) bool {
	t.Helper()
	if b.kind != "json" {
		approximate := cmp.Transformer("parts", func(text string) [2]any {
			var numbers []float64
			for _, found := range fraction.FindAllString(text, -1) {
				v, err := strconv.ParseFloat(found, 64)
				if err != nil {
					t.Error(err)
				}
				numbers = append(numbers, v)
			}
			return [2]any{numbers, []byte(fraction.ReplaceAllString(text, "?"))}
		})
		return cmp.Equal(b.text, got, approximate, cmpopts.EquateApprox(0, 1e-9))
	}
	var want, have any
	if err := json.Unmarshal([]byte(b.text), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	return cmp.Equal(want, have, cmpopts.EquateApprox(0, 1e-9))
}

// numbers returns the values of all rows in a request, of either protocol.
func numbers(t *testing.T, text string) []float64 {
	t.Helper()
	found := values.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("there are no rows in %s", text)
	}
	var all []float64
	for field := range strings.FieldsFuncSeq(found[1], func(r rune) bool { return strings.ContainsRune("[], ", r) }) {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}
