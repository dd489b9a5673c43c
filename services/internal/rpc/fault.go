package rpc

import (
	"errors"
	"strings"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// serverFault reports whether a code that a client got is the server's own fault.
func serverFault(code connect.Code) bool {
	return code == connect.CodeInternal || code == connect.CodeUnknown || code == connect.CodeDataLoss
}

// fault is what went wrong with a call.
type fault struct {
	rpc, protocol string // empty: those of the call
	code          connect.Code
	err           error
}

// report tells of a fault, and of its request as far as it is known. c may be nil.
func report(crashes *crash.Reporter, c *call, f fault) {
	if crashes == nil {
		return
	}
	told := crash.Fault{RPC: f.rpc, Protocol: f.protocol, Code: f.code.String(), Err: f.err}
	var p *panicError
	if errors.As(f.err, &p) {
		told.Panic, told.Stack = p.value, p.calls
	}
	if c != nil {
		told.RequestID, told.TraceID = c.requestID(), c.traceID()
		told.Model, told.ModelVersion = c.model, c.version
		if c.trace != nil {
			told.SpanID = c.trace.request.SpanID()
		}
		if told.RPC == "" && c.known {
			told.RPC, told.Protocol = c.answer.request.URL.Path, c.protocol.String()
		}
	}
	told.RPC = strings.TrimPrefix(told.RPC, "/")
	crashes.Report(told)
}
