package load

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// answer is what a message of the server says, as far as it is looked at: a load that decoded
// all of it would measure itself.
type answer struct {
	rows   int // classified
	failed int // refused, each on its own
	bytes  int
	// Why the first of them was refused.
	code, message string
	by            source
}

// source is the version and the variant that gave an answer, one after the other: comparable, and
// without a memory of its own, since there is one for each answer. Both are at most 64 bytes long,
// or are cut.
type source struct {
	text             [128]byte
	version, variant uint8 // lengths
}

func (s *source) set(version, variant []byte) {
	*s = source{}
	s.version = uint8(copy(s.text[:len(s.text)/2], version))
	s.variant = uint8(copy(s.text[s.version:][:len(s.text)/2], variant))
}

func (s *source) names() (version, variant string) {
	return string(s.text[:s.version]), string(s.text[s.version:][:s.variant])
}

func (a *answer) refuse(code, message string) {
	if a.failed == 0 {
		a.code, a.message = code, message
	}
	a.failed++
}

// reader adds what a message says to an answer.
type reader func(data []byte, a *answer) error

// readerOf returns the reader of the answers of a call.
func readerOf(p Protocol, c Call) reader {
	if p == ConnectJSON {
		return jsonReaderOf(c)
	}
	switch c {
	case CallBatch:
		return readBatch
	case CallBatchStream:
		return readChunk
	case CallStream:
		return readMessage
	default:
		return readPrediction
	}
}

var errNoPrediction = errors.New("the answer has no prediction in it")

// The numbers of the fields that are looked at.
const (
	predictionField   = 1 // of PredictResponse
	versionField      = 3 // of PredictResponse and BatchPredictResponse
	variantField      = 6 // of PredictResponse and BatchPredictResponse
	resultsField      = 1 // of BatchPredictResponse
	matrixField       = 2 // of BatchPredictResponse
	classIndicesField = 2 // of MatrixResult
	matrixErrorsField = 5 // of MatrixResult
	matrixErrorField  = 2 // of MatrixRowError
	chunkField        = 2 // of BatchPredictStreamResponse
	resultField       = 1 // of RowResult and PredictStreamResponse
	resultErrorField  = 2 // of RowResult and PredictStreamResponse
	errorCodeField    = 1 // of RowError
	errorMessageField = 2 // of RowError
)

// fields calls f with the number of each field of a message and the content of those that have a
// length; that of others is nil.
func fields(data []byte, f func(number int, content []byte) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return unreadable(n)
		}
		data = data[n:]
		var content []byte
		if kind == protowire.BytesType {
			content, n = protowire.ConsumeBytes(data)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return unreadable(n)
		}
		if err := f(int(number), content); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func unreadable(n int) error {
	return fmt.Errorf("the answer cannot be read: %w", protowire.ParseError(n))
}

func readPrediction(data []byte, a *answer) error {
	found := false
	var version, variant []byte
	err := fields(data, func(number int, content []byte) error {
		switch number {
		case predictionField:
			found = found || len(content) > 0
		case versionField:
			version = content
		case variantField:
			variant = content
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return errNoPrediction
	}
	a.rows++
	a.by.set(version, variant)
	return nil
}

func readBatch(data []byte, a *answer) error {
	var version, variant []byte
	err := fields(data, func(number int, content []byte) error {
		switch number {
		case resultsField:
			return readMessage(content, a)
		case matrixField:
			return readMatrix(content, a)
		case versionField:
			version = content
		case variantField:
			variant = content
		}
		return nil
	})
	a.by.set(version, variant)
	return err
}

func readChunk(data []byte, a *answer) error {
	return fields(data, func(number int, content []byte) error {
		if number == chunkField {
			return readBatch(content, a)
		}
		return nil
	})
}

// readMessage reads a PredictStreamResponse; a RowResult has the same fields.
func readMessage(data []byte, a *answer) error {
	found := false
	err := fields(data, func(number int, content []byte) error {
		switch number {
		case resultField:
			found = true
			return readPrediction(content, a)
		case resultErrorField:
			found = true
			return readError(content, a)
		}
		return nil
	})
	if err == nil && !found {
		err = errNoPrediction
	}
	return err
}

func readMatrix(data []byte, a *answer) error {
	failed := a.failed
	err := fields(data, func(number int, content []byte) error {
		switch number {
		case classIndicesField:
			for _, b := range content { // packed varints, each ending with a byte below 0x80
				if b < 0x80 {
					a.rows++
				}
			}
		case matrixErrorsField:
			return fields(content, func(number int, content []byte) error {
				if number == matrixErrorField {
					return readError(content, a)
				}
				return nil
			})
		}
		return nil
	})
	a.rows -= a.failed - failed // those have an entry too
	return err
}

func readError(data []byte, a *answer) error {
	var code, message []byte
	err := fields(data, func(number int, content []byte) error {
		switch number {
		case errorCodeField:
			code = content
		case errorMessageField:
			message = content
		}
		return nil
	})
	if err == nil {
		a.refuse(string(code), string(message))
	}
	return err
}
