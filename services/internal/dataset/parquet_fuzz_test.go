package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// FuzzParquet overwrites a part of a footer, which is what opening a file reads. The label is no
// column, so that the library reads no page.
func FuzzParquet(f *testing.F) {
	file := parquetOf(f, 2, manyRows(5)...)
	length := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	start := len(file) - 8 - length
	f.Add(uint16(4), []byte{0x15, 0xff})
	f.Add(uint16(30), []byte("\xff\xff\xff\xff\x0f"))
	f.Add(uint16(length-1), []byte{1})
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		content := slices.Clone(file)
		copy(content[start+int(at)%length:len(content)-8], patch)
		table, err := Load(t.Context(), Source{Path: fileOf(t, "x.parquet", content)}, Options{Label: "none", Impute: true})
		expectOwnError(t, table, err)
	})
}

type manyEncodings struct {
	Plain  float64  `parquet:"plain,plain"`
	Null   *float64 `parquet:"null,optional"`
	Steps  int64    `parquet:"steps,delta"`
	Lanes  float32  `parquet:"lanes,split"`
	Flag   bool     `parquet:"flag"`
	Dict   *string  `parquet:"dict,optional,dict"`
	Number int32    `parquet:"number,dict"`
	Text   string   `parquet:"text,delta"`
	Cents  int64    `parquet:"cents,decimal(2:18)"`
	Kind   string   `parquet:"kind,dict"`
}

// parquetSeeds writes rows with each version of the pages, and packed in each way.
func parquetSeeds(t testing.TB) [][]byte {
	t.Helper()
	rows := make([]manyEncodings, 40)
	for i := range rows {
		x, text := float64(i), []string{"north", "south", "east"}[i%3]
		rows[i] = manyEncodings{
			Plain: x, Steps: int64(i * i), Lanes: float32(i), Flag: i%2 == 0, Number: int32(i % 4), Text: text,
			Cents: int64(i), Kind: []string{"p", "q"}[i%2],
		}
		if i%5 != 0 {
			rows[i].Null, rows[i].Dict = &x, &text
		}
	}
	var files [][]byte
	for _, codec := range []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Zstd, &parquet.Lz4Raw, &parquet.Brotli} {
		for version := 1; version <= 2; version++ {
			var file bytes.Buffer
			w := parquet.NewGenericWriter[manyEncodings](&file,
				parquet.Compression(codec), parquet.DataPageVersion(version), parquet.MaxRowsPerRowGroup(25), parquet.PageBufferSize(64))
			if _, err := w.Write(rows); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			files = append(files, file.Bytes())
		}
	}
	return files
}

// maxFuzzedBytes bounds what reading a file of a few thousand bytes may allocate: what is free for
// it, as numbers and labels, and room for the library.
const maxFuzzedBytes = 4 * 8 * freeParquetValues

// FuzzParquetPages overwrites a part of a file, be it of a page, of a dictionary or of the footer,
// or cuts it off, and reads all its columns.
func FuzzParquetPages(f *testing.F) {
	files := parquetSeeds(f)
	for i, file := range files {
		table, err := Load(f.Context(), Source{Path: fileOf(f, "x.parquet", file)}, Options{Label: "kind", Impute: true})
		if err != nil || table.Len() != 40 {
			f.Fatalf("file %d is not read: %v", i, err)
		}
		step := 31
		if i > 1 { // packed: most of it means little when changed
			step = 499
		}
		for at := 0; at < len(file); at += step {
			f.Add(uint8(i), uint16(at), []byte{0xff}, uint16(0))
			f.Add(uint8(i), uint16(at), []byte{0xfe, 0xff, 0xff, 0xff, 0x0f}, uint16(0))
		}
		f.Add(uint8(i), uint16(0), []byte{}, uint16(len(file)/2))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint16, patch []byte, cut uint16) {
		content := slices.Clone(files[int(which)%len(files)])
		copy(content[int(at)%len(content):], patch)
		content = slices.Delete(content, 4, 4+int(cut)%(len(content)-12)) // the footer stays at the end
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		table, err := Load(t.Context(), Source{Path: fileOf(t, "x.parquet", content)}, Options{Label: "kind", Impute: true})
		runtime.ReadMemStats(&after)
		var own *Error
		if (table == nil) == (err == nil) || err != nil && !errors.As(err, &own) {
			t.Fatalf("got %v and the error %#v, expected a table or an *Error", table, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > maxFuzzedBytes {
			t.Errorf("%d bytes were allocated for a file of %d", used, len(content))
		}
	})
}
