package metrics

import (
	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/monitor"
)

// Reason is why a request was not answered: for a limit, or for who asked.
type Reason uint8

// The reasons that there are.
const (
	// ReasonByCode is what the code that the client got says: too large for RESOURCE_EXHAUSTED, the
	// deadline for DEADLINE_EXCEEDED, who asked for UNAUTHENTICATED and PERMISSION_DENIED; any other
	// code is no rejection.
	ReasonByCode Reason = iota
	// ReasonSize is a message that is too large, or an answer.
	ReasonSize
	// ReasonRate is more in a time than the caller may ask for.
	ReasonRate
	// ReasonOverload is more than the server can do now, whoever asks.
	ReasonOverload
	// ReasonDeadline is a time that was over before the answer was there.
	ReasonDeadline
	// ReasonAuth is a caller that is not known, or may not do what it asks for.
	ReasonAuth
	numReasons
)

// String returns the label of the reason, empty for [ReasonByCode].
func (r Reason) String() string {
	return [numReasons]string{"", "size", "rate", "overload", "deadline", "auth"}[r]
}

// rejections counts requests that were not answered for a limit or for who asked.
type rejections struct {
	total    *prometheus.CounterVec
	byReason [numReasons]prometheus.Counter // there from the start; nil for ReasonByCode
}

func newRejections() *rejections {
	r := &rejections{total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sepal_rejected_total",
		Help: "Requests that a limit kept from being answered, or who asked; of a stream that goes on, each such message.",
	}, []string{"reason"})}
	for reason := ReasonByCode + 1; reason < numReasons; reason++ {
		r.byReason[reason] = r.total.WithLabelValues(reason.String())
	}
	return r
}

// add counts a request that ended with the code, 0 for well.
func (r *rejections) add(code connect.Code, reason Reason) {
	if code != ok && reason == ReasonByCode {
		reason = rejectionOf(code)
	}
	if c := r.byReason[reason]; c != nil {
		c.Inc()
	}
}

// rejectionOf returns what a code says of why a request was rejected.
func rejectionOf(code connect.Code) Reason {
	switch code {
	case connect.CodeResourceExhausted:
		return ReasonSize
	case connect.CodeDeadlineExceeded:
		return ReasonDeadline
	case connect.CodeUnauthenticated, connect.CodePermissionDenied:
		return ReasonAuth
	default:
		return ReasonByCode
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
