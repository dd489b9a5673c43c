//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "exp_amd64.h"

LANES(place1<>, $1)
LANES(place2<>, $2)
LANES(place3<>, $3)

// TRANSPOSE makes the columns of the matrix of four rows its rows, by way of four other registers.
#define TRANSPOSE(a, b, c, d, s, t, u, v) \
	VUNPCKLPD  b, a, s        \
	VUNPCKHPD  b, a, t        \
	VUNPCKLPD  d, c, u        \
	VUNPCKHPD  d, c, v        \
	VPERM2F128 $0x20, u, s, a \
	VPERM2F128 $0x20, v, t, b \
	VPERM2F128 $0x31, u, s, c \
	VPERM2F128 $0x31, v, t, d

#define LOADROW(y) \
	VMASKMOVPD (BX), Y15, y     \
	VBLENDVPD  Y15, y, Y14, y   \
	ADDQ       SI, BX

#define STOREROWS(LANES) \
	LANES(X6, Y6, (DI), 16(DI)) \
	ADDQ SI, DI                 \
	LANES(X7, Y7, (DI), 16(DI)) \
	ADDQ SI, DI                 \
	LANES(X8, Y8, (DI), 16(DI)) \
	ADDQ SI, DI                 \
	LANES(X9, Y9, (DI), 16(DI)) \
	ADDQ SI, DI

// Four rows of two to four classes side by side: a register holds one class of all four. The bits
// are those of softmaxRows, so the sum is that of the lanes there, (0 + 2) + (1 + 3).

// func softmaxQuads(z *float64, ld, rows, classes, full int, best *int)
TEXT ·softmaxQuads(SB), NOSPLIT, $0-48
	MOVQ    z+0(FP), DI
	MOVQ    ld+8(FP), SI
	MOVQ    rows+16(FP), R13
	MOVQ    classes+24(FP), R8
	MOVQ    full+32(FP), R12
	MOVQ    best+40(FP), R9
	SHLQ    $3, SI
	LEAQ    lanes<>+32(SB), R11
	MOVQ    R8, AX
	SHLQ    $3, AX
	SUBQ    AX, R11
	VMOVUPD (R11), Y15
	VMOVUPD below<>(SB), Y14
	TESTQ   R12, R12
	MOVQ    $4, R12
	JNZ     quad
	MOVQ    R8, R12

quad:
	MOVQ   DI, BX
	LOADROW(Y6)
	LOADROW(Y7)
	LOADROW(Y8)
	LOADROW(Y9)
	TRANSPOSE(Y6, Y7, Y8, Y9, Y0, Y1, Y2, Y3)
	VMAXPD Y7, Y6, Y10
	VMAXPD Y9, Y8, Y0
	VMAXPD Y0, Y10, Y10
	TESTQ  R9, R9
	JZ     powers

	// From the last to the first, so that the first of equals remains.
	VMOVDQU   place3<>(SB), Y11
	VCMPPD    $0, Y8, Y10, Y0
	VBLENDVPD Y0, place2<>(SB), Y11, Y11
	VCMPPD    $0, Y7, Y10, Y0
	VBLENDVPD Y0, place1<>(SB), Y11, Y11
	VCMPPD    $0, Y6, Y10, Y0
	VANDNPD   Y11, Y0, Y11
	VMOVDQU   Y11, (R9)
	ADDQ      $32, R9

powers:
	VSUBPD Y10, Y6, Y0
	EXPBELOW(Y0, Y6, Y2, Y3, Y4, Y5)
	VSUBPD Y10, Y7, Y0
	EXPBELOW(Y0, Y7, Y2, Y3, Y4, Y5)
	CMPQ   R8, $3
	JLT    two
	VSUBPD Y10, Y8, Y0
	EXPBELOW(Y0, Y8, Y2, Y3, Y4, Y5)
	JEQ    three
	VSUBPD Y10, Y9, Y0
	EXPBELOW(Y0, Y9, Y2, Y3, Y4, Y5)
	VADDPD Y8, Y6, Y0
	VADDPD Y9, Y7, Y1
	VADDPD Y1, Y0, Y0
	VDIVPD Y0, Y8, Y8
	VDIVPD Y0, Y9, Y9
	JMP    divide

two:
	VADDPD Y7, Y6, Y0
	VXORPD Y8, Y8, Y8
	VXORPD Y9, Y9, Y9
	JMP    divide

three:
	VADDPD Y8, Y6, Y0
	VADDPD Y7, Y0, Y0
	VDIVPD Y0, Y8, Y8
	VXORPD Y9, Y9, Y9

divide:
	VDIVPD Y0, Y6, Y6
	VDIVPD Y0, Y7, Y7
	TRANSPOSE(Y6, Y7, Y8, Y9, Y0, Y1, Y2, Y3)
	CMPQ   R12, $3
	JLT    store2
	JEQ    store3
	STOREROWS(LANES4)
	JMP    next

store2:
	STOREROWS(LANES2)
	JMP next

store3:
	STOREROWS(LANES3)

next:
	SUBQ $4, R13
	JNZ  quad
	VZEROUPPER
	RET
