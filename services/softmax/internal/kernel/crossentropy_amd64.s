//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "exp_amd64.h"
#include "lanesum_amd64.h"

DATA iota<>+0(SB)/8, $0
DATA iota<>+8(SB)/8, $1
DATA iota<>+16(SB)/8, $2
DATA iota<>+24(SB)/8, $3
GLOBL iota<>(SB), RODATA|NOPTR, $32
LANES(step<>, $4)

// DERIVATIVES makes Y0, exponentials, the derivatives, and Y3 the probabilities.
#define DERIVATIVES \
	VMULPD    Y5, Y0, Y3         \
	VMULPD    Y13, Y3, Y0        \
	VPCMPEQQ  Y11, Y12, Y4       \
	VBLENDVPD Y4, Y10, Y0, Y0    \
	VPADDQ    step<>(SB), Y12, Y12

// func crossEntropyRows(z *float64, ld, rows, classes int, labels *int32, weights, p, excess, lead *float64, full int)
TEXT ·crossEntropyRows(SB), NOSPLIT, $0-80
	MOVQ    z+0(FP), DI
	MOVQ    ld+8(FP), SI
	MOVQ    rows+16(FP), R13
	MOVQ    classes+24(FP), R8
	MOVQ    labels+32(FP), R9
	MOVQ    weights+40(FP), R10
	MOVQ    p+48(FP), CX
	MOVQ    excess+56(FP), R14
	MOVQ    lead+64(FP), R15
	MOVQ    full+72(FP), R12
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
	LEAQ    lanes<>+24(SB), R11
	SHLQ    $3, AX
	SUBQ    AX, R11
	VMOVUPD (R11), Y15

row:
	MOVQ         R8, DX
	SHLQ         $5, DX
	ADDQ         DI, DX             // the last values
	MOVLQSX      (R9), AX
	VMOVQ        AX, X11
	VPBROADCASTQ X11, Y11
	VMOVUPD      below<>(SB), Y14
	VMASKMOVPD   (DX), Y15, Y7
	VBLENDVPD    Y15, Y7, Y14, Y7
	VMOVAPD      Y7, Y6
	VMOVSD       (DI)(AX*8), X14    // the label's logit
	MOVQ         DI, BX

largest:
	CMPQ    BX, DX
	JEQ     shift
	VMAXPD  (BX), Y6, Y6
	ADDQ    $32, BX
	JMP     largest

shift:
	ALLMAX(Y6, Y0)
	VSUBSD  X14, X6, X14
	VMOVSD  X14, (R15)
	VXORPD  Y8, Y8, Y8              // what the other classes have
	VXORPD  Y9, Y9, Y9              // what the label has
	VMOVDQU iota<>(SB), Y12
	MOVQ    DI, BX

powers:
	CMPQ     BX, DX
	JEQ      last
	VMOVUPD  (BX), Y0
	VSUBPD   Y6, Y0, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VMOVUPD  Y1, (BX)
	VPCMPEQQ Y11, Y12, Y0
	VPADDQ   step<>(SB), Y12, Y12
	VANDPD   Y1, Y0, Y2
	VANDNPD  Y1, Y0, Y3
	VADDPD   Y2, Y9, Y9
	VADDPD   Y3, Y8, Y8
	ADDQ     $32, BX
	JMP      powers

last:
	VSUBPD   Y6, Y7, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VPCMPEQQ Y11, Y12, Y0
	VANDPD   Y1, Y0, Y2
	VANDNPD  Y1, Y0, Y3
	VADDPD   Y2, Y9, Y9
	VADDPD   Y3, Y8, Y8
	ALLSUM(Y9, Y0)
	ALLSUM(Y8, Y0)
	VMOVUPD  one<>(SB), Y2
	VADDPD   Y8, Y9, Y3
	VDIVPD   Y3, Y2, Y5             // what makes exponentials probabilities
	VSUBPD   Y2, Y9, Y4
	VADDPD   Y8, Y4, Y4
	VMOVSD   X4, (R14)              // what the sum has above 1
	VBROADCASTSD (R10), Y13
	VMULPD   Y5, Y8, Y10
	VMULPD   Y13, Y10, Y10
	VXORPD   sign<>(SB), Y10, Y10   // the derivative of the label
	VMOVDQU  iota<>(SB), Y12
	MOVQ     DI, BX
	TESTQ    CX, CX
	JNZ      both

replace:
	CMPQ    BX, DX
	JEQ     replaceLast
	VMOVUPD (BX), Y0
	DERIVATIVES
	VMOVUPD Y0, (BX)
	ADDQ    $32, BX
	JMP     replace

replaceLast:
	VMOVAPD Y1, Y0
	DERIVATIVES
	JMP     store

both:
	MOVQ CX, AX

replaceBoth:
	CMPQ    BX, DX
	JEQ     bothLast
	VMOVUPD (BX), Y0
	DERIVATIVES
	VMOVUPD Y0, (BX)
	VMOVUPD Y3, (AX)
	ADDQ    $32, BX
	ADDQ    $32, AX
	JMP     replaceBoth

bothLast:
	VMOVAPD    Y1, Y0
	DERIVATIVES
	ADDQ       SI, CX
	CMPQ R12, $2
	JLT  keep1
	JEQ  keep2
	CMPQ R12, $4
	JEQ  keep4
	LANES3(X3, Y3, (AX), 16(AX))
	JMP  store

keep1:
	LANES1(X3, Y3, (AX), 16(AX))
	JMP  store

keep2:
	LANES2(X3, Y3, (AX), 16(AX))
	JMP  store

keep4:
	LANES4(X3, Y3, (AX), 16(AX))

store:
	CMPQ R12, $2
	JLT  store1
	JEQ  store2
	CMPQ R12, $4
	JEQ  store4
	LANES3(X0, Y0, (DX), 16(DX))
	JMP  next

store1:
	LANES1(X0, Y0, (DX), 16(DX))
	JMP  next

store2:
	LANES2(X0, Y0, (DX), 16(DX))
	JMP  next

store4:
	LANES4(X0, Y0, (DX), 16(DX))

next:
	ADDQ SI, DI
	ADDQ $4, R9
	ADDQ $8, R10
	ADDQ $8, R14
	ADDQ $8, R15
	DECQ R13
	JNZ  row
	VZEROUPPER
	RET
