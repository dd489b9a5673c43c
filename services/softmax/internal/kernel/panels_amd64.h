// The bodies of the product of a panel: up to 12, 8 or 4 columns of c and b, all rows of c.
//
// A tile of c stays in registers while t goes up. BROADCAST loads a value of a into all lanes. The
// last four columns of a panel are loaded and stored under a mask, of which R11 is the address.
//
// DI: tile of c. SI: bytes from a row of c to the next. DX: tile of a. R8, R10: bytes from a row,
// a column of a to the next. R12: bytes from a row of b to the next. R13: rows to go.
// AX, BX: where a and b are read. CX: steps to go. R14: where a is prefetched, SHARE
// bytes further at each step. The tiles of the narrowest panel are touched first instead, where their
// rows follow each other.

#define ROW3(LANES, s0, s1, x2, s2) \
	VMOVUPD     s0, (AX)                       \
	VMOVUPD     s1, 32(AX)                     \
	LANES(x2, s2, 64(AX), 80(AX))              \
	ADDQ        SI, AX

#define TILE3(LANES) \
	ROW3(LANES, Y0, Y1, X2, Y2)                \
	ROW3(LANES, Y3, Y4, X5, Y5)                \
	ROW3(LANES, Y6, Y7, X8, Y8)                \
	ROW3(LANES, Y9, Y10, X11, Y11)

#define ROW2(LANES, s0, x1, s1) \
	VMOVUPD     s0, (AX)                       \
	LANES(x1, s1, 32(AX), 48(AX))              \
	ADDQ        SI, AX

#define TILE2(LANES) \
	ROW2(LANES, Y0, X1, Y1)                    \
	ROW2(LANES, Y2, X3, Y3)                    \
	ROW2(LANES, Y4, X5, Y5)                    \
	ROW2(LANES, Y6, X7, Y7)                    \
	ROW2(LANES, Y8, X9, Y9)                    \
	ROW2(LANES, Y10, X11, Y11)

#define ROW1(LANES, x0, s0) \
	LANES(x0, s0, (AX), 16(AX))                \
	ADDQ        SI, AX

#define TILE1BY4(LANES) \
	ROW1(LANES, X0, Y0)                        \
	ROW1(LANES, X1, Y1)                        \
	ROW1(LANES, X2, Y2)                        \
	ROW1(LANES, X3, Y3)

#define TILE1(LANES) \
	TILE1BY4(LANES)                            \
	ROW1(LANES, X4, Y4)                        \
	ROW1(LANES, X5, Y5)                        \
	ROW1(LANES, X6, Y6)                        \
	ROW1(LANES, X7, Y7)                        \
	ROW1(LANES, X8, Y8)                        \
	ROW1(LANES, X9, Y9)                        \
	ROW1(LANES, X10, Y10)                      \
	ROW1(LANES, X11, Y11)

#define FMA3(x, s0, s1, s2) \
	VFMADD231PD Y12, x, s0                     \
	VFMADD231PD Y13, x, s1                     \
	VFMADD231PD Y14, x, s2

#define LOAD3(s0, s1, s2) \
	VMOVUPD     (AX), s0                       \
	VMOVUPD     32(AX), s1                     \
	VMASKMOVPD  64(AX), Y14, s2                \
	ADDQ        SI, AX

#define B3 \
	VMOVUPD     (R11), Y14                     \
	VMOVUPD     (BX), Y12                      \
	VMOVUPD     32(BX), Y13                    \
	VMASKMOVPD  64(BX), Y14, Y14               \
	ADDQ        R12, BX

#define PANEL3(BROADCAST, SHARE) \
	LEAQ        (R8)(R8*2), R9                 \
rows4:                                         \
	CMPQ        R13, $4                        \
	JLT         rows1                          \
	VMOVUPD     (R11), Y14                     \
	MOVQ        DI, AX                         \
	LOAD3(Y0, Y1, Y2)                          \
	LOAD3(Y3, Y4, Y5)                          \
	LOAD3(Y6, Y7, Y8)                          \
	LOAD3(Y9, Y10, Y11)                        \
	MOVQ        DX, AX                         \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
	MOVQ        ahead+80(FP), R14              \
	ADDQ        DX, R14                        \
step4:                                         \
	PREFETCHT1  (R14)                          \
	ADDQ        $SHARE, R14                    \
	B3                                         \
	BROADCAST((AX), X15, Y15)                  \
	FMA3(Y15, Y0, Y1, Y2)                      \
	BROADCAST((AX)(R8*1), X15, Y15)            \
	FMA3(Y15, Y3, Y4, Y5)                      \
	BROADCAST((AX)(R8*2), X15, Y15)            \
	FMA3(Y15, Y6, Y7, Y8)                      \
	BROADCAST((AX)(R9*1), X15, Y15)            \
	FMA3(Y15, Y9, Y10, Y11)                    \
	ADDQ        R10, AX                        \
	DECQ        CX                             \
	JNZ         step4                          \
	MOVQ        DI, AX                         \
	LEAQ        (DI)(SI*4), DI                 \
	LEAQ        (DX)(R8*4), DX                 \
	SUBQ        $4, R13                        \
	CMPQ        n+64(FP), $10                  \
	JLT         one4                           \
	JEQ         two4                           \
	CMPQ        n+64(FP), $12                  \
	JEQ         all4                           \
	TILE3(LANES3)                              \
	JMP         rows4                          \
one4:                                          \
	TILE3(LANES1)                              \
	JMP         rows4                          \
two4:                                          \
	TILE3(LANES2)                              \
	JMP         rows4                          \
all4:                                          \
	TILE3(LANES4)                              \
	JMP         rows4                          \
rows1:                                         \
	TESTQ       R13, R13                       \
	JZ          done                           \
	VMOVUPD     (R11), Y14                     \
	MOVQ        DI, AX                         \
	LOAD3(Y0, Y1, Y2)                          \
	MOVQ        DX, AX                         \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
step1:                                         \
	B3                                         \
	BROADCAST((AX), X15, Y15)                  \
	FMA3(Y15, Y0, Y1, Y2)                      \
	ADDQ        R10, AX                        \
	DECQ        CX                             \
	JNZ         step1                          \
	MOVQ        DI, AX                         \
	ADDQ        SI, DI                         \
	ADDQ        R8, DX                         \
	DECQ        R13                            \
	CMPQ        n+64(FP), $10                  \
	JLT         one1                           \
	JEQ         two1                           \
	CMPQ        n+64(FP), $12                  \
	JEQ         all1                           \
	ROW3(LANES3, Y0, Y1, X2, Y2)               \
	JMP         rows1                          \
one1:                                          \
	ROW3(LANES1, Y0, Y1, X2, Y2)               \
	JMP         rows1                          \
two1:                                          \
	ROW3(LANES2, Y0, Y1, X2, Y2)               \
	JMP         rows1                          \
all1:                                          \
	ROW3(LANES4, Y0, Y1, X2, Y2)               \
	JMP         rows1                          \
done:                                          \
	VZEROUPPER                                 \
	RET

#define FMA2(x, s0, s1) \
	VFMADD231PD Y12, x, s0                     \
	VFMADD231PD Y13, x, s1

#define LOAD2(s0, s1) \
	VMOVUPD     (AX), s0                       \
	VMASKMOVPD  32(AX), Y13, s1                \
	ADDQ        SI, AX

#define B2 \
	VMOVUPD     (R11), Y13                     \
	VMOVUPD     (BX), Y12                      \
	VMASKMOVPD  32(BX), Y13, Y13               \
	ADDQ        R12, BX

#define PANEL2(BROADCAST, SHARE) \
	LEAQ        (R8)(R8*2), R9                 \
rows6:                                         \
	CMPQ        R13, $6                        \
	JLT         rows1                          \
	VMOVUPD     (R11), Y13                     \
	MOVQ        DI, AX                         \
	LOAD2(Y0, Y1)                              \
	LOAD2(Y2, Y3)                              \
	LOAD2(Y4, Y5)                              \
	LOAD2(Y6, Y7)                              \
	LOAD2(Y8, Y9)                              \
	LOAD2(Y10, Y11)                            \
	MOVQ        DX, AX                         \
	LEAQ        (R8)(R8*4), R15                \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
	MOVQ        ahead+80(FP), R14              \
	ADDQ        DX, R14                        \
step6:                                         \
	PREFETCHT1  (R14)                          \
	ADDQ        $SHARE, R14                    \
	B2                                         \
	BROADCAST((AX), X14, Y14)                  \
	FMA2(Y14, Y0, Y1)                          \
	BROADCAST((AX)(R8*1), X15, Y15)            \
	FMA2(Y15, Y2, Y3)                          \
	BROADCAST((AX)(R8*2), X14, Y14)            \
	FMA2(Y14, Y4, Y5)                          \
	BROADCAST((AX)(R9*1), X15, Y15)            \
	FMA2(Y15, Y6, Y7)                          \
	BROADCAST((AX)(R8*4), X14, Y14)            \
	FMA2(Y14, Y8, Y9)                          \
	BROADCAST((AX)(R15*1), X15, Y15)           \
	FMA2(Y15, Y10, Y11)                        \
	ADDQ        R10, AX                        \
	DECQ        CX                             \
	JNZ         step6                          \
	MOVQ        DI, AX                         \
	LEAQ        (DI)(SI*4), DI                 \
	LEAQ        (DI)(SI*2), DI                 \
	LEAQ        (DX)(R9*2), DX                 \
	SUBQ        $6, R13                        \
	CMPQ        n+64(FP), $6                   \
	JLT         one6                           \
	JEQ         two6                           \
	CMPQ        n+64(FP), $8                   \
	JEQ         all6                           \
	TILE2(LANES3)                              \
	JMP         rows6                          \
one6:                                          \
	TILE2(LANES1)                              \
	JMP         rows6                          \
two6:                                          \
	TILE2(LANES2)                              \
	JMP         rows6                          \
all6:                                          \
	TILE2(LANES4)                              \
	JMP         rows6                          \
rows1:                                         \
	TESTQ       R13, R13                       \
	JZ          done                           \
	VMOVUPD     (R11), Y13                     \
	MOVQ        DI, AX                         \
	LOAD2(Y0, Y1)                              \
	MOVQ        DX, AX                         \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
step1:                                         \
	B2                                         \
	BROADCAST((AX), X14, Y14)                  \
	FMA2(Y14, Y0, Y1)                          \
	ADDQ        R10, AX                        \
	DECQ        CX                             \
	JNZ         step1                          \
	MOVQ        DI, AX                         \
	ADDQ        SI, DI                         \
	ADDQ        R8, DX                         \
	DECQ        R13                            \
	CMPQ        n+64(FP), $6                   \
	JLT         one1                           \
	JEQ         two1                           \
	CMPQ        n+64(FP), $8                   \
	JEQ         all1                           \
	ROW2(LANES3, Y0, X1, Y1)                   \
	JMP         rows1                          \
one1:                                          \
	ROW2(LANES1, Y0, X1, Y1)                   \
	JMP         rows1                          \
two1:                                          \
	ROW2(LANES2, Y0, X1, Y1)                   \
	JMP         rows1                          \
all1:                                          \
	ROW2(LANES4, Y0, X1, Y1)                   \
	JMP         rows1                          \
done:                                          \
	VZEROUPPER                                 \
	RET

#define LOAD1(s0) \
	VMASKMOVPD  (AX), Y12, s0                  \
	ADDQ        SI, AX

#define B1 \
	VMOVUPD     (R11), Y12                     \
	VMASKMOVPD  (BX), Y12, Y12                 \
	ADDQ        R12, BX

// Beside AX, R14 and R15 read the rows from the fifth and from the ninth on.
#define PANEL1(BROADCAST, SIZE) \
	LEAQ        (R8)(R8*2), R9                 \
rows12:                                        \
	CMPQ        R13, $12                       \
	JLT         rows4                          \
	CMPQ        R10, $SIZE                     \
	JNE         apart12                        \
	MOVQ        k+72(FP), BX                   \
	CMPQ        BX, $8                         \
	JLT         apart12                        \
	IMULQ       $SIZE, BX                      \
	CMPQ        BX, R8                         \
	JNE         apart12                        \
	MOVQ        DX, AX                         \
	LEAQ        (DX)(R9*4), BX                 \
	TOUCH(AX, BX, Y0, Y1)                      \
apart12:                                       \
	VMOVUPD     (R11), Y12                     \
	MOVQ        DI, AX                         \
	LOAD1(Y0)                                  \
	LOAD1(Y1)                                  \
	LOAD1(Y2)                                  \
	LOAD1(Y3)                                  \
	LOAD1(Y4)                                  \
	LOAD1(Y5)                                  \
	LOAD1(Y6)                                  \
	LOAD1(Y7)                                  \
	LOAD1(Y8)                                  \
	LOAD1(Y9)                                  \
	LOAD1(Y10)                                 \
	LOAD1(Y11)                                 \
	MOVQ        DX, AX                         \
	LEAQ        (DX)(R8*4), R14                \
	LEAQ        (DX)(R8*8), R15                \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
step12:                                        \
	B1                                         \
	BROADCAST((AX), X13, Y13)                  \
	BROADCAST((AX)(R8*1), X14, Y14)            \
	BROADCAST((AX)(R8*2), X15, Y15)            \
	VFMADD231PD Y12, Y13, Y0                   \
	VFMADD231PD Y12, Y14, Y1                   \
	VFMADD231PD Y12, Y15, Y2                   \
	BROADCAST((AX)(R9*1), X13, Y13)            \
	BROADCAST((R14), X14, Y14)                 \
	BROADCAST((R14)(R8*1), X15, Y15)           \
	VFMADD231PD Y12, Y13, Y3                   \
	VFMADD231PD Y12, Y14, Y4                   \
	VFMADD231PD Y12, Y15, Y5                   \
	BROADCAST((R14)(R8*2), X13, Y13)           \
	BROADCAST((R14)(R9*1), X14, Y14)           \
	BROADCAST((R15), X15, Y15)                 \
	VFMADD231PD Y12, Y13, Y6                   \
	VFMADD231PD Y12, Y14, Y7                   \
	VFMADD231PD Y12, Y15, Y8                   \
	BROADCAST((R15)(R8*1), X13, Y13)           \
	BROADCAST((R15)(R8*2), X14, Y14)           \
	BROADCAST((R15)(R9*1), X15, Y15)           \
	VFMADD231PD Y12, Y13, Y9                   \
	VFMADD231PD Y12, Y14, Y10                  \
	VFMADD231PD Y12, Y15, Y11                  \
	ADDQ        R10, AX                        \
	ADDQ        R10, R14                       \
	ADDQ        R10, R15                       \
	DECQ        CX                             \
	JNZ         step12                         \
	MOVQ        DI, AX                         \
	LEAQ        (DI)(SI*8), DI                 \
	LEAQ        (DI)(SI*4), DI                 \
	LEAQ        (DX)(R9*4), DX                 \
	SUBQ        $12, R13                       \
	CMPQ        n+64(FP), $2                   \
	JLT         one12                          \
	JEQ         two12                          \
	CMPQ        n+64(FP), $4                   \
	JEQ         all12                          \
	TILE1(LANES3)                              \
	JMP         rows12                         \
one12:                                         \
	TILE1(LANES1)                              \
	JMP         rows12                         \
two12:                                         \
	TILE1(LANES2)                              \
	JMP         rows12                         \
all12:                                         \
	TILE1(LANES4)                              \
	JMP         rows12                         \
rows4:                                         \
	CMPQ        R13, $4                        \
	JLT         rows1                          \
	VMOVUPD     (R11), Y12                     \
	MOVQ        DI, AX                         \
	LOAD1(Y0)                                  \
	LOAD1(Y1)                                  \
	LOAD1(Y2)                                  \
	LOAD1(Y3)                                  \
	MOVQ        DX, AX                         \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
step4:                                         \
	B1                                         \
	BROADCAST((AX), X13, Y13)                  \
	BROADCAST((AX)(R8*1), X14, Y14)            \
	BROADCAST((AX)(R8*2), X15, Y15)            \
	VFMADD231PD Y12, Y13, Y0                   \
	BROADCAST((AX)(R9*1), X13, Y13)            \
	VFMADD231PD Y12, Y14, Y1                   \
	VFMADD231PD Y12, Y15, Y2                   \
	VFMADD231PD Y12, Y13, Y3                   \
	ADDQ        R10, AX                        \
	DECQ        CX                             \
	JNZ         step4                          \
	MOVQ        DI, AX                         \
	LEAQ        (DI)(SI*4), DI                 \
	LEAQ        (DX)(R8*4), DX                 \
	SUBQ        $4, R13                        \
	CMPQ        n+64(FP), $2                   \
	JLT         one4                           \
	JEQ         two4                           \
	CMPQ        n+64(FP), $4                   \
	JEQ         all4                           \
	TILE1BY4(LANES3)                           \
	JMP         rows4                          \
one4:                                          \
	TILE1BY4(LANES1)                           \
	JMP         rows4                          \
two4:                                          \
	TILE1BY4(LANES2)                           \
	JMP         rows4                          \
all4:                                          \
	TILE1BY4(LANES4)                           \
	JMP         rows4                          \
rows1:                                         \
	TESTQ       R13, R13                       \
	JZ          done                           \
	VMOVUPD     (R11), Y12                     \
	VMASKMOVPD  (DI), Y12, Y0                  \
	MOVQ        DX, AX                         \
	MOVQ        b+40(FP), BX                   \
	MOVQ        k+72(FP), CX                   \
step1:                                         \
	B1                                         \
	BROADCAST((AX), X13, Y13)                  \
	VFMADD231PD Y12, Y13, Y0                   \
	ADDQ        R10, AX                        \
	DECQ        CX                             \
	JNZ         step1                          \
	MOVQ        DI, AX                         \
	ADDQ        SI, DI                         \
	ADDQ        R8, DX                         \
	DECQ        R13                            \
	CMPQ        n+64(FP), $2                   \
	JLT         one1                           \
	JEQ         two1                           \
	CMPQ        n+64(FP), $4                   \
	JEQ         all1                           \
	ROW1(LANES3, X0, Y0)                       \
	JMP         rows1                          \
one1:                                          \
	ROW1(LANES1, X0, Y0)                       \
	JMP         rows1                          \
two1:                                          \
	ROW1(LANES2, X0, Y0)                       \
	JMP         rows1                          \
all1:                                          \
	ROW1(LANES4, X0, Y0)                       \
	JMP         rows1                          \
done:                                          \
	VZEROUPPER                                 \
	RET
