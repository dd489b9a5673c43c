package server_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// changeRounds is how many times a version is published, rolled out, looked for and rolled back.
const (
	changeRounds      = 100
	changeRoundsTests = 25 // enough to see a request fail; the benchmark takes the rest
)

// TestChangesUnderLoad shows that requests never notice what happens to versions: none fails,
// and each is answered by what the version that it names has learnt.
func TestChangesUnderLoad(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	made := releases(t, changeRoundsTests)
	l := startLoad(t, env, made, 4, 0)
	change(t, env, made, 0)
	latencies, failed := l.stop()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, the first: %v", len(failed), len(latencies)+len(failed), failed[0])
	}
	if len(latencies) < changeRoundsTests {
		t.Errorf("only %d requests were made meanwhile", len(latencies))
	}
}

// BenchmarkChangesUnderLoad reports the p99 of a steady load while versions come and go, over
// that of the same load left alone: with a moment between the rounds, and without. The clients
// and who makes the changes share the processors with the server.
func BenchmarkChangesUnderLoad(b *testing.B) {
	for name, pause := range map[string]time.Duration{"EveryMoment": 30 * time.Millisecond, "WithoutPause": 0} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				changesUnderLoad(b, pause)
			}
		})
	}
}

func changesUnderLoad(b *testing.B, betweenRounds time.Duration) {
	b.Helper()
	const pause = 2 * time.Millisecond // between the requests of a client: a server has time to spare
	env := startRegistry(b, "v1.0.0")
	made := releases(b, changeRounds)
	quiet := startLoad(b, env, nil, 8, pause)
	time.Sleep(3 * time.Second)
	alone, failedAlone := quiet.stop()

	busy := startLoad(b, env, made, 8, pause)
	change(b, env, made, betweenRounds)
	changing, failed := busy.stop()
	b.ReportMetric(float64(len(failedAlone)+len(failed)), "failed")
	b.ReportMetric(float64(len(changing)), "requests")
	b.ReportMetric(p99(alone).Seconds()*1e6, "quiet-p99-µs")
	b.ReportMetric(p99(changing).Seconds()*1e6, "changing-p99-µs")
	b.ReportMetric(p99(changing).Seconds()/p99(alone).Seconds(), "p99-ratio")
}

// release is a version and its file.
type release struct {
	version string
	file    []byte
}

// releases makes versions ahead of the load, which must not wait for that.
func releases(t testing.TB, n int) []release {
	t.Helper()
	made := make([]release, n)
	for i := range made {
		version := fmt.Sprintf("v1.1.%d", i)
		made[i] = release{version, testenv.IrisFile(t, version)}
	}
	return made
}

// change publishes versions, and rolls each out and back, with a pause before each.
func change(t testing.TB, env *testenv.Env, made []release, pause time.Duration) {
	t.Helper()
	ctx := t.Context()
	client := env.Registry(t, testenv.Protocols()[0])
	for _, r := range made {
		time.Sleep(pause)
		if _, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: r.file}); err != nil {
			t.Fatal(err)
		}
		set(ctx, t, client, r.version)
		if _, err := client.Reload(ctx, &registryv1.ReloadRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Rollback(ctx, &registryv1.RollbackRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

func set(ctx context.Context, t testing.TB, client registryv1connect.RegistryServiceClient, version string) {
	t.Helper()
	now, err := client.GetRollout(ctx, &registryv1.GetRolloutRequest{})
	if err != nil {
		t.Fatal(err)
	}
	now.Rollout.Stable = version
	if _, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: now.GetRollout()}); err != nil {
		t.Fatal(err)
	}
}

// load is clients that ask for the same row, one request after the other.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	// confidences are what each version answers the row with.
	confidences sync.Map

	mu        sync.Mutex
	latencies []time.Duration
	failed    []error
}

var row = []float64{5.9, 3.0, 5.1, 1.8}

func startLoad(t testing.TB, env *testenv.Env, made []release, clients int, pause time.Duration) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel}
	l.expect(t, testenv.IrisFile(t, "v1.0.0"))
	for _, r := range made {
		l.expect(t, r.file)
	}
	protocols := testenv.Protocols()
	var begun atomic.Int64
	for i := range clients {
		client := env.Prediction(t, protocols[i%len(protocols)])
		l.done.Go(func() {
			for ctx.Err() == nil {
				l.ask(ctx, client)
				begun.Add(1)
				time.Sleep(pause)
			}
		})
	}
	for begun.Load() < int64(clients) {
		time.Sleep(time.Millisecond)
	}
	return l
}

// expect takes down what the version of a file answers.
func (l *load) expect(t testing.TB, file []byte) {
	t.Helper()
	message, model, err := native.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	probabilities := make([]float64, model.NumClasses())
	class, err := model.Predict(probabilities, row)
	if err != nil {
		t.Fatal(err)
	}
	l.confidences.Store(message.GetVersion(), probabilities[class])
}

func (l *load) ask(ctx context.Context, client predictionv1connect.PredictionServiceClient) {
	start := time.Now()
	response, err := client.Predict(context.WithoutCancel(ctx), &predictionv1.PredictRequest{Features: row})
	took := time.Since(start)
	if want, known := l.confidences.Load(response.GetModelVersion()); err == nil && (!known || want != response.GetConfidence()) {
		err = fmt.Errorf("version %q answers %v, expected %v", response.GetModelVersion(), response.GetConfidence(), want)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, err)
		return
	}
	l.latencies = append(l.latencies, took)
}

// stop ends the load and returns how long its requests took, and why others failed.
func (l *load) stop() ([]time.Duration, []error) {
	l.cancel()
	l.done.Wait()
	return l.latencies, l.failed
}

func p99(latencies []time.Duration) time.Duration {
	slices.Sort(latencies)
	return latencies[len(latencies)*99/100]
}
