package dataset

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

const memoryColumns = 20

// numericCSV is a reader of a CSV file that is made as it is read.
type numericCSV struct {
	random *rand.Rand
	rows   int // still to come
	ready  []byte
	read   int
	looked func() // called every few megabytes
}

func newNumericCSV(rows int) *numericCSV {
	g := &numericCSV{random: rand.New(rand.NewPCG(3, 4)), rows: rows}
	for j := range memoryColumns {
		g.ready = append(g.ready, columnName(j)+","...)
	}
	g.ready = append(g.ready, "y\n"...)
	return g
}

func (g *numericCSV) Read(p []byte) (int, error) {
	for len(g.ready) < len(p) && g.rows > 0 {
		for range memoryColumns {
			g.ready = append(strconv.AppendFloat(g.ready, g.random.Float64()*100, 'f', 5, 64), ',')
		}
		g.ready = append(g.ready, 'a'+byte(g.rows%3), '\n')
		g.rows--
	}
	if len(g.ready) == 0 {
		return 0, io.EOF
	}
	n := copy(p, g.ready)
	g.ready = append(g.ready[:0], g.ready[n:]...)
	if before := g.read >> 22; (g.read+n)>>22 > before && g.looked != nil {
		g.looked()
	}
	g.read += n
	return n, nil
}

// heap returns the bytes of all that is reachable.
func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// A table takes 8 bytes for a value or a label, and a file that is read little more at any time:
// no text of it is kept. It runs alone, as others' memory would count.
func TestMemoryIsThatOfTheNumbers(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 60 MB")
	}
	const (
		rows  = 320_000
		data  = 8 * rows * (memoryColumns + 1)
		slack = 4 << 20
	)
	path := filepath.Join(t.TempDir(), "data.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := io.Copy(file, newNumericCSV(rows))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("of a file", func(t *testing.T) {
		start, most, looks := heap(), 0, 0
		table := mustLoad(t, Source{Path: path}, Options{Label: "y", Progress: func(read, _ int64) {
			if looks++; looks%16 == 0 || read == size {
				most = max(most, heap()-start)
			}
		}})
		most = max(most, heap()-start)
		t.Logf("%d bytes of text, %d of numbers: %d at most", size, data, most)
		if table.Len() != rows || most > data+data/20+slack {
			t.Errorf("%d rows took %d bytes, expected %d", table.Len(), most, data)
		}
	})
	t.Run("of a stream", func(t *testing.T) {
		g := newNumericCSV(rows)
		start, most := heap(), 0
		g.looked = func() { most = max(most, heap()-start) }
		table := mustLoad(t, Source{Path: "-", In: g}, Options{Label: "y"})
		held := heap() - start
		t.Logf("%d bytes of text, %d of numbers: %d at most while they were read, %d in the end", g.read, data, most, held)
		if table.Len() != rows || most > data+data/5+slack || held > data+data/20+slack {
			t.Errorf("%d rows took %d bytes, %d in the end, expected %d", table.Len(), most, held, data)
		}
	})
}

func BenchmarkCSV(b *testing.B) {
	text, err := io.ReadAll(newNumericCSV(60_000))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("load", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Load(b.Context(), Source{Path: "-", In: bytes.NewReader(text)}, Options{Label: "y"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cells", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			s := newScanner(bytes.NewReader(text))
			for s.read() == nil {
				benchmarked += len(s.cells)
			}
		}
	})
	b.Run("cells of encoding/csv", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			for range standard(bytes.NewReader(text)) {
				benchmarked++
			}
		}
	})
}

var benchmarked int
