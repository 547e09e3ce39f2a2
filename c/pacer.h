/* pacer.h: how much of what is free stays resident. A pure computation: what the heap holds goes
 * in, what it is to do comes out.
 *
 * The law. "In use" is what callers hold and part-filled spans, not what caches hold. Of the most
 * that was in use during the last idle limit,
 *
 *     keep = (1 + 1/8) * peak
 *
 * stays resident: in use, in caches and free together. What is free beyond it goes, longest free
 * first, evenly within one idle limit, 16 MiB a step at most. The eighth is for what does not fit:
 * free memory in pieces of other sizes than what is asked for. (Measured: with a sixth bodies of
 * random sizes held 1.21 times what was in use at the peak, with an eighth 1.14 to 1.16.)
 *
 * A maximum over a window, not an average: a batch that comes every second finds its memory, and
 * one that does not come again is gone. A free page that stays for 3 s costs as much as to fault it
 * in again, at the price of a core for that of 4 GiB: so whoever keeps free pages for that long
 * never pays more than twice what perfect foresight would (ski rental).
 *
 * Scarcity raises the price of a page. Where there is a limit, the idle limit shrinks to nothing as
 * what the process needs and what is free beside it near that:
 *
 *     idle * clamp((limit - need - free) / (limit / 10), 0, 1)
 *
 * Lock: none; the state is the one scavenger's.
 */
#ifndef CMEM_PACER_H
#define CMEM_PACER_H

#include "base.h"

/* The peak is that of the eighths of an idle limit that began within the last one: it is forgotten
 * after 1 to 9/8 of it. */
#define PACER_PARTS 8

#define PACER_SLACK 8                      /* keep is a part of so many larger than the peak */
#define PACER_STEP ((size_t)16 << 20)      /* bytes that go in one step: some 4 ms */
#define PACER_LEAST ((size_t)1 << 20)      /* bytes that are worth keeping, however little was in use */
#define PACER_NEXT_MIN ((uint64_t)5000000) /* ns from step to step */
#define PACER_NEXT_MAX ((uint64_t)1000000000)

/* The law. */
static inline size_t pacer_keep(size_t peak) { return peak + peak / PACER_SLACK; }

struct cmem__pacer {
    struct {
        size_t peak;    /* the most bytes in use */
        uint64_t ended; /* when the last step was that saw it */
    } part[PACER_PARTS];
    unsigned at;    /* the part that is growing */
    uint64_t began; /* when it began */
    uint64_t last;  /* when the last step was */
    uint64_t due;   /* when what is beyond is to be gone; 0 where nothing is */
    size_t cached;  /* as the last step was told */
};

struct cmem__pacer_in {
    uint64_t now, idle; /* ns; idle at least 1, UINT64_MAX keeps everything */
    size_t inuse, peak; /* bytes of spans in use: now, and the most since the last step */
    size_t cached;      /* bytes of those that lie in caches */
    size_t free;        /* bytes of free spans that are resident */
};

struct cmem__pacer_out {
    size_t peak;    /* bytes: the most in use during the last idle limit */
    size_t release; /* bytes to give back now */
    uint64_t next;  /* ns until the next step is due */
};

struct cmem__pacer_out cmem__pacer_step(struct cmem__pacer *p, const struct cmem__pacer_in *in);

/* The idle limit, at least 1, where no more than `limit` bytes are to be had. */
uint64_t cmem__pacer_scarce(uint64_t idle, size_t limit, size_t need, size_t free);

#endif /* CMEM_PACER_H */
