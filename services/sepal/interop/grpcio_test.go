package interop_test

import (
	"os/exec"
	"testing"
)

// python returns a Python that has grpcio: Debian's goes with the system's, which need not be the
// first there is.
func python(t *testing.T) string {
	t.Helper()
	var why error
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if why = exec.CommandContext(t.Context(), name, "-c", "import grpc").Run(); why == nil {
			return name
		}
	}
	missing(t, why, "python3-grpcio")
	return ""
}

// TestPython has grpcio call the server, whose HTTP/2 is that of gRPC's own C library: single calls,
// streams, deadlines, cancellation, metadata, megabytes, and pings every few milliseconds.
func TestPython(t *testing.T) {
	t.Parallel()
	interpreter := python(t)
	onNative(t, func(t *testing.T, p *process) {
		arguments := []string{"-B", "client.py", p.address}
		if p.ca != "" {
			arguments = append(arguments, p.ca)
		}
		run(t, interpreter, arguments...)
	})
}
