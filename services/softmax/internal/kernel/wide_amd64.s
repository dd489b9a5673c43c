//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

// The product for one row of c, wide: eight or four accumulators hide the time that a step takes.
//
// DI: c. DX: a. R10: bytes from a value of a to the next. BX: b. R12: bytes from a row of b to the
// next. CX: steps to go. R11: mask of the last values.

#define ROWARGS \
	SHLQ $3, R10         \
	SHLQ $3, R12         \
	LEAQ        lanes<>(SB), R11

// func row8(c, a *float64, acs int, b *float64, ldb, n, k int)
TEXT ·row8(SB), NOSPLIT, $0-56
	MOVQ        c+0(FP), DI
	MOVQ        a+8(FP), DX
	MOVQ        acs+16(FP), R10
	MOVQ        b+24(FP), BX
	MOVQ        ldb+32(FP), R12
	MOVQ        n+40(FP), AX
	MOVQ        k+48(FP), CX
	ROWARGS
	LEAQ        256(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	VMOVUPD     (R11), Y15
	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMOVUPD     64(DI), Y2
	VMOVUPD     96(DI), Y3
	VMOVUPD     128(DI), Y4
	VMOVUPD     160(DI), Y5
	VMOVUPD     192(DI), Y6
	VMASKMOVPD  224(DI), Y15, Y7

step:
	VBROADCASTSD (DX), Y14
	VFMADD231PD (BX), Y14, Y0
	VFMADD231PD 32(BX), Y14, Y1
	VFMADD231PD 64(BX), Y14, Y2
	VFMADD231PD 96(BX), Y14, Y3
	VFMADD231PD 128(BX), Y14, Y4
	VFMADD231PD 160(BX), Y14, Y5
	VFMADD231PD 192(BX), Y14, Y6
	VMASKMOVPD  224(BX), Y15, Y13
	VFMADD231PD Y13, Y14, Y7
	ADDQ        R10, DX
	ADDQ        R12, BX
	DECQ        CX
	JNZ         step
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, 64(DI)
	VMOVUPD     Y3, 96(DI)
	VMOVUPD     Y4, 128(DI)
	VMOVUPD     Y5, 160(DI)
	VMOVUPD     Y6, 192(DI)
	VMASKMOVPD  Y7, Y15, 224(DI)
	VZEROUPPER
	RET

// func row4(c, a *float64, acs int, b *float64, ldb, n, k int)
TEXT ·row4(SB), NOSPLIT, $0-56
	MOVQ        c+0(FP), DI
	MOVQ        a+8(FP), DX
	MOVQ        acs+16(FP), R10
	MOVQ        b+24(FP), BX
	MOVQ        ldb+32(FP), R12
	MOVQ        n+40(FP), AX
	MOVQ        k+48(FP), CX
	ROWARGS
	LEAQ        128(R11), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	VMOVUPD     (R11), Y15
	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMOVUPD     64(DI), Y2
	VMASKMOVPD  96(DI), Y15, Y3

step:
	VBROADCASTSD (DX), Y14
	VFMADD231PD (BX), Y14, Y0
	VFMADD231PD 32(BX), Y14, Y1
	VFMADD231PD 64(BX), Y14, Y2
	VMASKMOVPD  96(BX), Y15, Y13
	VFMADD231PD Y13, Y14, Y3
	ADDQ        R10, DX
	ADDQ        R12, BX
	DECQ        CX
	JNZ         step
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, 64(DI)
	VMASKMOVPD  Y3, Y15, 96(DI)
	VZEROUPPER
	RET
