package dataset

import (
	"bytes"
	"math"
	"strconv"
)

// powersOfTen are the powers of ten that a float64 holds exactly.
var powersOfTen = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

const (
	maxExactPower  = len(powersOfTen) - 1
	maxExactDigits = 1 << 53 // integers up to it are float64s
)

// parseNumber returns what [strconv.ParseFloat] does, to the bit, and whether it is a number
// that is finite. Digits joined by underscores are none, other than there: 10_1 is a code.
//
// A decimal of few digits is an integer over or times a power of ten; where a float64 holds both
// exactly, one division or product rounds correctly. All else is left to strconv.
func parseNumber(cell []byte) (float64, bool) {
	i, negative := 0, false
	if len(cell) > 0 && (cell[0] == '-' || cell[0] == '+') {
		negative = cell[0] == '-'
		i = 1
	}
	mantissa, first := uint64(0), i
	for ; i < len(cell) && cell[i]-'0' <= 9; i++ {
		mantissa = 10*mantissa + uint64(cell[i]-'0')
	}
	digits, power := i-first, 0
	if i < len(cell) && cell[i] == '.' {
		i++
		for first = i; i < len(cell) && cell[i]-'0' <= 9; i++ {
			mantissa = 10*mantissa + uint64(cell[i]-'0')
		}
		digits += i - first
		power = first - i
	}
	// Up to 19 digits the mantissa has not overflowed.
	if digits == 0 || digits > 19 || mantissa > maxExactDigits {
		return parseAny(cell)
	}
	if i < len(cell) {
		exponent, ok := parseExponent(cell[i:])
		if !ok {
			return parseAny(cell)
		}
		power += exponent
	}
	number := float64(mantissa)
	switch {
	case power == 0:
	case power > 0 && power <= maxExactPower:
		number *= powersOfTen[power]
	case power < 0 && -power <= maxExactPower:
		number /= powersOfTen[-power]
	default:
		return parseAny(cell)
	}
	if negative {
		number = -number
	}
	return number, true
}

// parseExponent reads an exponent of one or two digits, as e-5, which must be all of the text.
func parseExponent(text []byte) (int, bool) {
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	text, sign := text[1:], 1
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 2 {
		return 0, false
	}
	exponent := 0
	for _, c := range text {
		if c-'0' > 9 {
			return 0, false
		}
		exponent = 10*exponent + int(c-'0')
	}
	return sign * exponent, true
}

func parseAny(cell []byte) (float64, bool) {
	if bytes.IndexByte(cell, '_') >= 0 {
		return 0, false
	}
	number, err := strconv.ParseFloat(string(cell), 64)
	return number, err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
}
