package load

import (
	"encoding/json"
	"fmt"
)

// What is looked at of the answers in JSON.
type (
	jsonSource struct {
		Version string `json:"modelVersion"`
		Variant string `json:"variant"`
	}
	jsonPrediction struct {
		jsonSource

		Prediction string `json:"prediction"`
	}
	jsonError struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	jsonResult struct {
		Response *jsonPrediction `json:"response"`
		Error    *jsonError      `json:"error"`
	}
	jsonMatrix struct {
		ClassIndices []uint32 `json:"classIndices"`
		Errors       []struct {
			Error jsonError `json:"error"`
		} `json:"errors"`
	}
	jsonBatch struct {
		jsonSource

		Results []jsonResult `json:"results"`
		Matrix  jsonMatrix   `json:"matrix"`
	}
	jsonChunk struct {
		Chunk jsonBatch `json:"chunk"`
	}
)

// jsonReaderOf returns the reader of the answers of a call in JSON.
func jsonReaderOf(c Call) reader {
	switch c {
	case CallBatch:
		return readJSON(jsonBatch.add)
	case CallBatchStream:
		return readJSON(func(c jsonChunk, a *answer) error { return c.Chunk.add(a) })
	case CallStream:
		return readJSON(jsonResult.add)
	default:
		return readJSON(jsonPrediction.add)
	}
}

func readJSON[T any](add func(T, *answer) error) reader {
	return func(data []byte, a *answer) error {
		var message T
		if err := json.Unmarshal(data, &message); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		return add(message, a)
	}
}

func (p jsonPrediction) add(a *answer) error {
	if p.Prediction == "" {
		return errNoPrediction
	}
	a.rows++
	a.by.set([]byte(p.Version), []byte(p.Variant))
	return nil
}

func (r jsonResult) add(a *answer) error {
	switch {
	case r.Error != nil:
		a.refuse(r.Error.Code, r.Error.Message)
		return nil
	case r.Response != nil:
		return r.Response.add(a)
	}
	return errNoPrediction
}

func (b jsonBatch) add(a *answer) error {
	for _, r := range b.Results {
		if err := r.add(a); err != nil {
			return err
		}
	}
	a.rows += len(b.Matrix.ClassIndices) - len(b.Matrix.Errors)
	for _, e := range b.Matrix.Errors {
		a.refuse(e.Error.Code, e.Error.Message)
	}
	a.by.set([]byte(b.Version), []byte(b.Variant))
	return nil
}
