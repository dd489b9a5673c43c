//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "exp_amd64.h"

LANES(highest<>, $0x4086300000000000) // 710
LANES(lowest<>, $0xc087500000000000)  // -746

// EXP makes Y1 the exponential of Y0. It multiplies by 2^n in two steps, as neither the largest
// result nor a subnormal one comes by a single power of two.
#define EXP \
	VMOVUPD highest<>(SB), Y1      \
	VMINPD  Y0, Y1, Y0             \
	VMOVUPD lowest<>(SB), Y1       \
	VMAXPD  Y0, Y1, Y0             \
	REDUCE(Y0, Y2, Y3, Y4)         \
	EXPOF(Y4, Y1, Y5, Y6)          \
	VMULPD  half<>(SB), Y3, Y2     \
	VADDPD  shifter<>(SB), Y2, Y2  \
	VSUBPD  shifter<>(SB), Y2, Y4  \
	VSUBPD  Y4, Y3, Y3             \
	VADDPD  shifter<>(SB), Y3, Y3  \
	VPSLLQ  $52, Y2, Y2            \
	VPSLLQ  $52, Y3, Y3            \
	VMULPD  Y2, Y1, Y1             \
	VMULPD  Y3, Y1, Y1

// func expVector(dst, src *float64, n int)
TEXT ·expVector(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

four:
	CMPQ    CX, $4
	JLT     tail
	VMOVUPD (SI), Y0
	EXP
	VMOVUPD Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $4, CX
	JMP     four

tail:
	TESTQ      CX, CX
	JZ         done
	LEAQ       lanes<>+32(SB), R11
	SHLQ       $3, CX
	SUBQ       CX, R11
	VMOVUPD    (R11), Y15
	VMASKMOVPD (SI), Y15, Y0
	EXP
	VMASKMOVPD Y1, Y15, (DI)

done:
	VZEROUPPER
	RET
