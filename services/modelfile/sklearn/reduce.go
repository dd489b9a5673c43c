package sklearn

import (
	"errors"
	"fmt"
)

// calls are what REDUCE does for the functions of the allow-list: each makes one inert value.
var calls = map[role]func(m *machine, f global, args tuple) (value, error){
	roleReconstructor: callReconstructor,
	roleEncode:        callEncode,
	roleOrderedDict:   callOrderedDict,
	roleDtype:         callDtype,
	roleEmptyArray:    callEmptyArray,
	roleBuffer:        callBuffer,
	roleScalar:        callScalar,
}

func reduce(m *machine) error {
	args, err := m.pop()
	if err != nil {
		return err
	}
	callee, err := m.pop()
	if err != nil {
		return err
	}
	f, ok1 := callee.(global)
	list, ok2 := args.(tuple)
	if ok1 && allowed[f] == roleIgnored {
		m.push(&object{class: f})
		return nil
	}
	call, ok3 := calls[allowed[f]]
	if !ok1 || !ok2 || !ok3 {
		return fmt.Errorf("a call of %s with %s, expected a function and a tuple", kind(callee), kind(args))
	}
	made, err := call(m, f, list)
	if err != nil {
		return fmt.Errorf("%s: %w", f, err)
	}
	m.push(made)
	return nil
}

// newObject makes an instance of a class.
func newObject(m *machine) error {
	args, err := m.pop()
	if err != nil {
		return err
	}
	class, err := m.pop()
	if err != nil {
		return err
	}
	g, ok := class.(global)
	if list, isTuple := args.(tuple); !ok || !isTuple || len(list) != 0 {
		return fmt.Errorf("an instance of %s with %s, expected a class and an empty tuple", kind(class), kind(args))
	}
	return m.instantiate(g)
}

func (m *machine) instantiate(class global) error {
	switch allowed[class] {
	case roleEstimator, roleWrapper, roleIgnored:
		m.push(&object{class: class})
		return nil
	default:
		return fmt.Errorf("%s is no class of an estimator", class)
	}
}

// build gives the value below the state that is on the stack. A value is built once: what a
// pickle builds a second time was made by no pickler.
func build(m *machine) error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	below, err := m.top()
	if err != nil {
		return err
	}
	switch v := below.(type) {
	case *dtype:
		return v.build(state)
	case *array:
		return v.build(state)
	case *object:
		if v.state != nil {
			return fmt.Errorf("a second state for a %s", v.class.name)
		}
		v.state = state
		if allowed[v.class] == roleWrapper {
			return m.readWrapped(v)
		}
		return nil
	default:
		return fmt.Errorf("a state for %s", kind(below))
	}
}

func callReconstructor(_ *machine, _ global, args tuple) (value, error) {
	if len(args) == 3 && args[2] == (none{}) {
		class, ok1 := args[0].(global)
		base, ok2 := args[1].(global)
		if ok1 && ok2 && allowed[class] == roleEstimator && allowed[base] == roleObject {
			return &object{class: class}, nil
		}
	}
	return nil, errors.New("expected a class of an estimator, object and None")
}

// callEncode makes bytes of text, one of each character: so protocol 2 writes bytes.
func callEncode(m *machine, _ global, args tuple) (value, error) {
	if len(args) != 2 || (args[1] != "latin1" && args[1] != "latin-1") {
		return nil, errors.New("expected a text and 'latin1'")
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, errors.New("expected a text and 'latin1'")
	}
	if m.used.encoded += len(text); m.used.encoded > MaxBytes {
		return nil, fmt.Errorf("more than %d bytes are made of texts", MaxBytes)
	}
	made := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("the character %q is not latin1", r)
		}
		made = append(made, byte(r))
	}
	return made, nil
}

func callOrderedDict(_ *machine, _ global, args tuple) (value, error) {
	if len(args) != 0 {
		return nil, errors.New("expected no arguments")
	}
	return &dict{}, nil
}
