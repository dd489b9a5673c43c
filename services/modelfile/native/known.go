package native

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

// checkKnown refuses a message with fields that the contract does not have, in it or within
// it: a newer format means something by them, and so may a damaged file.
func checkKnown(m *modelv1.Model) error {
	path, found := unknownIn(m.ProtoReflect())
	if !found {
		return nil
	}
	field := "file"
	if path != "" {
		field = path[1:]
	}
	return refuse(field, "holds fields that this Sepal does not know: it was written by a newer one, or is damaged")
}

// unknownIn returns the path to the first message with unknown fields: "" for m itself, or
// such as ".signature.features[2]".
func unknownIn(m protoreflect.Message) (path string, found bool) {
	if len(m.GetUnknown()) > 0 {
		return "", true
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil || !m.Has(field) {
			continue
		}
		if !field.IsList() {
			if path, found := unknownIn(m.Get(field).Message()); found {
				return fmt.Sprintf(".%s%s", field.Name(), path), true
			}
			continue
		}
		list := m.Get(field).List()
		for j := range list.Len() {
			if path, found := unknownIn(list.Get(j).Message()); found {
				return fmt.Sprintf(".%s[%d]%s", field.Name(), j, path), true
			}
		}
	}
	return "", false
}
