//go:build !(arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x)

package kernel

// fma returns a·b + c. The conversion keeps the compiler from fusing the two on some lines and
// not on others, which would make results depend on how the rows are cut.
func fma(a, b, c float64) float64 { return float64(a*b) + c }
