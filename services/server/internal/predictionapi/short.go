package predictionapi

import (
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/internal/rpc/hotjson"
)

// shortRequest is what most PredictRequests are: a row in the order of the signature.
type shortRequest struct {
	features                []float64
	model, version, subject string
	topK                    uint32
	limited                 bool // topK is given
}

// shortJSON is what PredictShort reads and writes JSON with. It is used again.
type shortJSON struct {
	request  predictionv1.PredictRequest
	response predictionv1.PredictResponse
}

// PredictShort is Predict without messages: it reads one that was sent, and appends the answer to dst.
// It returns false where the message is not of the usual kind or cannot be answered well, and when the
// call must not be answered; then nothing was counted, and Predict is to tell what is wrong.
func (s *Service) PredictShort(dst, message []byte, call *rpc.ShortCall) ([]byte, bool) {
	p, ok := s.predictors.Get().(*predictor)
	if !ok {
		p = new(predictor)
	}
	defer s.predictors.Put(p)
	if !p.read(message, call.JSON()) || len(p.short.subject) > maxSubjectBytes {
		return dst, false
	}
	a, err := s.models.Current().Assign(p.short.model, p.short.version, p.short.subject)
	if err != nil {
		return dst, false
	}
	var topK *uint32
	if p.short.limited {
		topK = &p.short.topK
	}
	p.prepare(s.assignedOf(a), topK, false)
	values := p.short.features
	if p.version.Compiled.Signature().Check(values, 0) != nil {
		return dst, false
	}
	class, err := p.version.Compiled.Predict(p.probabilities, values)
	if err != nil {
		return dst, false
	}
	if dst, ok = p.write(dst, class, call.JSON()); !ok || !call.May(len(dst)) {
		return dst, false
	}
	confidence := p.probabilities[class]
	if p.observe(nil, values, nil, class, confidence) {
		p.unsure.note(call.Context(), &p.assigned, values, nil, class, confidence)
	}
	return dst, true
}

// read reads a request, in JSON or in Protobuf's wire format.
func (p *predictor) read(message []byte, json bool) bool {
	if !json {
		return p.short.parseWire(message)
	}
	if p.json == nil {
		p.json = new(shortJSON)
	}
	r := &p.json.request
	if !hotjson.Unmarshal(message, r) || r.Inputs != nil || r.Explain || len(r.Features) == 0 {
		return false
	}
	p.short = shortRequest{
		features: append(p.short.features[:0], r.Features...),
		model:    r.Model, version: r.Version, subject: r.SubjectId,
		topK: r.GetTopK(), limited: r.TopK != nil,
	}
	return true
}

// write appends the answer, in the format of the request.
func (p *predictor) write(dst []byte, class int, json bool) ([]byte, bool) {
	if !json {
		return p.appendWire(dst, class), true
	}
	r := &p.json.response
	p.answer(r, class)
	return hotjson.Append(dst, r)
}
