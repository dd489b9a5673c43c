package sklearn_test

import (
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
)

// damaged are files of every kind of container, protocol and step, small enough to be damaged at
// every byte.
var damaged = []string{
	"iris_lr_sk1.2.1_p2.pkl", "iris_lr_sk1.2.1_p3.pkl", "iris_lr_sk1.9.0_p4.pkl", "iris_pipe_sk1.9.0_p5.pkl",
	"iris_lr_sk1.2.1.joblib", "iris_lr_sk1.9.0_zlib.joblib", "iris_pipe_sk1.2.1_gzip.joblib", "iris_lr_sk1.9.0_bz2.joblib",
	"iris_objlabels_sk1.9.0.joblib", "frame_sk1.9.1.joblib", "imputer_minmax_sk0.24.2.pkl",
}

func TestFileCutShortAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range damaged {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := read(t, name)
			if _, _, err := sklearn.Decode(whole); err != nil {
				t.Fatal(err)
			}
			step := 1
			if strings.Contains(name, "bz2") {
				step = 13 // each takes megabytes of tables
			}
			for n := 0; n < len(whole); n += step {
				_, _, err := sklearn.Decode(whole[:n])
				if err == nil {
					t.Fatalf("the first %d of %d bytes are read as a model", n, len(whole))
				}
				requireOneLine(t, err)
			}
		})
	}
}

func TestSomethingBehindTheEndIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range damaged {
		if _, _, err := sklearn.Decode(append(read(t, name), 0)); err == nil {
			t.Errorf("%s: a byte behind the end is not noticed", name)
		} else {
			requireOneLine(t, err)
		}
	}
}

// TestFlippedBytes is not parallel: it measures what the process allocates.
func TestFlippedBytes(t *testing.T) {
	const most = 24 << 20
	flips := []byte{0x01, 0x20, 0xff}
	if testing.Short() {
		flips = flips[:1]
	}
	for _, name := range damaged {
		t.Run(name, func(t *testing.T) {
			data := read(t, name)
			read := 0
			for i := range data {
				for _, flip := range flips {
					data[i] ^= flip
					took, err := measured(data)
					data[i] ^= flip
					if took.bytes > most {
						t.Errorf("byte %d with %#02x: %d bytes are allocated for a file of %d", i, flip, took.bytes, len(data))
					}
					if err == nil {
						read++
						continue
					}
					requireOneLine(t, err)
				}
			}
			t.Logf("%d of %d damaged files are read as a model", read, len(flips)*len(data))
		})
	}
}
