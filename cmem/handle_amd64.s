//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.27

#include "textflag.h"
#include "go_asm.h"

// See handle_amd64.go, and for what is done and why newPinned, takeOwner, releasePinned and keepOwner.

// MINE finds p, the number of the current P, the P's list of owners, and caches, which is where all Ps' are, as MAGAZINE in
// fast_amd64.s does. It goes to none where there is no list, and while the collector marks. (That begins while the world is
// stopped, which is not before this is through.)
#define MINE(p, caches, list, none) \
	CMPL runtime·writeBarrier(SB), $0; \
	JNE  none;                         \
	MOVQ ·fastCaches(SB), caches;      \
	TESTQ caches, caches;              \
	JZ   none;                         \
	MOVQ (TLS), p;                     \
	MOVQ 0x30(p), p;                   \
	MOVQ const_mP(p), p;               \
	MOVLQSX (p), p;                    \
	CMPQ p, $const_maxProcs;           \
	JAE  none;                         \
	LEAQ ·ownerLists(SB), list;        \
	MOVQ (list)(p*8), list;            \
	TESTQ list, list;                  \
	JZ   none

// func newBuffer(n int) Buffer
TEXT ·newBuffer(SB), NOSPLIT, $0-24
	MINE(SI, R8, R12, other)
	MOVQ (R8)(SI*8), R8
	TESTQ R8, R8
	JZ   other
	MOVQ const_listTop(R12), R13
	TESTQ R13, R13
	JZ   other
	MOVQ n+0(FP), DI
	MOVQ DI, BX
	DECQ BX // as alloc does
	CMPQ BX, $const_maxClassSize
	JAE  other
	MOVQ BX, CX
	ORQ  $128, CX
	BSRQ CX, CX
	SUBQ $3, CX
	SHRQ CX, BX
	LEAQ -32(BX)(CX*8), DX // the class
	INCQ BX
	SHLQ CX, BX // its size
	MOVQ DX, R9
	SHLQ $5, R9
	LEAQ const_cacheMag(R8)(R9*1), R9
	MOVQ (R9), R10
	CMPQ R10, 8(R9)
	JEQ  other
	MOVQ -16(R10), AX // the entry: Block and Tag
	MOVQ -8(R10), R11
	CMPB (R11), $const_tagCached
	JNE  other
	INCQ DX
	MOVB DX, (R11)
	SUBQ $16, R10
	MOVQ R10, (R9)
	INCQ 24(R9)
	ADDQ BX, (R8) // Room

	MOVQ (const_listSlots-8)(R12)(R13*8), CX // the owner
	MOVQ $0, (const_listSlots-8)(R12)(R13*8)
	DECQ R13
	MOVQ R13, const_listTop(R12)
	ADDQ DI, const_listHeld(R12)
	MOVQ (CX), R11 // its block
	MOVQ AX, const_blkP(R11)
	MOVQ DI, const_blkN(R11)
	MOVQ const_blkGen(R11), DX
	INCQ DX
	MOVQ DX, const_blkGen(R11)
	MOVQ CX, ret_o+8(FP)
	MOVQ DX, ret_gen+16(FP)
	RET

other:
	JMP ·newPinned(SB)

// func release(o *owner, gen uint64)
TEXT ·release(SB), NOSPLIT, $0-16
	MINE(R8, R10, R9, other)
	MOVQ const_listTop(R9), R10
	CMPQ R10, $const_listLen
	JAE  other
	MOVQ o+0(FP), CX
	MOVQ gen+8(FP), AX
	MOVQ (CX), R11 // the owner's block
	MOVQ const_blkN(R11), BX
	MOVQ const_blkP(R11), R12
	TESTQ BX, BX // whoever wins may trust what it has read: it belongs to its generation
	JZ   other
	MOVQ AX, DX
	INCQ DX
	LOCK
	CMPXCHGQ DX, const_blkGen(R11)
	JNE  freed
	MOVQ CX, const_listSlots(R9)(R10*8)
	INCQ R10
	MOVQ R10, const_listTop(R9)
	SUBQ BX, const_listHeld(R9)
	MOVQ R12, o+0(FP)
	JMP  ·free(SB)

freed:
	RET

other:
	JMP ·releasePinned(SB)
