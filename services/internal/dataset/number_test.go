package dataset

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// expectParsed checks that parseNumber gives what strconv does, to the bit, but for underscores.
func expectParsed(t *testing.T, text string) {
	t.Helper()
	want, err := strconv.ParseFloat(text, 64)
	if strings.Contains(text, "_") {
		want, err = 0, strconv.ErrSyntax
	}
	finite := err == nil && !math.IsNaN(want) && !math.IsInf(want, 0)
	got, ok := parseNumber([]byte(text))
	if ok != finite || math.Float64bits(got) != math.Float64bits(want) {
		t.Errorf("%q is %v, %v, expected %v, %v", text, got, ok, want, err)
	}
}

func TestNumbersAreParsedAsStrconvDoes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "-", "+", ".", "-.", "0", "-0", "+0", "00", "007", "1.", ".5", "-.5e1", "5.1", "0.1", "0.30000000000000004",
		"9007199254740992", "9007199254740993", "9007199254740991e22", "9007199254740992e-22", "1e22", "1e23", "1e-22", "1e-23",
		"123456789012345678", "1234567890123456789", "18446744073709551616", "99999999999999999999", "0.0000000000000000000000001",
		"1e", "1e+", "1e-", "1e5.", "1e99", "1e308", "1e309", "-1e309", "1e-400", "4.9e-324", "2.2250738585072011e-308",
		"1e+05", "1E5", "1e005", "1e0", "0e99", "-0e5", "inf", "-Inf", "Infinity", "nan", "NaN", "0x1p-2", "0x1.8", "1_000", "1,5", " 1", "1 ", "1e5x", "١",
	} {
		expectParsed(t, text)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		bits := math.Float64frombits(random.Uint64())
		expectParsed(t, strconv.FormatFloat(bits, 'g', -1, 64))
		short := (random.Float64() - 0.5) * math.Pow10(random.IntN(30)-15)
		expectParsed(t, strconv.FormatFloat(short, 'f', random.IntN(18), 64))
		expectParsed(t, strconv.FormatFloat(short, 'e', random.IntN(18), 64))
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, text := range []string{"-12.50", "1e-22", "9007199254740993", ".5", "0x1p-2", "inf", "1_0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { expectParsed(t, text) })
}
