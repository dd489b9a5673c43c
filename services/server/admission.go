package server

import (
	"cmp"
	"runtime"
	runtimemetrics "runtime/metrics"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/admission"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// newAdmission returns what refuses predictions that there is no time for.
func newAdmission(o Options, measures *metrics.Metrics) *rpc.Admission {
	controller := admission.New(admission.Options{
		Processors: o.processors(),
		Limit:      int64(o.MaxInFlight),
		MaxWait:    o.MaxQueueTime,
		Backlog:    backlog(),
		Unread:     o.sockets.unread,
	})
	var waited func(time.Duration)
	if !o.Unmonitored {
		waited = measures.WatchAdmission(controller.State)
	}
	paths := make(map[string]bool)
	eachMethod(predictionv1.File_sepal_prediction_v1_prediction_service_proto, func(path string, method protoreflect.MethodDescriptor) {
		paths[path] = method.IsStreamingClient()
	})
	return rpc.NewAdmission(rpc.AdmissionOptions{Controller: controller, Paths: paths, Waited: waited, Logger: o.Logger})
}

// processors returns how many there are to answer with.
func (o Options) processors() int { return cmp.Or(o.Processors, runtime.GOMAXPROCS(0)) }

// backlog returns a function that tells how many goroutines are ready to run and do not. Only one
// goroutine may call it at a time.
func backlog() func() int {
	ready := []runtimemetrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	return func() int {
		runtimemetrics.Read(ready)
		if ready[0].Value.Kind() != runtimemetrics.KindUint64 {
			return 0 // a runtime that does not tell
		}
		return int(ready[0].Value.Uint64())
	}
}
