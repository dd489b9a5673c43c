package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// twin sends requests to a server with the short path, and to one without.
type twin struct {
	short, ordinary *testenv.Env
	client          *http.Client
}

// startTwin starts both with the same options.
func startTwin(t testing.TB, change func(*server.Options)) *twin {
	t.Helper()
	start := func(door string) *testenv.Env {
		o := testenv.Options()
		if change != nil {
			change(&o)
		}
		o.HTTP2 = door
		return testenv.Start(t, o)
	}
	return &twin{short: start(doors.Native), ordinary: start(doors.NetHTTP), client: testenv.HTTPClient(t, true)}
}

// asked is a request of Predict.
type asked struct {
	header http.Header
	body   []byte
}

// told is what a client sees of an answer.
type told struct {
	Status          int
	Header, Trailer http.Header
	Body            string
}

// madeID is the id that a server makes for a request whose client has sent none.
var madeID = regexp.MustCompile(`[A-Z2-7]{26}`)

// delay is how long a client is told to wait.
var delay = regexp.MustCompile(`"(value|retryDelay)":"[^"]*"`)

// ask sends a request to one of the servers.
func (tw *twin) ask(t testing.TB, env *testenv.Env, a asked) told {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env.URL+service+"Predict", bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = a.header.Clone()
	if request.Header["Accept-Encoding"] == nil {
		request.Header["Accept-Encoding"] = nil // or the client would offer gzip
	}
	response, err := tw.client.Do(request)
	if err != nil {
		t.Fatalf("%v %q: %v", a.header, a.body, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%v %q: %v", a.header, a.body, err)
	}
	got := told{Status: response.StatusCode, Header: response.Header, Trailer: response.Trailer, Body: string(body)}
	got.Header.Del("Date")
	got.Header.Del("Content-Length") // the client has checked it
	if id := got.Header.Get("X-Request-Id"); madeID.MatchString(id) {
		got.Header.Del("X-Request-Id")
		got.Body = madeID.ReplaceAllString(got.Body, "id")
	}
	if response.StatusCode == http.StatusTooManyRequests || got.Header.Get("Grpc-Status") == "8" {
		got.Header.Del("Grpc-Status-Details-Bin") // how long to wait changes as one waits
		got.Body = delay.ReplaceAllString(got.Body, "")
	}
	return got
}

// same sends a request to both and compares.
func (tw *twin) same(t testing.TB, a asked) {
	t.Helper()
	got, want := tw.ask(t, tw.short, a), tw.ask(t, tw.ordinary, a)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%.200v %.200q: the short path is another (-ordinary +short):\n%s", a.header, a.body, diff)
	}
}

// counted returns what a server has counted of Predict, by protocol and code.
func (tw *twin) counted(t *testing.T, env *testenv.Env) []string {
	t.Helper()
	response, err := tw.client.Get(env.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		for _, metric := range []string{
			"sepal_requests_total", "sepal_requests_rejected_total", "sepal_request_bytes", "sepal_response_bytes",
			"sepal_request_duration_seconds_count", "sepal_requests_in_flight", "sepal_predictions_total", "sepal_prediction_confidence",
		} {
			if strings.HasPrefix(line, metric) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// shortContentTypes are those that the short path reads, and others.
var shortContentTypes = []string{
	"application/grpc", "application/grpc+proto", "application/grpc-web", "application/grpc-web+proto", "application/proto",
	"application/grpc+json", "application/json", "application/grpc-web-text", "text/plain", "application/connect+proto", "",
}

// wireOf returns requests as Protobuf's wire format has them, good and bad.
func wireOf(t testing.TB) [][]byte {
	t.Helper()
	row := []float64{5.1, 3.5, 1.4, 0.2}
	var all [][]byte
	for _, m := range []*predictionv1.PredictRequest{
		{Features: row},
		{Features: row, Model: "iris", Version: "v1.0.0", SubjectId: "anna", TopK: proto.Uint32(2)},
		{Features: row, TopK: proto.Uint32(0)},
		{Features: row, TopK: proto.Uint32(1 << 31)},
		{Features: row, Explain: true},
		{Features: row, Model: "no such"},
		{Features: row, Version: "v9.9.9"},
		{Features: row, SubjectId: strings.Repeat("x", 257)},
		{Features: row[:3]},
		{Features: []float64{1e308, -1e308, 1e308, 1e308}},
		{Features: []float64{5.1, 3.5, 1.4, -1}},
		{Inputs: &structpb.Struct{Fields: map[string]*structpb.Value{"sepal_length": structpb.NewNumberValue(1)}}},
		{},
	} {
		wire, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, wire)
	}
	return append(all,
		[]byte{0x09, 0, 0, 0, 0, 0, 0, 0x14, 0x40, 0x09, 0, 0, 0, 0, 0, 0, 0x08, 0x40, 0x0a, 16, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, // in parts
		append(slices.Clone(all[0]), 0x22, 1, 0xff),          // text that is none
		append(slices.Clone(all[0]), 0x40, 0x80, 0x00),       // a number longer than need be
		append(slices.Clone(all[0]), 0x98, 0x06, 0x01),       // an unknown field
		append(slices.Clone(all[0]), 0x38, 0xff, 0xff, 0xff), // cut short
		all[0][:len(all[0])-1],
		[]byte{0x0a, 7, 1, 2, 3, 4, 5, 6, 7},
		bytes.Repeat([]byte{0x09, 0, 0, 0, 0, 0, 0, 0, 0}, 3000),
	)
}

// jsonOf returns requests in JSON, good and bad.
func jsonOf() []string {
	return []string{
		`{"features":[5.1,3.5,1.4,0.2]}`, ` {"features" : [5.1, 3.5, 1.4, 2e-1], "topK": 1, "subjectId": "anna", "model":"iris", "version":"v1.0.0"} `,
		`{"features":[5.1,3.5,1.4,0.2],"top_k":0}`, `{"features":[5.1,3.5,1.4,0.2],"explain":true}`, `{"features":[5.1,3.5,1.4]}`, `{"features":[]}`,
		`{"features":["5.1",3.5,1.4,0.2]}`, `{"features":[5.1,3.5,1.4,"NaN"]}`, `{"inputs":{"sepal_length_cm":1}}`, `{}`, ``, `{`, `null`, `[]`,
		`{"features":[5.1,3.5,1.4,0.2],"colour":"red"}`, `{"features":[5.1,3.5,1.4,0.2],"features":[1,2,3,4]}`, `{"features":[5.1,3.5,1.4,0.2],"model":"\ud800"}`,
		`{"features":[5.1,3.5,1.4,0.2],"model":"no such"}`, `{"features":[5.1,3.5,1.4,1e999]}`, `{"features":null}`,
	}
}

// framed returns a message as a content type frames it.
func framed(contentType string, message []byte) []byte {
	if contentType == "application/proto" || strings.HasSuffix(contentType, "json") && !strings.Contains(contentType, "grpc") {
		return message
	}
	return append([]byte{0, byte(len(message) >> 24), byte(len(message) >> 16), byte(len(message) >> 8), byte(len(message))}, message...)
}

// TestShortPath sends requests of all kinds on the short path and on the ordinary one.
func TestShortPath(t *testing.T) {
	t.Parallel()
	tw := startTwin(t, nil)
	messages := wireOf(t)
	for _, contentType := range shortContentTypes {
		for _, message := range messages {
			tw.same(t, asked{http.Header{"Content-Type": {contentType}}, framed(contentType, message)})
		}
		for _, message := range jsonOf() {
			tw.same(t, asked{http.Header{"Content-Type": {contentType}}, framed(contentType, []byte(message))})
		}
		headers := shortHeaders()
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			h := http.Header{"Content-Type": {contentType}}
			maps.Copy(h, headers[name])
			tw.same(t, asked{h, framed(contentType, messages[0])})
			tw.same(t, asked{h, framed(contentType, []byte(jsonOf()[0]))})
		}
		for _, flags := range []byte{1, 2, 0x80} {
			body := framed(contentType, messages[0])
			body[0] = flags
			tw.same(t, asked{http.Header{"Content-Type": {contentType}}, body})
		}
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		w.Write(messages[0]) //nolint:errcheck // a buffer takes everything
		w.Close()
		body := framed(contentType, zipped.Bytes())
		if contentType != "application/proto" {
			body[0] = 1
		}
		tw.same(t, asked{http.Header{"Content-Type": {contentType}, "Grpc-Encoding": {"gzip"}, "Content-Encoding": {"gzip"}}, body})
	}
	// A request is counted when it is done, which is after its client has the answer.
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		diff := cmp.Diff(tw.counted(t, tw.ordinary), tw.counted(t, tw.short))
		if diff == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the short path counts otherwise (-ordinary +short):\n%s", diff)
		}
	}
}

// shortHeaders are headers that the short path heeds, or leaves to the ordinary one.
func shortHeaders() map[string]http.Header {
	return map[string]http.Header{
		"gzip offered":         {"Grpc-Accept-Encoding": {"identity, deflate, gzip"}, "Accept-Encoding": {"gzip"}},
		"another offered":      {"Grpc-Accept-Encoding": {"br"}, "Accept-Encoding": {"br;q=1, gzippy"}},
		"an id":                {"X-Request-Id": {"anna-1"}},
		"an id that is none":   {"X-Request-Id": {"anna 1"}},
		"two ids":              {"X-Request-Id": {"anna-1", "anna-2"}},
		"a deadline":           {"Grpc-Timeout": {"10S"}, "Connect-Timeout-Ms": {"10000"}},
		"its own deadline":     {"Grpc-Timeout": {"10S"}},
		"Connect's deadline":   {"Connect-Timeout-Ms": {"10000"}},
		"a deadline of 0":      {"Grpc-Timeout": {"0n"}},
		"a deadline too far":   {"Grpc-Timeout": {"99999999H"}, "Connect-Timeout-Ms": {"9999999999"}},
		"no deadline":          {"Grpc-Timeout": {"soon"}},
		"a version":            {"Connect-Protocol-Version": {"1"}},
		"another version":      {"Connect-Protocol-Version": {"2"}},
		"said to be gzip":      {"Grpc-Encoding": {"gzip"}, "Content-Encoding": {"gzip"}},
		"said to be identity":  {"Grpc-Encoding": {"identity"}},
		"said to be unknown":   {"Grpc-Encoding": {"snappy"}, "Content-Encoding": {"snappy"}},
		"a trace":              {"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
		"metadata":             {"X-Anything": {"1", "2"}, "Cookie": {"a=b"}},
		"a page":               {"Origin": {"http://localhost:3000"}},
		"a page of elsewhere":  {"Origin": {"https://elsewhere.example"}},
		"two offers":           {"Grpc-Accept-Encoding": {"identity", "gzip"}, "Accept-Encoding": {"gzip", "br"}},
		"the same offer twice": {"Grpc-Accept-Encoding": {"gzip", "gzip"}},
		"no offer, and one":    {"Grpc-Accept-Encoding": {"", "gzip"}},
		"a token":              {"Authorization": {"Bearer x"}},
		"many headers":         many(300),
		"a proxy's client":     {"X-Forwarded-For": {"10.0.0.1"}},
		"two content types":    {"Content-Type": {"application/grpc", "application/json"}},
		"an accepted identity": {"Grpc-Accept-Encoding": {"identity"}},
	}
}

func many(n int) http.Header {
	h := make(http.Header)
	for i := range n {
		h[fmt.Sprintf("X-Header-%d", i)] = []string{"x"}
	}
	return h
}

// TestShortPathIsGuarded sends requests with and without tokens, more than may be, on both paths.
func TestShortPathIsGuarded(t *testing.T) {
	t.Parallel()
	tw := startTwin(t, func(o *server.Options) {
		*o = known(t, *o, map[string]string{"asker": "predict", "reader": "read", "often": "predict"})
		o.RateLimit = ratelimit.Limit{Requests: 5, Per: 24 * time.Hour}
	})
	message := framed("application/grpc", wireOf(t)[0])
	for _, contentType := range shortContentTypes[:5] {
		for _, authorization := range [][]string{
			nil, {"Bearer " + token("asker")}, {"Bearer " + token("reader")}, {"Bearer nonsense"}, {"Basic abc"},
			{"Bearer " + token("asker"), "Bearer " + token("reader")}, {"bearer " + token("often")}, {"Bearer " + token("often")},
		} {
			h := http.Header{"Content-Type": {contentType}}
			if authorization != nil {
				h["Authorization"] = authorization
			}
			body := message
			if contentType == "application/proto" {
				body = message[5:]
			}
			tw.same(t, asked{h, body})
		}
	}
}

// FuzzShortPath sends what it is given on both paths.
func FuzzShortPath(f *testing.F) {
	for i, message := range wireOf(f) {
		f.Add(uint8(i), uint8(i), uint8(0), message)
		f.Add(uint8(i), uint8(0), uint8(1), message)
	}
	for i, message := range jsonOf() {
		f.Add(uint8(6), uint8(255), uint8(i), []byte(message))
	}
	tw := startTwin(f, nil)
	headers := shortHeaders()
	names := slices.Sorted(maps.Keys(headers))
	f.Fuzz(func(t *testing.T, contentType, header, frame uint8, body []byte) {
		h := http.Header{"Content-Type": {shortContentTypes[int(contentType)%len(shortContentTypes)]}}
		if int(header) < len(names) {
			maps.Copy(h, headers[names[header]])
		}
		if frame%2 == 0 {
			body = framed(h.Get("Content-Type"), body)
		}
		tw.same(t, asked{h, body})
	})
}
