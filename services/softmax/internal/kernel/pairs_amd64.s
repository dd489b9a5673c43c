//go:build !purego

#include "textflag.h"
#include "touch_amd64.h"

// The product of many rows and two columns. Two rows share a register: its lanes are the columns of
// c for the one, and those for the other.

#define LOADPAIR(row0, row1, x, y) \
	VMOVUPD     row0, x       \
	VINSERTF128 $1, row1, y, y

#define STOREPAIR(x, y) \
	VMOVUPD      x, (BX)            \
	VEXTRACTF128 $1, y, (BX)(SI*1)  \
	LEAQ         (BX)(SI*2), BX

#define TAKEPAIR(x, y) \
	LOADPAIR((BX), (BX)(SI*1), x, y) \
	LEAQ (BX)(SI*2), BX

// STEP2 adds two steps of two rows: Y8 and Y9 are the rows of b for these, twice.
#define STEP2(row0, row1, x, y, even, sum) \
	LOADPAIR(row0, row1, x, y)      \
	VMOVDDUP    y, even             \
	VPERMILPD   $15, y, y           \
	VFMADD231PD Y8, even, sum       \
	VFMADD231PD Y9, y, sum

// STEP1 adds one, the row of b in Y8.
#define STEP1(row0, row1, x, y, sum) \
	VMOVDDUP     row0, x            \
	VMOVDDUP     row1, X14          \
	VINSERTF128  $1, X14, y, y      \
	VFMADD231PD  Y8, y, sum

// func pairRows(c *float64, ldc int, a *float64, ars int, b *float64, ldb, m, k int)
//
// The rows are taken by 16. AX, R14, R15 and R10 read every fourth, DX is the first of them.
TEXT ·pairRows(SB), NOSPLIT, $0-64
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), SI
	MOVQ a+16(FP), DX
	MOVQ ars+24(FP), R8
	MOVQ ldb+40(FP), R12
	MOVQ m+48(FP), R13
	SHLQ $3, SI
	SHLQ $3, R8
	SHLQ $3, R12
	LEAQ (R8)(R8*2), R9

rows16:
	MOVQ  k+56(FP), BX
	SHLQ  $3, BX
	CMPQ  BX, R8
	JNE   apart
	SHLQ  $4, BX
	ADDQ  DX, BX
	MOVQ  DX, AX
	TOUCH(AX, BX, Y0, Y1)

apart:
	MOVQ DI, BX
	TAKEPAIR(X0, Y0)
	TAKEPAIR(X1, Y1)
	TAKEPAIR(X2, Y2)
	TAKEPAIR(X3, Y3)
	TAKEPAIR(X4, Y4)
	TAKEPAIR(X5, Y5)
	TAKEPAIR(X6, Y6)
	TAKEPAIR(X7, Y7)
	MOVQ DX, AX
	LEAQ (DX)(R8*4), R14
	LEAQ (DX)(R8*8), R15
	LEAQ (R14)(R8*8), R10
	MOVQ b+32(FP), BX
	MOVQ k+56(FP), CX
	SUBQ $2, CX
	JLT  odd

step2:
	VBROADCASTF128 (BX), Y8
	VBROADCASTF128 (BX)(R12*1), Y9
	LEAQ           (BX)(R12*2), BX
	STEP2((AX), (AX)(R8*1), X10, Y10, Y11, Y0)
	STEP2((AX)(R8*2), (AX)(R9*1), X12, Y12, Y13, Y1)
	STEP2((R14), (R14)(R8*1), X14, Y14, Y15, Y2)
	STEP2((R14)(R8*2), (R14)(R9*1), X10, Y10, Y11, Y3)
	STEP2((R15), (R15)(R8*1), X12, Y12, Y13, Y4)
	STEP2((R15)(R8*2), (R15)(R9*1), X14, Y14, Y15, Y5)
	STEP2((R10), (R10)(R8*1), X10, Y10, Y11, Y6)
	STEP2((R10)(R8*2), (R10)(R9*1), X12, Y12, Y13, Y7)
	ADDQ           $16, AX
	ADDQ           $16, R14
	ADDQ           $16, R15
	ADDQ           $16, R10
	SUBQ           $2, CX
	JGE            step2

odd:
	TESTQ          $1, CX
	JZ             store
	VBROADCASTF128 (BX), Y8
	STEP1((AX), (AX)(R8*1), X10, Y10, Y0)
	STEP1((AX)(R8*2), (AX)(R9*1), X11, Y11, Y1)
	STEP1((R14), (R14)(R8*1), X12, Y12, Y2)
	STEP1((R14)(R8*2), (R14)(R9*1), X13, Y13, Y3)
	STEP1((R15), (R15)(R8*1), X10, Y10, Y4)
	STEP1((R15)(R8*2), (R15)(R9*1), X11, Y11, Y5)
	STEP1((R10), (R10)(R8*1), X12, Y12, Y6)
	STEP1((R10)(R8*2), (R10)(R9*1), X13, Y13, Y7)

store:
	MOVQ DI, BX
	STOREPAIR(X0, Y0)
	STOREPAIR(X1, Y1)
	STOREPAIR(X2, Y2)
	STOREPAIR(X3, Y3)
	STOREPAIR(X4, Y4)
	STOREPAIR(X5, Y5)
	STOREPAIR(X6, Y6)
	STOREPAIR(X7, Y7)
	MOVQ BX, DI
	LEAQ (DX)(R8*8), DX
	LEAQ (DX)(R8*8), DX
	SUBQ $16, R13
	JNZ  rows16
	VZEROUPPER
	RET
