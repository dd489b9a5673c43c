package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// parseError is a command line that the parser does not understand, or a verb refuses.
type parseError struct {
	err     error
	context *kong.Context
}

func (e *parseError) Error() string { return e.err.Error() }
func (e *parseError) Unwrap() error { return e.err }

// What a verb may bring along. The parser itself would look methods up by their names, and then the
// linker has to keep every exported method of every type: a third of the binary.
type (
	verb       interface{ Run(p *process) error }
	modelsVerb interface {
		Run(p *process, m *modelsCmd) error
	}
	checks       interface{ AfterApply() error }
	checksParsed interface {
		AfterApply(parsed *kong.Context) error
	}
)

// parse reads the arguments into the command line. It returns no context and no error when it has
// shown help instead.
func parse(parser *kong.Kong, args []string) (*kong.Context, error) {
	parsed, err := kong.Trace(parser, args)
	if err != nil {
		return nil, err
	}
	if parsed.Error != nil {
		return nil, &parseError{parsed.Error, parsed}
	}
	if slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag == parser.Model.HelpFlag }) {
		return nil, parsed.PrintUsage(false)
	}
	if err := settle(parsed); err != nil {
		return nil, &parseError{err, parsed}
	}
	return parsed, nil
}

// settle sets all values and checks them, first one by one and then as each verb does.
func settle(parsed *kong.Context) error {
	if err := parsed.Reset(); err != nil {
		return err
	}
	if err := parsed.Resolve(); err != nil {
		return err
	}
	if _, err := parsed.Apply(); err != nil {
		return err
	}
	for _, path := range parsed.Path {
		if node := path.Node(); node != nil {
			if err := checkChoices(node); err != nil {
				return err
			}
		}
	}
	if err := checkComplete(selected(parsed)); err != nil {
		return err
	}
	for _, path := range parsed.Path {
		if node := path.Node(); node != nil {
			if err := afterApply(node, parsed); err != nil {
				return err
			}
		}
	}
	return nil
}

// selected returns the innermost verb of a command line, or the root where there is none.
func selected(parsed *kong.Context) *kong.Node {
	if node := parsed.Selected(); node != nil {
		return node
	}
	return parsed.Model.Node
}

// checkChoices refuses a flag whose value is none of those that it lists.
func checkChoices(node *kong.Node) error {
	for _, flag := range node.Flags {
		value := flag.Target
		if flag.Enum == "" || value.Kind() == reflect.Pointer && value.IsNil() {
			continue
		}
		choices := flag.EnumSlice()
		if got := fmt.Sprint(reflect.Indirect(value)); !slices.Contains(choices, got) {
			return fmt.Errorf("%s must be one of %s but got %q", flag.ShortSummary(), quoted(choices, ","), got)
		}
	}
	return nil
}

// fewVerbs is how many verbs a message lists.
const fewVerbs = 5

// checkComplete refuses a verb without the argument that it needs, and one that is only the
// beginning of others.
func checkComplete(node *kong.Node) error {
	var missing []string
	for _, argument := range node.Positional {
		if argument.Required && !argument.Set && !inEnvironment(argument.Tag.Envs) {
			missing = append(missing, argument.Summary())
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("expected %q", strings.Join(missing, " "))
	}
	for _, child := range node.Children {
		missing = append(missing, child.Name)
	}
	switch {
	case len(missing) == 0:
		return nil
	case len(missing) == 1:
		return fmt.Errorf("expected %q", missing[0])
	}
	list := quoted(missing[:min(len(missing), fewVerbs)], ", ")
	if len(missing) > fewVerbs {
		list += ", ..."
	}
	return fmt.Errorf("expected one of %s", list)
}

func inEnvironment(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, set := os.LookupEnv(name)
		return set
	})
}

func quoted(words []string, separator string) string {
	marked := make([]string, len(words))
	for i, word := range words {
		marked[i] = fmt.Sprintf("%q", word)
	}
	return strings.Join(marked, separator)
}

// afterApply lets a verb check its flags together.
func afterApply(node *kong.Node, parsed *kong.Context) error {
	switch v := node.Target.Addr().Interface().(type) {
	case checks:
		return v.AfterApply()
	case checksParsed:
		return v.AfterApply(parsed)
	}
	return nil
}

// runVerb runs the verb of a command line.
func (c *cli) runVerb(parsed *kong.Context, p *process) error {
	node := selected(parsed)
	switch v := node.Target.Addr().Interface().(type) {
	case verb:
		return v.Run(p)
	case modelsVerb:
		return v.Run(p, &c.Models)
	}
	return errors.New("nothing to run for " + node.FullPath())
}
