package dataset

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/sepal-ml/sepal/services/softmax"
)

// parquetOf writes rows in groups of that many.
func parquetOf[T any](t testing.TB, perGroup int, rows ...T) []byte {
	t.Helper()
	var file bytes.Buffer
	w := parquet.NewGenericWriter[T](&file, parquet.MaxRowsPerRowGroup(int64(perGroup)))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

type manyTypes struct {
	Ok    bool     `parquet:"ok"`
	I32   int32    `parquet:"i32"`
	I64   int64    `parquet:"i64"`
	U32   uint32   `parquet:"u32"`
	F32   float32  `parquet:"f32"`
	F64   *float64 `parquet:"f64,optional"`
	Cents int64    `parquet:"cents,decimal(2:18)"`
	Shop  *string  `parquet:"shop,optional,dict"`
	Code  string   `parquet:"code"`
	Kind  string   `parquet:"kind,dict"`
	Kilos float64  `parquet:"kilos"`
}

func manyRows(n int) []manyTypes {
	rows := make([]manyTypes, n)
	for i := range rows {
		f, shop := float64(i)/4, []string{"north", "south", "east"}[i%3]
		rows[i] = manyTypes{
			Ok: i%2 == 0, I32: int32(-i), I64: int64(i) << 40, U32: math.MaxUint32 - uint32(i), F32: float32(i) / 2,
			Cents: int64(i)*100 + 5, Code: []string{"01", "1"}[i%2], Kind: []string{"p", "q"}[i%2], Kilos: float64(i % 4),
		}
		if i != 1 {
			rows[i].F64 = &f
		}
		if i != 4 {
			rows[i].Shop = &shop
		}
	}
	return rows
}

func TestParquetTypesAndGroups(t *testing.T) {
	t.Parallel()
	const n = 3000
	path := fileOf(t, "data", parquetOf(t, 1100, manyRows(n)...))
	var told [][2]int64
	table := mustLoad(t, Source{Path: path}, Options{
		Label: "kind", Weight: "kilos", Impute: true,
		Progress: func(read, total int64) { told = append(told, [2]int64{read, total}) },
	})
	want := []softmax.Feature{
		{Name: "ok", Range: &softmax.Range{Max: 1}},
		{Name: "i32", Range: &softmax.Range{Min: 1 - n}},
		{Name: "i64", Range: &softmax.Range{Max: (n - 1) << 40}},
		{Name: "u32", Range: &softmax.Range{Min: math.MaxUint32 - n + 1, Max: math.MaxUint32}},
		{Name: "f32", Range: &softmax.Range{Max: (n - 1) / 2.0}},
		{Name: "f64", Range: &softmax.Range{Max: (n - 1) / 4.0}},
		{Name: "cents", Range: &softmax.Range{Min: 0.05, Max: n - 1 + 0.05}},
		{Name: "shop", Categories: []string{"east", "north", "south"}},
		{Name: "code", Categories: []string{"01", "1"}},
	}
	got := table.Signature.Features()
	for j := range got {
		if got[j].Impute == nil {
			t.Errorf("feature %d has no stand-in", j)
		}
		got[j].Impute = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("features are %+v, expected %+v", got, want)
	}
	if got, want := table.Row(2501), []float64{0, -2501, 2501 << 40, math.MaxUint32 - 2501, 1250.5, 625.25, 2501.05, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("row 2501 is %v, expected %v", got, want)
	}
	if !slices.Equal(table.Missing[5], []int{1}) || !slices.Equal(table.Missing[7], []int{4}) {
		t.Errorf("missing are %v", table.Missing)
	}
	if table.Labels[2500] != 0 || table.Labels[2501] != 1 || table.Weights[2501] != 1 || len(table.Weights) != n {
		t.Errorf("row 2501 has the label %d and the weight %v", table.Labels[2501], table.Weights[2501])
	}
	if len(told) != 3 || told[2][0] != told[2][1] {
		t.Errorf("told of %v, expected three groups", told)
	}
}

func TestParquetLabelsOfAnyType(t *testing.T) {
	t.Parallel()
	path := fileOf(t, "data.parquet", parquetOf(t, 10, manyRows(4)...))
	for label, want := range map[string][]string{
		"ok": {"false", "true"}, "i32": {"-3", "-2", "-1", "0"}, "u32": {"4294967292", "4294967293", "4294967294", "4294967295"},
		"f32": {"0", "0.5", "1", "1.5"}, "code": {"01", "1"}, "cents": {"0.05", "1.05", "2.05", "3.05"},
	} {
		table := mustLoad(t, Source{Path: path}, Options{Label: label, Drop: []string{"f64"}, Categorical: []string{"kilos"}})
		if !slices.Equal(table.Classes, want) {
			t.Errorf("classes of %s are %q, expected %q", label, table.Classes, want)
		}
	}
}

func TestParquetDecimalsAreRoundedOnce(t *testing.T) {
	t.Parallel()
	wide := new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil) // 10^30
	negative := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), wide)
	tests := []struct {
		kind  parquetKind
		value parquet.Value
		want  float64
	}{
		{parquetKind{kind: parquet.Int32, decimal: true, scale: 1}, parquet.Int32Value(-3), -0.3},
		{parquetKind{kind: parquet.Int64, decimal: true, scale: 17}, parquet.Int64Value(math.MaxInt64), 92.23372036854775807},
		{parquetKind{kind: parquet.FixedLenByteArray, decimal: true, scale: 29}, parquet.FixedLenByteArrayValue(wide.FillBytes(make([]byte, 16))), 10},
		{parquetKind{kind: parquet.ByteArray, decimal: true, scale: 30}, parquet.ByteArrayValue(negative.Bytes()), -1},
		{parquetKind{kind: parquet.ByteArray, decimal: true, scale: 2}, parquet.ByteArrayValue(nil), 0},
	}
	for _, test := range tests {
		if got := test.kind.number(test.value); got != test.want {
			t.Errorf("%v of scale %d is %v, expected %v", test.value, test.kind.scale, got, test.want)
		}
	}
}

func TestParquetRefuses(t *testing.T) {
	t.Parallel()
	type dated struct {
		When time.Time `parquet:"when,timestamp"`
		Y    string    `parquet:"y"`
	}
	type listed struct {
		Tags []string `parquet:"tags,list"`
		Y    string   `parquet:"y"`
	}
	type grouped struct {
		Place struct{ X, Y float64 } `parquet:"place"`
		Y     string                 `parquet:"y"`
	}
	type gappy struct {
		X *float64 `parquet:"x,optional"`
		Y *string  `parquet:"y,optional"`
	}
	type weighed struct {
		W *float64 `parquet:"w,optional"`
		X float64  `parquet:"x"`
		Y string   `parquet:"y"`
	}
	one, a := 1.0, "a"
	inf := math.Inf(1)
	tests := []struct {
		name    string
		content []byte
		options Options
		want    string
	}{
		{"times", parquetOf(t, 9, dated{Y: "a"}, dated{Y: "b"}), Options{Label: "y"},
			`data.parquet: column "when": holds dates or times (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)); write them as a number, such as of days or seconds, or drop the column`},
		{"lists", parquetOf(t, 9, listed{Y: "a"}, listed{Y: "b"}), Options{Label: "y"},
			`data.parquet: column "tags": is nested (a list, a map or a group); write each of its values as a column of its own, or drop it`},
		{"groups", parquetOf(t, 9, grouped{Y: "a"}, grouped{Y: "b"}), Options{Label: "y"},
			`data.parquet: column "place": is nested (a list, a map or a group); write each of its values as a column of its own, or drop it`},
		{"a null", parquetOf(t, 9, gappy{&one, &a}, gappy{nil, &a}), Options{Label: "y"},
			`data.parquet: row 2: column "x": the value is missing (null); impute missing values, or remove the row`},
		{"a null label", parquetOf(t, 1, gappy{&one, &a}, gappy{&one, nil}), Options{Label: "y"},
			`data.parquet: row 2: column "y": the label is missing; every row needs one`},
		{"a null weight", parquetOf(t, 1, weighed{&one, 1, "a"}, weighed{nil, 2, "a"}), Options{Label: "y", Weight: "w"},
			`data.parquet: row 2: column "w": the weight is missing; every row needs one`},
		{"infinity", parquetOf(t, 1, gappy{&one, &a}, gappy{&inf, &a}), Options{Label: "y"},
			`data.parquet: row 2: column "x": "+Inf" is not a finite number of at most 1e+150 in magnitude`},
		{"no rows", parquetOf[gappy](t, 1), Options{Label: "y"}, `data.parquet: the file has no rows`},
		{"no such label", parquetOf(t, 1, gappy{&one, &a}), Options{Label: "z"}, `data.parquet: column "z": is not in the file, which has "x", "y"`},
		{"a footer longer than the file", append([]byte("PAR1xxxxxxxx"), "\xff\x00\x00\x00PAR1"...), Options{Label: "y"},
			"data.parquet: is no whole Parquet file: it does not end with a footer and PAR1"},
		{"a file cut off", parquetOf(t, 1, gappy{&one, &a})[:100], Options{Label: "y"},
			"data.parquet: is no whole Parquet file: it does not end with a footer and PAR1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			table, err := Load(t.Context(), Source{Path: fileOf(t, "data.parquet", test.content)}, test.options)
			expectOwnError(t, table, err)
			if got := err.Error(); !strings.HasSuffix(got, "/"+test.want) {
				t.Errorf("error is\n%s, expected the end\n%s", got, test.want)
			}
		})
	}
}

func TestParquetFootersThatClaimTooMuch(t *testing.T) {
	t.Parallel()
	deep := bytes.Repeat([]byte{0x1c}, 100)
	for _, footer := range [][]byte{
		nil, {0x15}, {0x15, 0x02}, {0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00}, {0x1a, 0xf7, 0xff, 0xff, 0xff, 0x0f, 0x00},
		{0x1b, 0xff, 0xff, 0x03, 0x55, 0x00}, {0x18, 0x09, 0x00}, {0x1f, 0x00}, {0x17, 0x00}, deep,
	} {
		content := append([]byte(parquetMagic), footer...)
		content = binary.LittleEndian.AppendUint32(content, uint32(len(footer)))
		content = append(content, parquetMagic...)
		table, err := Load(t.Context(), Source{Path: fileOf(t, "x", content)}, Options{Label: "y"})
		expectOwnError(t, table, err)
		if !strings.HasSuffix(err.Error(), "is a broken Parquet file: its footer has more elements than bytes") {
			t.Errorf("of %x the error is %v", footer, err)
		}
	}
}
