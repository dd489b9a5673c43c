package predictionapi

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// unsureEvery is how much time passes at least between two logged predictions.
const unsureEvery = time.Second

// UnsureLog logs predictions whose confidence is below the threshold: one in a second at most, of
// however many. All of them are counted, but for who wants to see one this is where. A nil one logs
// nothing.
type UnsureLog struct {
	logger   zerolog.Logger
	features bool
	since    time.Time
	next     atomic.Int64 // when the next one may be logged, as a time.Duration since since
}

// NewUnsureLog returns a log of unsure predictions: a line for each, at level info, since it is no
// fault. The line has the values of the row, which may be personal, only where features is true.
func NewUnsureLog(logger zerolog.Logger, features bool) *UnsureLog {
	return &UnsureLog{logger: logger, features: features, since: time.Now()}
}

// note logs an unsure prediction, unless one was logged a moment ago. The values are those that were
// scored; missing tells which of them were not given, nil for none.
func (l *UnsureLog) note(ctx context.Context, a *assigned, values []float64, missing []bool, class int, confidence float64) {
	if l == nil {
		return
	}
	now, next := time.Since(l.since), l.next.Load()
	if int64(now) < next || !l.next.CompareAndSwap(next, int64(now+unsureEvery)) {
		return
	}
	event := l.logger.Info().Str("request_id", rpc.RequestIDFrom(ctx))
	if id := rpc.TraceIDFrom(ctx); id != "" {
		event.Str("trace_id", id)
	}
	event.Str("model", a.version.Model).
		Str("model_version", a.version.Version).
		Str("variant", a.variant).
		Str("class", a.version.Compiled.Class(class)).
		Float64("confidence", confidence)
	if l.features {
		event.Dict("features", a.named(values, missing))
	}
	event.Msg("unsure prediction")
}

// named returns a row as a client gives it in inputs.
func (a *assigned) named(values []float64, missing []bool) *zerolog.Event {
	row := zerolog.Dict()
	signature := a.version.Compiled.Signature()
	for j, v := range values {
		switch f := signature.Feature(j); {
		case missing != nil && missing[j]:
			row.Interface(f.Name, nil)
		case f.Categorical():
			row.Str(f.Name, f.Categories[int(v)])
		default:
			row.Float64(f.Name, v)
		}
	}
	return row
}
