package sklearn

import (
	"errors"
	"fmt"
)

// maxElements bounds an array that is read: as many float64 as the largest file holds.
const maxElements = MaxBytes / 8

// array is a numpy array as the file has it: nothing is decoded before something asks for it.
type array struct {
	shape []int
	dtype *dtype
	// fortran says that the first index runs fastest.
	fortran bool
	// strange says that the elements are in an order of their own.
	strange bool
	data    []byte
	// objects are the elements of an array of objects.
	objects []value
	built   bool
}

func callEmptyArray(_ *machine, _ global, args tuple) (value, error) {
	if len(args) == 3 {
		if class, ok := args[0].(global); ok && allowed[class] == roleArray {
			return &array{}, nil
		}
	}
	return nil, errors.New("expected numpy.ndarray, a shape and a type")
}

// build takes numpy's state: version, shape, dtype, whether Fortran-ordered, data.
func (a *array) build(state value) error {
	fields, ok := state.(tuple)
	if !ok || len(fields) != 5 || a.built {
		return errors.New("the state of an array is not as numpy writes it")
	}
	fortran, ok1 := fields[3].(bool)
	if n, ok := fields[3].(int64); ok {
		fortran, ok1 = n != 0, true
	}
	if !ok1 {
		return fmt.Errorf("the order of an array is %s, expected a bool", kind(fields[3]))
	}
	made, err := newArray(fields[1], fields[2], fields[4])
	if err != nil {
		return err
	}
	*a = *made
	a.fortran, a.built = fortran, true
	return nil
}

// callBuffer makes an array of bytes, a dtype, a shape and an order.
func callBuffer(_ *machine, _ global, args tuple) (value, error) {
	if len(args) != 4 && len(args) != 5 {
		return nil, fmt.Errorf("%d arguments, expected bytes, a dtype, a shape and an order", len(args))
	}
	a, err := newArray(args[2], args[1], args[0])
	if err != nil {
		return nil, err
	}
	a.built = true
	switch args[3] {
	case "C":
	case "F":
		a.fortran = true
	default:
		a.strange = true
	}
	return a, nil
}

// callScalar returns the one element that it is given.
func callScalar(_ *machine, _ global, args tuple) (value, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("%d arguments, expected a dtype and bytes", len(args))
	}
	a, err := newArray(tuple{}, args[0], args[1])
	if err != nil {
		return nil, err
	}
	return a.at(0)
}

// newArray makes an array, whose data must be as long as shape and type say.
func newArray(shape, elements, data value) (*array, error) {
	d, ok := elements.(*dtype)
	if !ok {
		return nil, fmt.Errorf("the type of an array is %s, expected a dtype", kind(elements))
	}
	a := &array{dtype: d}
	count, err := a.setShape(shape)
	if err != nil {
		return nil, err
	}
	switch data := data.(type) {
	case []byte:
		if d.kind == 'O' || len(data) != count*d.size {
			return nil, fmt.Errorf("%d bytes for an array of %d elements of type %s", len(data), count, d)
		}
		a.data = data
	case *list:
		if d.kind != 'O' || len(data.items) != count {
			return nil, fmt.Errorf("%d values for an array of %d elements of type %s", len(data.items), count, d)
		}
		a.objects = data.items
	default:
		return nil, fmt.Errorf("the data of an array are %s", kind(data))
	}
	return a, nil
}

// setShape returns the number of elements.
func (a *array) setShape(shape value) (int, error) {
	const maxDimensions = 32
	dims, ok := shape.(tuple)
	if !ok || len(dims) > maxDimensions {
		return 0, fmt.Errorf("the shape of an array is %s, expected a tuple of at most %d numbers", kind(shape), maxDimensions)
	}
	count := 1
	for _, dim := range dims {
		n, ok := dim.(int64)
		if !ok || n < 0 || n > maxElements || int64(count)*n > maxElements {
			return 0, fmt.Errorf("the shape of an array is not of whole numbers whose product is at most %d", maxElements)
		}
		a.shape = append(a.shape, int(n))
		count *= int(n)
	}
	return count, nil
}

func (a *array) len() int {
	count := 1
	for _, n := range a.shape {
		count *= n
	}
	return count
}

// at returns the element at a position of the file.
func (a *array) at(i int) (value, error) {
	if a.dtype.kind == 'O' {
		return a.objects[i], nil
	}
	size := a.dtype.size
	if size == 0 {
		return nil, fmt.Errorf("elements of type %s are not read", a.dtype)
	}
	return a.dtype.element(a.data[i*size : (i+1)*size])
}

// position is where the file has element i of row-major order.
func (a *array) position(i int) int {
	if !a.fortran || len(a.shape) != 2 {
		return i
	}
	rows, columns := a.shape[0], a.shape[1]
	return i%columns*rows + i/columns
}

// readable returns an error unless the array is complete and of one or two dimensions, in an
// order that is known.
func (a *array) readable() error {
	switch {
	case !a.built:
		return errors.New("the array is empty")
	case len(a.shape) != 1 && len(a.shape) != 2:
		return fmt.Errorf("the array has %d dimensions, expected one or two", len(a.shape))
	case a.strange && len(a.shape) == 2:
		return errors.New("the elements of the array are in an unusual order")
	}
	return nil
}

// floats returns the elements as numbers, row-major.
func (a *array) floats() ([]float64, error) {
	if err := a.readable(); err != nil {
		return nil, err
	}
	out := make([]float64, a.len())
	for i := range out {
		v, err := a.at(a.position(i))
		if err != nil {
			return nil, err
		}
		f, ok := number(v)
		if !ok {
			return nil, fmt.Errorf("element %d is %s, expected a number", i, kind(v))
		}
		out[i] = f
	}
	return out, nil
}

// number returns what a value is as a float64. Whole numbers that no float64 holds are refused.
func number(v value) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int64:
		return float64(v), v >= -1<<53 && v <= 1<<53
	case uint64:
		return float64(v), v <= 1<<53
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	default:
		return 0, false
	}
}
