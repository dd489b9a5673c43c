//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "lanesum_amd64.h"

// TAILMASK loads the mask of the first CX of four lanes, CX from 1 to 3.
#define TAILMASK(y) \
	LEAQ    lanes<>+32(SB), R11  \
	SHLQ    $3, CX               \
	SUBQ    CX, R11              \
	VMOVUPD (R11), y

// func dotVector(a, b *float64, n int) float64
TEXT ·dotVector(SB), NOSPLIT, $0-32
	MOVQ   a+0(FP), SI
	MOVQ   b+8(FP), DI
	MOVQ   n+16(FP), CX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3

sixteen:
	CMPQ        CX, $16
	JLT         four
	VMOVUPD     (SI), Y4
	VMOVUPD     32(SI), Y5
	VMOVUPD     64(SI), Y6
	VMOVUPD     96(SI), Y7
	VFMADD231PD (DI), Y4, Y0
	VFMADD231PD 32(DI), Y5, Y1
	VFMADD231PD 64(DI), Y6, Y2
	VFMADD231PD 96(DI), Y7, Y3
	ADDQ        $128, SI
	ADDQ        $128, DI
	SUBQ        $16, CX
	JMP         sixteen

four:
	CMPQ        CX, $4
	JLT         tail
	VMOVUPD     (SI), Y4
	VFMADD231PD (DI), Y4, Y0
	ADDQ        $32, SI
	ADDQ        $32, DI
	SUBQ        $4, CX
	JMP         four

tail:
	TESTQ       CX, CX
	JZ          done
	TAILMASK(Y15)
	VMASKMOVPD  (SI), Y15, Y4
	VMASKMOVPD  (DI), Y15, Y5
	VFMADD231PD Y5, Y4, Y1

done:
	VADDPD Y1, Y0, Y0
	VADDPD Y3, Y2, Y2
	VADDPD Y2, Y0, Y0
	ALLSUM(Y0, Y1)
	VMOVSD X0, ret+24(FP)
	VZEROUPPER
	RET

// func addScaledVector(dst *float64, alpha float64, x *float64, n int)
TEXT ·addScaledVector(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	VBROADCASTSD alpha+8(FP), Y14
	MOVQ         x+16(FP), SI
	MOVQ         n+24(FP), CX

sixteen:
	CMPQ        CX, $16
	JLT         four
	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMOVUPD     64(DI), Y2
	VMOVUPD     96(DI), Y3
	VFMADD231PD (SI), Y14, Y0
	VFMADD231PD 32(SI), Y14, Y1
	VFMADD231PD 64(SI), Y14, Y2
	VFMADD231PD 96(SI), Y14, Y3
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, 64(DI)
	VMOVUPD     Y3, 96(DI)
	ADDQ        $128, SI
	ADDQ        $128, DI
	SUBQ        $16, CX
	JMP         sixteen

four:
	CMPQ        CX, $4
	JLT         tail
	VMOVUPD     (DI), Y0
	VFMADD231PD (SI), Y14, Y0
	VMOVUPD     Y0, (DI)
	ADDQ        $32, SI
	ADDQ        $32, DI
	SUBQ        $4, CX
	JMP         four

tail:
	TESTQ       CX, CX
	JZ          done
	TAILMASK(Y15)
	VMASKMOVPD  (DI), Y15, Y0
	VMASKMOVPD  (SI), Y15, Y1
	VFMADD231PD Y1, Y14, Y0
	VMASKMOVPD  Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func scaleAddVector(dst *float64, alpha float64, x *float64, n int)
TEXT ·scaleAddVector(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	VBROADCASTSD alpha+8(FP), Y14
	MOVQ         x+16(FP), SI
	MOVQ         n+24(FP), CX

sixteen:
	CMPQ        CX, $16
	JLT         four
	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMOVUPD     64(DI), Y2
	VMOVUPD     96(DI), Y3
	VFMADD213PD (SI), Y14, Y0
	VFMADD213PD 32(SI), Y14, Y1
	VFMADD213PD 64(SI), Y14, Y2
	VFMADD213PD 96(SI), Y14, Y3
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, 64(DI)
	VMOVUPD     Y3, 96(DI)
	ADDQ        $128, SI
	ADDQ        $128, DI
	SUBQ        $16, CX
	JMP         sixteen

four:
	CMPQ        CX, $4
	JLT         tail
	VMOVUPD     (DI), Y0
	VFMADD213PD (SI), Y14, Y0
	VMOVUPD     Y0, (DI)
	ADDQ        $32, SI
	ADDQ        $32, DI
	SUBQ        $4, CX
	JMP         four

tail:
	TESTQ       CX, CX
	JZ          done
	TAILMASK(Y15)
	VMASKMOVPD  (DI), Y15, Y0
	VMASKMOVPD  (SI), Y15, Y1
	VFMADD213PD Y1, Y14, Y0
	VMASKMOVPD  Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func finiteVector(values *float64, n int) bool
TEXT ·finiteVector(SB), NOSPLIT, $0-17
	MOVQ   values+0(FP), SI
	MOVQ   n+8(FP), CX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3

sixteen:
	// A value less itself is 0, or NaN, which has bits that stay.
	CMPQ    CX, $16
	JLT     four
	VMOVUPD (SI), Y4
	VMOVUPD 32(SI), Y5
	VMOVUPD 64(SI), Y6
	VMOVUPD 96(SI), Y7
	VSUBPD  Y4, Y4, Y4
	VSUBPD  Y5, Y5, Y5
	VSUBPD  Y6, Y6, Y6
	VSUBPD  Y7, Y7, Y7
	VORPD   Y4, Y0, Y0
	VORPD   Y5, Y1, Y1
	VORPD   Y6, Y2, Y2
	VORPD   Y7, Y3, Y3
	ADDQ    $128, SI
	SUBQ    $16, CX
	JMP     sixteen

four:
	CMPQ    CX, $4
	JLT     tail
	VMOVUPD (SI), Y4
	VSUBPD  Y4, Y4, Y4
	VORPD   Y4, Y0, Y0
	ADDQ    $32, SI
	SUBQ    $4, CX
	JMP     four

tail:
	TESTQ      CX, CX
	JZ         done
	TAILMASK(Y15)
	VMASKMOVPD (SI), Y15, Y4
	VSUBPD     Y4, Y4, Y4
	VORPD      Y4, Y1, Y1

done:
	VORPD  Y1, Y0, Y0
	VORPD  Y3, Y2, Y2
	VORPD  Y2, Y0, Y0
	VPTEST Y0, Y0
	SETEQ  ret+16(FP)
	VZEROUPPER
	RET

// func withinVector(values *float64, limit float64, n int) bool
TEXT ·withinVector(SB), NOSPLIT, $0-25
	MOVQ         values+0(FP), SI
	VBROADCASTSD limit+8(FP), Y14
	MOVQ         n+16(FP), CX
	VPCMPEQQ     Y13, Y13, Y13
	VPSRLQ       $1, Y13, Y13     // all bits but the sign
	VXORPD       Y0, Y0, Y0
	VXORPD       Y1, Y1, Y1

eight:
	// What is not at most limit, NaN among it, leaves its bits.
	CMPQ    CX, $8
	JLT     tail
	VANDPD  (SI), Y13, Y2
	VANDPD  32(SI), Y13, Y3
	VCMPPD  $6, Y14, Y2, Y2
	VCMPPD  $6, Y14, Y3, Y3
	VORPD   Y2, Y0, Y0
	VORPD   Y3, Y1, Y1
	ADDQ    $64, SI
	SUBQ    $8, CX
	JMP     eight

tail:
	TESTQ  CX, CX
	JZ     done
	VMOVSD (SI), X2
	VANDPD X13, X2, X2
	VCMPSD $6, X14, X2, X2
	VMOVQ  X2, X2
	VORPD  Y2, Y0, Y0
	ADDQ   $8, SI
	DECQ   CX
	JMP    tail

done:
	VORPD  Y1, Y0, Y0
	VPTEST Y0, Y0
	SETEQ  ret+24(FP)
	VZEROUPPER
	RET
