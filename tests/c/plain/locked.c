/* mlockall on a heap that has free memory of both kinds, some of it given back: whatever the heap
 * does then, what was locked stays locked, and a region of which nothing is in use goes back to
 * malloc. */
#include "helpers.h"

#include "release.h"

#include <sys/resource.h>

/* Bytes of mappings that are locked. */
static size_t locked_bytes(void) {
    char line[512];
    size_t kib = 0, size = 0;
    FILE *smaps = fopen("/proc/self/smaps", "re");
    expect(smaps != NULL);
    while (fgets(line, sizeof line, smaps) != NULL) {
        (void)sscanf(line, "Size: %zu kB", &size);
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " lo ") != NULL) kib += size;
    }
    fclose(smaps);
    return kib * KIB;
}

int main(void) {
    enum { SLOTS = 40 };
    static void *p[SLOTS];
    uint64_t seed = test_seed("locked");
    alarm(100);
    for (unsigned step = 0; step < 400; step++) {
        size_t i = pick(&seed, SLOTS), n = MIB + pick(&seed, 4 * MIB);
        cmem_free(p[i]);
        expect((p[i] = cmem_alloc(n)) != NULL);
        memset(p[i], 1, n);
        if (step % 100 == 99) cmem_scavenge(0);
    }
    for (size_t i = 0; i < SLOTS; i += 2) {
        cmem_free(p[i]);
        p[i] = NULL;
    }
    cmem_scavenge(0); /* released pages, and now resident ones as well */
    for (size_t i = 1; i < SLOTS; i += 4) {
        cmem_free(p[i]);
        p[i] = NULL;
    }
    if (mlockall(MCL_CURRENT) != 0) {
        perror("mlockall");
        return 77;
    }
    size_t locked = locked_bytes(), sys = stats_now().heap_sys;
    struct cmem_stats before = stats_now();
    for (unsigned step = 0; step < 2000; step++) {
        size_t i = pick(&seed, SLOTS), n = MIB + pick(&seed, 2 * MIB);
        void *q = cmem_alloc(n);
        expect(q != NULL);
        memset(q, 1, n);
        cmem_free(p[i]);
        p[i] = NULL;
        if (pick(&seed, 4) == 0)
            cmem_free(q);
        else
            p[i] = q;
        if (stats_now().heap_sys > sys) break;           /* what malloc maps now is not locked */
        (void)cmem__pages_release(64 * MIB, UINT64_MAX); /* no region goes */
    }
    printf("%zu MiB were locked, %zu are\n", locked / MIB, locked_bytes() / MIB);
    expect(locked_bytes() >= locked);
    expect(stats_now().moved_bytes == before.moved_bytes);

    for (size_t i = 0; i < SLOTS; i++) cmem_free(p[i]);
    cmem_scavenge(0);
    struct cmem_stats after = stats_now();
    printf("%" PRIu64 " regions, %" PRIu64 " MiB are left\n", after.regions, after.heap_sys / MIB);
    expect(after.regions <= 1);
    return 0;
}
