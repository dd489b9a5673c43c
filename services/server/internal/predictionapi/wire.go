package predictionapi

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sepal-ml/sepal/services/softmax"
)

// The fields of PredictRequest, PredictResponse and ClassScore, by their numbers in the contract.
const (
	fieldFeatures  = 1
	fieldModel     = 4
	fieldVersion   = 5
	fieldSubjectID = 6
	fieldTopK      = 7
	fieldExplain   = 8

	answerPrediction   = 1
	answerConfidence   = 2
	answerModelVersion = 3
	answerScores       = 4
	answerModel        = 5
	answerVariant      = 6

	scoreClass       = 1
	scoreProbability = 2
)

const sizeOfDouble = 8

// parseWire reads a PredictRequest from Protobuf's wire format. It returns false for one that has
// anything else, or is broken, which Protobuf's own decoder tells best.
func (w *shortRequest) parseWire(message []byte) bool {
	*w = shortRequest{features: w.features[:0]}
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		if n = w.field(field, kind, message[n:]) + n; n < 0 || n > len(message) {
			return false
		}
		message = message[n:]
	}
	return len(w.features) > 0
}

// notRead is less than any length of a tag.
const notRead = -1 << 20

// field reads the value of a field and returns its length, or notRead.
func (w *shortRequest) field(field protowire.Number, kind protowire.Type, b []byte) int {
	switch {
	case kind == protowire.BytesType:
		value, n := protowire.ConsumeBytes(b)
		if n < 0 || !w.bytes(field, value) {
			return notRead
		}
		return n
	case kind == protowire.Fixed64Type && field == fieldFeatures:
		bits, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			return notRead
		}
		w.features = append(w.features, math.Float64frombits(bits))
		return n
	case kind == protowire.VarintType && (field == fieldTopK || field == fieldExplain):
		value, n := protowire.ConsumeVarint(b)
		if n < 0 || value > math.MaxUint32 || field == fieldExplain && value != 0 {
			return notRead
		}
		if field == fieldTopK {
			w.topK, w.limited = uint32(value), true
		}
		return n
	}
	return notRead
}

func (w *shortRequest) bytes(field protowire.Number, value []byte) bool {
	switch field {
	case fieldFeatures:
		if len(value)%sizeOfDouble != 0 {
			return false
		}
		for ; len(value) > 0; value = value[sizeOfDouble:] {
			w.features = append(w.features, math.Float64frombits(binary.LittleEndian.Uint64(value)))
		}
		return true
	case fieldModel:
		w.model = string(value)
	case fieldVersion:
		w.version = string(value)
	case fieldSubjectID:
		w.subject = string(value)
	default:
		return false
	}
	return utf8.Valid(value)
}

// appendWire appends a PredictResponse, byte for byte as Protobuf's own encoder does.
func (p *predictor) appendWire(dst []byte, predicted int) []byte {
	model := p.version.Compiled
	dst = appendText(dst, answerPrediction, model.Class(predicted))
	dst = appendDouble(dst, answerConfidence, p.probabilities[predicted])
	dst = appendText(dst, answerModelVersion, p.version.Version)
	for _, class := range lead(softmax.Rank(p.ranked, p.probabilities), predicted) {
		name, probability := model.Class(class), p.probabilities[class]
		size := sizeOfText(name) + sizeOfProbability(probability)
		dst = protowire.AppendTag(dst, answerScores, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(size))
		dst = appendText(dst, scoreClass, name)
		dst = appendDouble(dst, scoreProbability, probability)
	}
	dst = appendText(dst, answerModel, p.version.Model)
	return appendText(dst, answerVariant, p.variant)
}

// appendText appends a field, which Protobuf leaves out where it is empty.
func appendText(dst []byte, field protowire.Number, text string) []byte {
	if text == "" {
		return dst
	}
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	return protowire.AppendString(dst, text)
}

// sizeOfText is how many bytes appendText appends, for fields of one byte.
func sizeOfText(text string) int {
	if text == "" {
		return 0
	}
	return 1 + protowire.SizeBytes(len(text))
}

func appendDouble(dst []byte, field protowire.Number, value float64) []byte {
	bits := math.Float64bits(value)
	if bits == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, field, protowire.Fixed64Type)
	return binary.LittleEndian.AppendUint64(dst, bits)
}

func sizeOfProbability(value float64) int {
	if math.Float64bits(value) == 0 {
		return 0
	}
	return 1 + sizeOfDouble
}
