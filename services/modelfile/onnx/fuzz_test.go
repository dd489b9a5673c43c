package onnx

import (
	"reflect"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for _, data := range small(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, r, err := Decode(data)
		fairOrOverflow(t, m, r, err)
		again, _, _ := Decode(data)
		if err == nil && !reflect.DeepEqual(m.Definition(), again.Definition()) {
			t.Error("two models of one file")
		}
		Sniff(data)
	})
}
