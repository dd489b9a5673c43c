package crash

import (
	"fmt"
	"runtime/debug"

	"github.com/rs/zerolog"
)

// PanicError is the error of work that panicked.
type PanicError struct {
	// Value is what it panicked with.
	Value any
	// Stack is where, as the runtime writes it, and Calls the same as [Fault] takes it.
	Stack []byte
	Calls []uintptr
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Contain calls f and returns a [*PanicError] where it panics. It is for goroutines that no request
// belongs to: what panics there would end the process.
func Contain(f func()) (contained error) {
	defer func() {
		if value := recover(); value != nil {
			contained = &PanicError{Value: value, Stack: debug.Stack(), Calls: Stack()}
		}
	}()
	f()
	return nil
}

// Tell logs a panic that was contained, and reports it; work is what went wrong, such as "following
// the registry". r may be nil.
func (p *PanicError) Tell(logger *zerolog.Logger, r *Reporter, work string) {
	logger.Error().Err(p).Bytes("stack", p.Stack).Msg(work + " panicked; it goes on")
	r.Report(Fault{Code: "internal", Panic: p.Value, Stack: p.Calls})
}
