/* Room for 24 MiB more, of address space (RLIMIT_AS) or of data (RLIMIT_DATA), in the first thread
 * and in another one: blocks of at least 20 MiB together can be had before there is ENOMEM. */
#include "helpers.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define ROOM (24 * MIB)

/* The figure of /proc/self/status in that line, in bytes. */
static size_t status_bytes(const char *name) {
    char line[256];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    expect(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) kib = strtoul(line + strlen(name), NULL, 10);
    fclose(status);
    return kib * KIB;
}

static int resource;

static void *fill(void *arg) {
    static void *p[4000]; /* a thread has room in an arena of its own */
    (void)arg;
    size_t used = status_bytes(resource == RLIMIT_AS ? "VmSize:" : "VmData:");
    expect(setrlimit(resource, &(struct rlimit){used + ROOM, used + ROOM}) == 0);
    for (unsigned round = 0; round < 2; round++) {
        size_t n = 0;
        while (n < LEN(p) && (p[n] = cmem_alloc(64 * KIB)) != NULL) memset(p[n++], 1, 64 * KIB);
        expect(n < LEN(p) && errno == ENOMEM);
        struct cmem_stats s = stats_now();
        printf("%zu KiB of blocks in %" PRIu64 " regions\n", n * 64, s.regions);
        fflush(stdout);
        /* Regions are aligned: where the first ones lie decides whether one of 2 MiB still fits. A
         * region of 16 MiB that goes back has glibc keep what it would unmap: the second time there
         * is a little less. */
        expect(n * 64 * KIB >= (round == 0 ? 19 : 16) * MIB);
        cmem_free_batch(p, n);
        cmem_scavenge(0);
        expect(stats_now().heap_sys <= 2 * MIB);
    }
    return NULL;
}

static int run(bool in_a_thread) {
    pthread_t t;
    alarm(100);
    if (!in_a_thread) {
        fill(NULL);
        return 0;
    }
    expect(pthread_create(&t, NULL, fill, NULL) == 0);
    expect(pthread_join(t, NULL) == 0);
    return 0;
}

int main(void) {
    for (unsigned i = 0; i < 4; i++) {
        int status = 0;
        resource = i < 2 ? RLIMIT_AS : RLIMIT_DATA;
        pid_t child = fork();
        expect(child >= 0);
        if (child == 0) _exit(run(i % 2 == 1));
        expect(waitpid(child, &status, 0) == child);
        printf("%s, %s: status %d\n", i < 2 ? "RLIMIT_AS" : "RLIMIT_DATA",
               i % 2 == 0 ? "first thread" : "another thread", status);
        fflush(stdout);
        expect(status == 0);
    }
    return 0;
}
