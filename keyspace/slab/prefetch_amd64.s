#include "textflag.h"

// func Prefetch(r Ref)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVQ r+0(FP), AX
	PREFETCHT0 (AX)
	RET

// func PrefetchBlock(r Ref)
TEXT ·PrefetchBlock(SB), NOSPLIT, $0-8
	MOVQ r+0(FP), AX
	PREFETCHT0 (AX)
	PREFETCHT0 39(AX) // the last byte of a record with a key of twenty bytes and an integer; mostly the same line
	RET
