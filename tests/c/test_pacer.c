/* test_pacer.c: how much of what is free stays resident: the law of pacer.h, step by step. */
#include "helpers.h"
#include "pacer.h"

#include <criterion/criterion.h>

#define SECOND ((uint64_t)1000000000)

/* A heap of which so much is in use, now and at most since the last step, in caches, and free. */
static struct cmem__pacer pacer;
static struct cmem__pacer_in heap = {.now = 1000 * SECOND, .idle = 8 * SECOND};

/* Lets ns pass, steps, and gives back what is to be given back. */
static struct cmem__pacer_out step(uint64_t ns) {
    heap.now += ns;
    if (heap.peak < heap.inuse) heap.peak = heap.inuse;
    struct cmem__pacer_out out = cmem__pacer_step(&pacer, &heap);
    cr_assert_leq(out.release, heap.free, "%zu bytes to give back of %zu", out.release, heap.free);
    heap.free -= out.release;
    heap.peak = heap.inuse;
    return out;
}

/* What is in use becomes so much; what that frees stays. */
static void use(size_t bytes) {
    if (bytes < heap.inuse) heap.free += heap.inuse - bytes;
    heap.inuse = bytes;
}

/* Steps until ns have passed. */
static void steps(uint64_t ns) {
    for (uint64_t end = heap.now + ns; heap.now < end;) {
        struct cmem__pacer_out out = step(0);
        uint64_t left = end - heap.now;
        heap.now += out.next < left ? out.next : left;
    }
}

/* While a peak is remembered, everything that was in use then stays, and an eighth. */
Test(pacer, keeps_the_peak_and_an_eighth) {
    heap.inuse = 160 * MIB;
    heap.free = 100 * MIB;
    cr_assert_eq(step(0).peak, 160 * MIB);
    use(60 * MIB);
    cr_assert_eq(step(SECOND).peak, 160 * MIB);
    steps(6 * SECOND);
    cr_assert_eq(step(0).peak, 160 * MIB);
    use(150 * MIB);
    heap.free = 300 * MIB;
    steps(40 * SECOND);
    cr_assert_eq(heap.free, 150 * MIB / 8);
}

/* A peak is forgotten after one idle limit, and an eighth of it at most. */
Test(pacer, forgets_a_peak) {
    uint64_t seed = test_seed("pacer");
    for (unsigned round = 0; round < 1000; round++) {
        heap.inuse = MIB;
        steps(3 * heap.idle);
        heap.peak = 100 * MIB;
        step(pick(&seed, SECOND));
        uint64_t from = heap.now, to = from;
        while (step(pick(&seed, SECOND / 4)).peak > MIB) to = heap.now;
        cr_assert_geq(heap.now - from, heap.idle, "forgotten after %" PRIu64 " ns", heap.now - from);
        cr_assert_leq(to - from, heap.idle / 8 * 9 + SECOND / 4, "remembered for %" PRIu64 " ns", to - from);
    }
}

/* What caches hold is not in use: it does not raise the peak, and is part of what is kept. */
Test(pacer, caches_do_not_count) {
    heap.inuse = 180 * MIB;
    heap.cached = 20 * MIB;
    step(0);
    cr_assert_eq(step(SECOND).peak, 180 * MIB, "the first step does not know what lay in caches before");
    heap.inuse = 120 * MIB;
    steps(20 * SECOND);
    cr_assert_eq(step(SECOND).peak, 100 * MIB);
    heap.free = 50 * MIB;
    heap.cached = 110 * MIB;
    heap.inuse = 210 * MIB;
    steps(20 * SECOND);
    cr_assert_eq(heap.free, PACER_LEAST, "there is enough in caches");
    heap.free = 50 * MIB;
    heap.cached = 5 * MIB;
    heap.inuse = 105 * MIB;
    steps(20 * SECOND);
    cr_assert_eq(heap.free, 100 * MIB / 8 - 5 * MIB);
    heap.cached = 0; /* they were emptied: what was in use at the peak is not known, and may be all of it */
    heap.peak = 130 * MIB;
    cr_assert_eq(step(SECOND).peak, 130 * MIB);
}

/* What is beyond goes evenly within one idle limit. */
Test(pacer, what_is_beyond_goes_evenly) {
    heap.inuse = heap.free = 0;
    steps(20 * SECOND);
    heap.free = 80 * MIB + PACER_LEAST;
    uint64_t from = heap.now;
    size_t before = heap.free;
    for (unsigned i = 0; i < 9; i++) {
        cr_assert_eq(step(i == 0 ? 0 : SECOND).next, SECOND);
        size_t gone = before - heap.free;
        cr_assert(i == 0 || (gone > 8 * MIB && gone < 12 * MIB), "step %u gives back %zu bytes of 80 MiB", i,
                  gone);
        before = heap.free;
    }
    cr_assert_eq(heap.free, PACER_LEAST);
    cr_assert_eq(heap.now - from, heap.idle);
}

/* Whoever steps more often gives back as much in all. */
Test(pacer, steps_may_come_early) {
    steps(20 * SECOND);
    heap.free = 80 * MIB + PACER_LEAST;
    step(0);
    for (unsigned i = 0; i < 200; i++) step(heap.idle / 400);
    size_t left = heap.free - PACER_LEAST;
    cr_assert(left > 36 * MIB && left < 44 * MIB, "%zu bytes are left after half of an idle limit", left);
    for (unsigned i = 0; i < 200; i++) step(heap.idle / 400);
    cr_assert_eq(heap.free, PACER_LEAST);
}

/* No more than 16 MiB a step: so the more the more often, within one idle limit if the steps need
 * not be closer than the least. */
Test(pacer, no_more_than_a_step) {
    for (size_t gib = 1; gib <= 64; gib *= 4) {
        heap.free = gib * 1024 * MIB;
        uint64_t from = heap.now;
        while (heap.free > PACER_LEAST) {
            size_t before = heap.free;
            struct cmem__pacer_out out = step(0);
            cr_assert_leq(before - heap.free, PACER_STEP);
            cr_assert_geq(out.next, PACER_NEXT_MIN);
            heap.now += out.next;
        }
        uint64_t least = gib * 64 * PACER_NEXT_MIN, took = heap.now - from;
        cr_assert_leq(took, heap.idle > least ? heap.idle / 4 * 5 : 2 * least, "%zu GiB took %" PRIu64 " ns",
                      gib, took);
        steps(20 * SECOND);
    }
}

/* However little was in use. */
Test(pacer, leaves_a_mebibyte) {
    heap.free = MIB;
    heap.inuse = 4096;
    steps(40 * SECOND);
    cr_assert_eq(heap.free, MIB);
}

/* Without an end to the idle limit nothing goes. */
Test(pacer, keeps_everything) {
    heap.idle = UINT64_MAX;
    heap.free = 1024 * MIB;
    for (unsigned i = 0; i < 1000; i++) {
        struct cmem__pacer_out out = step(3600 * SECOND);
        cr_assert_eq(out.release, 0);
        cr_assert_eq(out.next, PACER_NEXT_MAX);
    }
}

/* Another idle limit holds at once: a shorter one forgets what lies before it, and there is a step
 * at least every 1/8 of it. */
Test(pacer, the_idle_limit_changes) {
    heap.inuse = 100 * MIB;
    steps(SECOND);
    use(0);
    steps(SECOND);
    cr_assert_eq(step(0).peak, 100 * MIB);
    heap.idle = SECOND / 2;
    cr_assert_eq(step(SECOND / 16).next, SECOND / 16);
    cr_assert_lt(step(SECOND).peak, 100 * MIB);
    steps(SECOND);
    cr_assert_eq(heap.free, PACER_LEAST);
}

/* A step that is late by hours is one that forgets everything before. */
Test(pacer, a_late_step) {
    heap.inuse = 100 * MIB;
    steps(SECOND);
    use(10 * MIB);
    step(SECOND);
    cr_assert_eq(step(5000 * SECOND).peak, 10 * MIB);
}

/* Scarcity: from a tenth of the limit on the idle limit shrinks, evenly, to nothing. */
Test(pacer, scarcity_shrinks_the_idle_limit) {
    size_t limit = 1000 * MIB;
    cr_assert_eq(cmem__pacer_scarce(SECOND, limit, 500 * MIB, 400 * MIB), SECOND);
    cr_assert_eq(cmem__pacer_scarce(SECOND, limit, 0, 0), SECOND);
    uint64_t half = cmem__pacer_scarce(SECOND, limit, 900 * MIB, 50 * MIB);
    cr_assert(half > SECOND / 100 * 49 && half < SECOND / 100 * 51, "%" PRIu64, half);
    cr_assert_eq(cmem__pacer_scarce(SECOND, limit, 1000 * MIB, 0), 1);
    cr_assert_eq(cmem__pacer_scarce(SECOND, limit, 2000 * MIB, 100 * MIB), 1);
    cr_assert_eq(cmem__pacer_scarce(UINT64_MAX, limit, 1000 * MIB, 0), 1, "even where everything is to stay");
    cr_assert_eq(cmem__pacer_scarce(SECOND, 0, 0, 0), SECOND);
}
