package server

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/stores"
)

// openModels loads and checks the models that the options name, and notes in them how long each
// took.
func openModels(ctx context.Context, o *Options) (*registry.Live, error) {
	store, single, err := stores.Open(ctx, o.ModelPath)
	if err != nil {
		return nil, err
	}
	o.loads = metrics.NewLoads()
	return registry.Open(ctx, store, registry.Options{
		Loaded:       o.loads.Add,
		SingleFile:   single,
		Version:      o.ModelVersion,
		DefaultModel: o.DefaultModel,
		Repair:       o.Repair,
		Changed:      func(before, after *registry.Registry) { logChange(&o.Logger, before, after) },
		Panicked:     func(p *crash.PanicError) { p.Tell(&o.Logger, o.telemetry.crashes, "reading a model") },
	})
}

// newMonitor returns what counts the predictions of the models.
func newMonitor(o Options, models *registry.Live) *monitor.Monitor {
	return monitor.New(monitor.Options{
		Current:             models.Current,
		ConfidenceThreshold: o.ConfidenceThreshold,
		DriftWindow:         o.DriftWindow,
		DriftMinRows:        o.DriftMinRows,
		Panicked:            func(p *crash.PanicError) { p.Tell(&o.Logger, o.telemetry.crashes, "counting requests") },
	})
}

// follower keeps the models what their store holds.
type follower struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

func (f *follower) start(models *registry.Live, o Options) {
	ctx, cancel := context.WithCancel(context.Background())
	f.stop = cancel
	f.done.Go(func() {
		models.Follow(ctx, o.PollInterval, func(err error) {
			var p *crash.PanicError
			if errors.As(err, &p) {
				p.Tell(&o.Logger, o.telemetry.crashes, "following the registry")
				return
			}
			o.Logger.Warn().Err(err).Msg("the registry cannot be followed; what was loaded serves on")
		})
	})
}

func (f *follower) end() {
	if f.stop != nil {
		f.stop()
		f.done.Wait()
	}
}

// logModels says which versions there are, and why others are not.
func logModels(log *zerolog.Logger, now *registry.Registry) {
	logChange(log, new(registry.Registry), now)
}

// logChange says what is served differently, and what newly cannot be.
func logChange(log *zerolog.Logger, before, after *registry.Registry) {
	known := map[string]bool{}
	for _, err := range before.Broken() {
		known[err.Error()] = true
	}
	for _, err := range after.Broken() {
		if !known[err.Error()] {
			log.Warn().Err(err).Msg("version not loaded")
		}
	}
	loaded := map[string]bool{}
	for _, v := range before.Versions() {
		loaded[v.Model+" "+v.Version+" "+v.Digest] = true
	}
	for _, v := range after.Versions() {
		key := v.Model + " " + v.Version + " " + v.Digest
		if !loaded[key] {
			log.Info().Str("model", v.Model).Str("model_version", v.Version).Str("digest", v.Digest).Msg("version loaded")
		}
		delete(loaded, key)
	}
	for _, v := range before.Versions() {
		if loaded[v.Model+" "+v.Version+" "+v.Digest] {
			log.Info().Str("model", v.Model).Str("model_version", v.Version).Msg("version unloaded")
		}
	}
	logProblems(log, before.Problems(), after.Problems())
	logRollouts(log, before, after)
}

// logProblems says what is newly not in force, and what is a problem no more.
func logProblems(log *zerolog.Logger, before, after []string) {
	for _, problem := range after {
		if !slices.Contains(before, problem) {
			log.Warn().Str("problem", problem).Msg("not in force")
		}
	}
	for _, problem := range before {
		if !slices.Contains(after, problem) {
			log.Info().Str("problem", problem).Msg("no problem any more")
		}
	}
}

// logRollouts says which rollouts are followed anew.
func logRollouts(log *zerolog.Logger, before, after *registry.Registry) {
	for _, name := range after.Models() {
		m, err := after.Model(name)
		if err != nil {
			continue
		}
		if was, err := before.Model(name); err == nil && was.Rollout.GetRevision() == m.Rollout.GetRevision() && was.Rollout.GetStable() == m.Rollout.GetStable() {
			continue
		}
		if m.Rollout.GetRevision() == 0 {
			continue // nobody set one
		}
		summary := ""
		if n := len(m.Events); n > 0 {
			summary = m.Events[n-1].GetSummary()
		}
		log.Info().Str("model", name).Uint32("revision", m.Rollout.GetRevision()).Str("stable", m.Rollout.GetStable()).Str("change", summary).Msg("rollout followed")
	}
}
