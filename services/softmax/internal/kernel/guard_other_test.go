//go:build !linux

package kernel_test

import "testing"

func guarded(_ testing.TB, n int) []float64 { return make([]float64, n) }

func guarded32(_ testing.TB, n int) []float32 { return make([]float32, n) }
