package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/flood"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
)

// workload is a kind of request, and how many connections it comes over.
type workload struct {
	name, title string
	connections int
	inFlight    int // on each connection, to measure the capacity
	path        string
	message     proto.Message
}

// batchRows is how many rows a batch has.
const batchRows = 1000

func workloads() []workload {
	row := drive.Row[:]
	batch := &predictionv1.BatchPredictRequest{}
	for range batchRows {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: row})
	}
	one := workload{
		name: "predict", title: "gRPC Predict, one row", connections: 4, inFlight: 16,
		path: predictionv1connect.PredictionServicePredictProcedure, message: &predictionv1.PredictRequest{Features: row},
	}
	many := one
	many.name, many.connections, many.inFlight = "predict-many", 32, 16
	rows := workload{
		name: "batch", title: "gRPC BatchPredict, 1000 rows", connections: 32, inFlight: 0,
		path: predictionv1connect.PredictionServiceBatchPredictProcedure, message: batch,
	}
	return []workload{one, rows, many}
}

func names() []string {
	var list []string
	for _, w := range workloads() {
		list = append(list, w.name)
	}
	return list
}

const (
	// deadline is that of each request.
	deadline = 100 * time.Millisecond
	// closedFor is how long the capacity is measured in a closed loop, searchFor each step of an
	// open one.
	closedFor = 2 * time.Second
	searchFor = time.Second
	calm      = time.Second
	after     = 2 * time.Second
)

// measure finds the capacity of a server, and asks it for more.
func (w workload) measure(ctx context.Context, c process.Command, lasts time.Duration, times float64) (*flooding, error) {
	server, err := process.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	body, err := proto.Marshal(w.message)
	if err != nil {
		return nil, err
	}
	options := flood.Options{Address: server.Address, Path: w.path, Body: body, Connections: w.connections, Timeout: deadline}
	f := &flooding{Name: w.name, Title: w.title, Connections: w.connections}
	if f.Closed, err = w.closedLoop(ctx, options); err != nil {
		return nil, err
	}
	if f.Capacity, err = search(ctx, options, f.Closed); err != nil {
		return nil, err
	}
	options.Phases = []flood.Phase{
		{Rate: f.Capacity / 2, Duration: calm}, {Rate: f.Capacity * times, Duration: lasts}, {Rate: f.Capacity / 2, Duration: after},
	}
	cpu, err := server.CPU()
	if err != nil {
		return nil, err
	}
	record, broken := flood.Run(ctx, options)
	if record == nil {
		return nil, broken
	}
	used, err := server.CPU()
	if err != nil {
		return nil, fmt.Errorf("%w; it wrote: %s", err, server.Wrote())
	}
	if broken != nil {
		f.Broken = broken.Error()
	}
	f.Busy = (used - cpu).Seconds() / (calm + lasts + after).Seconds()
	f.fill(record, lasts)
	return f, ctx.Err()
}

// closedLoop returns how many requests a second are answered when clients wait for the answers.
func (w workload) closedLoop(ctx context.Context, o flood.Options) (float64, error) {
	o.Timeout, o.Closed = 10*time.Second, w.inFlight
	if w.inFlight == 0 { // a few connections will do, one at a time
		o.Connections, o.Closed = 4, 1
	}
	o.Phases = []flood.Phase{{Duration: closedFor / 4}, {Duration: closedFor}}
	record, err := flood.Run(ctx, o)
	if err != nil {
		return 0, err
	}
	return float64(record.Phases[1].OK) / closedFor.Seconds(), nil
}

// search returns the largest rate of an open loop, of those tried, at which nearly all requests are
// answered in time: the capacity. It is none above that of the closed loop.
func search(ctx context.Context, o flood.Options, closed float64) (float64, error) {
	for share := 1.0; share > 0.3; share -= 0.1 {
		o.Phases = []flood.Phase{{Rate: closed * share, Duration: searchFor}}
		record, err := flood.Run(ctx, o)
		if err != nil {
			return 0, err
		}
		if p := record.Phases[0]; float64(p.OK) >= 0.95*float64(p.Due) {
			return float64(p.OK) / searchFor.Seconds(), nil
		}
	}
	return 0, fmt.Errorf("no open loop of 40 %% of the %.0f requests a second of a closed one is answered in time: the machine is too busy", closed)
}
