//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

// MASK loads the mask of the values from the one called first to the fourth from there, of AX, at
// most 12.
#define MASK(first, y) \
	MOVQ    $4+first, BX   \
	SUBQ    AX, BX         \
	CMPQ    BX, R8         \
	CMOVQLT R8, BX         \
	CMPQ    BX, R9         \
	CMOVQGT R9, BX         \
	VMOVUPD (R11)(BX*8), y

// func packRows(panel, x *float64, ldx, rows, columns int, weights *float64, step int)
TEXT ·packRows(SB), NOSPLIT, $0-56
	MOVQ panel+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ ldx+16(FP), R10
	MOVQ rows+24(FP), CX
	MOVQ columns+32(FP), AX
	MOVQ weights+40(FP), DX
	MOVQ step+48(FP), R12
	SHLQ $3, R10
	LEAQ lanes<>(SB), R11
	XORQ R8, R8
	MOVQ $4, R9
	MASK(0, Y13)
	MASK(4, Y14)
	MASK(8, Y15)

row:
	VBROADCASTSD (DX), Y3
	VMASKMOVPD   (SI), Y13, Y0
	VMASKMOVPD   32(SI), Y14, Y1
	VMASKMOVPD   64(SI), Y15, Y2
	VMULPD       Y0, Y3, Y0
	VMULPD       Y1, Y3, Y1
	VMULPD       Y2, Y3, Y2
	VMOVUPD      Y0, (DI)
	VMOVUPD      Y1, 32(DI)
	VMOVUPD      Y2, 64(DI)
	ADDQ         R12, DX
	ADDQ         R10, SI
	ADDQ         $96, DI
	DECQ         CX
	JNZ          row
	VZEROUPPER
	RET
