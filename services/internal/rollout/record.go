package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// Decode reads a rollout.json. It refuses what no Sepal of this version wrote: unknown fields,
// another format, rollouts that cannot be, events out of order or at odds with the rollout. The
// error of what the JSON says is an [*InvalidError].
func Decode(data []byte) (*registryv1.RolloutRecord, error) {
	switch {
	case len(data) == 0:
		return nil, errors.New("it is empty, expected the JSON of a rollout's record")
	case len(data) > MaxRecordBytes:
		return nil, fmt.Errorf("it has %d bytes, expected at most %d", len(data), MaxRecordBytes)
	}
	record := new(registryv1.RolloutRecord)
	if err := protojson.Unmarshal(data, record); err != nil {
		return nil, misread(data, err)
	}
	if err := checkRecord(record); err != nil {
		return nil, err
	}
	return record, nil
}

// misread returns the error of JSON that is no record of this format: that it is one of another
// format, where that is so.
func misread(data []byte, err error) error {
	other := new(registryv1.RolloutRecord)
	lenient := protojson.UnmarshalOptions{DiscardUnknown: true}
	if lenient.Unmarshal(data, other) == nil && other.GetFormatVersion() > FormatVersion {
		v := new(violations)
		v.checkFormat(other.GetFormatVersion())
		return v.err()
	}
	return fmt.Errorf("it is not the JSON of a rollout's record, or is cut short: %s", plain(err))
}

// plain returns the text of an error of protojson fit for one line: it repeats what stands in the
// data as it is, and begins with a prefix whose space varies between builds.
func plain(err error) string {
	const longest = 300
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// Encode returns the bytes of a rollout.json, indented, with a line break at the end. The same
// record gives the same bytes. It fails where Decode would refuse them.
func Encode(record *registryv1.RolloutRecord) ([]byte, error) {
	if err := checkRecord(record); err != nil {
		return nil, err
	}
	data, err := marshal(record)
	if err != nil {
		return nil, err
	}
	if len(data) > MaxRecordBytes {
		return nil, fmt.Errorf("the record of the rollout has %d bytes, expected at most %d", len(data), MaxRecordBytes)
	}
	return data, nil
}

// marshal writes a record part by part: one of a thousand events takes a while, in which whoever
// shares the processor must get a turn.
func marshal(record *registryv1.RolloutRecord) ([]byte, error) {
	w := &jsonWriter{}
	fmt.Fprintf(&w.out, "{\n  \"formatVersion\": %d", record.GetFormatVersion())
	if record.GetRollout() != nil {
		w.member(",\n  \"rollout\": ", "  ", record.GetRollout())
	}
	opening := ",\n  \"events\": [\n    "
	for _, event := range record.GetEvents() {
		w.member(opening, "    ", event)
		opening = ",\n    "
		runtime.Gosched()
	}
	if len(record.GetEvents()) > 0 {
		w.out.WriteString("\n  ]")
	}
	if record.GetInitial() != nil {
		w.member(",\n  \"initial\": ", "  ", record.GetInitial())
	}
	w.out.WriteString("\n}\n")
	if w.err != nil {
		return nil, fmt.Errorf("the record of the rollout cannot be written: %w", w.err)
	}
	return w.out.Bytes(), nil
}

type jsonWriter struct {
	out bytes.Buffer
	err error
}

// member writes a message after its opening, indented by the prefix.
func (w *jsonWriter) member(opening, prefix string, message proto.Message) {
	compact, err := protojson.Marshal(message)
	if err == nil {
		w.out.WriteString(opening)
		// protojson varies its white space on purpose; indenting settles it.
		err = json.Indent(&w.out, compact, prefix, "  ")
	}
	w.err = errors.Join(w.err, err)
}

// shrink drops the oldest events until the record can be written. Few records come near the
// limit: a thousand events with many ranges and labels do.
func shrink(record *registryv1.RolloutRecord) {
	const blowUp = 32 // JSON has fewer bytes than that for one of the wire format
	for len(record.GetEvents()) > 1 && proto.Size(record) > MaxRecordBytes/blowUp {
		data, err := marshal(record)
		if err != nil || len(data) <= MaxRecordBytes {
			return
		}
		forget(record, (len(record.GetEvents())+7)/8)
	}
}
