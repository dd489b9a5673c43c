package report

import "testing"

func TestCPUModel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"processor\t: 0\nvendor_id\t: A\nmodel\t\t: 17\nmodel name\t: A Processor 9 @ 3 GHz\nmodel name\t: another\n": "A Processor 9 @ 3 GHz",
		"processor\t: 0\nBogoMIPS\t: 50.00\n": "unknown",
	} {
		if got := cpuModel(text, "unknown"); got != want {
			t.Errorf("cpuModel(%q) = %q, expected %q", text, got, want)
		}
	}
}
