#include "textflag.h"

// func Prefetch(r Ref)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVQ r+0(FP), AX
	PREFETCHT0 (AX)
	RET
