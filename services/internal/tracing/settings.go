package tracing

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// settings are what the environment says, as far as it is not for the exporters and the queue, which
// read their own: headers, certificates, time limits, sizes.
type settings struct {
	exporters []string // otlp, console
	grpc      bool     // OTLP over gRPC rather than HTTP
	sampler   sampler
	warnings  []string // what cannot be followed
}

const (
	otlp    = "otlp"
	console = "console"
)

// readSettings follows the specification of OpenTelemetry, but for one thing: traces are sent
// only where an endpoint or an exporter is named. What cannot be read counts as not set, as it says
// too; a variable that is empty is not set.
func readSettings(getenv func(string) string) settings {
	e := environment{getenv: getenv}
	if strings.EqualFold(e.get("OTEL_SDK_DISABLED"), "true") {
		return settings{}
	}
	s := settings{exporters: e.exporters()}
	if slices.Contains(s.exporters, otlp) {
		e.checkHeaders()
	}
	if len(s.exporters) > 0 {
		s.grpc = e.grpc()
		s.sampler = e.sampler()
	}
	s.warnings = e.warnings
	return s
}

type environment struct {
	getenv   func(string) string
	warnings []string
}

func (e *environment) get(name string) string { return strings.TrimSpace(e.getenv(name)) }

// first returns the first variable that is set, and its value.
func (e *environment) first(names ...string) (name, value string) {
	for _, name := range names {
		if value := e.get(name); value != "" {
			return name, value
		}
	}
	return names[0], ""
}

func (e *environment) warn(name, value, expected string) {
	e.warnings = append(e.warnings, fmt.Sprintf("%s is %q, expected %s; it is taken as not set", name, value, expected))
}

func (e *environment) exporters() []string {
	hasEndpoint := e.hasEndpoint()
	const variable = "OTEL_TRACES_EXPORTER"
	list := e.get(variable)
	if list == "" {
		if hasEndpoint {
			return []string{otlp}
		}
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case otlp, console:
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		case "", "none":
		default:
			e.warn(variable, name, "otlp, console or none")
		}
	}
	return names
}

// hasEndpoint reports whether there is a collector to send to.
func (e *environment) hasEndpoint() bool {
	name, value := e.first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if value == "" {
		return false
	}
	if u, err := url.Parse(value); err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "" {
		if at := strings.LastIndexByte(value, '@'); at >= 0 {
			value = "…" + value[at:] // what is before it may be a password
		}
		e.warn(name, value, "a URL such as http://localhost:4318")
		return false
	}
	return true
}

// checkHeaders warns of entries that the exporters leave out. They are not shown: most are secrets.
func (e *environment) checkHeaders() {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"} {
		for entry := range strings.SplitSeq(e.get(name), ",") {
			if key, _, paired := strings.Cut(entry, "="); entry != "" && (!paired || strings.TrimSpace(key) == "") {
				e.warnings = append(e.warnings, name+" has an entry that is not NAME=VALUE; it is left out")
			}
		}
	}
}

func (e *environment) grpc() bool {
	name, value := e.first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	switch value {
	case "grpc":
		return true
	case "", "http/protobuf", "http/json":
	default:
		e.warn(name, value, "grpc, http/protobuf or http/json")
	}
	return false
}

func (e *environment) sampler() sampler {
	const variable = "OTEL_TRACES_SAMPLER"
	name := strings.ToLower(e.get(variable))
	kind, parentBased := strings.CutPrefix(name, "parentbased_")
	switch kind {
	case "always_on":
		return ratioSampler(parentBased, 1)
	case "always_off":
		return ratioSampler(parentBased, 0)
	case "traceidratio":
		return ratioSampler(parentBased, e.ratio())
	case "":
	default:
		e.warn(variable, name, "always_on, always_off or traceidratio, with or without parentbased_ before it")
	}
	return ratioSampler(true, 1)
}

func (e *environment) ratio() float64 {
	const variable = "OTEL_TRACES_SAMPLER_ARG"
	value := e.get(variable)
	if value == "" {
		return 1
	}
	share, err := strconv.ParseFloat(value, 64)
	if err != nil || !(share >= 0 && share <= 1) {
		e.warn(variable, value, "the share of requests to trace, 0 to 1")
		return 1
	}
	return share
}
