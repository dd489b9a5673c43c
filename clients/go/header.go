package sepal

import (
	"fmt"
	"net/http"
	"strings"
)

type header struct{ name, value string }

// check refuses what would fail on the wire, or would break the protocol in use. The text
// never shows the value: it may be a secret.
func (h header) check() error {
	if h.name == "" || strings.IndexFunc(h.name, notInToken) >= 0 {
		return fmt.Errorf("sepal: WithHeader(%q): expected a name of letters, digits and !#$%%&'*+-.^_`|~", h.name)
	}
	if isReserved(h.name) {
		return fmt.Errorf("sepal: WithHeader(%q): the protocol sets this header itself", h.name)
	}
	if at := strings.IndexFunc(h.value, notPrintable); at >= 0 {
		return fmt.Errorf("sepal: WithHeader(%q): the value has a character at byte %d that is not "+
			"printable ASCII: encode it, for example with connect.EncodeBinaryHeader", h.name, at)
	}
	return nil
}

func isReserved(name string) bool {
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length",
		"Content-Type", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade", "X-Grpc-Web":
		return true
	}
	return strings.HasPrefix(name, "Grpc-") || strings.HasPrefix(name, "Connect-")
}

func notInToken(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func notPrintable(r rune) bool { return (r < ' ' && r != '\t') || r > '~' }
