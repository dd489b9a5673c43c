package hotjson

import (
	"google.golang.org/protobuf/types/known/structpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

func (r *reader) predictRequest(m *predictionv1.PredictRequest) bool {
	var seen uint
	return r.object(func(name []byte) bool {
		switch string(name) {
		case "features":
			return once(&seen, 1) && r.doublesField(&m.Features)
		case "inputs":
			return once(&seen, 2) && r.structField(&m.Inputs)
		case "model":
			return once(&seen, 4) && r.stringField(&m.Model)
		case "version":
			return once(&seen, 5) && r.stringField(&m.Version)
		case "subjectId", "subject_id":
			return once(&seen, 6) && r.stringField(&m.SubjectId)
		case "topK", "top_k":
			return once(&seen, 7) && r.optionalUintField(&m.TopK)
		case "explain":
			return once(&seen, 8) && r.boolField(&m.Explain)
		}
		return false
	})
}

func (r *reader) batchPredictRequest(m *predictionv1.BatchPredictRequest) bool {
	var seen uint
	return r.object(func(name []byte) bool {
		switch string(name) {
		case "rows":
			return once(&seen, 1) && r.rowsField(&m.Rows)
		case "matrix":
			return once(&seen, 2) && r.matrixField(&m.Matrix)
		case "model":
			return once(&seen, 4) && r.stringField(&m.Model)
		case "version":
			return once(&seen, 5) && r.stringField(&m.Version)
		case "subjectId", "subject_id":
			return once(&seen, 6) && r.stringField(&m.SubjectId)
		case "topK", "top_k":
			return once(&seen, 7) && r.optionalUintField(&m.TopK)
		case "explain":
			return once(&seen, 8) && r.boolField(&m.Explain)
		case "probabilities":
			return once(&seen, 9) && r.boolField(&m.Probabilities)
		}
		return false
	})
}

func (r *reader) predictStreamRequest(m *predictionv1.PredictStreamRequest) bool {
	var seen uint
	return r.object(func(name []byte) bool {
		if string(name) != "request" || !once(&seen, 1) {
			return false
		}
		if r.null() {
			return true
		}
		m.Request = new(predictionv1.PredictRequest)
		return r.predictRequest(m.Request)
	})
}

func (r *reader) batchPredictStreamRequest(m *predictionv1.BatchPredictStreamRequest) bool {
	var seen uint
	return r.object(func(name []byte) bool {
		switch string(name) {
		case "batch":
			return once(&seen, 1) && r.batchField(&m.Batch)
		case "chunkRows", "chunk_rows":
			_, ok := r.uintField(&m.ChunkRows)
			return once(&seen, 2) && ok
		}
		return false
	})
}

func (r *reader) batchField(batch **predictionv1.BatchPredictRequest) bool {
	if r.null() {
		return true
	}
	*batch = new(predictionv1.BatchPredictRequest)
	return r.batchPredictRequest(*batch)
}

func (r *reader) rowsField(rows *[]*predictionv1.Row) bool {
	if r.null() {
		return true
	}
	return r.list(func() bool {
		m := r.rows.next()
		*rows = append(*rows, m)
		return r.row(m)
	})
}

func (r *reader) row(m *predictionv1.Row) bool {
	var seen uint
	return r.object(func(name []byte) bool {
		switch string(name) {
		case "features":
			return once(&seen, 1) && r.doublesField(&m.Features)
		case "inputs":
			return once(&seen, 2) && r.structField(&m.Inputs)
		}
		return false
	})
}

func (r *reader) matrixField(matrix **predictionv1.Matrix) bool {
	if r.null() {
		return true
	}
	m := new(predictionv1.Matrix)
	*matrix = m
	var seen uint
	return r.object(func(name []byte) bool {
		switch string(name) {
		case "columns":
			_, ok := r.uintField(&m.Columns)
			return once(&seen, 1) && ok
		case "values":
			return once(&seen, 2) && r.doublesField(&m.Values)
		case "floatValues", "float_values":
			return once(&seen, 3) && r.floatsField(&m.FloatValues)
		}
		return false
	})
}

func (r *reader) optionalUintField(v **uint32) bool {
	var value uint32
	given, ok := r.uintField(&value)
	if given {
		*v = &value
	}
	return ok
}

func (r *reader) doublesField(v *[]float64) bool {
	if r.null() {
		return true
	}
	values := r.doubles.grab(r.listLen())
	ok := r.list(func() bool {
		value, ok := r.double()
		values = append(values, value)
		return ok
	})
	if len(values) > 0 {
		r.doubles.keep(len(values))
		*v = values[:len(values):len(values)]
	}
	return ok
}

func (r *reader) floatsField(v *[]float32) bool {
	if r.null() {
		return true
	}
	values := make([]float32, 0, r.listLen())
	ok := r.list(func() bool {
		value, ok := r.float()
		values = append(values, value)
		return ok
	})
	*v = values
	return ok
}

// structField reads an object of numbers, strings, truth values and nulls, as the inputs of a row
// are.
func (r *reader) structField(v **structpb.Struct) bool {
	if r.null() {
		return true
	}
	fields := make(map[string]*structpb.Value)
	*v = &structpb.Struct{Fields: fields}
	return r.object(func(name []byte) bool {
		if _, again := fields[string(name)]; again {
			return false
		}
		value, ok := r.value()
		fields[string(name)] = value
		return ok
	})
}

func (r *reader) value() (*structpb.Value, bool) {
	switch r.peek() {
	case '"':
		text, ok := r.text()
		v := new(stringValue)
		v.kind.StringValue, v.value.Kind = string(text), &v.kind
		return &v.value, ok
	case 't', 'f':
		v := new(structpb.Value_BoolValue)
		ok := r.boolField(&v.BoolValue)
		return &structpb.Value{Kind: v}, ok
	case 'n':
		return structpb.NewNullValue(), r.null()
	default:
		number, ok := r.double()
		v := new(numberValue)
		v.kind.NumberValue, v.value.Kind = number, &v.kind
		return &v.value, ok
	}
}
