//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "lanesum_amd64.h"

// func curveRows(u, p *float64, ld, rows, classes int, weights *float64, step, full int)
TEXT ·curveRows(SB), NOSPLIT, $0-64
	MOVQ    u+0(FP), DI
	MOVQ    p+8(FP), R9
	MOVQ    ld+16(FP), SI
	MOVQ    rows+24(FP), R13
	MOVQ    classes+32(FP), R8
	MOVQ    weights+40(FP), R10
	MOVQ    step+48(FP), R14
	MOVQ    full+56(FP), R12
	SHLQ    $3, SI
	DECQ    R8
	MOVQ    R8, AX
	ANDQ    $3, AX
	TESTQ   R12, R12
	MOVQ    $4, R12
	JNZ     masked
	LEAQ    1(AX), R12

masked:
	SHRQ    $2, R8
	SHLQ    $5, R8                  // bytes before the last values
	LEAQ    lanes<>+24(SB), R11
	SHLQ    $3, AX
	SUBQ    AX, R11
	VMOVUPD (R11), Y15

row:
	VMASKMOVPD (DI)(R8*1), Y15, Y6
	VMASKMOVPD (R9)(R8*1), Y15, Y7
	VMULPD     Y6, Y7, Y8
	XORQ       BX, BX

mean:
	CMPQ        BX, R8
	JEQ         mixed
	VMOVUPD     (DI)(BX*1), Y0
	VFMADD231PD (R9)(BX*1), Y0, Y8
	ADDQ        $32, BX
	JMP         mean

mixed:
	ALLSUM(Y8, Y0)
	VBROADCASTSD (R10), Y9
	XORQ         BX, BX

apply:
	CMPQ    BX, R8
	JEQ     last
	VMOVUPD (DI)(BX*1), Y0
	VSUBPD  Y8, Y0, Y0
	VMULPD  (R9)(BX*1), Y9, Y1
	VMULPD  Y1, Y0, Y0
	VMOVUPD Y0, (DI)(BX*1)
	ADDQ    $32, BX
	JMP     apply

last:
	VSUBPD  Y8, Y6, Y6
	VANDPD  Y15, Y6, Y6
	VMULPD  Y7, Y9, Y7
	VMULPD  Y7, Y6, Y6
	CMPQ R12, $2
	JLT  store1
	JEQ  store2
	CMPQ R12, $4
	JEQ  store4
	LANES3(X6, Y6, (DI)(R8*1), 16(DI)(R8*1))
	JMP  next

store1:
	LANES1(X6, Y6, (DI)(R8*1), 16(DI)(R8*1))
	JMP  next

store2:
	LANES2(X6, Y6, (DI)(R8*1), 16(DI)(R8*1))
	JMP  next

store4:
	LANES4(X6, Y6, (DI)(R8*1), 16(DI)(R8*1))

next:
	ADDQ SI, DI
	ADDQ SI, R9
	ADDQ R14, R10
	DECQ R13
	JNZ  row
	VZEROUPPER
	RET
