package ratelimit_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/ratelimit"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ratelimit.Limit{
		"":          {},
		"100/m":     {Requests: 100, Per: time.Minute},
		"5/s":       {Requests: 5, Per: time.Second},
		"0.5/s":     {Requests: 0.5, Per: time.Second},
		" 10 / h ":  {Requests: 10, Per: time.Hour},
		"1000000/d": {Requests: 1e6, Per: 24 * time.Hour},
		"1e6/s":     {Requests: 1e6, Per: time.Second},
	} {
		got, err := ratelimit.Parse(text)
		if err != nil || got != want || got.Set() != (text != "") {
			t.Errorf("%q: got %+v and %v, expected %+v", text, got, err, want)
		}
		again, err := ratelimit.Parse(got.String())
		if err != nil || again != got {
			t.Errorf("%q: written as %q it is %+v, %v", text, got, again, err)
		}
	}
}

func TestWhatIsNoLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"100":        `the limit is "100", expected a number of requests and s, m, h or d, such as 100/m`,
		"/m":         `expected a number of requests`,
		"x/m":        `expected a number of requests`,
		"100/week":   `is per "week", expected s, m, h or d`,
		"100/":       `is per "", expected`,
		"100/m/s":    `is per "m/s", expected`,
		"0/s":        `expected more than 0`,
		"-5/s":       `expected more than 0`,
		"NaN/s":      `expected more than 0`,
		"Inf/s":      `expected more than 0`,
		"20000000/s": `is 20000000 requests a second, expected at most 10000000`,
		"0.0001/d":   `takes more than a year to come back`,
	} {
		var l ratelimit.Limit
		if err := l.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || l.Set() {
			t.Errorf("%q: got %+v and the error %v, expected %q", text, l, err, want)
		}
	}
}

func TestCheckTheBurst(t *testing.T) {
	t.Parallel()
	for burst, fine := range map[float64]bool{
		0: true, 1: true, 1000: true, 0.5: false, -1: false, math.Inf(1): false, math.NaN(): false, 1e9: false,
	} {
		err := ratelimit.Limit{Requests: 10, Per: time.Minute, Burst: burst}.Check()
		if (err == nil) != fine {
			t.Errorf("a burst of %v: %v", burst, err)
		}
	}
	if err := (ratelimit.Limit{Burst: 5}).Check(); err == nil {
		t.Error("a burst without a limit is taken")
	}
}
