package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// Options say what of a registry is served by default. The zero value suits most.
type Options struct {
	// SingleFile says that the store holds one model file and nothing else. Whatever it is
	// called, it is served, and what replaces it is served in its place.
	SingleFile bool
	// Version is the version that answers for the default model, whatever its rollout says; for
	// a single file, the version to call it. Empty: the rollout decides, and where nobody set
	// one, the newest release answers, a pre-release such as v2.0.0-rc.1 only where there is no
	// release; a single file is called what it states.
	Version string
	// DefaultModel is the model that answers when a request names none. Empty: the only one.
	DefaultModel string
	// Repair opens a registry from which nothing could be served, so that it can be looked at
	// and mended; what is wrong is in [Registry.Problems].
	Repair bool
	// Changed is called with each snapshot that comes to serve after the first, one at a time.
	// It must not call the registry's methods that change it. nil: nothing is called.
	Changed func(before, after *Registry)
	// Loaded is told how long it took to read, decode and check each version that is loaded, one at
	// a time. nil: nobody is.
	Loaded func(took time.Duration)
	// Panicked is told of a model file whose reading panicked, which is then one that cannot be
	// loaded. nil: nobody is.
	Panicked func(*crash.PanicError)
	// Patience is how long the store may give no sign of life while it is read. 0: 45 s.
	Patience time.Duration
	// Now tells the time. nil: time.Now.
	Now func() time.Time
}

// Live is a registry that follows its store. Any number of goroutines may use it.
type Live struct {
	store      Store
	options    Options
	current    atomic.Pointer[Registry]
	agreements *agreements
	verifying  turn // one at a time: a check reads and decodes a whole file

	written atomic.Pointer[writtenRecord]

	loading turn // taken while a snapshot is made
	writing turn // taken while this process changes the store
}

// Open reads every version that there is and checks it. A version that cannot be loaded is
// reported by [Registry.Broken]; but where it is one that would answer requests, opening fails.
// So it does when ctx ends, or the store is silent for too long. The error is one line that says
// what is wrong, where, and what to do.
func Open(ctx context.Context, store Store, o Options) (*Live, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Loaded == nil {
		o.Loaded = func(time.Duration) {}
	}
	if o.Panicked == nil {
		o.Panicked = func(*crash.PanicError) {}
	}
	if o.Patience == 0 {
		o.Patience = silence
	}
	l := &Live{
		store: store, options: o, agreements: &agreements{now: o.Now},
		verifying: newTurn(), loading: newTurn(), writing: newTurn(),
	}
	within, alive, stop := l.watched(ctx)
	defer stop()
	r, err := await(within, func() (*Registry, error) { return l.read(within, alive) })
	if err != nil {
		return nil, l.storeError(err)
	}
	if !o.Repair {
		if err := l.check(r); err != nil {
			return nil, err
		}
	}
	l.current.Store(r)
	return l, nil
}

// Current returns the snapshot that is served now. A caller that looks at it twice keeps it.
func (l *Live) Current() *Registry { return l.current.Load() }

// Agreements returns how the shadows of a model agree with what answers.
func (l *Live) Agreements(model string) []AgreementCount { return l.agreements.counts(model) }

// Reload looks at the store and serves what it holds now, and reports whether that is something
// else than before. What cannot be loaded never replaces what serves; [Registry.Problems] and
// [Registry.Broken] of the snapshot say so. The error is of a store that cannot be read at all, or
// of which ctx did not last to hear.
func (l *Live) Reload(ctx context.Context) (changed bool, err error) {
	within, alive, stop := l.watched(ctx)
	defer stop()
	if err = l.loading.take(within); err == nil {
		changed, err = await(within, func() (bool, error) {
			defer l.loading.give()
			next, err := l.read(within, alive)
			if err != nil {
				return false, err
			}
			return l.serve(l.Current(), next), nil
		})
	}
	if err == nil {
		return changed, nil
	}
	if ctx.Err() == nil { // else it says nothing of the store
		l.setUnread(l.storeError(err))
	}
	return false, l.storeError(err)
}

// storeError says of an error that it is the store's, unless it does so itself.
func (l *Live) storeError(err error) error {
	var ended, panicked bool
	ended = errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	panicked = errors.As(err, new(*crash.PanicError))
	if (ended || panicked) && !errors.As(err, new(*StoreError)) {
		return &StoreError{Place: l.store.String(), Err: err}
	}
	return err
}

// setUnread says of the snapshot that is served why there is no later one.
func (l *Live) setUnread(err error) {
	for {
		before := l.Current()
		if before.unread != nil && before.unread.Error() == err.Error() {
			return
		}
		now := *before
		now.unread = err
		if l.current.CompareAndSwap(before, &now) {
			return
		}
	}
}

// serve makes next what is served, and reports whether that is something else than before. It is
// called with loading taken.
func (l *Live) serve(before, next *Registry) (changed bool) {
	if next.same(before) {
		return false
	}
	l.current.Store(next)
	for name, e := range next.models {
		l.agreements.keep(name, e.shadows)
	}
	if l.options.Changed != nil {
		l.options.Changed(before, next)
	}
	return true
}

// lookAgain is how often a store is looked at anew that changes while it is read.
const lookAgain = 5

// read makes a snapshot of what the store holds, with what serves now in the place of what
// cannot be loaded. It calls alive whenever the store answers.
func (l *Live) read(ctx context.Context, alive func()) (*Registry, error) {
	for attempt := 1; ; attempt++ {
		files, err := l.store.Files(ctx)
		if err != nil {
			return nil, &StoreError{Place: l.store.String(), Err: err}
		}
		alive()
		b := &builder{live: l, files: audible{files, alive}, before: l.current.Load()}
		if b.before == nil {
			b.before = new(Registry)
		}
		r, err := b.snapshot()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx) // which is what files seemed broken for
		}
		if !b.outdated || attempt == lookAgain {
			return r, err
		}
	}
}

// Place returns what messages call the registry; those of its files begin with it and "/".
func (l *Live) Place() string { return strings.TrimSuffix(l.store.String(), "/") }

// at returns what messages call a file of the store.
func (l *Live) at(path string) string {
	if path == "." || path == "" {
		return l.store.String()
	}
	return l.Place() + "/" + path
}

// What to do, for whoever gave the path: as the variable or as an argument.
const (
	remedy       = "write one with `sepal train`, or give no model path (MODEL_PATH) for the built-in iris model"
	layoutRemedy = "a model path (MODEL_PATH) is a model file, or a folder that holds <model>/<version>/model.binpb (or model.json)"
	pinRemedy    = ", or take another version (MODEL_VERSION)"
)

// check refuses a snapshot with which a server must not start: one that lacks what would answer.
func (l *Live) check(r *Registry) error {
	if len(r.models) == 0 && len(r.layoutProblems) > 0 {
		return fmt.Errorf("%s: %w; %s", l.store, r.layoutProblems[0], layoutRemedy)
	}
	if len(r.models) == 0 {
		return fmt.Errorf("%s: holds no model; expected <model>/<version>/model.binpb (or model.json) in it, such as iris/v1.0.0/model.binpb: publish one with `sepal models publish FILE --registry %s`, or give no model path (MODEL_PATH) for the built-in iris model", l.store, l.store)
	}
	if r.defaultModel == "" {
		return fmt.Errorf("%s: holds several models (%s); name the default one (SEPAL_DEFAULT_MODEL)", l.store, some(sortedKeys(r.models)))
	}
	if r.models[r.defaultModel] == nil {
		return fmt.Errorf("%s: holds no model %q (SEPAL_DEFAULT_MODEL); it holds: %s", l.store, r.defaultModel, some(sortedKeys(r.models)))
	}
	for _, name := range sortedKeys(r.models) {
		if err := l.checkEntry(r, r.models[name]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Live) checkEntry(r *Registry, e *entry) error {
	if e.notFollowed == nil || e.partly {
		return nil
	}
	var broken *brokenError
	if !errors.As(e.notFollowed, &broken) {
		return e.notFollowed
	}
	remedy := "repair or remove it"
	if e.name == r.defaultModel {
		remedy += pinRemedy
	}
	return fmt.Errorf("%w; %s", e.notFollowed, remedy)
}
