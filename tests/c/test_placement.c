/* test_placement.c: which free pages an allocation gets: those of the cheapest placement. A released page costs two; a
 * page left over of the extent costs one, up to the length of the request. */
#include "pages.h"

#include "check.h"
#include "pageheap.h"
#include "sizeclass.h"
#include "span.h"

/* A page a letter (pages.h), and the choice below them. */
static const char *const choices[][2] = {
    /* Shortest extent, lowest of several. */
    {"......x.....", /**/
     "       ^^^^^"},
    {".....x.....", /**/
     "^^^^^"},
    {".....x........x....", /**/
     "               ^^^^"},

    /* A resident span before a shorter extent, however much it leaves over. */
    {"....xrrrrrrrrrrr", /**/
     "     ^^^^"},
    {"....xrrrrrrrrrrrrrrrrrrrrrrr", /**/
     "     ^^^^"},
    {"rrrrrrrrrrrrrrrrrrrrrrrx....", /**/
     "^^^^"},
    /* But not before one with fewer released pages than half of what that leaves over, which counts no
     * more than the request. */
    {".rrrxrrrrr", /**/
     "     ^^^^"},
    {".rrrxrrrrrr", /**/
     "^^^^"},
    {"..rrxrrrrrrrrrrrr", /**/
     "^^^^"},
    {"...rxrrrrrrrrrrrr", /**/
     "     ^^^^"},

    /* The same for one that is not long enough: half of the placement is released. */
    {"....xrr.....", /**/
     "     ^^^^"},
    {"....xrr......", /**/
     "^^^^"},

    /* At the end of the extent that is resident. */
    {"....rrrr", /**/
     "    ^^^^"},
    {"rrrr....", /**/
     "^^^^"},
    {"......rr", /**/
     "    ^^^^"},

    /* Inside a resident span. */
    {"..rrrrr..", /**/
     "  ^^^^"},

    /* Around a resident span: beginning with it where that makes no difference, */
    {"....rr....", /**/
     "    ^^^^"},
    /* else the way that takes in more of another one. */
    {".....rrrr..rrr..", /**/
     "     ^^^^^^^^"},
    {"..rrr..rrrr.....", /**/
     "   ^^^^^^^^"},
    /* The beginning of the extent where all placements take in the same. */
    {"...rr....", /**/
     "^^^^^^^"},
    {"....rr...", /**/
     "^^^^^^^"},

    /* No more than eight resident spans are looked at, the longest first; both ends of the shortest extent always
     * are. */
    {"rrxrrxrrxrrxrrxrrxrrxrrx....r", /**/
     "                         ^^^^"},
    {"rrxrrxrrxrrxrrxrrxrrx....r....", /**/
     "                         ^^^^"},

    /* Over several spans. */
    {"..r.r.r..", /**/
     "  ^^^^^"},
    {"r....rr.r..rrx.........", /**/
     "     ^^^^^^^^"},

    /* A long resident span in an extent that is too short. */
    {"rrrrx....r...", /**/
     "     ^^^^^"},
    {"rrrrxrr....", /**/
     "     ^^^^^"},
};

Test(placement, choices) {
    for (size_t i = 0; i < LEN(choices); i++) {
        const char *picture = choices[i][0], *choice = choices[i][1];
        size_t want = strspn(choice, " ");
        struct cmem__region *r = draw(picture, 1);
        struct cmem__span *got = span_alloc(strlen(choice + want));
        cr_assert_eq(got->region, r, "%s: the heap grew", picture);
        size_t at = (got->base - r->base) / PAGE_SIZE;
        cr_assert_eq(at, want, "%s: %zu pages at %zu, not at %zu", picture, got->npages, at, want);
        cr_assert_eq(got->zeroed, memchr(picture + want, 'r', got->npages) == NULL);
        empty_region(r);
    }
}

/* What is left of the spans that a placement covers in part stays what it was. */
Test(placement, rest_of_the_spans) {
    struct cmem__region *r = draw("..rrr..rrrr.....x", 1);
    span_alloc(8);
    assert_free(r->base, 2, SPAN_RELEASED);
    assert_free(r->base + 2 * PAGE_SIZE, 1, SPAN_RESIDENT);
    assert_free(r->base + 11 * PAGE_SIZE, 5, SPAN_RELEASED);
    cr_assert_eq(released_pages(), 7);
    cr_assert_eq(free_resident_pages(), 1);
    cr_assert_eq(span_alloc(3)->base, r->base);
    cr_assert_eq(released_pages(), 5);
}

Test(placement, mixed_extent_does_not_reach_over_a_block) {
    draw("....rrrrx....rrrr", 1);
    span_alloc(9);
    cr_assert_eq(stats_now().regions, 2);
}

/* ------------------------------------------------------------------------------------------------ against a model */

static size_t cost(const char *placement, size_t npages, size_t extent) {
    size_t released = 0;
    for (size_t i = 0; i < npages; i++) released += placement[i] == '.';
    size_t rest = extent - npages;
    return 2 * released + (rest < npages ? rest : npages);
}

/* The lowest cost of all placements; SIZE_MAX where none is long enough. */
static size_t lowest_cost(const char *picture, size_t npages) {
    size_t lowest = SIZE_MAX;
    for (const char *p = picture; *p != '\0';) {
        size_t extent = strspn(p, ".r");
        for (size_t i = 0; i + npages <= extent; i++) {
            size_t c = cost(p + i, npages, extent);
            if (c < lowest) lowest = c;
        }
        p += extent > 0 ? extent : 1;
    }
    return lowest;
}

/* The cost of the placement at `at`. */
static size_t cost_at(const char *picture, size_t at, size_t npages) {
    size_t first = at;
    while (first > 0 && picture[first - 1] != 'x') first--;
    return cost(picture + at, npages, strspn(picture + first, ".r"));
}

/* Draws spans of random kinds and lengths. Returns the number of those that are resident and of at least npages. */
static size_t random_picture(uint64_t *seed, size_t npages, char *picture) {
    size_t at = 0, resident = 0, fit = 0;
    char last = 'x';
    for (unsigned spans = 0; spans < 24 && resident < 7; spans++) {
        char kind = "...rrx"[pick(seed, 6)];
        if (kind == last) continue;
        size_t n = kind == 'x' ? 1 : 1 + pick(seed, 9);
        memset(picture + at, kind, n);
        at += n;
        resident += kind == 'r';
        fit += kind == 'r' && n >= npages;
        last = kind;
    }
    picture[at] = '\0';
    return fit;
}

/* With no more resident spans than are looked at, no placement is cheaper than the one that is chosen. Of those that
 * are long enough only one is looked at. */
Test(placement, none_is_cheaper) {
    uint64_t seed = test_seed("placement");
    unsigned chosen = 0, none = 0;
    for (unsigned round = 0; round < 1500; round++) {
        char picture[FIRST_PAGES] = "x";
        size_t npages = 2 + pick(&seed, 16);
        if (random_picture(&seed, npages, picture) > 1 || picture[0] == '\0') continue;
        size_t lowest = lowest_cost(picture, npages);
        struct cmem__region *r = draw(picture, 1);
        struct cmem__span *s = span_alloc(npages);
        if (lowest == SIZE_MAX) {
            cr_assert_neq(s->region, r);
            span_free(s);
            none++;
        } else {
            cr_assert_eq(s->region, r, "%s: the heap grew for %zu pages", picture, npages);
            size_t at = (s->base - r->base) / PAGE_SIZE;
            cr_assert_eq(cost_at(picture, at, npages), lowest, "%s: %zu pages at %zu", picture, npages, at);
            chosen++;
        }
        empty_region(r);
    }
    cr_assert(chosen > 50 && none > 0, "%u choices, %u without", chosen, none);
}

/* ------------------------------------------------------------------------------------------------------ aligned */

/* An aligned span needs more pages than it keeps; what is left of one that was carved from a resident span must be
 * coalesced with the rest of that span. */
Test(placement, aligned_span_out_of_a_mixed_extent) {
    for (size_t align = 2; align <= 16; align *= 2) {
        for (size_t lead = 1; lead <= align; lead += align - 1) {
            struct cmem__span *s[5];
            lay_out(s, (size_t[]){lead, 6, 6, 10, 1}, 5);
            struct cmem__span *filler = span_at(s[4]->base + PAGE_SIZE);
            span_free(s[2]);
            scavenge(0);
            span_free(s[1]);
            span_free(s[3]);
            struct cmem__span *got = cmem__pages_alloc(18 - align, align, SPAN_LARGE, NUM_CLASSES - 1);
            cmem__check(true);
            cr_assert_eq(stats_now().regions, 1);
            cr_assert_eq(got->base % (align * PAGE_SIZE), 0);
            span_free(got);
            span_free(s[0]);
            span_free(s[4]);
            span_free(filler);
            scavenge(0);
            cr_assert_eq(released_pages(), FIRST_PAGES);
        }
    }
}
