//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.28

#include "textflag.h"
#include "go_asm.h"

// The fast paths of Alloc, Free and handles. fast_amd64.go and handle_amd64.go say why they are in
// assembly. The code follows allocPinned and freePinned (pinned_c.go) statement by statement: what
// is done and why is said there.

// CURRENT_P sets p to the P the caller runs on: g.m.p. (A g has had its m at 0x30 in all releases
// there are.)
#define CURRENT_P(p) \
	MOVQ (TLS), p;   \
	MOVQ 0x30(p), p; \
	MOVQ const_mP(p), p

// CACHE sets R8 to the cache of the current P and R9 to where that stands in caches. It does not
// wait for the P: it takes what the thread remembers (lastCache) and compares. Where the P is
// another one by now, or the cache is no longer in the table (drain), it goes to moved. There MOVED
// looks both up, remembers them, and goes on at same; or to none, where the P has no cache. (A P
// begins with its id.) Both spoil R10, and MOVED also CX.
#define CACHE(moved, same) \
	MOVQ ·lastCache(SB), R10; \
	CURRENT_P(R9);            \
	CMPQ R9, (R10)(FS*1);     \
	JNE  moved;               \
	MOVQ 8(R10)(FS*1), R8;    \
	MOVQ 16(R10)(FS*1), R9;   \
	CMPQ R8, (R9);            \
	JNE  moved;               \
same:

#define MOVED(same, none) \
	MOVQ ·fastCaches(SB), R8;  \
	TESTQ R8, R8;              \
	JZ   none;                 \
	CURRENT_P(R9);             \
	MOVLQSX (R9), CX;          \
	CMPQ CX, $const_maxProcs;  \
	JAE  none;                 \
	LEAQ (R8)(CX*8), CX;       \
	MOVQ (CX), R8;             \
	TESTQ R8, R8;              \
	JZ   none;                 \
	MOVQ R9, (R10)(FS*1);      \
	MOVQ R8, 8(R10)(FS*1);     \
	MOVQ CX, 16(R10)(FS*1);    \
	MOVQ CX, R9;               \
	JMP  same

// MAGAZINE sets R9 to the magazine (Top, Base, End, Allocs) of class cls in the cache R8.
#define MAGAZINE(cls) \
	MOVQ cls, R9;              \
	SHLQ $const_magShift, R9;  \
	LEAQ const_cacheMag(R8)(R9*1), R9

// CLASS is classOf: from n in BX it makes the class in DX and its size in BX, and goes to none
// where n is no class's to serve. It spoils CX.
#define CLASS(none) \
	DECQ BX;                      \
	CMPQ BX, $const_maxClassSize; \
	JAE  none;                    \
	MOVQ BX, CX;                  \
	ORQ  $128, CX;                \
	BSRQ CX, CX;                  \
	SUBQ $3, CX;                  \
	SHRQ CX, BX;                  \
	LEAQ -32(BX)(CX*8), DX;       \
	INCQ BX;                      \
	SHLQ CX, BX

// TAKE takes the block of the entry (Block and Tag) on top of the magazine in R9 into AX; R8 is the
// cache, which begins with Room, BX and DX are as CLASS has made them. It goes to empty where the
// magazine is, and to bad where the block is somebody's. It spoils DX, R10 and R11.
#define TAKE(empty, bad) \
	TOP(empty, bad); \
	INCQ DX;         \
	MOVB DX, (R11);  \
	POP

// TOP and POP are TAKE without the tag, which R11 points to between them.
#define TOP(empty, bad) \
	MOVQ (R9), R10;                                 \
	CMPQ R10, const_magBase(R9);                    \
	JEQ  empty;                                     \
	MOVQ -const_entrySize(R10), AX;                 \
	MOVQ (const_entryTag-const_entrySize)(R10), R11; \
	CMPB (R11), $const_tagCached;                   \
	JNE  bad

#define POP \
	SUBQ $const_entrySize, R10;    \
	MOVQ R10, (R9);                \
	INCQ const_magAllocs(R9);      \
	ADDQ BX, (R8)

// PUSH puts a block of class cls, whose tag lies at tag, into the magazine in R9 of the cache R8.
// It goes to full where one of them is. It spoils size and R10.
#define PUSH(block, tag, cls, size, full) \
	MOVQ (R9), R10;               \
	CMPQ R10, const_magEnd(R9);   \
	JEQ  full;                    \
	CMPQ (R8), $0;                \
	JLE  full;                    \
	LEAQ ·classSize(SB), size;    \
	MOVL (size)(cls*4), size;     \
	MOVB $const_tagCached, (tag); \
	MOVQ block, (R10);            \
	MOVQ tag, const_entryTag(R10); \
	ADDQ $const_entrySize, R10;   \
	MOVQ R10, (R9);               \
	SUBQ size, (R8)

// BORROW is nextFilled where the cache R8 is boosted: from class DX and its empty magazine in R9 it
// goes on to the next larger class that has blocks, sets BX to its size, and goes to take; or to
// none. It spoils CX and R10.
#define BORROW(take, next, none) \
	CMPQ const_cacheBoost(R8), $0;                  \
	JE   none;                                      \
	LEAQ const_borrowClasses(DX), CX;               \
	LEAQ 1(DX)(DX*1), R10;                          \
	CMPQ CX, R10;                                   \
	CMOVQGT R10, CX;                                \
	MOVQ $const_lastClass, R10;                     \
	CMPQ CX, R10;                                   \
	CMOVQGT R10, CX;                                \
next:                                            \
	INCQ DX;                                        \
	CMPQ DX, CX;                                    \
	JGT  none;                                      \
	ADDQ $const_magSize, R9;                        \
	MOVQ (R9), R10;                                 \
	CMPQ R10, const_magBase(R9);                    \
	JEQ  next;                                      \
	LEAQ ·classSize(SB), R10;                       \
	MOVL (R10)(DX*4), BX;                           \
	JMP  take

// func currentP() uint64
TEXT ·currentP(SB), NOSPLIT, $0-8
	CURRENT_P(AX)
	MOVQ (AX), AX
	MOVQ AX, ret+0(FP)
	RET

// func alloc(n int) unsafe.Pointer
TEXT ·alloc(SB), NOSPLIT, $0-16
	MOVQ n+0(FP), BX
	CLASS(other)
	CACHE(moved, same)
	MAGAZINE(DX)

take:
	TAKE(empty, other)
	MOVQ AX, ret+8(FP)
	RET

empty:
	BORROW(take, next, other)

moved:
	MOVED(same, other)

other:
	JMP ·allocPinned(SB)

// func allocFast(n int) unsafe.Pointer
TEXT ·allocFast(SB), NOSPLIT, $0-16
	MOVQ n+0(FP), BX
	CLASS(other)
	CACHE(moved, same)
	MAGAZINE(DX)

take:
	TAKE(empty, other)
	MOVQ AX, ret+8(FP)
	RET

empty:
	BORROW(take, next, other)

moved:
	MOVED(same, other)

other:
	JMP ·allocFastOther(SB)

// func free(p unsafe.Pointer)
TEXT ·free(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	MOVQ ·hotLeaf(SB), CX
	TESTQ CX, CX
	JZ   other
	MOVQ AX, BX
	SHRQ $const_leafShift, BX
	CMPQ BX, const_leafRoot(CX)
	JNE  far

near:
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
	CACHE(moved, same)
	MAGAZINE(SI)
	PUSH(AX, R11, SI, R12, other)
	RET

far: // a heap that is larger than a leaf, or lies across two
	CMPQ BX, $const_rootLen
	JAE  other
	MOVQ ·pagemap(SB), CX
	MOVQ (CX)(BX*8), CX
	TESTQ CX, CX
	JNZ  near
	JMP  other

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
	JMP  other

moved:
	MOVED(same, other)

other:
	JMP ·freePinned(SB)

// OWNERS sets list to the list of owners of the P whose cache stands at R9. It goes to none where
// there is none. It spoils R9 and R10. For what is done below and why see handle_amd64.go,
// newPinned, takeOwner, own, releasePinned, keepOwner and ownedMem.free.
#define OWNERS(list, none) \
	LEAQ ·caches(SB), R10;     \
	SUBQ R10, R9;              \
	LEAQ ·ownerLists(SB), R10; \
	MOVQ (R10)(R9*1), list;    \
	TESTQ list, list;          \
	JZ   none

// MARKING goes to marking while the collector marks. (That begins while the world is stopped, which
// is not before what runs here is through.)
#define MARKING(marking) \
	CMPL runtime·writeBarrier(SB), $0; \
	JNE  marking

// func newBuffer(n int) Buffer
TEXT ·newBuffer(SB), NOSPLIT, $0-24
	MARKING(other)
	MOVQ n+0(FP), DI
	MOVQ DI, BX
	CLASS(other)
	CACHE(moved, same)
	OWNERS(R12, other)
	MOVQ const_listTop(R12), R13
	TESTQ R13, R13
	JZ   other
	MAGAZINE(DX)
	TOP(other, other)
	MOVB $const_tagOwned, (R11)
	POP

	MOVQ (const_listSlots-8)(R12)(R13*8), CX // the owner
	MOVQ $0, (const_listSlots-8)(R12)(R13*8)
	DECQ R13
	MOVQ R13, const_listTop(R12)
	ADDQ DI, const_listHeld(R12)
	MOVQ (CX), SI // its block
	MOVQ AX, const_blkP(SI)
	MOVQ DI, const_blkN(SI)
	MOVQ R11, const_blkTag(SI)
	MOVQ DX, const_blkCls(SI)
	MOVQ const_blkGen(SI), DX
	INCQ DX
	MOVQ DX, const_blkGen(SI)
	MOVQ CX, ret_o+8(FP)
	MOVQ DX, ret_gen+16(FP)
	RET

moved:
	MOVED(same, other)

other:
	JMP ·newPinned(SB)

// func release(o *owner, gen uint64)
TEXT ·release(SB), NOSPLIT, $0-16
	MARKING(other)
	CACHE(moved, same)
	OWNERS(DI, other)
	CMPQ const_listTop(DI), $const_listLen
	JAE  other
	MOVQ o+0(FP), CX
	MOVQ gen+8(FP), AX
	MOVQ (CX), R11 // the owner's block
	MOVQ const_blkN(R11), BX
	MOVQ const_blkP(R11), R12
	MOVQ const_blkTag(R11), R13
	MOVQ const_blkCls(R11), SI
	TESTQ BX, BX // whoever wins may trust what it has read: it belongs to its generation
	JZ   other
	MOVQ AX, DX
	INCQ DX
	LOCK
	CMPXCHGQ DX, const_blkGen(R11)
	JNE  freed

	CMPB (R13), $const_tagOwned
	JNE  won
	CMPQ SI, $const_numClasses
	JAE  won
	MAGAZINE(SI)
	PUSH(R12, R13, SI, AX, won)
	MOVQ const_listTop(DI), R10
	MOVQ CX, const_listSlots(DI)(R10*8)
	INCQ R10
	MOVQ R10, const_listTop(DI)
	SUBQ BX, const_listHeld(DI)

freed:
	RET

moved:
	MOVED(same, other)

won:
	JMP ·releaseWon(SB)

other:
	JMP ·releasePinned(SB)
