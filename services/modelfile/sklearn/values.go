package sklearn

import (
	"fmt"
	"math/big"
)

// value is what a pickle makes: none, bool, int64, uint64, *big.Int, float64, float32, string, []byte,
// tuple, *list, *dict, global, *object, *dtype or *array. All are inert: nothing that a value
// holds is ever called. They may hold one another in circles, so nothing walks them without
// knowing what it expects where.
type value any

// none is Python's None.
type none struct{}

// tuple is a tuple, or what else cannot change.
type tuple []value

type list struct{ items []value }

// dict is a dictionary in the order of its writing; a key may occur twice, the last one counts.
type dict struct{ keys, values []value }

// get returns the value of the key.
func (d *dict) get(key string) (value, bool) {
	for i := len(d.keys) - 1; i >= 0; i-- {
		if k, ok := d.keys[i].(string); ok && k == key {
			return d.values[i], true
		}
	}
	return nil, false
}

// object is an instance of a class: its name, and the state that the pickle gave it.
type object struct {
	class global
	// state is nil until it is given.
	state value
}

// kind names the type of a value as Python calls it, for error texts.
func kind(v value) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case none:
		return "None"
	case bool:
		return "a bool"
	case int64, uint64, *big.Int:
		return "an int"
	case float64, float32:
		return "a float"
	case string:
		return "a str"
	case []byte:
		return "bytes"
	case tuple:
		return "a tuple"
	case *list:
		return "a list"
	case *dict:
		return "a dict"
	case global:
		return "the name " + v.String()
	case *object:
		return "a " + v.class.name
	case *dtype:
		return "a numpy dtype"
	case *array:
		return "a numpy array"
	default:
		return fmt.Sprintf("a %T", v)
	}
}
