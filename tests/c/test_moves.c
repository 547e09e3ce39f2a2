/* test_moves.c: resident pages that are moved to where they are needed, and kernels that do not move them. */
#include "pages.h"

#include "check.h"
#include "os.h"
#include "pageheap.h"
#include "report.h"
#include "sizeclass.h"
#include "span.h"
#include "uncached.h"

/* What is moved, in pages: pieces that begin at multiples of this and are multiples of it, into
 * spans of SPAN or more. */
#define PIECE ((size_t)32)
#define SPAN ((size_t)256)
#define MOVES_OF_A_SPAN 8

static void needs_moves(void) {
    if (!kernel_moves_pages()) cr_skip_test("this kernel does not move pages");
    os.moves = 0;
}

/* The next region begins at a multiple of 1 MiB, and so of a piece; the first one, which may not, is used up. */
static void align_next_region(void) {
    if (stats_now().regions == 0) span_alloc(FIRST_PAGES);
    os.region_align = MIB;
}

/* A picture (pages.h) of a region, a piece a letter. */
static struct cmem__region *draw_pieces(const char *picture) {
    align_next_region();
    return draw(picture, PIECE);
}

static uintptr_t piece_at(const struct cmem__region *r, size_t i) { return r->base + i * PIECE * PAGE_SIZE; }

static uint64_t moved_pages(void) { return stats_now().moved_bytes / PAGE_SIZE; }

/* npages of `from`, which were resident, are at `to` now: there are their contents, and no page is where they were. */
static void assert_moved(uintptr_t from, uintptr_t to, size_t npages) {
    cr_assert_eq(resident_pages((void *)from, npages), 0);
    cr_assert_eq(resident_pages((void *)to, npages), npages);
    for (size_t k = 0; k < npages * PAGE_SIZE; k += PAGE_SIZE) cr_assert_eq(*(uintptr_t *)(to + k), from + k);
}

static void assert_marked(uintptr_t base, size_t npages) {
    for (uintptr_t a = base; a < base + npages * PAGE_SIZE; a += PAGE_SIZE) cr_assert_eq(*(uintptr_t *)a, a);
}

/* ------------------------------------------------------------------------------------------------ what is moved */

Test(moves, resident_pages_come_with_their_contents) {
    needs_moves();
    struct cmem__region *r = draw_pieces("........xrrrrrrrx");
    span_at(piece_at(r, 9))->unused_since = 0;
    size_t before = rss_bytes();
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(s->base, piece_at(r, 0));
    cr_assert_not(s->zeroed);
    assert_moved(piece_at(r, 9), s->base, 7 * PIECE);
    cr_assert_eq(resident_pages((void *)s->base, SPAN), 7 * PIECE);
    cr_assert_lt(rss_bytes(), before + MIB / 4, "the pages were copied");
    assert_free(piece_at(r, 9), 7 * PIECE, SPAN_RELEASED);
    cr_assert_gt(span_at(piece_at(r, 9))->unused_since, 0, "a region that is in use went as an idle one");
    cr_assert_eq(released_pages(), 7 * PIECE);
    cr_assert_eq(free_resident_pages(), 0);
    cr_assert_eq(moved_pages(), 7 * PIECE);
    cr_assert_eq(stats_now().scavenged_bytes, SPAN * PAGE_SIZE, "a move is no scavenge");

    struct cmem__span *donor = span_alloc(7 * PIECE);
    cr_assert(donor->zeroed);
    for (uintptr_t a = donor->base; a < end_of(donor); a += 8) cr_assert_eq(*(uintptr_t *)a, 0);
}

/* The smallest donor that is long enough, else the longest first. */
Test(moves, choice_of_donors) {
    needs_moves();
    struct cmem__region *r = draw_pieces("........xrxrrrrrxrrrxrrrrrrx");
    span_alloc(SPAN);
    assert_moved(piece_at(r, 21), piece_at(r, 0), 6 * PIECE);
    assert_moved(piece_at(r, 17), piece_at(r, 6), 2 * PIECE);
    assert_free(piece_at(r, 19), PIECE, SPAN_RESIDENT);
    cr_assert_eq(released_pages(), 8 * PIECE);
    cr_assert_eq(free_resident_pages(), 7 * PIECE);
}

Test(moves, between_regions) {
    needs_moves();
    struct cmem__span *a[2], *b[2];
    align_next_region();
    lay_out(a, (size_t[]){SPAN, 1}, 2);
    lay_out(b, (size_t[]){PIECE, 1}, 2);
    uintptr_t gap = a[0]->base, donor = b[0]->base;
    free_and_release(a[0]);
    mark_pages(b[0]);
    span_free(b[0]);
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(s->base, gap);
    assert_moved(donor, gap, PIECE);
}

/* The donor is what the placement leaves of its own extent. */
Test(moves, within_an_extent) {
    needs_moves();
    struct cmem__region *r = draw_pieces("rrrr............rrrrx");
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(s->base, piece_at(r, 0));
    assert_moved(piece_at(r, 16), piece_at(r, 4), 4 * PIECE);
    assert_marked(s->base, 4 * PIECE);
    assert_free(piece_at(r, 8), 12 * PIECE, SPAN_RELEASED);
}

/* Only released stretches that hold a whole piece are filled, in spans of 1 MiB or more. */
Test(moves, smallest_gap_and_smallest_span) {
    static const struct {
        size_t resident, released; /* the pages of the one extent, all of which is allocated */
        size_t moved;
    } cases[] = {
        {225, 31, 0},  {224, 32, 32}, {225, 62, 0},  {225, 63, 32},
        {1, 255, 224}, {223, 32, 0},  {224, 33, 32}, {1, 254, 0},
    };
    needs_moves();
    for (size_t i = 0; i < LEN(cases); i++) {
        struct cmem__span *s[5];
        size_t n = cases[i].resident + cases[i].released;
        align_next_region();
        lay_out(s, (size_t[]){cases[i].resident, cases[i].released, 2 * SPAN - n, 7 * PIECE, 1}, 5);
        struct cmem__region *r = s[0]->region;
        free_and_release(s[1]);
        span_free(s[0]);
        mark_pages(s[3]);
        span_free(s[3]);
        os.moves = 0;
        uint64_t before = moved_pages();
        struct cmem__span *got = span_alloc(n);
        cr_assert_eq(got->base, r->base);
        cr_assert_eq(moved_pages() - before, cases[i].moved, "%zu resident and %zu released pages",
                     cases[i].resident, cases[i].released);
        cr_assert_eq(released_pages(), cases[i].moved);
        cr_assert_eq(os.moves > 0, cases[i].moved > 0);
        if (os.moves > 0) assert_moved(r->base + 2 * SPAN * PAGE_SIZE, os.move_to[0], cases[i].moved);
        if (os.moves > 0) cr_assert_eq(os.move_to[0] % (PIECE * PAGE_SIZE), 0);
        empty_region(r);
    }
}

/* A donor gives the whole pieces that it has, and keeps what lies around them. */
Test(moves, donor_that_is_not_aligned) {
    needs_moves();
    struct cmem__span *s[4];
    align_next_region();
    lay_out(s, (size_t[]){SPAN, 5, 100, 1}, 4); /* at 261 pages: pieces at 288 and 320, the end at 361 */
    uintptr_t base = s[0]->base, donor = s[2]->base;
    free_and_release(s[0]);
    mark_pages(s[2]);
    span_free(s[2]);
    span_alloc(SPAN);
    assert_moved(base + 288 * PAGE_SIZE, base, 2 * PIECE);
    assert_free(donor, 27, SPAN_RESIDENT);
    assert_free(base + 288 * PAGE_SIZE, 64, SPAN_RELEASED);
    assert_free(base + 352 * PAGE_SIZE, 9, SPAN_RESIDENT);
    assert_marked(donor, 27);
    assert_marked(base + 352 * PAGE_SIZE, 9);
}

Test(moves, no_whole_piece_in_the_donor) {
    needs_moves();
    for (size_t wall = 1; wall <= PIECE; wall += PIECE - 1) {
        struct cmem__span *s[4];
        size_t donor = wall == 1 ? 2 * PIECE - 2 : PIECE - 1;
        align_next_region();
        lay_out(s, (size_t[]){SPAN, wall, donor, 1}, 4);
        struct cmem__region *r = s[0]->region;
        uintptr_t at = s[2]->base;
        free_and_release(s[0]);
        mark_pages(s[2]);
        span_free(s[2]);
        span_alloc(SPAN);
        cr_assert_eq(os.moves, 0);
        assert_free(at, donor, SPAN_RESIDENT);
        assert_marked(at, donor);
        empty_region(r);
    }
}

/* No more than so many calls for one allocation, whether it is the gaps or the donors that are many. */
Test(moves, many_pieces) {
    needs_moves();
    struct cmem__region *r = draw_pieces(".r.r.r.r.r.r.r.r.r.rxrrrrrrrrrrrrx");
    struct cmem__span *s = span_alloc(20 * PIECE);
    cr_assert_eq(os.moves, MOVES_OF_A_SPAN);
    for (size_t i = 0; i < MOVES_OF_A_SPAN; i++) {
        assert_moved(piece_at(r, 21 + i), piece_at(r, 2 * i), PIECE);
        assert_marked(piece_at(r, 2 * i + 1), PIECE);
    }
    cr_assert_eq(resident_pages((void *)s->base, 20 * PIECE), (10 + MOVES_OF_A_SPAN) * PIECE);
    empty_region(r);

    os.moves = 0;
    r = draw_pieces("..........xrxrxrxrxrxrxrxrxrxrxx");
    span_alloc(10 * PIECE);
    cr_assert_eq(os.moves, MOVES_OF_A_SPAN);
    for (size_t i = 0; i < MOVES_OF_A_SPAN; i++) cr_assert_eq(os.move_to[i], piece_at(r, i));
    cr_assert_eq(free_resident_pages(), 2 * PIECE);
    cr_assert_eq(released_pages(), MOVES_OF_A_SPAN * PIECE);
}

Test(moves, no_donor) {
    needs_moves();
    draw_pieces("........x");
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(os.moves, 0);
    cr_assert(s->zeroed);
}

/* What was moved may hold anything. */
Test(moves, calloc_zeroes_what_was_moved) {
    needs_moves();
    struct cmem__region *r = draw_pieces("........xrrrrrrrx");
    unsigned char *p = cmem_calloc(1, MIB);
    cr_assert_eq((uintptr_t)p, r->base);
    cr_assert_eq(moved_pages(), 7 * PIECE);
    cr_assert(p[0] == 0 && memcmp(p, p + 1, MIB - 1) == 0);
    cmem_free(p);
}

/* ------------------------------------------------------------------------------------- meanwhile, without the lock */

static void use_the_heap(uintptr_t from, uintptr_t to, size_t bytes) {
    os.in_move = NULL;
    cr_assert(from != 0 && to != 0 && bytes % (PIECE * PAGE_SIZE) == 0);
    cmem_free(cmem_alloc(50));
    cmem__check(false);
    (void)stats_now();
}

Test(moves, no_lock_is_held_across_a_move) {
    needs_moves();
    draw_pieces("........xrrrrrrrx");
    os.in_move = use_the_heap;
    span_alloc(SPAN);
    cr_assert_null(os.in_move);
}

/* Somebody frees the neighbours of both places, releases all that is free, and allocates what there is. */
static struct cmem__span *neighbour[3];
static struct cmem__region *region;

static void alloc_all_around(uintptr_t from, uintptr_t to, size_t bytes) {
    os.in_move = NULL;
    const struct cmem__span *busy = span_at(from), *gap = span_at(to);
    cr_assert_eq(busy->kind, SPAN_BUSY);
    cr_assert_leq(bytes, busy->npages * PAGE_SIZE);
    for (size_t i = 0; i < LEN(neighbour); i++) span_free(neighbour[i]);
    cr_assert_eq(free_resident_pages(), 3 * PIECE + busy->npages,
                 "pages that are on their way count as resident");
    cr_assert_eq(scavenge(0), 3 * PIECE);
    cr_assert_eq(busy->kind, SPAN_BUSY);
    for (size_t i = 0; i < LEN(neighbour); i++) {
        struct cmem__span *s = span_alloc(PIECE);
        cr_assert_eq(s->region, region);
        cr_assert(end_of(s) <= busy->base || s->base >= end_of(busy),
                  "pages that are on their way were handed out");
        cr_assert(end_of(s) <= gap->base || s->base >= end_of(gap));
    }
}

Test(moves, neighbours_of_a_move) {
    needs_moves();
    struct cmem__span *s[7];
    align_next_region();
    lay_out(s, (size_t[]){SPAN, PIECE, PIECE, PIECE, 4 * PIECE, PIECE, PIECE}, 7);
    region = s[0]->region;
    uintptr_t donor = s[4]->base;
    memcpy(neighbour, (struct cmem__span *[]){s[1], s[3], s[5]}, sizeof neighbour);
    free_and_release(s[0]);
    mark_pages(s[4]);
    span_free(s[4]);
    os.in_move = alloc_all_around;
    struct cmem__span *got = span_alloc(SPAN);
    cr_assert_null(os.in_move);
    assert_moved(donor, got->base, 4 * PIECE);
    assert_free(donor, 4 * PIECE, SPAN_RELEASED);
}

/* -------------------------------------------------------------------------------------------- moves that fail */

/* Another gap and its donor, in a new region: nothing is tried there once a move has failed. */
static void assert_no_more_moves(void) {
    unsigned before = os.moves;
    os.move_error = 0;
    struct cmem__region *r = draw_pieces("........xrrrrx");
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(s->base, r->base);
    cr_assert_eq(os.moves, before, "tried again");
    cr_assert_eq(moved_pages(), 0);
    cr_assert_eq(free_resident_pages(), 4 * PIECE);
}

/* The allocation is served, and nothing has come of the donors at pieces 9 and 12. */
static void assert_served_without(const struct cmem__region *r) {
    errno = EBUSY;
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(errno, EBUSY);
    cr_assert_eq(s->base, r->base);
    cr_assert_gt(os.moves, 0);
    cr_assert_eq(moved_pages(), 0);
    cr_assert_eq(released_pages(), 0);
    assert_free(piece_at(r, 9), 2 * PIECE, SPAN_RESIDENT);
    assert_free(piece_at(r, 12), 2 * PIECE, SPAN_RESIDENT);
    assert_marked(piece_at(r, 9), 2 * PIECE);
    for (uintptr_t a = s->base; a < end_of(s); a += PAGE_SIZE) cr_assert(is_mapped(a));
    for (uintptr_t a = s->base; a < end_of(s); a += 8) cr_assert_eq(*(uintptr_t *)a, 0);
    touch(s);
    empty_region(r);
    assert_no_more_moves();
}

#define TWO_DONORS "........xrrxrrx"

/* The next moves fail. What the library does before its first one is over by then. */
static void fail_moves(int error, bool unmaps) {
    (void)kernel_moves_pages();
    os.moves = 0;
    os.move_error = error;
    os.move_unmaps = unmaps;
}

Test(moves, kernel_that_knows_no_such_move) {
    struct cmem__region *r = draw_pieces(TWO_DONORS);
    fail_moves(EINVAL, false);
    assert_served_without(r);
}

Test(moves, failed_move_that_left_all_as_it_was) {
    struct cmem__region *r = draw_pieces(TWO_DONORS);
    fail_moves(ENOMEM, false);
    assert_served_without(r);
}

/* The kernel unmaps the new place before it finds out that there is no memory for the rest. */
Test(moves, failed_move_that_left_a_hole) {
    struct cmem__region *r = draw_pieces(TWO_DONORS);
    fail_moves(ENOMEM, true);
    assert_served_without(r);
}

/* Of pages in several mappings some may have been moved before that. */
Test(moves, failed_move_that_left_a_hole_in_the_middle) {
    needs_moves();
    struct cmem__region *r = draw_pieces("........xrrrrx");
    fail_moves(ENOMEM, true);
    os.move_some = PIECE * PAGE_SIZE;
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(s->base, r->base);
    for (uintptr_t a = s->base; a < end_of(s); a += PAGE_SIZE)
        cr_assert(is_mapped(a), "page %zu", (a - s->base) / PAGE_SIZE);
    touch(s);
    assert_free(piece_at(r, 9), 4 * PIECE, SPAN_RESIDENT);
    empty_region(r);
    assert_no_more_moves();
}

/* The pages come from where others were moved to, which is a mapping of its own, and from beside it. */
static void move_from_two_mappings(void) {
    struct cmem__region *r = draw_pieces("........xrrrrrrrx..........x");
    span_free(span_alloc(SPAN));
    assert_free(piece_at(r, 0), SPAN, SPAN_RESIDENT);
    cr_assert_eq(moved_pages(), 7 * PIECE);
    mark_pages(span_at(piece_at(r, 0)));
    struct cmem__span *s = span_alloc(10 * PIECE);
    cr_assert_eq(s->base, piece_at(r, 17));
    cr_assert_eq(moved_pages(), (7 + 8) * PIECE);
    assert_moved(piece_at(r, 0), s->base, SPAN);
    empty_region(r);
}

Test(moves, from_two_mappings) {
    needs_moves();
    move_from_two_mappings();
}

/* There a call for each piece does it. */
Test(moves, from_two_mappings_before_linux_6_17) {
    os.one_mapping = true;
    needs_moves();
    move_from_two_mappings();
    uint64_t before = moved_pages();
    draw_pieces("........xrrrrx");
    span_alloc(SPAN);
    cr_assert_eq(moved_pages(), before + 4 * PIECE, "they were the last ones");
}

/* The hole cannot be filled either. */
static void refuse_all_calls(uintptr_t from, uintptr_t to, size_t bytes) {
    (void)from;
    (void)to;
    (void)bytes;
    os.counting = os.refuse_all = true;
    os.refuse_at = 1;
}

static void make_a_hole(void *(*alloc)(void)) {
    fail_moves(ENOMEM, true);
    os.in_move = refuse_all_calls;
    errno = 0;
    cr_assert_null(alloc());
    cr_assert_eq(errno, ENOMEM);
    os.in_move = NULL;
    os.counting = os.refuse_all = os.move_unmaps = false;
    cmem__check(true);
}

static void *alloc_span(void) { return cmem__pages_alloc(SPAN, 1, SPAN_LARGE, NUM_CLASSES - 1); }

static uintptr_t hole;

static void not_the_hole(uintptr_t base, size_t bytes) {
    cr_assert(base + bytes <= hole || base >= hole + SPAN * PAGE_SIZE, "what is not ours was given back");
}

/* What is in use and neither in the caller's hands nor in a cache: the spans of this suite. */
static size_t in_no_block(void) {
    struct cmem_stats s = stats_now();
    return s.heap_inuse - s.live_bytes - s.magazine_bytes - s.thread_cache_bytes - s.central_free_bytes;
}

Test(moves, hole_that_cannot_be_filled) {
    struct cmem__region *r = draw_pieces("........xrrrrx");
    size_t spans = in_no_block();
    make_a_hole(alloc_span);
    cr_assert_eq(in_no_block(), spans, "the sums of cmem_stats do not hold");
    hole = r->base;
    cr_assert_gt(os.moves, 0);
    cr_assert_not(is_mapped(hole));
    assert_free(piece_at(r, 9), 4 * PIECE, SPAN_RESIDENT);
    assert_marked(piece_at(r, 9), 4 * PIECE);

    /* Its region stays, while all else of it is used, and goes back to the system. */
    os.in_release = not_the_hole;
    empty_from(hole + SPAN * PAGE_SIZE);
    size_t npages = r->npages - SPAN, regions = stats_now().regions;
    cr_assert_eq(span_at(hole)->npages, SPAN);
    assert_free(hole + SPAN * PAGE_SIZE, npages, SPAN_RELEASED);
    struct cmem__span *rest = span_alloc(npages);
    cr_assert_eq(rest->region, r);
    touch(rest);
    free_and_release(rest);
    cr_assert_eq(stats_now().regions, regions);
    cr_assert_eq(cmem__locate(hole).where, WHERE_FREE);
    cr_assert_not(cmem__free_uncached(hole));
    span_alloc(npages);
    assert_no_more_moves();
}

/* ------------------------------------------------------------------------------------------------ locked memory
 *
 * A move unlocks the whole mapping that the pages come from. */

static size_t locked_bytes(void) {
    char line[512];
    size_t kib = 0, size = 0;
    FILE *smaps = fopen("/proc/self/smaps", "re");
    while (fgets(line, sizeof line, smaps) != NULL) {
        (void)sscanf(line, "Size: %zu kB", &size);
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " lo ") != NULL) kib += size;
    }
    fclose(smaps);
    return kib * KIB;
}

static void lock_all(int flags) {
    if (mlockall(flags) != 0) cr_skip_test("mlockall is not allowed here");
}

static void assert_nothing_moves(const struct cmem__region *r) {
    size_t locked = locked_bytes();
    struct cmem__span *s = span_alloc(SPAN);
    cr_assert_eq(s->base, piece_at(r, 0));
    cr_assert_eq(os.moves, 0);
    cr_assert_geq(locked_bytes(), locked, "%zu of %zu bytes are still locked", locked_bytes(), locked);
    assert_free(piece_at(r, 9), 4 * PIECE, SPAN_RESIDENT);
}

#define ONE_DONOR "........xrrrrx"

/* Before a release has been refused. */
Test(moves, all_memory_is_locked) {
    needs_moves();
    struct cmem__region *r = draw_pieces(ONE_DONOR);
    lock_all(MCL_CURRENT);
    assert_nothing_moves(r);
}

Test(moves, all_memory_is_locked_when_it_is_touched) {
    needs_moves();
    struct cmem__region *r = draw_pieces(ONE_DONOR);
    lock_all(MCL_CURRENT | MCL_ONFAULT);
    assert_nothing_moves(r);
}

/* One page of the donor, which shares its mapping with a block in use. */
Test(moves, one_page_is_locked) {
    needs_moves();
    struct cmem__region *r = draw_pieces(ONE_DONOR);
    cr_assert_eq(mlock((void *)(piece_at(r, 13) - PAGE_SIZE), 2 * PAGE_SIZE), 0);
    assert_nothing_moves(r);
    cr_assert_eq(locked_bytes(), 2 * PAGE_SIZE);
}

/* What is mapped from now on is locked: nothing is known of the rest. */
Test(moves, new_regions_are_locked) {
    needs_moves();
    struct cmem__region *r = draw_pieces(ONE_DONOR);
    lock_all(MCL_FUTURE);
    size_t before = stats_now().regions;
    span_alloc(10000);
    cr_assert_eq(stats_now().regions, before + 1);
    assert_nothing_moves(r);
}

/* Not after a release was refused. */
Test(moves, release_was_refused) {
    needs_moves();
    struct cmem__region *r = draw_pieces(ONE_DONOR);
    os.refuse_release = true;
    scavenge(0);
    os.refuse_release = false;
    assert_nothing_moves(r);
}

/* Nor where pages keep their contents, or are not anonymous: a move would take the file with them. */
static void nothing_moves_in(int flags) {
    needs_moves();
    size_t bytes = REGION_SIZE + MIB;
    int fd = memfd_create("region", MFD_CLOEXEC);
    cr_assert(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    cr_assert_neq(map, MAP_FAILED);
    span_alloc(FIRST_PAGES);
    os.region_at = (char *)(((uintptr_t)map + MIB - 1) & ~(MIB - 1));
    struct cmem__region *r = draw("........xrrrrx", PIECE);
    os.region_at = NULL;
    cr_assert_not(r->movable);
    span_alloc(SPAN);
    cr_assert_eq(os.moves, 0);
    unsigned char *p = cmem_calloc(1, 3 * PIECE * PAGE_SIZE);
    cr_assert_eq((uintptr_t)p >= r->base && (uintptr_t)p < r->base + REGION_SIZE, true);
    cr_assert(p[0] == 0 && memcmp(p, p + 1, 3 * PIECE * PAGE_SIZE - 1) == 0);
}

Test(moves, shared_memory) { nothing_moves_in(MAP_SHARED); }
Test(moves, private_file) { nothing_moves_in(MAP_PRIVATE); }

/* ---------------------------------------------------------------------------------------- how much may be moved */

#define MOVABLE (((size_t)2 << 30) / PAGE_SIZE)
#define REGION (REGION_SIZE / PAGE_SIZE)

/* Allocates a region of npages. */
static struct cmem__span *alloc_region(size_t npages) {
    struct cmem__span *s = span_alloc(npages);
    cr_assert_eq(s->region->npages, npages);
    return s;
}

/* Pages are moved within the first 2 GiB of regions. */
Test(moves, as_far_as_two_gib) {
    needs_moves();
    align_next_region();
    alloc_region(MOVABLE - FIRST_PAGES - REGION);
    draw_pieces("........xrrrrx");
    span_alloc(SPAN);
    cr_assert_eq(moved_pages(), 4 * PIECE);
}

/* What lies beyond has neither gaps nor donors. When a region has gone, the next one may take its share. */
Test(moves, not_beyond_two_gib) {
    struct cmem__span *within[4], *beyond[4], *most;
    needs_moves();
    align_next_region();
    lay_out(within, (size_t[]){SPAN, PIECE, PIECE, 1}, 4);
    most = alloc_region(MOVABLE - FIRST_PAGES - 2 * REGION + REGION_ALIGN / PAGE_SIZE);
    lay_out(beyond, (size_t[]){SPAN, PIECE, PIECE, 1}, 4);

    struct cmem__span **gap = within, **donor = beyond;
    for (unsigned i = 0; i < 2; i++) {
        uintptr_t base = gap[0]->base;
        free_and_release(gap[0]);
        span_free(donor[2]);
        gap[0] = span_alloc(SPAN);
        cr_assert_eq(gap[0]->base, base);
        cr_assert_eq(os.moves, 0);
        cr_assert_eq(free_resident_pages(), PIECE);
        donor[2] = span_alloc(PIECE);
        gap = beyond;
        donor = within;
    }
    cr_assert_eq(stats_now().heap_idle, 0);

    free_and_release(most);
    draw_pieces("........xrrrrx");
    span_alloc(SPAN);
    cr_assert_eq(moved_pages(), 4 * PIECE);
}
