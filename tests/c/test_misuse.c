/* test_misuse.c: every program of misuse/ must end by abort, with exactly the line on standard error that its row
 * says. A program prints the pointer that it is going to misuse first. */
#include "helpers.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#define IS_FREE(size) "double free: the block of " #size " bytes is free already"
#define IS_FREED(size) "use after free: the block of " #size " bytes is free"
#define NO_BLOCK_NOW "use after free or stray pointer: in cmem's heap, where no block is now"
#define OWNED(size)                                                                 \
    "owned block: its " #size                                                       \
    " bytes belong to a Go handle (cmem.Buffer) or arena (cmem.Arena), whose Free " \
    "frees them"
#define NO_BLOCK "double free or stray pointer: in cmem's heap, where no block is now"
#define FOREIGN "foreign pointer: not in cmem's heap"
#define INTO_LIVE(off, size) \
    "not the start of a block: " #off " bytes into the live block of " #size " bytes at ", off
#define INTO_FREE(off, size) \
    "not the start of a block: " #off " bytes into the free block of " #size " bytes at ", off

static const struct row {
    const char *program, *function, *what;
    size_t into; /* over 0: the message ends with the address so much below the pointer */
} rows[] = {
    {"double_free_small", "cmem_free", IS_FREE(112), 0},
    {"double_free_large", "cmem_free", IS_FREE(106496), 0},
    {"double_free_huge", "cmem_free", NO_BLOCK, 0},
    {"double_free_exact", "cmem_free", NO_BLOCK, 0},
    {"double_free_exact_calloc", "cmem_free", NO_BLOCK, 0},
    {"double_free_aligned", "cmem_free", IS_FREE(32768), 0},
    {"double_free_after_flush", "cmem_free", NO_BLOCK, 0},
    {"double_free_large_after_flush", "cmem_free", NO_BLOCK, 0},
    {"double_free_in_central", "cmem_free", IS_FREE(112), 0},
    {"double_free_other_thread", "cmem_free", IS_FREE(112), 0},
    {"double_free_dead_thread", "cmem_free", IS_FREE(112), 0},
    {"never_allocated", "cmem_free", IS_FREE(112), 0},
    {"freed_region", "cmem_free", FOREIGN, 0},

    {"interior_small", "cmem_free", INTO_LIVE(16, 112)},
    {"interior_small_odd", "cmem_free", INTO_LIVE(1, 112)},
    {"interior_small_cached", "cmem_free", INTO_FREE(16, 112)},
    {"interior_large", "cmem_free", INTO_LIVE(4096, 106496)},
    {"interior_large_odd", "cmem_free", INTO_LIVE(17, 106496)},
    {"interior_large_last", "cmem_free", INTO_LIVE(102400, 106496)},
    {"interior_large_cached", "cmem_free", INTO_FREE(8192, 106496)},
    {"interior_huge", "cmem_free", INTO_LIVE(1048576, 20971520)},
    {"interior_huge_odd", "cmem_free", INTO_LIVE(8, 20971520)},
    {"interior_huge_last", "cmem_free", INTO_LIVE(20967424, 20971520)},
    {"interior_exact", "cmem_free", INTO_LIVE(4096, 307200)},
    {"interior_exact_odd", "cmem_free", INTO_LIVE(1, 307200)},
    {"interior_exact_last", "cmem_free", INTO_LIVE(303104, 307200)},
    {"interior_free_pages", "cmem_free", NO_BLOCK, 0},
    {"trimmed_tail", "cmem_free", NO_BLOCK, 0},
    {"realloc_moved", "cmem_free", IS_FREE(112), 0},

    {"foreign_malloc", "cmem_free", FOREIGN, 0},
    {"foreign_before_any_alloc", "cmem_free", FOREIGN, 0},
    {"foreign_static", "cmem_free", FOREIGN, 0},
    {"foreign_stack", "cmem_free", FOREIGN, 0},
    {"metadata", "cmem_free", FOREIGN, 0},
    {"wild_low", "cmem_free", FOREIGN, 0},
    {"wild_noncanonical", "cmem_free", FOREIGN, 0},
    {"wild_noncanonical_high", "cmem_free", FOREIGN, 0},
    {"wild_kernel", "cmem_free", FOREIGN, 0},
    {"wild_last", "cmem_free", FOREIGN, 0},

    {"owned_free", "cmem_free", OWNED(112), 0},
    {"owned_free_large", "cmem_free", OWNED(106496), 0},
    {"owned_free_exact", "cmem_free", OWNED(307200), 0},
    {"owned_free_huge", "cmem_free", OWNED(20971520), 0},
    {"owned_free_batch", "cmem_free_batch", OWNED(106496), 0},
    {"owned_realloc", "cmem_realloc", OWNED(112), 0},
    {"owned_realloc_huge", "cmem_realloc", OWNED(20971520), 0},

    {"realloc_freed", "cmem_realloc", IS_FREED(112), 0},
    {"reallocarray_freed", "cmem_reallocarray", IS_FREED(112), 0},
    {"reallocarray_interior", "cmem_reallocarray", INTO_LIVE(32, 112)},
    {"realloc_huge_freed", "cmem_realloc", NO_BLOCK_NOW, 0},
    {"realloc_exact_freed", "cmem_realloc", NO_BLOCK_NOW, 0},
    {"realloc_interior", "cmem_realloc", INTO_LIVE(32, 112)},
    {"realloc_foreign", "cmem_realloc", FOREIGN, 0},
    {"usable_size_freed", "cmem_usable_size", IS_FREED(112), 0},
    {"usable_size_huge_freed", "cmem_usable_size", NO_BLOCK_NOW, 0},
    {"usable_size_interior", "cmem_usable_size", INTO_LIVE(4096, 106496)},
    {"usable_size_exact_interior", "cmem_usable_size", INTO_LIVE(153600, 307200)},
    {"usable_size_kernel", "cmem_usable_size", FOREIGN, 0},
    {"free_batch_double", "cmem_free_batch", IS_FREE(112), 0},
    {"free_batch_freed", "cmem_free_batch", IS_FREE(106496), 0},
    {"free_batch_foreign", "cmem_free_batch", FOREIGN, 0},
    {"free_batch_huge_twice", "cmem_free_batch", NO_BLOCK, 0},
    {"free_batch_exact_twice", "cmem_free_batch", NO_BLOCK, 0},
};

/* The directory of the built programs: misuse/ beside this one. */
static const char *directory(void) {
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "misuse");
    cr_assert_gt(n, 0);
    path[n] = '\0';
    strcpy(strrchr(path, '/') + 1, "misuse");
    return path;
}

/* Reads fd to its end, for the few lines that there are. */
static void read_all(int fd, char *text, size_t len) {
    size_t n = 0;
    ssize_t k;
    while (n < len - 1 && (k = read(fd, text + n, len - 1 - n)) > 0) n += (size_t)k;
    text[n] = '\0';
    close(fd);
}

/* Runs a program to its end. Returns its wait status. */
static int run(const char *program, char *out, char *err, size_t len) {
    char path[4400];
    int to_out[2], to_err[2], status;
    snprintf(path, sizeof path, "%s/%s", directory(), program);
    cr_assert_eq(pipe2(to_out, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(to_err, O_CLOEXEC), 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        dup2(to_out[1], STDOUT_FILENO);
        dup2(to_err[1], STDERR_FILENO);
        alarm(60);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(to_out[1]);
    close(to_err[1]);
    read_all(to_out[0], out, len);
    read_all(to_err[0], err, len);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

ParameterizedTestParameters(misuse, aborts_with_its_line) {
    static size_t index[LEN(rows)];
    for (size_t i = 0; i < LEN(rows); i++) index[i] = i;
    return cr_make_param_array(size_t, index, LEN(rows));
}

ParameterizedTest(const size_t *index, misuse, aborts_with_its_line) {
    const struct row *row = &rows[*index];
    char out[4096], err[4096], want[512], block[32] = "";
    int status = run(row->program, out, err, sizeof out);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: wait status %#x: %s", row->program,
              status, err);
    size_t p = strtoull(out, NULL, 0);
    cr_assert_neq(p, 0, "%s did not say which pointer", row->program);
    if (row->into > 0) snprintf(block, sizeof block, "%#zx", p - row->into);
    snprintf(want, sizeof want, "cmem: %s(%#zx): %s%s\n", row->function, p, row->what, block);
    cr_assert_str_eq(err, want, "%s: %s instead of %s", row->program, err, want);
}

static bool is_in_a_row(const char *program) {
    for (size_t i = 0; i < LEN(rows); i++) {
        if (strcmp(rows[i].program, program) == 0) return true;
    }
    return false;
}

/* Beside the programs lie the files of their dependencies, with a dot in their names. */
Test(misuse, every_program_has_its_row) {
    DIR *d = opendir(directory());
    cr_assert_not_null(d);
    size_t programs = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strchr(e->d_name, '.') != NULL) continue;
        cr_assert(is_in_a_row(e->d_name), "no row says what %s must print", e->d_name);
        programs++;
    }
    closedir(d);
    cr_assert_eq(programs, LEN(rows));
}
