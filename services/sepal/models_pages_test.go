package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
)

// longHistory is a registry of one model with many events, of which a page has at most a thousand.
type longHistory struct {
	registryv1connect.UnimplementedRegistryServiceHandler
	events int
}

func (h longHistory) GetModel(context.Context, *registryv1.GetModelRequest) (*registryv1.GetModelResponse, error) {
	return &registryv1.GetModelResponse{Model: &registryv1.RegisteredModel{Name: "iris"}}, nil
}

func (h longHistory) ListRolloutEvents(_ context.Context, request *registryv1.ListRolloutEventsRequest) (*registryv1.ListRolloutEventsResponse, error) {
	latest := h.events
	if token := request.GetPageToken(); token != "" {
		before, err := strconv.Atoi(token)
		if err != nil {
			return nil, err
		}
		latest = before - 1
	}
	size := min(int(request.GetPageSize()), 1000)
	if size == 0 {
		size = 100
	}
	response := new(registryv1.ListRolloutEventsResponse)
	for revision := latest; revision > max(0, latest-size); revision-- {
		response.Events = append(response.Events, &registryv1.RolloutEvent{Revision: uint32(revision)})
	}
	if latest > size {
		response.NextPageToken = strconv.Itoa(latest - size + 1)
	}
	return response, nil
}

func (h longHistory) GetRollout(context.Context, *registryv1.GetRolloutRequest) (*registryv1.GetRolloutResponse, error) {
	return new(registryv1.GetRolloutResponse), nil
}

func TestHistoryReadsAllPages(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle(registryv1connect.NewRegistryServiceHandler(longHistory{events: 2345}))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	for flag, want := range map[string]int{"": 2345, "-n 0": 2345, "-n 1": 1, "-n 100": 100, "-n 1500": 1500, "-n 9999": 2345} {
		got := must(t, "models history --json -s "+server.URL+" "+flag)
		var response registryv1.ListRolloutEventsResponse
		if err := protojson.Unmarshal([]byte(got), &response); err != nil {
			t.Fatal(err)
		}
		if len(response.GetEvents()) != want {
			t.Errorf("%q: got %d events, expected %d", flag, len(response.GetEvents()), want)
		}
		for i, e := range response.GetEvents() {
			if int(e.GetRevision()) != 2345-i {
				t.Fatalf("%q: event %d is of revision %d, expected %d", flag, i, e.GetRevision(), 2345-i)
			}
		}
	}
}

func TestGatherEnds(t *testing.T) {
	t.Parallel()
	failure := errors.New("gone")
	tests := []struct {
		name string
		page func(token string) ([]string, string, error)
		want string
	}{
		{"with the last page", func(token string) ([]string, string, error) {
			return []string{token + "a"}, map[string]string{"": "1", "1": "2"}[token], nil
		}, "[a 1a 2a] <nil>"},
		{"with a page that is its own next one", func(string) ([]string, string, error) { return []string{"a"}, "1", nil }, "[a a] <nil>"},
		{"with an error", func(token string) ([]string, string, error) {
			if token != "" {
				return nil, "", failure
			}
			return []string{"a"}, "1", nil
		}, "[] gone"},
	}
	for _, test := range tests {
		all, err := gather(test.page)
		if got := fmt.Sprint(all, " ", err); got != test.want {
			t.Errorf("%s: got %s, expected %s", test.name, got, test.want)
		}
	}
}

// TestWhereTheRegistryIs cannot run beside other tests: they all have the same variables.
func TestWhereTheRegistryIs(t *testing.T) {
	root := irisRegistry(t)
	const nowhere = "127.0.0.1:1"
	tests := []struct {
		name, registry, server, args, want string
	}{
		{"the variable", root, "", "models list", "iris, the default model"},
		{"both variables", root, nowhere, "models list", "not both; see `sepal help models list`"},
		{"a flag over the other variable", root, nowhere, "models list -s " + nowhere, "server 127.0.0.1:1 cannot be reached"},
		{"a flag over the other variable", root, nowhere, "models list -r " + root, "iris, the default model"},
		{"a flag before the verb", "", "", "models -r " + root + " list", "iris, the default model"},
		{"an empty variable", "", "", "models list", "name the registry to work on"},
	}
	for _, test := range tests {
		t.Setenv("SEPAL_REGISTRY", test.registry)
		t.Setenv("SEPAL_SERVER", test.server)
		if got := sepalCommand(t, "", strings.Fields(test.args)...); !strings.Contains(got.String(), test.want) {
			t.Errorf("%s: got %v, expected %q in it", test.name, got, test.want)
		}
	}
}
