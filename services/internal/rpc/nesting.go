package rpc

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// uncountedBytes is the size up to which a message is decoded without counting first: however
// many messages it holds, they are few.
const uncountedBytes = 64 << 10

// checkNesting returns an error if the message would hold more than most messages in all. Two
// bytes on the wire can ask for a hundred in memory, so this is looked at before decoding.
func checkNesting(data []byte, m proto.Message, most int) error {
	if len(data) <= uncountedBytes {
		return nil
	}
	left := most
	if !countMessages(data, m.ProtoReflect().Descriptor(), &left, maxDepth) {
		return tooNested(most)
	}
	return nil
}

// checkNestingJSON is checkNesting for JSON, by the objects and lists that are opened.
func checkNestingJSON(data []byte, most int) error {
	if len(data) > uncountedBytes && bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) > most {
		return tooNested(most)
	}
	return nil
}

func tooNested(most int) error {
	return fmt.Errorf("the message holds more than %d nested values; send fewer rows at once", most)
}

// maxDepth is how deep messages may be within each other. The contract's own are no deeper than
// five; each level that is decoded takes a piece of the stack.
const maxDepth = 100

// countMessages takes the messages within a message from left, and the fields that nobody knows, and
// reports whether it sufficed. What is no message of that type is left for decoding to refuse, as is
// what is deeper than depth.
func countMessages(data []byte, d protoreflect.MessageDescriptor, left *int, depth int) bool {
	if depth == 0 {
		return true
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return true
		}
		data = data[n:]
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return true
		}
		value := data[:n]
		data = data[n:]
		field := d.Fields().ByNumber(number)
		if field != nil && (kind != protowire.BytesType || field.Message() == nil) {
			continue
		}
		if *left--; *left < 0 {
			return false
		}
		if field == nil {
			continue // it is kept all the same
		}
		if inner, n := protowire.ConsumeBytes(value); n >= 0 && !countMessages(inner, field.Message(), left, depth-1) {
			return false
		}
	}
	return true
}
