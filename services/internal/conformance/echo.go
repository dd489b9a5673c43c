package conformance

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	conformancev1 "github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1"
)

// called is what is known of a call besides its messages.
type called interface {
	Header() http.Header
	Peer() connect.Peer
}

// callOf is a stream's.
type callOf struct {
	header http.Header
	peer   connect.Peer
}

func (c callOf) Header() http.Header { return c.header }
func (c callOf) Peer() connect.Peer  { return c.peer }

// seenOf returns what a call and its messages look like from here. Its timeout is what is left of
// the client's: the server's own, which bounds a call too, is none of its business.
func seenOf(ctx context.Context, c called, messages ...proto.Message) *conformancev1.ConformancePayload_RequestInfo {
	seen := &conformancev1.ConformancePayload_RequestInfo{RequestHeaders: listed(c.Header())}
	given := c.Header().Get("Connect-Timeout-Ms") + c.Header().Get("Grpc-Timeout")
	if end, bounded := ctx.Deadline(); bounded && given != "" {
		seen.TimeoutMs = proto.Int64(time.Until(end).Milliseconds())
	}
	for _, m := range messages {
		see(seen, m)
	}
	return seen
}

// see adds a message to what was seen. One that cannot be packed is left out, and the suite misses it.
func see(seen *conformancev1.ConformancePayload_RequestInfo, message proto.Message) {
	if packed, err := anypb.New(message); err == nil {
		seen.Requests = append(seen.Requests, packed)
	}
}

// failure returns the error that is wanted, and with it what was seen of the call, if it is given.
func failure(wanted *conformancev1.Error, seen *conformancev1.ConformancePayload_RequestInfo) *connect.Error {
	err := connect.NewError(connect.Code(wanted.GetCode()), errors.New(wanted.GetMessage()))
	var details []proto.Message
	for _, d := range wanted.GetDetails() {
		details = append(details, d)
	}
	if seen != nil {
		details = append(details, seen)
	}
	for _, d := range details {
		if detail, detailErr := connect.NewErrorDetail(d); detailErr == nil {
			err.AddDetail(detail)
		}
	}
	return err
}

// listed returns headers, or the parameters of a query, as the suite has them.
func listed(values map[string][]string) []*conformancev1.Header {
	var list []*conformancev1.Header
	for name, value := range values {
		list = append(list, &conformancev1.Header{Name: name, Value: value})
	}
	return list
}

// set adds the suite's headers to h.
func set(h http.Header, headers []*conformancev1.Header) {
	for _, header := range headers {
		for _, value := range header.GetValue() {
			h.Add(header.GetName(), value)
		}
	}
}
