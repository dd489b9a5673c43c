//go:build arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package kernel

import "math"

// fma returns a·b + c, rounded once: one instruction here.
func fma(a, b, c float64) float64 { return math.FMA(a, b, c) }
