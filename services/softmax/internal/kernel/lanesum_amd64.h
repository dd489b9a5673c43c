// ALLMAX and ALLSUM make all four lanes of y the largest of them, their sum.
#define ALLMAX(y, t) \
	VPERMPD   $0x4e, y, t \
	VMAXPD    t, y, y     \
	VPERMILPD $5, y, t    \
	VMAXPD    t, y, y

#define ALLSUM(y, t) \
	VPERMPD   $0x4e, y, t \
	VADDPD    t, y, y     \
	VPERMILPD $5, y, t    \
	VADDPD    t, y, y
