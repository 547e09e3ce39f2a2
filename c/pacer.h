/* pacer.h: the pacer, which says how much free memory stays resident. A pure computation: what the
 * heap holds goes in, what is to be released comes out.
 *
 * The law. "In use" are blocks that callers hold, and part-filled spans; blocks in caches and in
 * transfer lists are not. The peak is the most that was in use during the last idle limit. Of all
 * memory, be it in use or not,
 *
 *     keep = (1 + 1/8) * peak
 *
 * stays resident. What is free beyond that goes: the longest free first, evenly within one idle
 * limit, 16 MiB a step at most. The eighth is for free memory whose pieces do not fit what is asked
 * for. (Measured: with a sixth bodies of random sizes held 1.21 times the peak, with an eighth 1.14
 * to 1.16 times.)
 *
 * The peak is a maximum, not an average. So a batch that comes every second finds its memory, and
 * the memory of one that does not come again is gone after an idle limit. docs/design.md
 * (Scavenger) has the price of a page: why 3 s is a good idle limit.
 *
 * Scarcity raises that price. Where there is a limit on memory, the idle limit shrinks to nothing
 * over the last tenth below it:
 *
 *     idle * clamp((limit - need - free) / (limit / 10), 0, 1)
 *
 * `need` is what the process needs, `free` what cmem holds resident beside that.
 *
 * Lock: none; the state is the one scavenger's. Called by scavenger.c, and by package cmem for
 * scarcity.
 */
#ifndef CMEM_PACER_H
#define CMEM_PACER_H

#include "base.h"

/* A peak is kept for each eighth of an idle limit, and forgotten one idle limit after the last step
 * of that eighth. So what was in use at one moment counts for 1 to 9/8 idle limits. */
#define PACER_PARTS 8

#define PACER_SLACK 8                      /* keep = peak + peak / PACER_SLACK */
#define PACER_STEP ((size_t)16 << 20)      /* the most bytes released in one step: some 1.5 ms */
#define PACER_LEAST ((size_t)1 << 20)      /* so many bytes may stay free, however small the peak */
#define PACER_NEXT_MIN ((uint64_t)5000000) /* ns from step to step, at least and at most */
#define PACER_NEXT_MAX ((uint64_t)1000000000)

/* The law: keep, for a peak, in bytes. */
static inline size_t pacer_keep(size_t peak) { return peak + peak / PACER_SLACK; }

struct cmem__pacer {
    struct {
        size_t peak;    /* the most bytes in use during this part */
        uint64_t ended; /* when its last step was */
    } part[PACER_PARTS];
    unsigned at;    /* the current part */
    uint64_t began; /* when the current part began */
    uint64_t last;  /* when the last step was */
    uint64_t due;   /* when all that is beyond keep is to be gone; 0: nothing is beyond it */
    size_t cached;  /* cmem__pacer_in.cached of the last step */
};

struct cmem__pacer_in {
    uint64_t now, idle; /* ns; idle at least 1, UINT64_MAX keeps everything */
    size_t inuse;       /* bytes of spans in use, with what lies in caches and transfer lists */
    size_t peak;        /* the most of that since the last step, without what lay in transfer lists */
    size_t cached;      /* the part of inuse that lies in caches */
    size_t free;        /* bytes of free spans that are resident */
};

struct cmem__pacer_out {
    size_t peak;    /* bytes: the most in use during the last idle limit */
    size_t release; /* bytes to give back now */
    uint64_t next;  /* ns until the next step is due */
};

struct cmem__pacer_out cmem__pacer_step(struct cmem__pacer *p, const struct cmem__pacer_in *in);

/* The idle limit, at least 1, where the process may have no more than `limit` bytes: see above. */
uint64_t cmem__pacer_scarce(uint64_t idle, size_t limit, size_t need, size_t free);

#endif /* CMEM_PACER_H */
