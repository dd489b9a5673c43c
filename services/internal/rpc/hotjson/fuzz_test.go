package hotjson_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
)

// FuzzUnmarshal looks for JSON that is read here and not, or otherwise, by the protobuf module.
func FuzzUnmarshal(f *testing.F) {
	for _, text := range append(plainForms, oddForms...) {
		f.Add([]byte(text))
		f.Add([]byte(`{"request":` + text + `}`))
		f.Add([]byte(`{"rows":[` + text + `,{}],"topK":3}`))
		f.Add([]byte(`{"batch":{"rows":[` + text + `]},"chunk_rows":1}`))
	}
	f.Add([]byte(`{"matrix":{"columns":4,"values":[1,2.5,-3e4,0.1],"floatValues":[0.1,1e-50]},"probabilities":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range requests() {
			requireRead(t, data, m)
		}
	})
}

// FuzzAppend looks for a message that is written here otherwise than by the protobuf module.
func FuzzAppend(f *testing.F) {
	for _, m := range responses() {
		for oneof := range 2 {
			full := m.ProtoReflect().New()
			fill(full, oneof, 0)
			data, err := proto.Marshal(full.Interface())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range responses() {
			if proto.Unmarshal(data, m) == nil && !requireWritten(t, m) {
				t.Fatalf("not written: %v", m)
			}
		}
	})
}
