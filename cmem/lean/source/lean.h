/* lean.h: caps glibc's malloc arenas and the default stack of threads, before main. The
 * documentation of package lean says what for and at what cost. Self-contained, and all of it
 * static: it can be compiled into any program, in several files even, as lean.c is. */
#ifndef CMEM_LEAN_H
#define CMEM_LEAN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* NOLINT: the name is the C library's */
#endif
#include <stdlib.h>

/* Other C libraries have no arenas, and small stacks; glibc before 2.18 cannot be asked for smaller
 * ones. */
#if defined(__GLIBC__) && !defined(__UCLIBC__)
#if __GLIBC_PREREQ(2, 18)

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A static program that has a malloc of its own must not be given glibc's beside it. */
#pragma weak mallopt
#if __GLIBC_PREREQ(2, 33)
#pragma weak mallinfo2
#define MALLINFO mallinfo2
#else
#pragma weak mallinfo
#define MALLINFO mallinfo
#endif

#define KIB 1024ul
#define MIB (1024 * KIB)

/* glibc's own functions take up to 64 KiB at once from the stack, or a quarter of it where that is
 * less: on 256 KiB they do what they do on 8 MiB. It is also twice what musl gives a thread. */
#define DEFAULT_STACK (256 * KIB)

/* Go programs put to it (collections, profiles, tracebacks, callbacks from C, glibc's resolver) ran
 * on 28 KiB and crashed on 24. */
#define MIN_STACK (64 * KIB)

/* What is asked for. */
struct options {
    unsigned long arenas; /* at most so many; 0: leave them alone */
    unsigned long stack;  /* bytes at most; 0: leave it alone */
    unsigned long trace;  /* 1: say on standard error what is done */
};

/* The least stack that is accepted. PTHREAD_STACK_MIN is 16 KiB on most machines, and 128 KiB on
 * arm64. */
static unsigned long min_stack(void) {
    long min = sysconf(_SC_THREAD_STACK_MIN);
    return min > (long)MIN_STACK ? (unsigned long)min : MIN_STACK;
}

/* Reads the decimal number at v, of len bytes; with units it may end in k or m, for KiB and MiB. */
static bool parse(const char *v, size_t len, bool units, unsigned long *n) {
    unsigned long unit = 1;
    char *end;
    if (len == 0 || *v < '0' || *v > '9') return false;
    errno = 0;
    *n = strtoul(v, &end, 10);
    if (units && (*end == 'k' || *end == 'K')) unit = KIB;
    if (units && (*end == 'm' || *end == 'M')) unit = MIB;
    if (unit > 1) end++;
    if (errno != 0 || end != v + len || *n > LONG_MAX / unit) return false;
    *n *= unit;
    return true;
}

static void set_arenas(struct options *o, const char *v, size_t len) {
    unsigned long n;
    if (parse(v, len, false, &n) && n <= INT_MAX)
        o->arenas = n;
    else
        dprintf(STDERR_FILENO,
                "cmem/lean: CMEMLEAN: arenas=\"%.*s\": expected a number such as 1 or 4, or 0 to leave the "
                "arenas "
                "alone; it stays %lu\n",
                (int)len, v, o->arenas);
}

static void set_stack(struct options *o, const char *v, size_t len) {
    unsigned long n;
    if (parse(v, len, true, &n) && (n == 0 || n >= min_stack()))
        o->stack = n;
    else
        dprintf(STDERR_FILENO,
                "cmem/lean: CMEMLEAN: stack=\"%.*s\": expected a size of at least %luk, such as 512k or 1m, "
                "or 0 to "
                "leave stacks alone; it stays %luk\n",
                (int)len, v, min_stack() / KIB, o->stack / KIB);
}

static void set_trace(struct options *o, const char *v, size_t len) {
    unsigned long n;
    if (parse(v, len, false, &n) && n <= 1)
        o->trace = n;
    else
        dprintf(STDERR_FILENO, "cmem/lean: CMEMLEAN: trace=\"%.*s\": expected 0 or 1; it stays %lu\n",
                (int)len, v, o->trace);
}

/* Sets what one name=value says. */
static void set_option(struct options *o, const char *item, size_t len) {
    static const struct {
        const char *name;
        void (*set)(struct options *, const char *, size_t);
    } known[] = {{"arenas", set_arenas}, {"stack", set_stack}, {"trace", set_trace}};
    const char *eq = memchr(item, '=', len);
    size_t name = eq != NULL ? (size_t)(eq - item) : len;
    size_t value = eq != NULL ? name + 1 : len;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != name || memcmp(known[i].name, item, name) != 0) continue;
        known[i].set(o, item + value, len - value);
        return;
    }
    dprintf(STDERR_FILENO, "cmem/lean: CMEMLEAN: unknown name \"%.*s\": expected arenas, stack or trace\n",
            (int)name, item);
}

/* Reads CMEMLEAN, a comma-separated list of name=value. */
static struct options read_options(void) {
    struct options o = {.arenas = 1, .stack = DEFAULT_STACK, .trace = 0};
    const char *s = getenv("CMEMLEAN");
    while (s != NULL && *s != '\0') {
        size_t len = strcspn(s, ",");
        if (len > 0) set_option(&o, s, len);
        s += len + (s[len] == ',');
    }
    return o;
}

/* Tells whether malloc is glibc's, not one that was preloaded, linked in or put there by
 * AddressSanitizer or valgrind: then what malloc hands out is in glibc's books. */
static bool malloc_is_glibcs(void) {
    const size_t size = 4001;
    if (mallopt == NULL || MALLINFO == NULL) return false;
    size_t before = (size_t)MALLINFO().uordblks;
    void *p = malloc(size);
    __asm__ volatile("" : : "r"(p) : "memory"); /* keep the compiler from leaving out the pair */
    size_t after = (size_t)MALLINFO().uordblks;
    free(p);
    return p != NULL && after - before >= size && after - before < 2 * size;
}

/* Tells whether the user has said in glibc's own way how many arenas to have. */
static bool arenas_are_set(void) {
    const char *max = getenv("MALLOC_ARENA_MAX"), *tunables = getenv("GLIBC_TUNABLES");
    if (max != NULL && *max != '\0') return true;
    const char *found = tunables != NULL ? strstr(tunables, "glibc.malloc.arena_max=") : NULL;
    return found != NULL && (found == tunables || found[-1] == ':');
}

__attribute__((format(printf, 2, 3))) static void trace(const struct options *o, const char *format, ...) {
    if (o->trace == 0) return;
    va_list args;
    va_start(args, format);
    (void)vdprintf(STDERR_FILENO, format, args);
    va_end(args);
}

/* Arenas come with threads, of which there are none yet: the first, the process's main heap, is one
 * of those allowed. */
static void cap_arenas(const struct options *o) {
    if (o->arenas == 0)
        trace(o, "cmem/lean: arenas: left alone, as CMEMLEAN asks\n");
    else if (arenas_are_set())
        trace(o, "cmem/lean: arenas: left alone, for MALLOC_ARENA_MAX or GLIBC_TUNABLES sets them\n");
    else if (mallopt(M_ARENA_MAX, (int)o->arenas) == 1)
        trace(o, "cmem/lean: arenas: at most %lu\n", o->arenas);
    else
        dprintf(STDERR_FILENO, "cmem/lean: arenas: mallopt refused %lu\n", o->arenas);
}

static int add_tls(struct dl_phdr_info *info, size_t size, void *sum) {
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            *(size_t *)sum += info->dlpi_phdr[i].p_memsz + info->dlpi_phdr[i].p_align;
    }
    return 0;
}

/* Returns what to ask for to have n bytes of stack. A thread's static TLS is taken from its stack:
 * as a rule that is less than a page, for which n has room. */
static size_t with_tls(size_t n) {
    size_t tls = 0, page = (size_t)sysconf(_SC_PAGESIZE);
    (void)dl_iterate_phdr(add_tls, &tls);
    return (n + page - 1) / page * page + tls / page * page;
}

/* Makes size the default of attr, where attr, which is the default now, has more. Returns an error
 * number. */
static int shrink(const struct options *o, pthread_attr_t *attr, size_t size) {
    size_t was;
    int err = pthread_attr_getstacksize(attr, &was);
    if (err != 0) return err;
    if (was <= size) {
        trace(o, "cmem/lean: stacks: left at %lu KiB\n", was / KIB);
        return 0;
    }
    err = pthread_attr_setstacksize(attr, size);
    if (err == 0) err = pthread_setattr_default_np(attr);
    if (err == 0) trace(o, "cmem/lean: stacks: %lu KiB, not %lu\n", size / KIB, was / KIB);
    return err;
}

static void cap_stacks(const struct options *o) {
    if (o->stack == 0) {
        trace(o, "cmem/lean: stacks: left alone, as CMEMLEAN asks\n");
        return;
    }
    pthread_attr_t attr;
    int err = pthread_getattr_default_np(&attr);
    if (err == 0) {
        err = shrink(o, &attr, with_tls(o->stack));
        (void)pthread_attr_destroy(&attr);
    }
    if (err != 0) dprintf(STDERR_FILENO, "cmem/lean: stacks: %s\n", strerror(err));
}

/* As early as a program may: 101 is the first priority that is not the C library's, and
 * constructors without one, such as that which starts Go in a shared library, come later. */
__attribute__((constructor(101))) static void lean(void) {
    struct options o = read_options();
    if (!malloc_is_glibcs()) {
        trace(&o, "cmem/lean: nothing done: malloc is not glibc's\n");
        return;
    }
    cap_arenas(&o);
    cap_stacks(&o);
}

#endif
#endif

#endif /* CMEM_LEAN_H */
