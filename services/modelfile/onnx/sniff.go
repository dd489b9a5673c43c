package onnx

import "google.golang.org/protobuf/encoding/protowire"

// Sniff reports whether the data look like an ONNX model, whole or cut short. It reads the
// outermost fields only.
func Sniff(data []byte) bool {
	version := false
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 || kind != modelField(number) {
			return false
		}
		data = data[n:]
		switch number { //nolint:exhaustive // the others are skipped; the type lists no fields of ONNX
		case modelIRVersion:
			v, n := protowire.ConsumeVarint(data)
			if n < 0 || v == 0 || v > 1<<10 {
				return false
			}
			version = true
		case modelGraph:
			if _, n := protowire.ConsumeVarint(data); n < 0 {
				return false
			}
			return version || graphFollowed(data)
		}
		n = protowire.ConsumeFieldValue(number, kind, data)
		if n < 0 {
			return false
		}
		data = data[n:]
	}
	return false
}

// graphFollowed reports whether a version comes after the graph, whose length data begin with.
func graphFollowed(data []byte) bool {
	_, n := protowire.ConsumeBytes(data)
	for n >= 0 {
		data = data[n:]
		number, kind, tag := protowire.ConsumeTag(data)
		if tag < 0 || kind != modelField(number) {
			return false
		}
		if number == modelIRVersion {
			return true
		}
		data = data[tag:]
		n = protowire.ConsumeFieldValue(number, kind, data)
	}
	return false
}

// modelField returns how a field of a model is written; -1 if there is no such field.
func modelField(number protowire.Number) protowire.Type {
	switch number {
	case modelIRVersion, modelVersion:
		return protowire.VarintType
	case modelProducer, modelProducerVersion, modelDomain, modelDoc, modelGraph, modelOpsets,
		modelMetadata, modelTraining, modelFunctions, modelConfiguration:
		return protowire.BytesType
	default:
		return -1
	}
}
