package dataset

import (
	"math"
	"math/big"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetKind is what the values of a column are.
type parquetKind struct {
	kind     parquet.Kind
	unsigned bool // integers
	decimal  bool // integers, or bytes of one, over 10^scale
	scale    int
}

// isText reports whether the values are texts.
func (k parquetKind) isText() bool { return k.kind == parquet.ByteArray && !k.decimal }

// maxDecimalScale bounds the places of a decimal; Parquet's own writers stay below 77.
const maxDecimalScale = 400

// parquetKindOf returns what the values of a column are, or why it cannot be read.
func parquetKindOf(column *parquet.Column) (k parquetKind, problem string) {
	if !column.Leaf() || column.Repeated() {
		return k, "is nested (a list, a map or a group); write each of its values as a column of its own, or drop it"
	}
	k.kind = column.Type().Kind()
	if logical := column.Type().LogicalType(); logical != nil {
		switch l := logical.Value.(type) {
		case nil, *format.StringType, *format.EnumType:
		case *format.IntType:
			k.unsigned = !l.IsSigned
		case *format.DecimalType:
			k.decimal, k.scale = true, int(l.Scale)
			if k.scale < 0 || k.scale > maxDecimalScale {
				return k, "holds decimals of " + strconv.Itoa(k.scale) + " places, at most " + strconv.Itoa(maxDecimalScale) + " are read"
			}
			return k, ""
		case *format.DateType, *format.TimeType, *format.TimestampType:
			return k, "holds dates or times (" + l.String() + "); write them as a number, such as of days or seconds, or drop the column"
		default:
			return k, "holds values of the type " + l.String() + ", expected numbers, booleans or texts; drop the column"
		}
	}
	switch k.kind {
	case parquet.FixedLenByteArray:
		return k, "holds bytes of a fixed number, expected numbers, booleans or texts; drop the column"
	case parquet.Boolean, parquet.Int32, parquet.Int64, parquet.Float, parquet.Double, parquet.ByteArray:
		return k, ""
	case parquet.Int96:
		return k, "holds dates or times (INT96); write them as a number, such as of days or seconds, or drop the column"
	}
	return k, "holds values of the type " + k.kind.String() + ", expected numbers, booleans or texts; drop the column"
}

// number returns a value that is not null as a number; a decimal or a long integer rounded.
func (k parquetKind) number(v parquet.Value) float64 {
	switch {
	case k.decimal:
		return k.decimalNumber(v)
	case k.kind == parquet.Boolean && v.Boolean():
		return 1
	case k.kind == parquet.Boolean:
		return 0
	case k.kind == parquet.Int32 && k.unsigned:
		return float64(v.Uint32())
	case k.kind == parquet.Int32:
		return float64(v.Int32())
	case k.kind == parquet.Int64 && k.unsigned:
		return float64(v.Uint64())
	case k.kind == parquet.Int64:
		return float64(v.Int64())
	case k.kind == parquet.Float:
		return float64(v.Float())
	}
	return v.Double()
}

// text returns a value that is not null as a text, not nil.
func (k parquetKind) text(v parquet.Value) []byte {
	switch {
	case k.isText():
		if bytes := v.ByteArray(); bytes != nil {
			return bytes
		}
		return []byte{}
	case k.kind == parquet.Boolean:
		return strconv.AppendBool(nil, v.Boolean())
	case k.kind == parquet.Int64 && !k.decimal && k.unsigned:
		return strconv.AppendUint(nil, v.Uint64(), 10)
	case k.kind == parquet.Int64 && !k.decimal:
		return strconv.AppendInt(nil, v.Int64(), 10)
	case k.kind == parquet.Float:
		return strconv.AppendFloat(nil, float64(v.Float()), 'g', -1, 32)
	case k.kind == parquet.Int32 && !k.decimal:
		return strconv.AppendInt(nil, int64(k.number(v)), 10)
	}
	return strconv.AppendFloat(nil, k.number(v), 'g', -1, 64)
}

// decimalNumber returns the number next to a decimal.
func (k parquetKind) decimalNumber(v parquet.Value) float64 {
	var unscaled *big.Int
	switch k.kind {
	case parquet.Int32:
		unscaled = big.NewInt(int64(v.Int32()))
	case parquet.Int64:
		unscaled = big.NewInt(v.Int64())
	default:
		unscaled = fromTwosComplement(v.ByteArray())
	}
	if unscaled.IsInt64() && k.scale <= maxExactPower {
		if n := unscaled.Int64(); n >= -maxExactDigits && n <= maxExactDigits {
			return float64(n) / powersOfTen[k.scale]
		}
	}
	number, err := strconv.ParseFloat(unscaled.String()+"e-"+strconv.Itoa(k.scale), 64)
	if err != nil {
		return math.Inf(unscaled.Sign())
	}
	return number
}

// fromTwosComplement returns the integer that the bytes are, the most significant first.
func fromTwosComplement(digits []byte) *big.Int {
	n := new(big.Int).SetBytes(digits)
	if len(digits) > 0 && digits[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(digits))))
	}
	return n
}
