package main

import (
	"fmt"
	"regexp"
	"strings"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
)

// lacks is what a server says of a caller that may not make a call.
var lacks = regexp.MustCompile(`^the call needs the scope "([^"]*)", which "([^"]*)" does not have; it has: (.*)$`)

// turnedAway says why a server does not answer this caller, or not now, in the words of the command
// line; false if the error is of another kind.
func turnedAway(server string, e *sepal.Error) (string, bool) {
	switch {
	case server == "":
		return "", false
	case e.Code == connect.CodeUnauthenticated:
		return "server " + server + strangerTo(e.Message), true
	case e.Code == connect.CodePermissionDenied:
		if found := lacks.FindStringSubmatch(e.Message); found != nil {
			return fmt.Sprintf("server %s knows you as %s, who lacks the scope %s for this, and has: %s; ask with another token",
				server, found[2], found[1], found[3]), true
		}
		return "server " + server + ": " + e.Message, true
	case e.Code == connect.CodeResourceExhausted && e.RetryAfter > 0:
		return "server " + server + ": " + e.Message, true
	}
	return "", false
}

// strangerTo says why a server does not know the caller, and what helps.
func strangerTo(message string) string {
	if strings.HasPrefix(message, "there is no token to send") {
		return " was not asked: " + message
	}
	if rest, asked := strings.CutPrefix(message, "say who you are: "); asked {
		var ways []string
		if strings.Contains(rest, "token") {
			ways = append(ways, "set "+tokenVariable+", or name a file that holds a token with --token-file")
		}
		if strings.Contains(rest, "certificate") {
			ways = append(ways, "show a certificate with --cert and --key")
		}
		return " asks who you are: " + strings.Join(ways, ", or ")
	}
	// How a token is sent is none of who types commands.
	return " does not know you: " + strings.Replace(message, ", as `Authorization: Bearer TOKEN`", "", 1)
}
