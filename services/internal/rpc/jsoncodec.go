package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/sepal-ml/sepal/services/internal/rpc/hotjson"
)

// jsonCodec is Protobuf's JSON as this house speaks it. Unlike Connect's own, it writes
// fields whose value is zero, since a probability of 0 or a contribution of 0 is an answer,
// and always the same white space: none. Unknown fields of a request are passed over, as the
// Connect protocol has it.
type jsonCodec struct {
	name      string
	maxNested int
	turns     turns
}

func (c jsonCodec) Name() string { return c.name }

// IsBinary tells Connect that messages are text, which it puts into URLs as it is.
func (jsonCodec) IsBinary() bool { return false }

func (c jsonCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (jsonCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, notProto(message)
	}
	if out, ok := hotjson.Append(dst, message); ok {
		return out, nil
	}
	data, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(dst)
	if err := json.Compact(out, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (c jsonCodec) MarshalStable(message any) ([]byte, error) { return c.Marshal(message) }

func (c jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return notProto(message)
	}
	if len(data) == 0 {
		return errors.New("the body is empty, expected a JSON object; {} is the empty one")
	}
	defer c.turns.take(len(data))()
	if err := checkNestingJSON(data, c.maxNested); err != nil {
		return err
	}
	if hotjson.Unmarshal(data, message) {
		return nil
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(data, m); err != nil {
		return misfit(data, m.ProtoReflect().Descriptor(), err)
	}
	return nil
}

// plain returns the text of an error of the protobuf module for a client: without its prefix,
// whose space varies between builds, and with little of what it quotes of the request, since
// gRPC sends errors in headers.
func plain(err error) string {
	const most = 200
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\ufffd")
}
