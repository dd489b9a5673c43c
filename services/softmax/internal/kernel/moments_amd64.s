//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

#define MASKED(argument, y) \
	MOVQ       argument, AX \
	VMASKMOVPD (AX), Y15, y

#define MASKEDOUT(y, argument) \
	MOVQ       argument, AX \
	VMASKMOVPD y, Y15, (AX)

// func momentsOfFour(x *float64, ldx, rows, columns int, shares, about, unit, sum, square, low, high *float64, ahead int)
TEXT ·momentsOfFour(SB), NOSPLIT, $0-96
	MOVQ    x+0(FP), SI
	MOVQ    ldx+8(FP), R8
	MOVQ    rows+16(FP), CX
	MOVQ    columns+24(FP), AX
	MOVQ    shares+32(FP), BX
	SHLQ    $3, R8
	LEAQ    lanes<>+32(SB), R11
	SHLQ    $3, AX
	SUBQ    AX, R11
	VMOVUPD (R11), Y15
	MASKED(about+40(FP), Y4)
	MASKED(unit+48(FP), Y5)
	MASKED(sum+56(FP), Y6)
	MASKED(square+64(FP), Y7)
	MASKED(low+72(FP), Y8)
	MASKED(high+80(FP), Y9)
	VXORPD  X14, X14, X14
	MOVQ    ahead+88(FP), DX
	ADDQ    SI, DX

row:
	PREFETCHT0   (DX)
	ADDQ         $32, DX
	VMOVSD       (BX), X0
	VUCOMISD     X14, X0
	JEQ          next
	VBROADCASTSD X0, Y0
	VMASKMOVPD   (SI), Y15, Y1

	// Where two are equal, the second operand, which comes first here, remains.
	VMINPD       Y8, Y1, Y8
	VMAXPD       Y9, Y1, Y9
	VSUBPD       Y4, Y1, Y1
	VMULPD       Y5, Y1, Y1
	VMULPD       Y0, Y1, Y2
	VADDPD       Y2, Y6, Y6
	VMULPD       Y1, Y2, Y2
	VADDPD       Y2, Y7, Y7

next:
	ADDQ $8, BX
	ADDQ R8, SI
	DECQ CX
	JNZ  row
	MASKEDOUT(Y6, sum+56(FP))
	MASKEDOUT(Y7, square+64(FP))
	MASKEDOUT(Y8, low+72(FP))
	MASKEDOUT(Y9, high+80(FP))
	VZEROUPPER
	RET

// func rescaleVector(dst, x, shift, scale *float64, n int)
TEXT ·rescaleVector(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ shift+16(FP), DX
	MOVQ scale+24(FP), BX
	MOVQ n+32(FP), CX

four:
	CMPQ    CX, $4
	JLT     tail
	VMOVUPD (SI), Y0
	VSUBPD  (DX), Y0, Y0
	VMULPD  (BX), Y0, Y0
	VMOVUPD Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, BX
	ADDQ    $32, DI
	SUBQ    $4, CX
	JMP     four

tail:
	TESTQ   CX, CX
	JZ      done

one:
	VMOVSD (SI), X0
	VSUBSD (DX), X0, X0
	VMULSD (BX), X0, X0
	VMOVSD X0, (DI)
	ADDQ   $8, SI
	ADDQ   $8, DX
	ADDQ   $8, BX
	ADDQ   $8, DI
	DECQ   CX
	JNZ    one

done:
	VZEROUPPER
	RET
