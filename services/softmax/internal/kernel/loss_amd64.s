//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "exp_amd64.h"
#include "log_amd64.h"
#include "lanesum_amd64.h"

// func losses(excess, lead, weights *float64, n int) float64
TEXT ·losses(SB), NOSPLIT, $0-40
	MOVQ   excess+0(FP), SI
	MOVQ   lead+8(FP), DX
	MOVQ   weights+16(FP), BX
	MOVQ   n+24(FP), CX
	VXORPD Y8, Y8, Y8

four:
	VMOVUPD     (SI), Y0
	LOG1P(Y0, Y1, Y2, Y3, Y4, Y5)
	VADDPD      (DX), Y0, Y0
	VFMADD231PD (BX), Y0, Y8
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, BX
	SUBQ        $4, CX
	JNZ         four
	ALLSUM(Y8, Y0)
	VMOVSD      X8, ret+32(FP)
	VZEROUPPER
	RET

// func logisticRows(z *float64, labels *int32, weights, curvature *float64, n int) float64
TEXT ·logisticRows(SB), NOSPLIT, $0-48
	MOVQ   z+0(FP), DI
	MOVQ   labels+8(FP), SI
	MOVQ   weights+16(FP), BX
	MOVQ   curvature+24(FP), DX
	MOVQ   n+32(FP), CX
	VXORPD Y8, Y8, Y8

four:
	// Y9 is the logit of the other label, Y10 the sign of the derivative.
	VPMOVSXDQ (SI), Y10
	VPSLLQ    $63, Y10, Y10
	VXORPD    (DI), Y10, Y9
	VORPD     sign<>(SB), Y9, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VMOVUPD   one<>(SB), Y2
	VADDPD    Y2, Y1, Y3
	VDIVPD    Y3, Y2, Y11           // 1 / (1 + e)
	VMULPD    Y11, Y1, Y12          // e / (1 + e)
	VMOVUPD   (BX), Y13
	VBLENDVPD Y9, Y12, Y11, Y4
	VXORPD    Y10, Y13, Y5
	VMULPD    Y5, Y4, Y4
	VMOVUPD   Y4, (DI)
	TESTQ     DX, DX
	JZ        loss
	VMULPD    Y12, Y11, Y4
	VMULPD    Y13, Y4, Y4
	VMOVUPD   Y4, (DX)
	ADDQ      $32, DX

loss:
	LOG1P(Y1, Y2, Y3, Y4, Y5, Y6)
	VXORPD      Y2, Y2, Y2
	VMAXPD      Y9, Y2, Y2
	VADDPD      Y2, Y1, Y1
	VFMADD231PD Y13, Y1, Y8
	ADDQ        $32, DI
	ADDQ        $16, SI
	ADDQ        $32, BX
	SUBQ        $4, CX
	JNZ         four
	ALLSUM(Y8, Y0)
	VMOVSD      X8, ret+40(FP)
	VZEROUPPER
	RET

// func sigmoids(z *float64, n int)
TEXT ·sigmoids(SB), NOSPLIT, $0-16
	MOVQ z+0(FP), DI
	MOVQ n+8(FP), CX

four:
	VMOVUPD   (DI), Y9
	VORPD     sign<>(SB), Y9, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VMOVUPD   one<>(SB), Y2
	VADDPD    Y2, Y1, Y3
	VBLENDVPD Y9, Y1, Y2, Y2
	VDIVPD    Y3, Y2, Y2
	VMOVUPD   Y2, (DI)
	ADDQ      $32, DI
	SUBQ      $4, CX
	JNZ       four
	VZEROUPPER
	RET
