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
	err := fields(data, func(number int, content []byte) error {
		found = found || number == predictionField && len(content) > 0
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return errNoPrediction
	}
	a.rows++
	return nil
}

func readBatch(data []byte, a *answer) error {
	return fields(data, func(number int, content []byte) error {
		switch number {
		case resultsField:
			return readMessage(content, a)
		case matrixField:
			return readMatrix(content, a)
		}
		return nil
	})
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
