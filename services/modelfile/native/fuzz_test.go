package native_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func FuzzDecode(f *testing.F) {
	for _, data := range [][]byte{
		encode(f, fish(), native.Binary),
		encode(f, fish(), native.JSON),
		encode(f, fishEach(), native.Binary),
		encode(f, unpenalisedFish(), native.Binary),
		encode(f, unpenalisedFish(), native.JSON),
		encode(f, small(), native.Binary),
		encode(f, small(), native.JSON),
	} {
		f.Add(data)
	}
	for _, file := range wrongFiles {
		f.Add([]byte(file.data))
	}
	for _, wrong := range wrongModels {
		m := fish()
		wrong.change(m)
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, compiled, err := native.Decode(data)
		if err != nil {
			requireOneLine(t, err)
			return
		}
		for name, format := range formats {
			written := encode(t, m, format)
			again := decode(t, written)
			if !proto.Equal(again, m) {
				t.Errorf("%s: the model read is not the one written", name)
			}
			if !bytes.Equal(encode(t, again, format), written) {
				t.Errorf("%s: the bytes differ the second time", name)
			}
		}
		defined := native.Define(compiled)
		defined.Name, defined.Version = m.GetName(), m.GetVersion()
		if _, err := native.Compile(defined); err != nil {
			t.Errorf("the definition of the compiled model is refused: %v", err)
		}
	})
}
