/* test_spans.c: cmem_spans tells each span once, and its columns add up to what cmem_stats says. */
#include "helpers.h"

#include "block.h"
#include "cache.h"
#include "sizeclass.h"
#include "spans.h"

#include <criterion/criterion.h>
#include <signal.h>

struct line {
    uintptr_t address;
    size_t pages, block, blocks, live, cached, released;
    char kind[8], state[16];
    double idle; /* -1: none */
    char text[256];
};

static char *spans_text(void) {
    FILE *f = tmpfile();
    cr_assert_not_null(f);
    errno = 7;
    cr_assert_eq(cmem_spans(fileno(f)), 0);
    cr_assert_eq(errno, 7);
    long n = lseek(fileno(f), 0, SEEK_END);
    cr_assert_gt(n, 0);
    char *text = calloc(1, (size_t)n + 1);
    cr_assert_eq(pread(fileno(f), text, (size_t)n, 0), n);
    fclose(f);
    return text;
}

/* A column's number; 0 for "-", of which *none tells. */
static size_t number(const char *text, bool *none) {
    *none = strcmp(text, "-") == 0;
    return strtoull(text, NULL, 10);
}

static struct line parse(const char *text) {
    struct line l = {.idle = -1};
    char block[32], blocks[32], live[32], cached[32], idle[32];
    int end = 0;
    snprintf(l.text, sizeof l.text, "%s", text);
    int n = sscanf(text, "%zx %zu %7s %15s %31s %31s %31s %31s %31s %zu%n", &l.address, &l.pages, l.kind,
                   l.state, block, blocks, live, cached, idle, &l.released, &end);
    cr_assert(n == 10 && text[end] == '\0', "not ten columns: %s", text);
    bool none[5];
    l.block = number(block, &none[0]);
    l.blocks = number(blocks, &none[1]);
    l.live = number(live, &none[2]);
    l.cached = number(cached, &none[3]);
    (void)number(idle, &none[4]);
    bool in_use = strcmp(l.state, "inuse") == 0;
    cr_assert_eq(strcmp(l.kind, "-") == 0, !in_use, "%s", text);
    for (size_t i = 0; i < 4; i++) cr_assert_eq(none[i], !in_use, "%s", text);
    cr_assert_eq(none[4], in_use, "%s", text);
    if (!in_use) l.idle = strtod(idle, NULL);
    bool released = strcmp(l.state, "released") == 0 || strcmp(l.state, "untouched") == 0;
    cr_assert_eq(l.released, released ? l.pages : 0, "%s", text);
    cr_assert(in_use || released || strcmp(l.state, "free") == 0 || strcmp(l.state, "releasing") == 0, "%s",
              text);
    cr_assert_leq(l.live + l.cached, l.blocks, "%s", text);
    return l;
}

/* All lines; *n is how many. They rise, and none overlaps another. */
static struct line *spans(size_t *n) {
    char *text = spans_text(), *rest = text, *line = strsep(&rest, "\n");
    cr_assert_str_eq(line, "address            pages kind  state           block blocks   live cached "
                           "      idle  released");
    struct line *all = NULL;
    *n = 0;
    for (uintptr_t end = 0; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        all = realloc(all, (*n + 1) * sizeof *all);
        all[*n] = parse(line);
        cr_assert_geq(all[*n].address, end, "%s", line);
        end = all[*n].address + all[*n].pages * PAGE_SIZE;
        (*n)++;
    }
    free(text);
    return all;
}

/* At rest the sums are those of cmem_stats. */
static void check_sums(void) {
    struct cmem_stats s = check_heap();
    size_t n, sys = 0, inuse = 0, released = 0, live_bytes = 0, live = 0, cached = 0, unused = 0;
    struct line *all = spans(&n);
    for (size_t i = 0; i < n; i++) {
        const struct line *l = &all[i];
        sys += l->pages * PAGE_SIZE;
        if (strcmp(l->state, "inuse") == 0) inuse += l->pages * PAGE_SIZE;
        released += l->released * PAGE_SIZE;
        live_bytes += l->live * l->block;
        live += l->live;
        cached += l->cached * l->block;
        unused += (l->blocks - l->live - l->cached) * l->block;
    }
    free(all);
    cr_assert_eq(sys, s.heap_sys);
    cr_assert_eq(inuse, s.heap_inuse);
    cr_assert_eq(released, s.heap_released);
    cr_assert_eq(live_bytes, s.live_bytes);
    cr_assert_eq(live, s.live_blocks);
    /* What lies in transfer lists counts as central's there, and has the tag of a cached block. */
    cr_assert_eq(cached + unused, s.thread_cache_bytes + s.magazine_bytes + s.central_free_bytes);
}

static struct line span_at(const void *p) {
    size_t n;
    struct line *all = spans(&n), found = {.address = 0};
    for (size_t i = 0; i < n; i++) {
        if ((uintptr_t)p - all[i].address < all[i].pages * PAGE_SIZE) found = all[i];
    }
    free(all);
    cr_assert_neq(found.address, 0);
    return found;
}

Test(spans, of_an_empty_heap_are_none) {
    size_t n;
    free(spans(&n));
    cr_assert_eq(n, 0);
}

Test(spans, add_up_to_the_statistics) {
    enum { BLOCKS = 3000 };
    static void *p[BLOCKS];
    uint64_t seed = test_seed("spans");
    for (size_t round = 0; round < 6; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            if (p[i] != NULL && pick(&seed, 2) == 0) continue;
            cmem_free(p[i]);
            p[i] = i % 100 == 0 ? cmem_alloc(pick_log(&seed, 256 * KIB, 20 * MIB))
                                : cmem_alloc(pick_log(&seed, 1, 64 * KIB));
            cr_assert_not_null(p[i]);
        }
        check_sums();
        if (round % 2 == 1) cmem_scavenge(0);
        check_sums();
    }
    for (size_t i = 0; i < BLOCKS; i++) cmem_free(p[i]);
    check_sums();
    cmem_scavenge(0);
    check_sums();
}

Test(spans, say_what_they_are) {
    char *small = cmem_alloc(1000), *large = cmem_alloc(100000), *huge = cmem_alloc(17 * MIB);
    struct line l = span_at(small);
    cr_assert(strcmp(l.kind, "small") == 0 && l.block == 1024 && l.blocks == 64 && l.live == 1, "%s", l.text);
    own(small); /* live, whoever has it */
    cr_assert_eq(span_at(small).live, 1);
    l = span_at(large);
    cr_assert(strcmp(l.kind, "large") == 0 && l.pages == 26 && l.block == 26 * PAGE_SIZE && l.live == 1, "%s",
              l.text);
    l = span_at(huge);
    cr_assert(strcmp(l.kind, "huge") == 0 && l.block == 17 * MIB && l.blocks == 1 && l.live == 1, "%s",
              l.text);
    cr_assert_eq(l.address, (uintptr_t)huge);

    cmem_free(large);
    l = span_at(large);
    cr_assert(strcmp(l.state, "inuse") == 0 && l.live == 0 && l.cached == 1, "%s", l.text);
    cmem_free(huge);
    l = span_at(huge);
    cr_assert(strcmp(l.state, "free") == 0 && l.released == 0, "%s", l.text);
}

Test(spans, tell_how_long_they_are_unused_and_what_was_given_back) {
    char *a = cmem_alloc(20 * MIB);
    memset(a, 1, 20 * MIB);
    struct line tail = span_at(a + 20 * MIB); /* of a region of 32 MiB */
    cr_assert_str_eq(tail.state, "untouched", "%s", tail.text);
    cr_assert_eq(tail.released, tail.pages);
    void *keep = cmem_alloc(2 * MIB); /* the region stays */
    cmem_free(a);
    cr_assert_lt(span_at(a).idle, 60);
    double before = span_at(a).idle;
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    cr_assert_geq(span_at(a).idle, before + 0.04);
    cmem_scavenge(0);
    struct line l = span_at(a);
    cr_assert_str_eq(l.state, "released", "%s", l.text);
    cr_assert_geq(l.released, 20 * MIB / PAGE_SIZE);
    cmem_free(keep);
}

Test(spans, to_a_file_that_fails) {
    void *p = cmem_alloc(1);
    errno = 0;
    cr_assert_eq(cmem_spans(-1), -1);
    cr_assert_eq(errno, EBADF);
    int fd[2];
    cr_assert_eq(pipe(fd), 0);
    close(fd[0]);
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(cmem_spans(fd[1]), -1);
    cr_assert_eq(errno, EPIPE);
    cmem_free(p);
}

/* What is coalesced between two chunks is told once, as far as it was. */
Test(spans, that_merge_between_two_chunks) {
    enum { BLOCKS = 64 };
    void *p[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) p[i] = cmem_alloc(300 * KIB);
    char text[SPANS_TEXT + 1];
    uintptr_t from = 0;
    cr_assert_gt(cmem__spans_text(&from, text), 0);
    cr_assert_gt(cmem__spans_text(&from, text), 0);
    uintptr_t told = from;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i != 8) cmem_free(p[i]); /* which keeps the region */
    }
    cmem_scavenge(0); /* one span now, in which `told` lies */
    cr_assert_lt(span_at((void *)told).address, told);
    size_t n;
    while ((n = cmem__spans_text(&from, text)) > 0) {
        text[n] = '\0';
        char *rest = text, *line;
        while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
            cr_assert_geq(parse(line).address, told);
    }
}
