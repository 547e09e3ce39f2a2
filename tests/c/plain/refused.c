/* A process that may not call madvise (seccomp), from its start or from some time on, and one whose
 * memory is all locked: blocks are zero where they should be, and the memory of 100 MiB goes back
 * once they are free. */
#if !__has_include(<linux/filter.h>)
#include <stdio.h>

int main(void) {
    puts("no headers of the kernel's");
    return 77;
}
#else
#include "helpers.h"

#include "scavenger.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool refuse_madvise(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {LEN(filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

static bool lock_all(void) { return mlockall(MCL_CURRENT | MCL_FUTURE) == 0; }

static size_t sizes_of(void) { return stats_now().heap_sys; }

/* In a child: 77 where it cannot be refused here. */
static int run(bool (*refuse)(void), bool later) {
    enum { N = 100 };
    static unsigned char *p[N];
    alarm(100);
    if (!later && !refuse()) return 77;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            expect((p[i] = cmem_calloc(1, MIB)) != NULL);
            expect(p[i][0] == 0 && memcmp(p[i], p[i] + 1, MIB - 1) == 0);
            memset(p[i], 1, MIB);
        }
        if (later && round == 0 && !refuse()) return 77;
        size_t before = rss_bytes();
        for (size_t i = 0; i < N; i++) cmem_free(p[i]);
        /* By age, as a scavenger does it: the first call finds out, what is free then goes when it was idle. */
        expect(cmem_scavenge(1000000000) == 0);
        cmem_scavenge(100000000);
        nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
        cmem_scavenge(100000000);
        for (unsigned i = 0; i < 20 && sizes_of() > 2 * MIB; i++) {
            (void)cmem__scavenger_step(1);
            nanosleep(&(struct timespec){.tv_nsec = 110000000}, NULL);
            cmem_scavenge(100000000);
        }
        printf("%zu MiB resident, then %zu; %zu MiB of regions\n", before / MIB, rss_bytes() / MIB,
               sizes_of() / MIB);
        expect(sizes_of() <= 2 * MIB);
        expect(rss_bytes() < before - 90 * MIB);
    }
    return 0;
}

int main(void) {
    static bool (*const refuse[])(void) = {refuse_madvise, lock_all};
    int skipped = 0;
    for (unsigned i = 0; i < 4; i++) {
        int status = 0;
        pid_t child = fork();
        expect(child >= 0);
        if (child == 0) {
            int e = run(refuse[i / 2], i % 2 == 1);
            fflush(stdout);
            _exit(e);
        }
        expect(waitpid(child, &status, 0) == child && WIFEXITED(status));
        printf("%s, %s: %d\n", i / 2 == 0 ? "madvise refused" : "all locked",
               i % 2 == 0 ? "from the start" : "later", WEXITSTATUS(status));
        if (WEXITSTATUS(status) == 77)
            skipped++;
        else
            expect(WEXITSTATUS(status) == 0);
    }
    if (skipped > 0) printf("%d of 4 cannot be refused here\n", skipped);
    return skipped == 4 ? 77 : 0;
}
#endif
