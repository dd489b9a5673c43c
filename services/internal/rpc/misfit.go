package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// misfit returns the error of JSON that does not fit a message: the path of the first value at
// fault, what stands there and what was expected. Where the walk finds no fault, the decoder's
// own error has to do.
func misfit(data []byte, d protoreflect.MessageDescriptor, decodeErr error) error {
	w := &jsonWalk{decoder: json.NewDecoder(bytes.NewReader(data))}
	w.decoder.UseNumber()
	if err := w.message("", d, false); err != nil {
		return err
	}
	if half := halfCharacter(data); half != "" {
		return fmt.Errorf("a string has %s, which is half a character, expected both halves or neither", half)
	}
	return errors.New(plain(decodeErr))
}

// jsonWalk reads JSON token by token beside the description of a message.
type jsonWalk struct {
	decoder *json.Decoder
}

// next returns the next token; path and want are for the error where there is none.
func (w *jsonWalk) next(path, want string) (json.Token, error) {
	token, err := w.decoder.Token()
	if err == nil {
		return token, nil
	}
	if path == "" {
		path = "the body"
	}
	problem := "is no JSON: " + err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		problem = "is cut short"
	}
	return nil, fmt.Errorf("%s %s, expected %s", Bounded(path), problem, want)
}

// message reads an object, or null where that stands for a field not given.
func (w *jsonWalk) message(path string, d protoreflect.MessageDescriptor, nullable bool) error {
	token, err := w.next(path, "a JSON object")
	if err != nil || nullable && token == nil {
		return err
	}
	if token != json.Delim('{') {
		return mismatch(path, token, "an object")
	}
	for w.decoder.More() {
		token, err := w.next(path, "a name")
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if err := w.field(join(path, name), lookUp(d, name)); err != nil {
			return err
		}
	}
	_, err = w.next(path, `"}" or another name`)
	return err
}

func (w *jsonWalk) field(path string, f protoreflect.FieldDescriptor) error {
	switch {
	case f == nil || f.IsMap() || f.Message() != nil && f.Message().FullName().Parent() == "google.protobuf":
		return w.anything(path)
	case f.IsList():
		return w.list(path, f)
	case f.Message() != nil:
		return w.message(path, f.Message(), true)
	default:
		return w.scalar(path, f.Kind(), true)
	}
}

func (w *jsonWalk) list(path string, f protoreflect.FieldDescriptor) error {
	token, err := w.next(path, "a list")
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return mismatch(path, token, "a list")
	}
	for i := 0; w.decoder.More(); i++ {
		element := fmt.Sprintf("%s[%d]", path, i)
		if f.Message() != nil {
			err = w.message(element, f.Message(), false)
		} else {
			err = w.scalar(element, f.Kind(), false)
		}
		if err != nil {
			return err
		}
	}
	_, err = w.next(path, `"]" or another value`)
	return err
}

// scalar reads a value of the kind, or null where that stands for a field not given.
func (w *jsonWalk) scalar(path string, kind protoreflect.Kind, nullable bool) error {
	want := wants(kind)
	token, err := w.next(path, want)
	if err != nil {
		return err
	}
	switch {
	case fits(token, kind), nullable && token == nil:
		return nil
	case beyond(token, kind):
		want = "a number from -1.8e308 to 1.8e308"
	}
	return mismatch(path, token, want)
}

// anything passes over a value of whatever kind.
func (w *jsonWalk) anything(path string) error {
	for depth := 0; ; {
		token, err := w.next(path, "a value")
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func lookUp(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := d.Fields().ByJSONName(name); f != nil {
		return f
	}
	return d.Fields().ByTextName(name)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func wants(kind protoreflect.Kind) string {
	switch kind {
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return "a number"
	case protoreflect.Uint32Kind:
		return "a whole number from 0 to 4294967295"
	case protoreflect.StringKind:
		return "a string"
	case protoreflect.BoolKind:
		return "true or false"
	default:
		return "a value of type " + kind.String()
	}
}

// fits reports whether the token is one that Protobuf's JSON takes for the kind. Of kinds that
// no request has, all do.
func fits(token json.Token, kind protoreflect.Kind) bool {
	text, isNumber := token.(json.Number)
	if s, isString := token.(string); isString {
		if kind == protoreflect.StringKind {
			return true
		}
		text, isNumber = json.Number(s), true // numbers may stand in quotes
	}
	switch kind {
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		_, err := strconv.ParseFloat(text.String(), 64)
		return isNumber && err == nil
	case protoreflect.Uint32Kind:
		v, err := strconv.ParseFloat(text.String(), 64)
		return isNumber && err == nil && v >= 0 && v <= 1<<32-1 && v == float64(uint32(v))
	case protoreflect.StringKind:
		return false
	case protoreflect.BoolKind:
		_, isBool := token.(bool)
		return isBool
	default:
		return true
	}
}

// beyond reports whether a token is a number beyond those of a kind that has fractions.
func beyond(token json.Token, kind protoreflect.Kind) bool {
	if kind != protoreflect.DoubleKind && kind != protoreflect.FloatKind {
		return false
	}
	_, err := strconv.ParseFloat(fmt.Sprint(token), 64)
	return errors.Is(err, strconv.ErrRange)
}

func mismatch(path string, token json.Token, want string) error {
	if path == "" {
		path = "the body"
	}
	return fmt.Errorf("%s is %s, expected %s", Bounded(path), shown(token), want)
}

func shown(token json.Token) string {
	switch v := token.(type) {
	case nil:
		return "null"
	case json.Delim:
		if v == '[' {
			return "a list"
		}
		return "an object"
	case string:
		return "the string " + strconv.Quote(Bounded(v))
	default:
		return Bounded(fmt.Sprint(v))
	}
}
