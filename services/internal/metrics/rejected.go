package metrics

import (
	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/monitor"
)

// rejections counts requests that were not answered for a limit or for who asked.
type rejections struct {
	total  *prometheus.CounterVec
	byCode [numCodes]prometheus.Counter // nil: it is no rejection
}

func newRejections() *rejections {
	r := &rejections{total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sepal_rejected_total",
		Help: "Requests that a limit kept from being answered, or who asked.",
	}, []string{"reason"})}
	for _, reason := range []string{"rate", "overload"} {
		r.total.WithLabelValues(reason) // there from the start
	}
	r.byCode[connect.CodeResourceExhausted] = r.total.WithLabelValues("size")
	r.byCode[connect.CodeDeadlineExceeded] = r.total.WithLabelValues("deadline")
	auth := r.total.WithLabelValues("auth")
	r.byCode[connect.CodeUnauthenticated], r.byCode[connect.CodePermissionDenied] = auth, auth
	return r
}

func (r *rejections) add(code connect.Code) {
	if c := r.byCode[code]; c != nil {
		c.Inc()
	}
}

// outcomeOf returns whose fault a code is.
func outcomeOf(code connect.Code) monitor.Outcome {
	switch code {
	case ok, connect.CodeCanceled:
		return monitor.Answered
	case connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss, connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return monitor.Failed
	default:
		return monitor.Refused
	}
}
