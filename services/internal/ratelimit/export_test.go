package ratelimit

import "unsafe"

// Bytes is how much memory a limiter takes.
const Bytes = unsafe.Sizeof(Limiter{})
