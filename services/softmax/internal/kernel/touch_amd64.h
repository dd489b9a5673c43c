// TOUCH loads what lies from the address in at up to that in end, a line of the cache at a time; of
// what is left over, less than a line, nothing. Rows that are read side by side are as many streams,
// more than processors foresee: read as one before, they come as fast as the memory gives them, and
// where they are in the cache already, it costs next to nothing. It uses up at and end.
#define TOUCH(at, end, x, y) \
	SUBQ    $64, end     \
	CMPQ    at, end      \
	JHI     6(PC)        \
	VMOVUPD (at), x      \
	VMOVUPD 32(at), y    \
	ADDQ    $64, at      \
	CMPQ    at, end      \
	JLS     -4(PC)
