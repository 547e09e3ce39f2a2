/* test_policy.c: what a cache does that has no block, or no room: a C thread against the same scripts as a P of Go's
 * (cmem/policy_c_test.go), and the rules by themselves. */
#include "helpers.h"

#include "budget.h"
#include "cache.h"
#include "central.h"
#include "policy.h"
#include "sizeclass.h"
#include "thread.h"

#include <criterion/criterion.h>

#define SCRIPTS "cmem/testdata/policy.txt"
#define MOST 1000 /* blocks of a script */

static void *blocks[MOST];
static unsigned nblocks;

static void end_script(void) {
    while (nblocks > 0) cmem_free(blocks[--nblocks]);
    cmem_scavenge(0);
}

/* As the line that Go writes: block size:number. */
static void add_holds(char *text, size_t room) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        size_t n = magazine_count(&cmem__my_cache->mag[c]), at = strlen(text);
        if (n > 0) snprintf(text + at, room - at, " %zu:%zu", class_size(c), n);
    }
}

Test(policy, scripts_as_in_go) {
    FILE *f = fopen(SCRIPTS, "r");
    cr_assert_not_null(f, "the suites run in the root of the repository: %s", strerror(errno));
    /* The thread's cache is a P's by its share, with as much in use as in Go's test. */
    cmem_free(cmem_alloc(1));
    struct cmem__share *sh = &cmem__my_cache->share;
    cmem_scavenge(0);
    cmem__budget_leave(sh);
    cmem__budget_join(sh, CACHE_P);
    cmem__budget_peak(256 * MIB);
    static char line[4000], did[4000];
    char script[200] = "";
    unsigned steps = 0;
    for (unsigned number = 1; fgets(line, sizeof line, f) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        size_t n = 0;
        sh->trips = NO_TRIPS; /* it does not get a boost by itself */
        if (sscanf(line, "script %199[^\n]", script) == 1) {
            end_script();
            cmem__my_cache->recent = 0;
            continue;
        }
        if (line[0] == '#' || line[0] == '\0') continue;
        if (sscanf(line, "boost %zu", &n) == 1) {
            for (size_t i = 0; i < n; i++) {
                cmem__budget_boost(sh, 256 * MIB);
                share_adopt(sh);
            }
            snprintf(did, sizeof did, "boost %zu = %lld", n, (long long)sh->capacity);
        } else if (sscanf(line, "alloc %zu", &n) == 1) {
            cr_assert_lt(nblocks, (unsigned)MOST);
            void *p = blocks[nblocks++] = cmem_alloc(n);
            snprintf(did, sizeof did, "alloc %zu = %zu |", n, cmem_usable_size(p));
            add_holds(did, sizeof did);
        } else if (sscanf(line, "free %zu", &n) == 1) {
            cr_assert_lt(n, nblocks);
            cmem_free(blocks[n]);
            blocks[n] = NULL;
            cmem__central_trim(true);
            snprintf(did, sizeof did, "free %zu |", n);
            add_holds(did, sizeof did);
        } else {
            cr_assert_fail("%s:%u: %s", SCRIPTS, number, line);
        }
        steps++;
        cr_assert_str_eq(did, line, "%s:%u, in script %s: C does\n%s\nwhere\n%s\nis expected", SCRIPTS,
                         number, script, did, line);
    }
    fclose(f);
    cr_assert_geq(steps, 100u);
    end_script();
    check_heap();
}

Test(policy, exact) {
    unsigned c = class_of(300 * KIB); /* 320 KiB */
    cr_assert(policy_exact(c, 300 * KIB, 0));
    cr_assert_not(policy_exact(c, 320 * KIB, 0), "nothing to spare");
    uint32_t once = policy_recent(0, c), other = policy_recent(once, c + 1),
             third = policy_recent(other, c + 2);
    cr_assert_not(policy_exact(c, 300 * KIB, once));
    cr_assert_not(policy_exact(c, 300 * KIB, other));
    cr_assert(policy_exact(c, 300 * KIB, third), "two classes are remembered");
    unsigned five = class_of(5 * MIB);
    cr_assert_not(policy_exact(five, 5 * MIB - EXACT_SPARE, policy_recent(0, five)));
    cr_assert(policy_exact(five, 5 * MIB - EXACT_SPARE - 1, policy_recent(0, five)) ==
              (class_spare(five, 5 * MIB - EXACT_SPARE - 1) > EXACT_SPARE >> PAGE_SHIFT));
    cr_assert(policy_exact(five, 5 * MIB - EXACT_SPARE - PAGE_SIZE, policy_recent(0, five)),
              "too much to spare");
}

Test(policy, refill) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        size_t size = class_size(c), plenty = policy_refill(c, INT64_MAX / 2, false, 1000);
        cr_assert_eq(plenty, class_refill(c));
        cr_assert_eq(policy_refill(c, 0, true, 1000), 1, "no room, but for the caller's");
        cr_assert_eq(policy_refill(c, -5, false, 0), 1);
        cr_assert_eq(policy_refill(c, (int64_t)size - 1, true, 1000), 1);
        size_t boosted = policy_refill(c, INT64_MAX / 2, true, 0);
        cr_assert_eq(boosted, class_is_small(c) ? class_magazine(c) / 2 : 1);
        size_t waiting = policy_refill(c, INT64_MAX / 2, true, 1000);
        cr_assert_eq(waiting, boosted > TRANSFER_RECEIVE ? boosted : TRANSFER_RECEIVE);
        cr_assert_leq(waiting, class_magazine(c));
        cr_assert_leq(policy_refill(c, INT64_MAX / 2, true, 1000), (size_t)MAX_MAGAZINE);
    }
}
