package lookalike_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/sepal-ml/sepal/services/bench/internal/lookalike"
)

// TestSetsToTheBit holds the sets against the digests of what a program in Python with numpy 2.4
// makes: of the values in little-endian order, and of the labels as 32-bit numbers.
func TestSetsToTheBit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make           func() *lookalike.Set
		values, labels string
	}{
		"mnist": {
			func() *lookalike.Set { return lookalike.MNIST(300) },
			"9e96cb6c3fea334013d569b5010360962abd4d8e557f39e212cb347048030f20", "fae1cc1f5722321b3e5495b3c18e0f7c8e35ffe1ceb0c9220429a08aa693db3e",
		},
		"covtype": {
			func() *lookalike.Set { return lookalike.Covtype(5000, false) },
			"a323c2d921f4a739f3c78dea7f9c8ad9f181a1e258c42e5c59676b5d8db10dda", "df365dac34c784c1159b43cdfbe400969ddb12684216018db147373e191cb2ec",
		},
		"covtype raw": {
			func() *lookalike.Set { return lookalike.Covtype(5000, true) },
			"5ee783fc5dddcb00b442edefd80f9f4d48bfb5eb1614640f04ada3f69e053e22", "df365dac34c784c1159b43cdfbe400969ddb12684216018db147373e191cb2ec",
		},
		"fraud": {
			func() *lookalike.Set { return lookalike.Fraud(5000, false) },
			"4b982d9f7ed380360a5b5ccf3203d9ee110fa4258b34feea7ce9ef909022def6", "9284704532a03edb90989c21b3644dcf4c70427610176808bc71bc72971e47ee",
		},
		"fraud raw": {
			func() *lookalike.Set { return lookalike.Fraud(5000, true) },
			"8f7770517562786bbf33cad715cb0f9ae2d3cd52abc7462cf0b394040c7e7569", "9284704532a03edb90989c21b3644dcf4c70427610176808bc71bc72971e47ee",
		},
		"text": {
			func() *lookalike.Set { return lookalike.Text(200) },
			"171dd9edf2130ecdc02d7904f954d46fb168aa5106a5e95174df8b7e5cde24f6", "317ed85cdf8578d2025100af727c7c8a23dcc145f35f4030bedf7083b37920fe",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.make()
			values, labels := sha256.New(), sha256.New()
			start := make([]int64, len(s.Start))
			for i, v := range s.Start {
				start[i] = int64(v)
			}
			for _, part := range []any{s.Rows, start, s.Index, s.Values} {
				if err := binary.Write(values, binary.LittleEndian, part); err != nil {
					t.Fatal(err)
				}
			}
			for _, label := range s.Labels {
				if err := binary.Write(labels, binary.LittleEndian, int32(label)); err != nil {
					t.Fatal(err)
				}
			}
			if got := hex.EncodeToString(values.Sum(nil)); got != c.values {
				t.Errorf("the values have the digest %s, expected %s", got, c.values)
			}
			if got := hex.EncodeToString(labels.Sum(nil)); got != c.labels {
				t.Errorf("the labels have the digest %s, expected %s", got, c.labels)
			}
		})
	}
}
