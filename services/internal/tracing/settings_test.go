package tracing

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	always := ratioSampler(true, 1)
	sent := settings{exporters: []string{otlp}, sampler: always}
	tests := []struct {
		name      string
		variables map[string]string
		want      settings
	}{
		{"nothing is set", nil, settings{}},
		{"only what does not turn it on", map[string]string{"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on", "OTEL_EXPORTER_OTLP_PROTOCOL": "x"}, settings{}},
		{"an endpoint", map[string]string{endpoint: "http://localhost:4318"}, sent},
		{"an endpoint of traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/x"}, sent},
		{"an exporter", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, sent},
		{"two exporters", map[string]string{"OTEL_TRACES_EXPORTER": " console,otlp, console"}, settings{exporters: []string{console, otlp}, sampler: always}},
		{"none", map[string]string{endpoint: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"}, settings{}},
		{"disabled", map[string]string{endpoint: "x", "OTEL_SDK_DISABLED": "TRUE"}, settings{}},
		{"not disabled", map[string]string{endpoint: "http://localhost:4318", "OTEL_SDK_DISABLED": "1"}, sent},
		{"gRPC", map[string]string{endpoint: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, settings{exporters: []string{otlp}, grpc: true, sampler: always}},
		{
			"gRPC for all but traces",
			map[string]string{endpoint: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, sent,
		},
		{
			"a share", map[string]string{endpoint: "http://localhost:4318", "OTEL_TRACES_SAMPLER": "Parentbased_TraceIDRatio", "OTEL_TRACES_SAMPLER_ARG": " 0.25 "},
			settings{exporters: []string{otlp}, sampler: sampler{parentBased: true, below: 1 << 61}},
		},
		{
			"a share, whoever calls", map[string]string{endpoint: "http://localhost:4318", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
			settings{exporters: []string{otlp}, sampler: sampler{below: 1 << 62}},
		},
		{
			"what cannot be read",
			map[string]string{
				endpoint: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "otlp,zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL": "thrift",
				"OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_TRACES_SAMPLER_ARG": "x",
			},
			settings{exporters: []string{otlp}, sampler: always, warnings: []string{
				`OTEL_TRACES_EXPORTER is "zipkin", expected otlp, console or none; it is taken as not set`,
				`OTEL_EXPORTER_OTLP_PROTOCOL is "thrift", expected grpc, http/protobuf or http/json; it is taken as not set`,
				`OTEL_TRACES_SAMPLER is "jaeger_remote", expected always_on, always_off or traceidratio, with or without parentbased_ before it; it is taken as not set`,
			}},
		},
		{
			"a share of more than all", map[string]string{endpoint: "http://localhost:4318", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"},
			settings{exporters: []string{otlp}, sampler: ratioSampler(false, 1), warnings: []string{
				`OTEL_TRACES_SAMPLER_ARG is "1.5", expected the share of requests to trace, 0 to 1; it is taken as not set`,
			}},
		},
		{
			"headers that are none", map[string]string{endpoint: "http://localhost:4318", "OTEL_EXPORTER_OTLP_HEADERS": "a=b,secret"},
			settings{exporters: []string{otlp}, sampler: always, warnings: []string{`OTEL_EXPORTER_OTLP_HEADERS has an entry that is not NAME=VALUE; it is left out`}},
		},
		{
			"an endpoint with a password", map[string]string{endpoint: "http://me:secret@bad host"},
			settings{warnings: []string{`OTEL_EXPORTER_OTLP_ENDPOINT is "…@bad host", expected a URL such as http://localhost:4318; it is taken as not set`}},
		},
		{
			"an endpoint that is none", map[string]string{endpoint: "collector"},
			settings{warnings: []string{`OTEL_EXPORTER_OTLP_ENDPOINT is "collector", expected a URL such as http://localhost:4318; it is taken as not set`}},
		},
	}
	for _, test := range tests {
		got := readSettings(func(name string) string { return test.variables[name] })
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(settings{}, sampler{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: settings (-want +got):\n%s", test.name, diff)
		}
	}
}
