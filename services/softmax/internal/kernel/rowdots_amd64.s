//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "lanesum_amd64.h"
#include "touch_amd64.h"

// func rowDots(z, x *float64, ldx int, w *float64, rows, columns int)
TEXT ·rowDots(SB), NOSPLIT, $0-48
	MOVQ    z+0(FP), DI
	MOVQ    x+8(FP), SI
	MOVQ    ldx+16(FP), R8
	MOVQ    w+24(FP), DX
	MOVQ    rows+32(FP), R13
	MOVQ    columns+40(FP), R10
	SHLQ    $3, R8
	LEAQ    (R8)(R8*2), R9
	DECQ    R10
	MOVQ    R10, AX
	ANDQ    $3, AX
	SHRQ    $2, R10                 // how many times four come before the last
	LEAQ    lanes<>+24(SB), R11
	SHLQ    $3, AX
	SUBQ    AX, R11
	VMOVUPD (R11), Y15

rows4:
	CMPQ   R13, $4
	JLT    rows1
	MOVQ   columns+40(FP), BX
	SHLQ   $3, BX
	CMPQ   BX, R8
	JNE    apart4
	LEAQ   (SI)(R8*4), BX
	MOVQ   SI, AX
	TOUCH(AX, BX, Y0, Y1)

apart4:
	MOVQ   SI, AX
	MOVQ   DX, BX
	MOVQ   R10, CX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	TESTQ  CX, CX
	JZ     last4

step4:
	VMOVUPD     (BX), Y4
	VFMADD231PD (AX), Y4, Y0
	VFMADD231PD (AX)(R8*1), Y4, Y1
	VFMADD231PD (AX)(R8*2), Y4, Y2
	VFMADD231PD (AX)(R9*1), Y4, Y3
	ADDQ        $32, AX
	ADDQ        $32, BX
	DECQ        CX
	JNZ         step4

last4:
	VMASKMOVPD  (BX), Y15, Y4
	VMASKMOVPD  (AX), Y15, Y5
	VMASKMOVPD  (AX)(R8*1), Y15, Y6
	VMASKMOVPD  (AX)(R8*2), Y15, Y7
	VMASKMOVPD  (AX)(R9*1), Y15, Y8
	VFMADD231PD Y5, Y4, Y0
	VFMADD231PD Y6, Y4, Y1
	VFMADD231PD Y7, Y4, Y2
	VFMADD231PD Y8, Y4, Y3

	// The sums of the lanes, (0 + 1) + (2 + 3), of the four rows side by side.
	VHADDPD     Y1, Y0, Y0
	VHADDPD     Y3, Y2, Y2
	VPERM2F128  $0x20, Y2, Y0, Y4
	VPERM2F128  $0x31, Y2, Y0, Y5
	VADDPD      Y5, Y4, Y4
	VADDPD      (DI), Y4, Y4
	VMOVUPD     Y4, (DI)
	ADDQ        $32, DI
	LEAQ        (SI)(R8*4), SI
	SUBQ        $4, R13
	JMP         rows4

rows1:
	TESTQ  R13, R13
	JZ     done
	MOVQ   SI, AX
	MOVQ   DX, BX
	MOVQ   R10, CX
	VXORPD Y0, Y0, Y0
	TESTQ  CX, CX
	JZ     last1

step1:
	VMOVUPD     (BX), Y4
	VFMADD231PD (AX), Y4, Y0
	ADDQ        $32, AX
	ADDQ        $32, BX
	DECQ        CX
	JNZ         step1

last1:
	VMASKMOVPD   (BX), Y15, Y4
	VMASKMOVPD   (AX), Y15, Y5
	VFMADD231PD  Y5, Y4, Y0
	VHADDPD      Y0, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDSD       X1, X0, X0
	VADDSD       (DI), X0, X0
	VMOVSD       X0, (DI)
	ADDQ         $8, DI
	ADDQ         R8, SI
	DECQ         R13
	JMP          rows1

done:
	VZEROUPPER
	RET
