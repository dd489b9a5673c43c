package crash

import (
	"path"
	"runtime"
	"slices"
	"strings"
)

// maxFrames is how many calls of a stack are told, the innermost.
const maxFrames = 64

// Stack returns the stack of a panic. It is for a function that the one which recovers calls.
func Stack() []uintptr {
	calls := make([]uintptr, maxFrames)
	const skipped = 2 // runtime.Callers and this function
	return calls[:runtime.Callers(skipped, calls)]
}

type stacktrace struct {
	Frames []frame `json:"frames"` // the innermost last
}

type frame struct {
	Function string `json:"function"`
	Module   string `json:"module"`
	Filename string `json:"filename"`
	Line     int    `json:"lineno"`
	InApp    bool   `json:"in_app"`
}

// ours is what the paths of the packages of this program begin with.
const ours = "github.com/sepal-ml/sepal/"

// stacktraceOf returns the stack from where it panicked outwards.
func stacktraceOf(calls []uintptr) *stacktrace {
	var list []frame
	callers := runtime.CallersFrames(calls)
	for more := len(calls) > 0; more; {
		var f runtime.Frame
		f, more = callers.Next()
		if f.Function == "runtime.gopanic" {
			list = nil // what recovered is no part of it
			continue
		}
		list = append(list, frameOf(f))
	}
	// The runtime's own way to a panic.
	for len(list) > 1 && list[0].Module == "runtime" {
		list = list[1:]
	}
	if list == nil {
		return nil
	}
	slices.Reverse(list)
	return &stacktrace{Frames: list}
}

func frameOf(f runtime.Frame) frame {
	// A package's path may have dots before its last element, a function's name any number.
	end := strings.LastIndex(f.Function, "/") + 1
	module, function, _ := strings.Cut(f.Function[end:], ".")
	module = f.Function[:end] + module
	return frame{
		Function: function,
		Module:   module,
		// Not where it stood on the machine that built it.
		Filename: path.Join(module, path.Base(f.File)),
		Line:     f.Line,
		InApp:    strings.HasPrefix(module+"/", ours),
	}
}
