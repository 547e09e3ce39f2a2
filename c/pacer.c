//go:build linux && (amd64 || arm64 || riscv64)

/* pacer.c: how much of what is free stays resident. */
#include "pacer.h"

#include <stdbool.h>

static size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }
static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static uint64_t clamp(uint64_t n, uint64_t lo, uint64_t hi) { return n < lo ? lo : n > hi ? hi : n; }

/* The most in use during the last idle limit, this step's peak among it. */
static size_t peak_of(struct cmem__pacer *p, const struct cmem__pacer_in *in) {
    /* What lay in caches at the peak, nobody knows: no more than before or after it, most
     * likely. */
    size_t used = less(in->peak, smaller(in->cached, p->cached));
    p->cached = in->cached;
    if (in->now - p->began >= in->idle / PACER_PARTS) {
        p->at = (p->at + 1) % PACER_PARTS;
        p->part[p->at].peak = 0;
        p->began = in->now;
    }
    if (p->part[p->at].peak < used) p->part[p->at].peak = used;
    p->part[p->at].ended = in->now;
    size_t peak = used;
    for (unsigned i = 0; i < PACER_PARTS; i++) {
        bool counts = in->now - p->part[i].ended <= in->idle;
        if (counts && p->part[i].peak > peak) peak = p->part[i].peak;
    }
    return peak;
}

struct cmem__pacer_out cmem__pacer_step(struct cmem__pacer *p, const struct cmem__pacer_in *in) {
    struct cmem__pacer_out out = {.peak = peak_of(p, in)};
    uint64_t elapsed = in->now - p->last;
    p->last = in->now;
    out.next = clamp(in->idle / PACER_PARTS, PACER_NEXT_MIN, PACER_NEXT_MAX);
    size_t stays = less(pacer_keep(out.peak), in->inuse);
    if (stays < PACER_LEAST) stays = PACER_LEAST;
    size_t beyond = less(in->free, stays);
    if (beyond == 0 || in->idle == UINT64_MAX) {
        p->due = 0;
        return out;
    }
    uint64_t end = in->idle < UINT64_MAX - in->now ? in->now + in->idle : UINT64_MAX;
    if (p->due == 0) {
        p->due = end;
        elapsed = 0;
    }
    if (p->due > end) p->due = end; /* the idle limit has shrunk */
    /* Evenly: as much of it as the time since the last step is of what is left until then. */
    uint64_t left = p->due > in->now ? p->due - in->now : 0;
    out.release = left == 0 ? beyond : (size_t)((double)beyond * (double)elapsed / (double)(left + elapsed));
    out.release = smaller(out.release, PACER_STEP);
    if (out.release < beyond)
        out.next = clamp((uint64_t)((double)left * PACER_STEP / (double)(beyond - out.release)),
                         PACER_NEXT_MIN, out.next);
    return out;
}

uint64_t cmem__pacer_scarce(uint64_t idle, size_t limit, size_t need, size_t free) {
    size_t left = less(less(limit, need), free), enough = limit / 10;
    if (left >= enough) return idle;
    return 1 + (uint64_t)((double)(idle - 1) * ((double)left / (double)enough));
}
