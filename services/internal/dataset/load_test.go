package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	irisCSV = "../../../testdata/datasets/iris.csv"
	formats = "../../../testdata/datasets/formats/"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func digestOf(contents ...[]byte) string {
	digest := sha256.Sum256(bytes.Join(contents, nil))
	return hex.EncodeToString(digest[:])
}

// TestIrisIsTheSameInEveryFormat reads files that pyarrow, numpy and scikit-learn wrote.
func TestIrisIsTheSameInEveryFormat(t *testing.T) {
	t.Parallel()
	want := mustLoad(t, Source{Path: irisCSV}, Options{Label: "species"})
	packed := fileOf(t, "iris.csv.gz", zipped(t, string(readFile(t, irisCSV))))
	x, y := formats+"iris_x.npy", formats+"iris_y.npy"
	tests := []struct {
		source Source
		digest string
		named  bool
	}{
		{Source{Path: packed}, digestOf(readFile(t, packed)), true},
		{Source{Path: packed, Format: CSV}, digestOf(readFile(t, packed)), true},
		{Source{Path: formats + "iris.parquet"}, digestOf(readFile(t, formats+"iris.parquet")), true},
		{Source{Path: x, Labels: y}, digestOf(readFile(t, x), readFile(t, y)), false},
	}
	for _, test := range tests {
		got := mustLoad(t, test.source, Options{Label: "species"})
		if !slices.Equal(got.Rows, want.Rows) || !slices.Equal(got.Labels, want.Labels) || !slices.Equal(got.Classes, want.Classes) {
			t.Errorf("%s: the rows or labels differ", got.Path)
		}
		if test.named && !reflect.DeepEqual(got.Signature.Features(), want.Signature.Features()) {
			t.Errorf("%s: features are %+v", got.Path, got.Signature.Features())
		}
		if got.Digest != test.digest {
			t.Errorf("%s: digest is %s, expected %s", got.Path, got.Digest, test.digest)
		}
	}
	sparse := mustLoad(t, Source{Path: formats + "iris.libsvm"}, Options{})
	for i := range want.Len() {
		if !slices.Equal(sparse.Row(i), want.Row(i)) || sparse.Labels[i] != want.Labels[i] {
			t.Fatalf("row %d of libsvm is %v of %d", i, sparse.Row(i), sparse.Labels[i])
		}
	}
	if sparse.Digest != digestOf(readFile(t, formats+"iris.libsvm")) || !slices.Equal(sparse.Classes, []string{"0", "1", "2"}) {
		t.Errorf("libsvm: classes are %q, the digest %s", sparse.Classes, sparse.Digest)
	}
}

func TestParquetOfPyarrow(t *testing.T) {
	t.Parallel()
	table := mustLoad(t, Source{Path: formats + "types.parquet"}, Options{Label: "y", Drop: []string{"at", "tags"}, Impute: true})
	if want := []float64{
		1, -1, 1 << 40, 0.5, -12.345, 1,
		0, 2, (1<<40 + 1<<32 - 1) / 2.0, 1.5, median([]float64{-12.345, 7}), 0,
		0.5, 3, 1<<32 - 1, 1, 7, 0,
	}; !slices.Equal(table.Rows, want) {
		t.Errorf("rows are %v, expected %v", table.Rows, want)
	}
	if want := [][]int{{2}, nil, {1}, {2}, {1}, {1}}; !reflect.DeepEqual(table.Missing, want) {
		t.Errorf("missing are %v, expected %v", table.Missing, want)
	}
}

func TestFormatsAreToldByContentThenName(t *testing.T) {
	t.Parallel()
	const csvText, sparseText = "x,y\n1,a\n2,b\n", "# c\n1 1:2 3:4\n0 2:1\n"
	array := npyOf(1, npyHeaderOf("|u1", "False", "(2, 2)"), []byte{1, 0, 2, 1})
	table := parquetOf(t, 10, manyRows(3)...)
	tests := []struct {
		name    string
		content []byte
		want    Format
	}{
		{"a.csv", []byte(csvText), CSV}, {"a", []byte(csvText), CSV}, {"a.txt", zipped(t, csvText), CSV}, {"a", nil, CSV},
		{"a.svm", []byte(sparseText), LIBSVM}, {"A.LIBSVM.GZ", zipped(t, sparseText), LIBSVM}, {"a.svmlight", nil, LIBSVM}, {"a.txt", []byte(sparseText), LIBSVM},
		{"a.csv", []byte(sparseText), CSV}, {"a.csv", array, NPY}, {"a.npy", nil, NPY}, {"a.csv", table, Parquet}, {"a.pq", nil, Parquet},
	}
	for _, test := range tests {
		in, file, err := open(t.Context(), Source{Path: fileOf(t, test.name, test.content)})
		if err != nil {
			t.Fatal(err)
		}
		if file.Close(); in.format != test.want {
			t.Errorf("%s with %.20q is %s, expected %s", test.name, test.content, in.format, test.want)
		}
	}
}

func TestStandardInputIsRead(t *testing.T) {
	t.Parallel()
	for _, content := range [][]byte{[]byte("x,y\n1,a\n2,b\n"), zipped(t, "x,y\n1,a\n2,b\n"), append(zipped(t, "x,y\n1,a\n"), zipped(t, "2,b\n")...)} {
		table := mustLoad(t, Source{Path: "-", In: iotest.OneByteReader(bytes.NewReader(content))}, Options{Label: "y"})
		if !slices.Equal(table.Rows, []float64{1, 2}) || table.Digest != digestOf(content) || table.Path != "standard input" {
			t.Errorf("got %+v", table)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	text := zipped(t, "x,y\n"+numbered(9999, "%d,a\n"))
	flipped := slices.Clone(text)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	tests := []struct {
		name, file string
		content    []byte
		source     Source
		want       string // after the folder
	}{
		{"half a gzip file", "a.csv.gz", text[:len(text)/2], Source{}, "a.csv.gz: cannot be read: is not a whole gzip file: unexpected EOF"},
		{"a broken gzip file", "a.csv.gz", flipped, Source{}, "a.csv.gz: cannot be read: is not a whole gzip file: gzip: invalid checksum"},
		{"a gzip header alone", "a.csv.gz", text[:5], Source{}, "a.csv.gz: is not a whole gzip file: unexpected EOF"},
		{"more after gzip", "a.csv.gz", append(slices.Clone(text), "more"...), Source{}, "a.csv.gz: cannot be read: is not a whole gzip file: unexpected EOF"},
		{"no gzip", "a.csv", []byte("x,y\n"), Source{Format: CSVGzip}, "a.csv: is not gzip"},
		{"a format that nobody knows", "a.csv", nil, Source{Format: "xls"}, "a.csv: cannot be read as xls, expected one of csv, csv.gz, parquet, libsvm, npy"},
		{"labels apart", "a.csv", nil, Source{Labels: "y.npy"}, "a.csv: has its labels in a column; a file of labels goes with an array of numpy only"},
		{"an array in gzip", "a.npy.gz", zipped(t, npyMagic), Source{}, "a.npy.gz: cannot be read as npy: that needs a file, not a stream or gzip"},
		{"nothing as Parquet", "a.pq", nil, Source{}, "a.pq: is too short for a Parquet file"},
		{"text as Parquet", "a.pq", []byte("x,y\n1,a\n2,b\n"), Source{}, "a.pq: is no whole Parquet file: it does not end with a footer and PAR1"},
		{"text as an array", "a.npy", []byte("x,y\n1,a\n2,b\n"), Source{}, `a.npy: is no array of numpy: it does not begin with "\x93NUMPY" and a version`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.source.Path = fileOf(t, test.file, test.content)
			table, err := Load(t.Context(), test.source, Options{Label: "y"})
			expectOwnError(t, table, err)
			if got := err.Error(); !strings.HasSuffix(got, "/"+test.want) {
				t.Errorf("error is\n%s, expected the end\n%s", got, test.want)
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		table, err := Load(t.Context(), Source{Path: folder}, Options{Label: "y"})
		expectRefusal(t, table, err, folder+": is a folder, expected a file")
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		table, err := Load(t.Context(), Source{Path: "none.csv"}, Options{Label: "y"})
		expectRefusal(t, table, err, "none.csv: cannot be opened: no such file or directory")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the error does not hold fs.ErrNotExist: %v", err)
		}
	})
	t.Run("a stream of Parquet", func(t *testing.T) {
		t.Parallel()
		table, err := loadText(t, parquetMagic+"…", "", Options{Label: "y"})
		expectRefusal(t, table, err, "standard input: cannot be read as parquet: that needs a file, not a stream or gzip")
	})
}

func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	text := "x,y\n" + numbered(100_000, "%d,a\n") + "1,b\n"
	path := fileOf(t, "data.csv", []byte(text))
	var last, calls int64
	mustLoad(t, Source{Path: path}, Options{Label: "y", Progress: func(read, total int64) {
		if read < last || total != int64(len(text)) {
			t.Errorf("told of %d of %d bytes after %d", read, total, last)
		}
		last = read
		calls++
	}})
	if last != int64(len(text)) || calls < 3 {
		t.Errorf("told of %d bytes of %d in %d calls", last, len(text), calls)
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.csv", "a.libsvm"} {
		ctx, cancel := context.WithCancel(t.Context())
		content := numbered(300_000, "%d 1:1\n")
		if name == "a.csv" {
			content = "x,y\n" + numbered(300_000, "%d,a\n")
		}
		told := func(read, _ int64) { cancel() }
		table, err := Load(ctx, Source{Path: fileOf(t, name, []byte(content))}, Options{Label: "y", Progress: told})
		if !errors.Is(err, context.Canceled) || table != nil {
			t.Errorf("%s: got %v, %v", name, table, err)
		}
	}
}
