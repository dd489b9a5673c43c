// Constants in four lanes.
#define LANES(name, bits) \
	DATA name+0(SB)/8, bits  \
	DATA name+8(SB)/8, bits  \
	DATA name+16(SB)/8, bits \
	DATA name+24(SB)/8, bits \
	GLOBL name(SB), RODATA|NOPTR, $32

LANES(one<>, $0x3ff0000000000000)
LANES(two<>, $0x4000000000000000)
LANES(half<>, $0x3fe0000000000000)
LANES(sign<>, $0x8000000000000000)
LANES(infinity<>, $0x7ff0000000000000)
LANES(below<>, $0xfff0000000000000)     // -Inf
LANES(least<>, $0xc086200000000000)     // leastExponent
LANES(log2e<>, $0x3ff71547652b82fe)
LANES(ln2<>, $0x3fe62e42fefa39ef)
LANES(ln2rest<>, $0x3c7abc9e3b39803f)   // what ln2<> lacks
LANES(shifter<>, $0x43380000000003ff)   // 1.5·2^52 + 1023
// (exp(r) - 1 - r) / r² for |r| ≤ ln(2)/2, to 1.1e-16: interpolated at Chebyshev nodes.
LANES(exp0<>, $0x3fe0000000000001)
LANES(exp1<>, $0x3fc5555555555556)
LANES(exp2<>, $0x3fa5555555553d63)
LANES(exp3<>, $0x3f811111111109b3)
LANES(exp4<>, $0x3f56c16c1788bd90)
LANES(exp5<>, $0x3f2a01a01a7c41d5)
LANES(exp6<>, $0x3efa019b90d2ae7a)
LANES(exp7<>, $0x3ec71de0dae63bb3)
LANES(exp8<>, $0x3e9289185613a3d6)
LANES(exp9<>, $0x3e5af38a9b0ec855)

// REDUCE splits x = n·ln(2) + r: the low bits of t become n + 1023, and n as a number stays in f.
// x is kept.
#define REDUCE(x, t, f, r) \
	VMOVUPD      shifter<>(SB), t        \
	VFMADD231PD  log2e<>(SB), x, t       \
	VSUBPD       shifter<>(SB), t, f     \
	VMOVAPD      x, r                    \
	VFNMADD231PD ln2<>(SB), f, r         \
	VFNMADD231PD ln2rest<>(SB), f, r

// EXPOF makes p the exponential of r, and takes q and s to work with.
#define EXPOF(r, p, q, s) \
	VMULPD      r, r, s                 \
	VMOVUPD     exp9<>(SB), p           \
	VMOVUPD     exp7<>(SB), q           \
	VFMADD213PD exp8<>(SB), r, p        \
	VFMADD213PD exp6<>(SB), r, q        \
	VFMADD231PD p, s, q                 \
	VMOVUPD     exp5<>(SB), p           \
	VFMADD213PD exp4<>(SB), r, p        \
	VFMADD231PD q, s, p                 \
	VMOVUPD     exp3<>(SB), q           \
	VFMADD213PD exp2<>(SB), r, q        \
	VFMADD231PD p, s, q                 \
	VMOVUPD     exp1<>(SB), p           \
	VFMADD213PD exp0<>(SB), r, p        \
	VFMADD231PD q, s, p                 \
	VFMADD213PD r, s, p                 \
	VADDPD      one<>(SB), p, p

// EXPBELOW makes p the exponential of x, which is at most 0, or 0 where x is below leastExponent.
// NaN stays NaN. It takes five more registers.
#define EXPBELOW(x, p, t, f, r, q) \
	REDUCE(x, t, f, r)                   \
	EXPOF(r, p, q, f)                    \
	VPSLLQ  $52, t, t                    \
	VMULPD  t, p, p                      \
	VCMPPD  $0x15, least<>(SB), x, q     \
	VANDPD  q, p, p
