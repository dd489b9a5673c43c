//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "touch_amd64.h"
#include "panels_amd64.h"

#define BROADCAST64(from, x, y) VBROADCASTSD from, y

#define BROADCAST32(from, x, y) \
	VBROADCASTSS from, x \
	VCVTPS2PD    x, y

// func panel3(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, m, n, k, ahead int)
TEXT ·panel3(SB), NOSPLIT, $0-88
	MOVQ        c+0(FP), DI
	MOVQ        ldc+8(FP), SI
	MOVQ        a+16(FP), DX
	MOVQ        ars+24(FP), R8
	MOVQ        acs+32(FP), R10
	MOVQ        ldb+48(FP), R12
	MOVQ        m+56(FP), R13
	MOVQ        n+64(FP), AX
	SHLQ        $3, SI
	SHLQ        $3, R8
	SHLQ        $3, R10
	SHLQ        $3, R12
	LEAQ        lanes<>(SB), R11
	LEAQ        96(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	PANEL3(BROADCAST64, 32)

// func panel2(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, m, n, k, ahead int)
TEXT ·panel2(SB), NOSPLIT, $0-88
	MOVQ        c+0(FP), DI
	MOVQ        ldc+8(FP), SI
	MOVQ        a+16(FP), DX
	MOVQ        ars+24(FP), R8
	MOVQ        acs+32(FP), R10
	MOVQ        ldb+48(FP), R12
	MOVQ        m+56(FP), R13
	MOVQ        n+64(FP), AX
	SHLQ        $3, SI
	SHLQ        $3, R8
	SHLQ        $3, R10
	SHLQ        $3, R12
	LEAQ        lanes<>(SB), R11
	LEAQ        64(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	PANEL2(BROADCAST64, 48)

// func panel1(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, m, n, k int)
TEXT ·panel1(SB), NOSPLIT, $0-80
	MOVQ        c+0(FP), DI
	MOVQ        ldc+8(FP), SI
	MOVQ        a+16(FP), DX
	MOVQ        ars+24(FP), R8
	MOVQ        acs+32(FP), R10
	MOVQ        ldb+48(FP), R12
	MOVQ        m+56(FP), R13
	MOVQ        n+64(FP), AX
	SHLQ        $3, SI
	SHLQ        $3, R8
	SHLQ        $3, R10
	SHLQ        $3, R12
	LEAQ        lanes<>(SB), R11
	LEAQ        32(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	PANEL1(BROADCAST64, 8)

// func panel3of32(c *float64, ldc int, a *float32, ars, acs int, b *float64, ldb, m, n, k, ahead int)
TEXT ·panel3of32(SB), NOSPLIT, $0-88
	MOVQ        c+0(FP), DI
	MOVQ        ldc+8(FP), SI
	MOVQ        a+16(FP), DX
	MOVQ        ars+24(FP), R8
	MOVQ        acs+32(FP), R10
	MOVQ        ldb+48(FP), R12
	MOVQ        m+56(FP), R13
	MOVQ        n+64(FP), AX
	SHLQ        $3, SI
	SHLQ        $2, R8
	SHLQ        $2, R10
	SHLQ        $3, R12
	LEAQ        lanes<>(SB), R11
	LEAQ        96(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	PANEL3(BROADCAST32, 16)

// func panel2of32(c *float64, ldc int, a *float32, ars, acs int, b *float64, ldb, m, n, k, ahead int)
TEXT ·panel2of32(SB), NOSPLIT, $0-88
	MOVQ        c+0(FP), DI
	MOVQ        ldc+8(FP), SI
	MOVQ        a+16(FP), DX
	MOVQ        ars+24(FP), R8
	MOVQ        acs+32(FP), R10
	MOVQ        ldb+48(FP), R12
	MOVQ        m+56(FP), R13
	MOVQ        n+64(FP), AX
	SHLQ        $3, SI
	SHLQ        $2, R8
	SHLQ        $2, R10
	SHLQ        $3, R12
	LEAQ        lanes<>(SB), R11
	LEAQ        64(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	PANEL2(BROADCAST32, 24)

// func panel1of32(c *float64, ldc int, a *float32, ars, acs int, b *float64, ldb, m, n, k int)
TEXT ·panel1of32(SB), NOSPLIT, $0-80
	MOVQ        c+0(FP), DI
	MOVQ        ldc+8(FP), SI
	MOVQ        a+16(FP), DX
	MOVQ        ars+24(FP), R8
	MOVQ        acs+32(FP), R10
	MOVQ        ldb+48(FP), R12
	MOVQ        m+56(FP), R13
	MOVQ        n+64(FP), AX
	SHLQ        $3, SI
	SHLQ        $2, R8
	SHLQ        $2, R10
	SHLQ        $3, R12
	LEAQ        lanes<>(SB), R11
	LEAQ        32(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	PANEL1(BROADCAST32, 4)
