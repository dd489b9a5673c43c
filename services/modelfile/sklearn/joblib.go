package sklearn

import (
	"errors"
	"fmt"
)

// readWrapped puts the array in the place of joblib's wrapper on the stack: its bytes follow the
// instruction that ends the wrapper.
func (m *machine) readWrapped(wrapper *object) error {
	fields, ok := wrapper.state.(*dict)
	if !ok || m.inner || len(fields.keys) > maxAttributes {
		return errors.New("joblib's wrapper of an array is not as joblib writes it")
	}
	m.used.arrays++
	a := &array{built: true}
	d, _ := fields.get("dtype")
	if a.dtype, ok = d.(*dtype); !ok {
		return fmt.Errorf("the dtype of joblib's wrapper is %s", kind(d))
	}
	subclass, _ := fields.get("subclass")
	if class, ok := subclass.(global); !ok || allowed[class] != roleArray {
		return fmt.Errorf("the class of joblib's wrapper is %s, expected numpy.ndarray", kind(subclass))
	}
	shape, _ := fields.get("shape")
	count, err := a.setShape(shape)
	if err != nil {
		return err
	}
	switch order, _ := fields.get("order"); order {
	case "C":
	case "F":
		a.fortran = true
	default:
		a.strange = true
	}
	m.stack[len(m.stack)-1] = a
	if a.dtype.kind == 'O' {
		return m.readObjects(a, count)
	}
	if alignment, aligned := fields.get("numpy_array_alignment_bytes"); aligned && alignment != (none{}) {
		if err := m.skipPadding(); err != nil {
			return err
		}
	}
	a.data, err = m.src.take(uint64(count) * uint64(a.dtype.size))
	return err
}

// skipPadding skips the bytes that align an array in the file: their number, and as many.
func (m *machine) skipPadding() error {
	n, err := m.src.takeByte()
	if err != nil {
		return err
	}
	padding, err := m.src.take(uint64(n))
	if err != nil {
		return err
	}
	for _, b := range padding {
		if b != 0xff {
			return errors.New("the bytes that align an array are not 0xff")
		}
	}
	return nil
}

// readObjects reads the elements of an array of objects: a pickle of the array of its own.
func (m *machine) readObjects(a *array, count int) error {
	made, err := m.nested().run()
	if err != nil {
		return err
	}
	inner, ok := made.(*array)
	if !ok || !inner.built || inner.dtype.kind != 'O' || len(inner.objects) != count {
		return fmt.Errorf("the elements of an array are %s, expected an array of %d objects", kind(made), count)
	}
	*a = *inner
	return nil
}
