package h2

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"
)

// head is what a request begins with.
type head struct {
	method, scheme, authority, path string
	url                             *url.URL // nil: it is the path, and nothing else
	fields                          []hpack.HeaderField
	length                          int64 // of the body, -1 if it is not said
	status                          int   // not 0: it is refused with this
	pseudos                         [4]bool
	store                           [12]hpack.HeaderField
}

const (
	statusContinue        = http.StatusContinue
	statusHeadersTooLarge = http.StatusRequestHeaderFieldsTooLarge
)

var errMalformed = errors.New("the request is malformed")

// parse checks a list of fields as RFC 9113 section 8.2 and 8.3 ask, and keeps it.
func (h *head) parse(fields []hpack.HeaderField) error {
	n := 0
	h.pseudos = [4]bool{}
	for n < len(fields) && fields[n].IsPseudo() {
		if err := h.pseudo(fields[n]); err != nil {
			return err
		}
		n++
	}
	h.length = -1
	for _, f := range fields[n:] {
		if err := h.field(f); err != nil {
			return err
		}
	}
	h.fields = append(h.store[:0], fields[n:]...)
	return h.target()
}

// pseudo takes a field whose name begins with a colon: each may stand once.
func (h *head) pseudo(f hpack.HeaderField) error {
	to, which := &h.method, 0
	switch f.Name {
	case ":method":
	case ":scheme":
		to, which = &h.scheme, 1
	case ":path":
		to, which = &h.path, 2
	case ":authority":
		to, which = &h.authority, 3
	default:
		return errMalformed
	}
	again := h.pseudos[which]
	h.pseudos[which] = true
	if again || f.Value == "" && f.Name != ":authority" || !httpguts.ValidHeaderFieldValue(f.Value) {
		return errMalformed
	}
	*to = f.Value
	return nil
}

func (h *head) field(f hpack.HeaderField) error {
	if !validField(f) {
		return errMalformed
	}
	switch f.Name {
	case "content-length":
		n, err := strconv.ParseUint(f.Value, 10, 63)
		if err != nil || h.length >= 0 && h.length != int64(n) {
			return errMalformed
		}
		h.length = int64(n)
	case "host":
		if h.authority == "" {
			h.authority = f.Value
		}
	}
	return nil
}

// validField reports whether a field that is no pseudo-header may stand in a request.
func validField(f hpack.HeaderField) bool {
	switch f.Name {
	case "", "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return false
	case "te":
		return f.Value == "trailers"
	}
	for i := range len(f.Name) {
		if c := f.Name[i]; 'A' <= c && c <= 'Z' || !httpguts.IsTokenRune(rune(c)) {
			return false
		}
	}
	return httpguts.ValidHeaderFieldValue(f.Value)
}

// target checks what is asked for.
func (h *head) target() error {
	if h.method == "" || !validMethod(h.method) {
		return errMalformed
	}
	if !httpguts.ValidHostHeader(h.authority) || strings.IndexByte(h.authority, '@') >= 0 {
		return errMalformed
	}
	if h.method == http.MethodConnect {
		if h.path != "" || h.scheme != "" || h.authority == "" {
			return errMalformed
		}
		h.url = &url.URL{Host: h.authority}
		return nil
	}
	if h.path == "" || h.scheme != "http" && h.scheme != "https" {
		return errMalformed
	}
	if plainPath(h.path) {
		return nil
	}
	u, err := url.ParseRequestURI(h.path)
	if err != nil {
		return errMalformed
	}
	h.url = u
	return nil
}

func validMethod(method string) bool {
	for i := range len(method) {
		if !httpguts.IsTokenRune(rune(method[i])) {
			return false
		}
	}
	return true
}

// plainPath reports whether a path is one that stands for itself, as those of RPCs do.
func plainPath(path string) bool {
	if path[0] != '/' || strings.HasPrefix(path, "//") {
		return false
	}
	for i := range len(path) {
		c := path[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '/' && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// header returns the fields as handlers know them, and the names of the trailers that are announced.
func (h *head) header() (header, trailer http.Header) {
	header = make(http.Header, len(h.fields))
	values := make([]string, len(h.fields))
	for i, f := range h.fields {
		key := canonicalKey(f.Name)
		if key == "Trailer" {
			trailer = announced(trailer, f.Value)
			continue
		}
		values[i] = f.Value
		if former, again := header[key]; again {
			header[key] = append(former, f.Value)
		} else {
			header[key] = values[i : i+1 : i+1]
		}
	}
	if cookies := header["Cookie"]; len(cookies) > 1 {
		header["Cookie"] = []string{strings.Join(cookies, "; ")} // RFC 9113 section 8.2.3
	}
	return header, trailer
}

// announced adds the names in a Trailer field.
func announced(trailer http.Header, value string) http.Header {
	for name := range strings.SplitSeq(value, ",") {
		switch key := http.CanonicalHeaderKey(strings.TrimSpace(name)); key {
		case "", "Transfer-Encoding", "Trailer", "Content-Length":
		default:
			if trailer == nil {
				trailer = make(http.Header)
			}
			trailer[key] = nil
		}
	}
	return trailer
}
