// Constants of the logarithm, after exp_amd64.h.
LANES(sqrthalf<>, $0x3fe6a09e667f3bcd)
LANES(fraction<>, $0x000fffffffffffff)
LANES(integer<>, $0x4330000000000000)   // 2^52: its low bits hold an integer
LANES(ln2high<>, $0x3fe62e42fefa3800)   // times an exponent it is exact
LANES(ln2low<>, $0x3d2ef35793c76730)
// (2·atanh(t) - 2t) / t³ as a function of t², where 1+f = (1+t)/(1-t) lies between the roots of
// 1/2 and 2, to 3.2e-16: interpolated at Chebyshev nodes.
LANES(log0<>, $0x3fe5555555555558)
LANES(log1<>, $0x3fd9999999995273)
LANES(log2<>, $0x3fd2492492dfd86c)
LANES(log3<>, $0x3fcc71c62d5e53e0)
LANES(log4<>, $0x3fc7462b91b8df65)
LANES(log5<>, $0x3fc39fdcceb4bb45)
LANES(log6<>, $0x3fc2b5f68a50d903)

// LOG1P makes x the logarithm of 1 + x, for an x of 0 or more; NaN stays NaN. s is 1 + x rounded,
// rest what it lacks: the logarithm is that of s, plus rest/s.
#define LOG1P(x, s, rest, k, t, p) \
	VADDPD       one<>(SB), x, s         \
	VSUBPD       one<>(SB), s, t         \
	VSUBPD       t, x, rest              \
	VSUBPD       t, s, t                 \
	VMOVUPD      one<>(SB), p            \
	VSUBPD       t, p, t                 \
	VADDPD       t, rest, rest           \
	VDIVPD       s, rest, rest           \
	VPSUBQ       sqrthalf<>(SB), s, t    \
	VPSRLQ       $52, t, k               \
	VPOR         integer<>(SB), k, k     \
	VSUBPD       integer<>(SB), k, k     \
	VPAND        fraction<>(SB), t, t    \
	VPADDQ       sqrthalf<>(SB), t, t    \
	VSUBPD       one<>(SB), t, t         \
	VADDPD       two<>(SB), t, s         \
	VDIVPD       s, t, t                 \
	VMULPD       t, t, s                 \
	VMOVUPD      log6<>(SB), p           \
	VFMADD213PD  log5<>(SB), s, p        \
	VFMADD213PD  log4<>(SB), s, p        \
	VFMADD213PD  log3<>(SB), s, p        \
	VFMADD213PD  log2<>(SB), s, p        \
	VFMADD213PD  log1<>(SB), s, p        \
	VFMADD213PD  log0<>(SB), s, p        \
	VMULPD       t, s, s                 \
	VADDPD       t, t, t                 \
	VFMADD231PD  p, s, t                 \
	VFMADD231PD  ln2low<>(SB), k, rest   \
	VADDPD       rest, t, x              \
	VFMADD231PD  ln2high<>(SB), k, x
