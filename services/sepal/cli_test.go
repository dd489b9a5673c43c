package main

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestEveryFlagHasAVariable walks the whole command line, and holds the help against it.
func TestEveryFlagHasAVariable(t *testing.T) {
	t.Parallel()
	platform := map[string]bool{"HOST": true, "PORT": true, "MODEL_PATH": true, "MODEL_VERSION": true}
	flags := 0
	for _, v := range values() {
		if v.Flag == nil || v.Name == "help" {
			continue
		}
		flags++
		if len(v.Tag.Envs) != 1 {
			t.Errorf("%s has the variables %q, expected one", v.Summary(), v.Tag.Envs)
			continue
		}
		if name := v.Tag.Envs[0]; !platform[name] && !strings.HasPrefix(name, "SEPAL_") {
			t.Errorf("%s has the variable %s, expected one that begins with SEPAL_", v.Summary(), name)
		}
	}
	if flags < 20 {
		t.Errorf("found only %d flags", flags)
	}
}

// TestHelpNamesEachVariableOnce guards against help texts that name a variable, as the parser
// does already.
func TestHelpNamesEachVariableOnce(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`\$[A-Z][A-Z_0-9]*`)
	for verb, want := range variables() {
		help := sepalCommand(t, "", "help", verb).stdout
		got := named.FindAllString(help, -1)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("variables of %s (-want +got):\n%s\n%s", verb, diff, help)
		}
	}
}

// variables returns, per verb, the variables of its arguments and flags as the help shows them.
func variables() map[string][]string {
	parser, err := newParser(new(cli), io.Discard, io.Discard)
	if err != nil {
		panic(err)
	}
	all := map[string][]string{}
	for _, verb := range parser.Model.Children {
		all[verb.Name] = nil
		add := func(v *kong.Value) {
			for _, name := range v.Tag.Envs {
				all[verb.Name] = append(all[verb.Name], "$"+name)
			}
		}
		for _, v := range verb.Positional {
			add(v)
		}
		for _, f := range verb.Flags {
			add(f.Value)
		}
	}
	return all
}

func TestNoArgumentsShowHelp(t *testing.T) {
	t.Parallel()
	if got, want := sepalCommand(t, ""), sepalCommand(t, "", "help"); got != want || got.code != exitOK {
		t.Errorf("got %v", got)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--version"}} {
		got := sepalCommand(t, "", args...)
		if !regexp.MustCompile(`^sepal \S+ (\S+ )?go\S+ \w+/\w+\n$`).MatchString(got.stdout) || got.code != exitOK {
			t.Errorf("%s: got %v", args, got)
		}
	}
	got := sepalCommand(t, "", "version", "--json")
	var b build
	decoder := json.NewDecoder(strings.NewReader(got.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		t.Fatal(err)
	}
	if b.Version == "" || !strings.HasPrefix(b.Go, "go") || b.OS == "" || b.Arch == "" {
		t.Errorf("got %s", got.stdout)
	}
}

// TestEnvironment cannot run beside other tests: they all have the same variables.
func TestEnvironment(t *testing.T) {
	const row = "predict 5.1 3.5 1.4 0.2"
	tests := []struct {
		name       string
		env        map[string]string
		args, want string // want: the beginning of stdout
		wrong      string // a part of stderr
	}{
		{name: "variable", env: map[string]string{"SEPAL_PREDICT_OUTPUT": "json"}, args: row, want: `{"prediction":"setosa"`},
		{name: "flag over variable", env: map[string]string{"SEPAL_PREDICT_OUTPUT": "json"}, args: row + " -o text", want: "setosa, "},
		{name: "empty variable", env: map[string]string{"SEPAL_PREDICT_OUTPUT": "", "PORT": ""}, args: row, want: "setosa, "},
		{name: "wrong variable", env: map[string]string{"SEPAL_PREDICT_TOP_K": "some"}, args: row, wrong: `(from envar SEPAL_PREDICT_TOP_K="some"); see ` + "`sepal help predict`"},
		{name: "variable of another verb", env: map[string]string{"PORT": "http"}, args: row, want: "setosa, "},
		{name: "model path", env: map[string]string{"MODEL_PATH": "/none"}, args: row, wrong: "/none: no such model file"},
		{name: "model path of inspect", env: map[string]string{"MODEL_PATH": "/none"}, args: "inspect", wrong: "/none: no such model file"},
		{name: "values over a CSV variable", env: map[string]string{"SEPAL_PREDICT_CSV": "/none"}, args: row, want: "setosa, "},
		{name: "server flag over path variable", env: map[string]string{"MODEL_PATH": "/none"}, args: row + " -s 127.0.0.1:1", wrong: "server 127.0.0.1:1 cannot be reached"},
		{name: "path flag over server variable", env: map[string]string{"SEPAL_SERVER": "127.0.0.1:1"}, args: row + " -m /none", wrong: "/none: no such model file"},
		{name: "path and server variables", env: map[string]string{"SEPAL_SERVER": "127.0.0.1:1", "MODEL_PATH": "/none"}, args: row, wrong: "server 127.0.0.1:1 cannot be reached"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			got := sepalCommand(t, "", strings.Fields(test.args)...)
			if !strings.HasPrefix(got.stdout, test.want) || !strings.Contains(got.stderr, test.wrong) ||
				(got.code == exitOK) != (test.wrong == "") || strings.Count(got.stderr, "\n") > 1 {
				t.Errorf("got %v", got)
			}
		})
	}
}
