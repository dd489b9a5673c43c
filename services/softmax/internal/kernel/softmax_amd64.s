//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "exp_amd64.h"
#include "lanesum_amd64.h"

// Rows are taken four values at a time. The last one to four are loaded under a mask, with -Inf
// in the other lanes, and kept in a register until they are stored.

// func softmaxRows(z *float64, ld, rows, classes, full int, best *int)
TEXT ·softmaxRows(SB), NOSPLIT, $0-48
	MOVQ    z+0(FP), DI
	MOVQ    ld+8(FP), SI
	MOVQ    rows+16(FP), R13
	MOVQ    classes+24(FP), R8
	MOVQ    full+32(FP), R12
	MOVQ    best+40(FP), R9
	SHLQ    $3, SI
	DECQ    R8
	MOVQ    R8, AX
	ANDQ    $3, AX
	TESTQ   R12, R12
	MOVQ    $4, R12
	JNZ     masked
	LEAQ    1(AX), R12

masked:
	SHRQ    $2, R8                  // how many times four come before the last
	LEAQ    lanes<>+24(SB), R11
	SHLQ    $3, AX
	SUBQ    AX, R11
	VMOVUPD (R11), Y15
	VMOVUPD below<>(SB), Y14

row:
	MOVQ       R8, DX
	SHLQ       $5, DX
	ADDQ       DI, DX               // the last values
	VMASKMOVPD (DX), Y15, Y7
	VBLENDVPD  Y15, Y7, Y14, Y7
	VMOVAPD    Y7, Y6
	MOVQ       DI, BX

largest:
	CMPQ    BX, DX
	JEQ     shift
	VMAXPD  (BX), Y6, Y6
	ADDQ    $32, BX
	JMP     largest

shift:
	ALLMAX(Y6, Y0)
	TESTQ     R9, R9
	JZ        powersFrom
	MOVQ      DI, BX

find:
	CMPQ      BX, DX
	JEQ       findLast
	VCMPPD    $0, (BX), Y6, Y0
	VMOVMSKPD Y0, AX
	ADDQ      $32, BX
	TESTL     AX, AX
	JZ        find
	SUBQ      $32, BX
	JMP       found

findLast:
	VCMPPD    $0, Y7, Y6, Y0
	VMOVMSKPD Y0, AX

found:
	BSFL      AX, AX
	SUBQ      DI, BX
	SHRQ      $3, BX
	ADDQ      BX, AX
	MOVQ      AX, (R9)
	ADDQ      $8, R9

powersFrom:
	VXORPD  Y8, Y8, Y8
	MOVQ    DI, BX

powers:
	CMPQ    BX, DX
	JEQ     last
	VMOVUPD (BX), Y0
	VSUBPD  Y6, Y0, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VMOVUPD Y1, (BX)
	VADDPD  Y1, Y8, Y8
	ADDQ    $32, BX
	JMP     powers

last:
	VSUBPD  Y6, Y7, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VADDPD  Y1, Y8, Y8
	ALLSUM(Y8, Y0)
	VDIVPD  Y8, Y1, Y1
	MOVQ    DI, BX

divide:
	CMPQ    BX, DX
	JEQ     store
	VMOVUPD (BX), Y0
	VDIVPD  Y8, Y0, Y0
	VMOVUPD Y0, (BX)
	ADDQ    $32, BX
	JMP     divide

store:
	CMPQ R12, $2
	JLT  store1
	JEQ  store2
	CMPQ R12, $4
	JEQ  store4
	LANES3(X1, Y1, (DX), 16(DX))
	JMP  next

store1:
	LANES1(X1, Y1, (DX), 16(DX))
	JMP  next

store2:
	LANES2(X1, Y1, (DX), 16(DX))
	JMP  next

store4:
	LANES4(X1, Y1, (DX), 16(DX))

next:
	ADDQ SI, DI
	DECQ R13
	JNZ  row
	VZEROUPPER
	RET

// func softmaxPairs(z *float64, rows int, best *int)
TEXT ·softmaxPairs(SB), NOSPLIT, $0-24
	MOVQ z+0(FP), DI
	MOVQ rows+8(FP), CX
	MOVQ best+16(FP), R9

rows2:
	VMOVUPD   (DI), Y7
	VPERMILPD $5, Y7, Y6
	VMAXPD    Y6, Y7, Y6
	VSUBPD    Y6, Y7, Y0
	EXPBELOW(Y0, Y1, Y2, Y3, Y4, Y5)
	VPERMILPD $5, Y1, Y2
	VADDPD    Y2, Y1, Y2
	VDIVPD    Y2, Y1, Y1
	VMOVUPD   Y1, (DI)
	TESTQ     R9, R9
	JZ        next

	// The second class is the best where the first is not the largest.
	VCMPPD    $0, Y7, Y6, Y0
	VMOVMSKPD Y0, AX
	NOTL      AX
	MOVL      AX, BX
	ANDL      $1, AX
	SHRL      $2, BX
	ANDL      $1, BX
	MOVQ      AX, (R9)
	MOVQ      BX, 8(R9)
	ADDQ      $16, R9

next:
	ADDQ $32, DI
	SUBQ $2, CX
	JNZ  rows2
	VZEROUPPER
	RET
