package process

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSchedstat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"1234567890 42 17\n", 1234567890, true},
		{"0 0 0\n", 0, true},
		{"", 0, false},
		{"12 13\n", 0, false},
		{"some 1 2\n", 0, false},
	}
	for _, test := range tests {
		got, err := parseSchedstat(test.text)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("parseSchedstat(%q) = %v, %v, expected %v and whether it works %v", test.text, got, err, test.want, test.ok)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	fields := parseFields("Name:\tsepal\nVmRSS:\t   29412 kB\nsyscr: 17\nno field\n")
	want := map[string]string{"Name": "sepal", "VmRSS": "29412 kB", "syscr": "17"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		name string
		want uint64
		ok   bool
	}{
		{"VmRSS", 29412, true},
		{"syscr", 17, true},
		{"Name", 0, false},
		{"VmHWM", 0, false},
	} {
		got, err := number(fields, test.name)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("number(%q) = %d, %v, expected %d and whether it works %v", test.name, got, err, test.want, test.ok)
		}
	}
}

func TestAddressIn(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"level":"info","address":"127.0.0.1:50051","message":"serving"}` + "\n": "127.0.0.1:50051",
		`{"level":"info","message":"model loaded"}`:                               "",
		`address 127.0.0.1:50051`:                                                 "",
		``:                                                                        "",
	} {
		if got := addressIn(line); got != want {
			t.Errorf("addressIn(%q) = %q, expected %q", line, got, want)
		}
	}
}

func TestTailKeepsTheLastLines(t *testing.T) {
	t.Parallel()
	var last tail
	if got := last.String(); got != "nothing" {
		t.Errorf("an empty tail is %q", got)
	}
	for i := range tailLines + 2 {
		last.add(string(rune('a'+i)) + "\n")
		last.add("\n")
	}
	if want := "c\nd\ne\nf\ng\nh\ni\nj\nk\nl"; last.String() != want {
		t.Errorf("the tail is %q, expected %q", last.String(), want)
	}
}
