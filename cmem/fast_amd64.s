//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.27

#include "textflag.h"
#include "go_asm.h"

// See fast_amd64.go, and for what is done and why allocPinned and freePinned, statement by statement.

// CURRENT_P sets p to the P the caller runs on: g.m.p. (A g has had its m at 0x30 in all releases there are.)
#define CURRENT_P(p) \
	MOVQ (TLS), p;   \
	MOVQ 0x30(p), p; \
	MOVQ const_mP(p), p

// MAGAZINE finds the cache of the current P, by the P's id, and in it the magazine (Top, Base, End, Allocs) of class cls. It goes
// to none where there is no cache.
#define MAGAZINE(cls, cache, magazine, none) \
	MOVQ ·fastCaches(SB), magazine; \
	TESTQ magazine, magazine;       \
	JZ   none;                      \
	CURRENT_P(cache);               \
	MOVLQSX (cache), cache;         \
	CMPQ cache, $const_maxProcs;    \
	JAE  none;                      \
	MOVQ (magazine)(cache*8), cache; \
	TESTQ cache, cache;             \
	JZ   none;                      \
	MOVQ cls, magazine;             \
	SHLQ $5, magazine;              \
	LEAQ const_cacheMag(cache)(magazine*1), magazine

// func currentP() uint64
TEXT ·currentP(SB), NOSPLIT, $0-8
	CURRENT_P(AX)
	MOVQ (AX), AX
	MOVQ AX, ret+0(FP)
	RET

// func alloc(n int) unsafe.Pointer
TEXT ·alloc(SB), NOSPLIT, $0-16
	MOVQ n+0(FP), BX
	DECQ BX
	CMPQ BX, $const_maxClassSize
	JAE  other
	MOVQ BX, CX // classOf
	ORQ  $128, CX
	BSRQ CX, CX
	SUBQ $3, CX
	SHRQ CX, BX
	LEAQ -32(BX)(CX*8), DX // the class
	INCQ BX
	SHLQ CX, BX // its size
	MAGAZINE(DX, R8, R9, other)
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
	MOVQ AX, ret+8(FP)
	RET

other:
	JMP ·allocPinned(SB)

// func free(p unsafe.Pointer)
TEXT ·free(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	MOVQ ·hotLeaf(SB), CX
	TESTQ CX, CX
	JZ   other
	MOVQ AX, BX
	SHRQ $const_leafShift, BX
	CMPQ BX, const_leafRoot(CX)
	JNE  other
	MOVQ AX, BX // the page in its leaf
	SHRQ $const_pageShift, BX
	ANDQ $const_leafMask, BX
	LEAQ (CX)(BX*8), R11 // the tag
	MOVBLZX (R11), DX
	LEAQ -const_tagSmall(DX), SI // the class, if it is a small one
	CMPQ SI, $const_numSmall
	JB   small
	LEAQ -1(DX), SI // or if it is a large one
	CMPQ SI, $const_numClasses
	JAE  other
	TESTQ $const_pageMask, AX
	JNZ  other

cached:
	MAGAZINE(SI, R8, R9, other)
	MOVQ (R9), R10
	CMPQ R10, 16(R9)
	JEQ  other
	CMPQ (R8), $0 // Room
	JLE  other
	LEAQ ·classSize(SB), R12
	MOVL (R12)(SI*4), R12
	MOVB $const_tagCached, (R11)
	MOVQ AX, (R10) // the entry
	MOVQ R11, 8(R10)
	ADDQ $16, R10
	MOVQ R10, (R9)
	SUBQ R12, (R8)
	RET

small:
	MOVQ (R11), R12
	SHRQ $8, R12
	JZ   other
	MOVQ AX, BX
	SUBQ (R12), BX // from the span's beginning
	MOVL const_spanMagic(R12), R13
	IMULQ BX, R13
	SHRQ $32, R13 // the number of its tag
	MOVL const_spanUnit(R12), CX
	IMULQ R13, CX
	CMPQ CX, BX
	JNE  other
	CMPQ R13, $const_numTags
	JAE  other
	MOVQ const_spanTags(R12), R11
	ADDQ R13, R11
	MOVBLZX (R11), CX
	LEAQ 1(SI), DX
	CMPQ CX, DX
	JEQ  cached

other:
	JMP ·freePinned(SB)
