/* cmem_calloc on whatever memory there is: blocks of every kind are zero, from the first to the
 * last byte, after blocks that were filled have gone and the memory was given back. The places run
 * it on unusual mallocs and processors. */
#include "helpers.h"

#include "scavenger.h"

enum { SLOTS = 60 };

int main(void) {
    static unsigned char *p[SLOTS];
    static size_t size[SLOTS];
    uint64_t seed = test_seed("calloc");
    size_t most = env_number("CMEM_CALLOC_MOST", 20 * MIB), steps = env_number("CMEM_STRESS_OPS", 1500);
    for (size_t step = 0; step < steps; step++) {
        size_t i = pick(&seed, SLOTS);
        cmem_free(p[i]);
        /* Half of them at a huge page, and of its size or not. */
        size_t dice = pick(&seed, 8);
        size[i] = dice == 0  ? most
                  : dice < 3 ? 2 * MIB - PAGE_SIZE * pick(&seed, 2)
                             : pick_log(&seed, 1, most);
        if (dice == 1) {
            p[i] = cmem_aligned_alloc(2 * MIB, size[i]);
        } else {
            p[i] = cmem_calloc(1, size[i]);
            expect(p[i] != NULL);
            expect(p[i][0] == 0 && memcmp(p[i], p[i] + 1, size[i] - 1) == 0);
        }
        expect(p[i] != NULL);
        memset(p[i], 0xA5, size[i]);
        if (pick(&seed, 5) == 0) cmem_scavenge(pick(&seed, 2));
        if (pick(&seed, 5) == 0) (void)cmem__scavenger_step(1);
    }
    return 0;
}
