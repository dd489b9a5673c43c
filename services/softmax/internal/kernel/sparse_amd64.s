//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

// func sparseRow(z, values *float64, columns *int32, count int, w *float64, ldw, limit, n int) bool
TEXT ·sparseRow(SB), NOSPLIT, $0-65
	MOVQ        z+0(FP), DI
	MOVQ        values+8(FP), SI
	MOVQ        columns+16(FP), DX
	MOVQ        count+24(FP), CX
	MOVQ        w+32(FP), BX
	MOVQ        ldw+40(FP), R8
	MOVQ        limit+48(FP), R9
	MOVQ        n+56(FP), R10
	SHLQ        $3, R8
	DECQ        R10
	MOVQ        R10, AX
	ANDQ        $3, AX
	LEAQ        lanes<>+24(SB), R11
	SHLQ        $3, AX
	SUBQ        AX, R11
	VMOVUPD     (R11), Y15
	CMPQ        R10, $4
	JLT  vectors1
	CMPQ        R10, $8
	JLT  vectors2
	CMPQ        R10, $12
	JLT  vectors3
	CMPQ        R10, $16
	JLT  vectors4

	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMOVUPD     64(DI), Y2
	VMOVUPD     96(DI), Y3
	VMASKMOVPD  128(DI), Y15, Y4

value5:
	MOVLQSX     (DX), AX
	CMPQ        AX, R9
	JAE         outside
	IMULQ       R8, AX
	VBROADCASTSD (SI), Y14
	VMASKMOVPD  128(BX)(AX*1), Y15, Y13
	VFMADD231PD (BX)(AX*1), Y14, Y0
	VFMADD231PD 32(BX)(AX*1), Y14, Y1
	VFMADD231PD 64(BX)(AX*1), Y14, Y2
	VFMADD231PD 96(BX)(AX*1), Y14, Y3
	VFMADD231PD Y13, Y14, Y4
	ADDQ        $4, DX
	ADDQ        $8, SI
	DECQ        CX
	JNZ         value5
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, 64(DI)
	VMOVUPD     Y3, 96(DI)
	VMASKMOVPD  Y4, Y15, 128(DI)
	JMP         done

vectors4:
	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMOVUPD     64(DI), Y2
	VMASKMOVPD  96(DI), Y15, Y3

value4:
	MOVLQSX     (DX), AX
	CMPQ        AX, R9
	JAE         outside
	IMULQ       R8, AX
	VBROADCASTSD (SI), Y14
	VMASKMOVPD  96(BX)(AX*1), Y15, Y13
	VFMADD231PD (BX)(AX*1), Y14, Y0
	VFMADD231PD 32(BX)(AX*1), Y14, Y1
	VFMADD231PD 64(BX)(AX*1), Y14, Y2
	VFMADD231PD Y13, Y14, Y3
	ADDQ        $4, DX
	ADDQ        $8, SI
	DECQ        CX
	JNZ         value4
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, 64(DI)
	VMASKMOVPD  Y3, Y15, 96(DI)
	JMP         done

vectors3:
	VMOVUPD     (DI), Y0
	VMOVUPD     32(DI), Y1
	VMASKMOVPD  64(DI), Y15, Y2

value3:
	MOVLQSX     (DX), AX
	CMPQ        AX, R9
	JAE         outside
	IMULQ       R8, AX
	VBROADCASTSD (SI), Y14
	VMASKMOVPD  64(BX)(AX*1), Y15, Y13
	VFMADD231PD (BX)(AX*1), Y14, Y0
	VFMADD231PD 32(BX)(AX*1), Y14, Y1
	VFMADD231PD Y13, Y14, Y2
	ADDQ        $4, DX
	ADDQ        $8, SI
	DECQ        CX
	JNZ         value3
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMASKMOVPD  Y2, Y15, 64(DI)
	JMP         done

vectors2:
	VMOVUPD     (DI), Y0
	VMASKMOVPD  32(DI), Y15, Y1

value2:
	MOVLQSX     (DX), AX
	CMPQ        AX, R9
	JAE         outside
	IMULQ       R8, AX
	VBROADCASTSD (SI), Y14
	VMASKMOVPD  32(BX)(AX*1), Y15, Y13
	VFMADD231PD (BX)(AX*1), Y14, Y0
	VFMADD231PD Y13, Y14, Y1
	ADDQ        $4, DX
	ADDQ        $8, SI
	DECQ        CX
	JNZ         value2
	VMOVUPD     Y0, (DI)
	VMASKMOVPD  Y1, Y15, 32(DI)
	JMP         done

vectors1:
	VMASKMOVPD  (DI), Y15, Y0

value1:
	MOVLQSX     (DX), AX
	CMPQ        AX, R9
	JAE         outside
	IMULQ       R8, AX
	VBROADCASTSD (SI), Y14
	VMASKMOVPD  (BX)(AX*1), Y15, Y13
	VFMADD231PD Y13, Y14, Y0
	ADDQ        $4, DX
	ADDQ        $8, SI
	DECQ        CX
	JNZ         value1
	VMASKMOVPD  Y0, Y15, (DI)

done:
	MOVB        $1, ret+64(FP)
	VZEROUPPER
	RET

outside:
	MOVB        $0, ret+64(FP)
	VZEROUPPER
	RET
