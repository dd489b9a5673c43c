package rpc

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// protoCodec is Protobuf's wire format, with a bound on what a message may unfold to.
type protoCodec struct {
	maxNested int
	turns     turns
}

func (protoCodec) Name() string { return "proto" }

// IsBinary tells Connect that messages are not text.
func (protoCodec) IsBinary() bool { return true }

func (c protoCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (protoCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, notProto(message)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

func (protoCodec) MarshalStable(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, notProto(message)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

func (c protoCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return notProto(message)
	}
	defer c.turns.take(len(data))()
	if err := checkNesting(data, m, c.maxNested); err != nil {
		return err
	}
	return proto.UnmarshalOptions{RecursionLimit: maxDepth}.Unmarshal(data, m)
}

func notProto(message any) error { return fmt.Errorf("%T is no Protobuf message", message) }
