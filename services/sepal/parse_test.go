package main

import (
	"io"
	"reflect"
	"testing"

	"github.com/alecthomas/kong"
)

// TestEveryVerbCanRun holds the command line against what parse does of what the parser could do.
func TestEveryVerbCanRun(t *testing.T) {
	t.Parallel()
	parser, err := newParser(new(cli), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, node := range parser.Model.Leaves(false) {
		target := node.Target.Addr().Interface()
		_, plain := target.(verb)
		_, models := target.(modelsVerb)
		if plain || models {
			ran++
		} else if node.Name != "help" {
			t.Errorf("%s has neither Run(*process) error nor Run(*process, *modelsCmd) error", node.FullPath())
		}
	}
	if ran < 20 {
		t.Errorf("only %d verbs can run", ran)
	}
}

// TestNoHookIsForgotten looks for methods that the parser would call, and parse does not.
func TestNoHookIsForgotten(t *testing.T) {
	t.Parallel()
	parser, err := newParser(new(cli), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	checkHooks(t, parser.Model.Node)
	for _, value := range values() {
		if tag := value.Tag; len(tag.Xor)+len(tag.And) > 0 || value.Flag != nil && value.Required {
			t.Errorf("%s has a tag that is not checked", value.Summary())
		}
		if value.Flag == nil && value.Enum != "" {
			t.Errorf("%s is an argument with choices, which are not checked", value.Summary())
		}
		if value.Flag != nil && value.Name != "help" {
			checkMethods(t, value.Summary(), value.Target.Addr(), "AfterApply")
		}
	}
}

func checkHooks(t *testing.T, node *kong.Node) {
	t.Helper()
	target := node.Target.Addr()
	checkMethods(t, node.FullPath(), target)
	if target.MethodByName("AfterApply").IsValid() {
		_, alone := target.Interface().(checks)
		_, parsed := target.Interface().(checksParsed)
		if !alone && !parsed {
			t.Errorf("%s has an AfterApply with arguments that it is not given", node.FullPath())
		}
	}
	for _, child := range node.Children {
		checkHooks(t, child)
	}
}

func checkMethods(t *testing.T, name string, target reflect.Value, more ...string) {
	t.Helper()
	for _, hook := range append(more, "BeforeReset", "BeforeResolve", "BeforeApply", "AfterRun", "Validate") {
		if target.MethodByName(hook).IsValid() {
			t.Errorf("%s has the method %s, which nobody calls", name, hook)
		}
	}
}
