package h2

import "golang.org/x/net/http/httpguts"

// expectsContinue reports whether a client waits for "100 Continue" before it sends a body.
func expectsContinue(expect []string) bool {
	return httpguts.HeaderValuesContainsToken(expect, "100-continue")
}
