package crash

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is where events go.
type target struct {
	url  string // of envelopes
	auth string // the header X-Sentry-Auth, but for who sends
}

// parseDSN reads https://KEY@HOST/PROJECT, with a path before the project or without. Its error does
// not repeat the key.
func parseDSN(dsn string) (target, error) {
	expected := errors.New("SENTRY_DSN cannot be read, expected https://KEY@HOST/PROJECT; no crash reports are sent")
	u, err := url.Parse(strings.TrimSpace(dsn))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User.Username() == "" {
		return target{}, expected
	}
	path := strings.Trim(u.Path, "/")
	project := path[strings.LastIndex(path, "/")+1:]
	if project == "" || strings.ContainsAny(u.User.Username(), ", \r\n") {
		return target{}, expected
	}
	to := url.URL{Scheme: u.Scheme, Host: u.Host}
	return target{
		url:  to.JoinPath(strings.TrimSuffix(path, project), "api", project, "envelope/").String(),
		auth: "Sentry sentry_version=7, sentry_key=" + u.User.Username(),
	}, nil
}

// send sends an event. The pause is how long the other side wants no more, 0 where it does not say.
func (r *Reporter) send(ctx context.Context, e event) (pause time.Duration, err error) {
	body, err := envelope(e)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.target.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	client := e.SDK.Name + "/" + e.SDK.Version
	request.Header.Set("Content-Type", "application/x-sentry-envelope")
	request.Header.Set("Content-Encoding", "gzip")
	request.Header.Set("User-Agent", client)
	request.Header.Set("X-Sentry-Auth", r.target.auth+", sentry_client="+client)
	response, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // it was read, as far as it matters
	const enough = 4 << 10
	_, _ = io.CopyN(io.Discard, response.Body, enough) // so that the connection can be used again
	pause = pauseOf(response)
	if response.StatusCode != http.StatusOK {
		return pause, fmt.Errorf("the answer of %s is %s", request.URL.Host, response.Status)
	}
	return pause, nil
}

// envelope returns an envelope with the event: a line about it, a line about its one item, the item.
func envelope(e event) ([]byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	lines := json.NewEncoder(w)
	err = errors.Join(
		lines.Encode(map[string]string{"event_id": e.ID, "sent_at": time.Now().UTC().Format(time.RFC3339)}),
		lines.Encode(map[string]any{"type": "event", "content_type": "application/json", "length": len(payload)}))
	_, writeErr := w.Write(append(payload, '\n'))
	if err := errors.Join(err, writeErr, w.Close()); err != nil {
		return nil, err
	}
	return compressed.Bytes(), nil
}

// defaultPause is for who is told that there are too many, but not for how long.
const defaultPause = time.Minute

// pauseOf returns how long errors are not wanted: the header is a list of
// seconds:categories:scope:reason, where no category is all.
func pauseOf(response *http.Response) time.Duration {
	var pause time.Duration
	for limit := range strings.SplitSeq(strings.Join(response.Header.Values("X-Sentry-Rate-Limits"), ","), ",") {
		seconds, rest, _ := strings.Cut(strings.TrimSpace(limit), ":")
		categories, _, _ := strings.Cut(rest, ":")
		if categories == "" || slices.Contains(strings.Split(categories, ";"), "error") {
			pause = max(pause, secondsOf(seconds))
		}
	}
	if pause == 0 && response.StatusCode == http.StatusTooManyRequests {
		if pause = secondsOf(response.Header.Get("Retry-After")); pause == 0 {
			pause = defaultPause
		}
	}
	return pause
}

func secondsOf(text string) time.Duration {
	const most = 24 * 60 * 60
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, most) * float64(time.Second))
}
