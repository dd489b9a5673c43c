// A mask for the first n of four lanes, n from 0 to 4, is 32 bytes from lanes<>+8*(4-n) on.
DATA lanes<>+0(SB)/8, $-1
DATA lanes<>+8(SB)/8, $-1
DATA lanes<>+16(SB)/8, $-1
DATA lanes<>+24(SB)/8, $-1
DATA lanes<>+32(SB)/8, $0
DATA lanes<>+40(SB)/8, $0
DATA lanes<>+48(SB)/8, $0
DATA lanes<>+56(SB)/8, $0
GLOBL lanes<>(SB), RODATA|NOPTR, $64

// LANES1 to LANES4 store the first lanes of y, of which x is the lower half, at an address, of
// which high is the upper half. Masked stores would be slow on many processors.
#define LANES1(x, y, at, high) VMOVSD x, at

#define LANES2(x, y, at, high) VMOVUPD x, at

#define LANES3(x, y, at, high) \
	VMOVUPD      x, at    \
	VEXTRACTF128 $1, y, x \
	VMOVSD       x, high

#define LANES4(x, y, at, high) VMOVUPD y, at
