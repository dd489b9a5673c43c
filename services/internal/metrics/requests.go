package metrics

import (
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/monitor"
)

// Protocol is the protocol of a request.
type Protocol int

// The protocols that a server speaks.
const (
	Connect Protocol = iota
	GRPC
	GRPCWeb
	numProtocols
)

// String returns the label of the protocol, which is Connect's name of it.
func (p Protocol) String() string {
	return [numProtocols]string{connect.ProtocolConnect, connect.ProtocolGRPC, connect.ProtocolGRPCWeb}[p]
}

// ok is the code of a request that went well; connect.Code has none.
const ok connect.Code = 0

const numCodes = connect.CodeUnauthenticated + 1

// Native histograms, for who scrapes in Protobuf: buckets 10 % apart, and started anew, once an
// hour at most, when there are too many.
const (
	nativeFactor     = 1.1
	nativeMaxBuckets = 160
	nativeMinReset   = time.Hour
)

// unknown is the label of RPCs that there are not.
const unknown = "unknown"

// Procedure is an RPC that a server has.
type Procedure struct {
	// Path is the path of its URL, such as "/sepal.prediction.v1.PredictionService/Predict".
	Path string
	// Streams says that it is not unary.
	Streams bool
	// Activity also counts the requests, by steps of time. Nil: nothing else does.
	Activity *monitor.Requests
}

// Requests are the metrics of the requests to a set of RPCs.
type Requests struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	rejected *rejections

	requestBytes, responseBytes, batchRows *shape

	rpcs    map[string]*RPC
	unknown *RPC
}

func newRequests(procedures []Procedure) *Requests {
	r := &Requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sepal_requests_total",
			Help: "Requests that were answered, by the code that the client got.",
		}, []string{"rpc", "protocol", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "sepal_request_duration_seconds",
			Help:                            "Time from the headers of a request to the end of its answer; of a stream, how long it was open.",
			Buckets:                         []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeMaxBuckets,
			NativeHistogramMinResetDuration: nativeMinReset,
		}, []string{"rpc", "protocol"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sepal_requests_in_flight",
			Help: "Requests that are being answered.",
		}, []string{"rpc"}),
		rejected: newRejections(),
		requestBytes: newShape("sepal_request_message_bytes",
			"Size of what was sent with a request, compressed where it was; of a stream, all of its messages.", 6, 2, 11),
		responseBytes: newShape("sepal_response_message_bytes",
			"Size of what was sent as an answer, compressed where it was; of a stream, all of its messages.", 6, 2, 11),
		batchRows: newShape("sepal_batch_rows", "Rows of a batch, as it was asked for.", 0, 2, 11),
		rpcs:      make(map[string]*RPC, len(procedures)),
	}
	for _, p := range procedures {
		r.rpcs[p.Path] = r.rpc(strings.TrimPrefix(p.Path, "/"), p)
	}
	r.unknown = r.rpc(unknown, Procedure{})
	return r
}

// Describe implements [prometheus.Collector].
func (r *Requests) Describe(to chan<- *prometheus.Desc) {
	for _, c := range r.collectors() {
		c.Describe(to)
	}
	for _, s := range []*shape{r.requestBytes, r.responseBytes, r.batchRows} {
		to <- s.desc
	}
}

// Collect implements [prometheus.Collector].
func (r *Requests) Collect(to chan<- prometheus.Metric) {
	for _, c := range r.collectors() {
		c.Collect(to)
	}
	for _, m := range r.rpcs {
		m.collectSizes(to)
	}
	r.unknown.collectSizes(to)
}

func (r *Requests) collectors() [4]prometheus.Collector {
	return [...]prometheus.Collector{r.total, r.duration, r.inFlight, r.rejected.total}
}

// rpc returns the metrics of an RPC. Those that say that nothing has happened yet are there from
// the start; a code and a duration appear when they occur first, since most never do.
func (r *Requests) rpc(label string, p Procedure) *RPC {
	m := &RPC{
		Streams: p.Streams, activity: p.Activity, requests: r, label: label,
		inFlight: r.inFlight.WithLabelValues(label),
		request:  newSizes(r.requestBytes), response: newSizes(r.responseBytes), rows: newSizes(r.batchRows),
	}
	for p := range numProtocols {
		m.counter(p, ok)
	}
	return m
}

// RPC returns the metrics of the RPC at that path. The second result says whether there is one;
// if not, the first is that of all RPCs that there are not.
func (r *Requests) RPC(path string) (*RPC, bool) {
	if m, known := r.rpcs[path]; known {
		return m, true
	}
	return r.unknown, false
}

// RPC is the metrics of one RPC.
type RPC struct {
	// Streams is that of its Procedure.
	Streams bool

	requests  *Requests
	activity  *monitor.Requests
	label     string
	inFlight  prometheus.Gauge
	totals    [numProtocols][numCodes]atomic.Pointer[prometheus.Counter]
	durations [numProtocols]atomic.Pointer[prometheus.Observer]

	request, response, rows *sizes
}

// Begin counts a request as in flight, until End.
func (m *RPC) Begin() {
	m.inFlight.Inc()
	if m.activity != nil {
		m.activity.Begin()
	}
}

// End counts a request that was answered with the code, 0 where it went well. The reason says more
// of one that was rejected.
func (m *RPC) End(p Protocol, code connect.Code, reason Reason, took time.Duration) {
	m.inFlight.Dec()
	if code >= numCodes {
		code = connect.CodeUnknown
	}
	m.counter(p, code).Inc()
	m.observer(p).Observe(took.Seconds())
	m.requests.rejected.add(code, reason)
	if m.activity != nil {
		m.activity.End(outcomeOf(code), !m.Streams, took)
	}
}

// Reject counts a message of a stream that was rejected, while the stream goes on.
func (m *RPC) Reject(reason Reason) { m.requests.rejected.add(ok, reason) }

// Batch counts a batch of so many rows.
func (m *RPC) Batch(rows int) { m.rows.add(rows) }

func (m *RPC) collectSizes(to chan<- prometheus.Metric) {
	for _, s := range []*sizes{m.request, m.response, m.rows} {
		s.collect(to, m.label)
	}
}

func (m *RPC) counter(p Protocol, code connect.Code) prometheus.Counter {
	handle := &m.totals[p][code]
	if c := handle.Load(); c != nil {
		return *c
	}
	label := "ok"
	if code != ok {
		label = code.String()
	}
	c := m.requests.total.WithLabelValues(m.label, p.String(), label)
	handle.Store(&c)
	return c
}

func (m *RPC) observer(p Protocol) prometheus.Observer {
	handle := &m.durations[p]
	if o := handle.Load(); o != nil {
		return *o
	}
	o := m.requests.duration.WithLabelValues(m.label, p.String())
	handle.Store(&o)
	return o
}
