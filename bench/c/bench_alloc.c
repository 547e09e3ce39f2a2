/* bench_alloc.c: runs one workload with one allocator and tells what it cost. By hand:
 *
 *     echo 1000000 | build/release/bench_alloc cmem pair --size 64
 *     echo 1000000 | LD_PRELOAD=libjemalloc.so.2 build/release/bench_alloc malloc pair --size 64
 *
 * The runner, bench/benchc, keeps one such process for each allocator and has them take turns.
 *
 * The first line of output says whose malloc this process has. Then each line of input is a number of operations to
 * run, a round, and is answered with a line of JSON: what it took. The heap stays as it is from round to round. */
#include "helpers.h"

#include <dlfcn.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/resource.h>

enum { USAGE = 2, MAX_THREADS = 256, MAX_LIVE = 65536 };

static struct {
    void *(*alloc)(size_t n);
    void (*free)(void *p);
} heap;

/* What the options say. Sizes are in bytes. */
static struct {
    size_t size;     /* of pair, once, pc */
    size_t min, max; /* turn, hold: sizes are spread evenly between them */
    size_t live;     /* hold: number of blocks */
    size_t threads;  /* pair, turn, hold, churn: at a time */
    int pages;       /* flag: a byte of every page of a block is written, not just the first one */
} opt = {.size = 64, .min = 10000, .max = 3000000, .live = 64, .threads = 1};

static _Noreturn __attribute__((format(printf, 2, 3))) void die(int status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("bench_alloc: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    exit(status);
}

/* A block of n bytes, written to. */
static inline void *get(size_t n) {
    volatile char *p = heap.alloc(n);
    if (p == NULL) die(1, "no memory for a block of %zu bytes", n);
    *p = 1;
    if (opt.pages) {
        for (size_t i = PAGE_SIZE; i < n; i += PAGE_SIZE) p[i] = 1;
    }
    return (void *)p;
}

/* The i-th of the CPUs that the process may use, round and round. Threads are bound to CPUs: left to itself the kernel
 * may keep two that wait for each other on one CPU, or not, and the figures are of either kind. */
static cpu_set_t cpu(size_t i) {
    static cpu_set_t all;
    cpu_set_t one;
    if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof all, &all) != 0)
        die(1, "sched_getaffinity: %s", strerror(errno));
    i %= (size_t)CPU_COUNT(&all);
    int at = 0;
    while (!CPU_ISSET(at, &all) || i-- > 0) at++;
    CPU_ZERO(&one);
    CPU_SET(at, &one);
    return one;
}

/* Runs f(arg) in a new thread on the i-th CPU. */
static pthread_t start(size_t i, void *(*f)(void *), void *arg) {
    pthread_t t;
    pthread_attr_t attr;
    cpu_set_t where = cpu(i);
    pthread_attr_init(&attr);
    int err = pthread_attr_setaffinity_np(&attr, sizeof where, &where);
    if (err == 0) err = pthread_create(&t, &attr, f, arg);
    if (err != 0) die(1, "no thread: %s", strerror(err));
    pthread_attr_destroy(&attr);
    return t;
}

/* Runs f(arg) in opt.threads threads and waits for them. */
static void in_threads(void *(*f)(void *), void *arg) {
    pthread_t t[MAX_THREADS];
    for (size_t i = 0; i < opt.threads; i++) t[i] = start(i, f, arg);
    for (size_t i = 0; i < opt.threads; i++) pthread_join(t[i], NULL);
}

/* ---------------------------------------------------------------------------------------------- workloads
 *
 * Each runs at least `ops` operations and returns how many it ran. */

typedef size_t workload(size_t ops);

/* Shares ops out to opt.threads threads that run f; one runs it here. */
static size_t share(void *(*f)(void *ops), size_t ops) {
    size_t each = (ops + opt.threads - 1) / opt.threads;
    if (opt.threads == 1)
        f(&each);
    else
        in_threads(f, &each);
    return each * opt.threads;
}

/* One block at a time. */
static void *pairs(void *ops) {
    for (size_t i = *(size_t *)ops; i > 0; i--) heap.free(get(opt.size));
    return NULL;
}

static size_t pair(size_t ops) { return share(pairs, ops); }

static size_t random_size(uint64_t *seed) { return opt.min + pick(seed, opt.max - opt.min + 1); }

/* Another one for each thread of each round. */
static uint64_t new_seed(void) {
    static _Atomic uint64_t next = 1;
    return atomic_fetch_add(&next, 1);
}

/* One block at a time, of random size. */
static void *turns(void *ops) {
    uint64_t seed = new_seed();
    for (size_t i = *(size_t *)ops; i > 0; i--) heap.free(get(random_size(&seed)));
    return NULL;
}

static size_t turn(size_t ops) { return share(turns, ops); }

/* Blocks that are never freed. */
static size_t once(size_t ops) {
    for (size_t i = 0; i < ops; i++) (void)get(opt.size);
    return ops;
}

/* opt.live blocks, replaced at random by all threads. */
static void *replace(void *ops) {
    static _Atomic(void *) block[MAX_LIVE];
    uint64_t seed = new_seed();
    for (size_t i = *(size_t *)ops; i > 0; i--) {
        size_t at = pick(&seed, opt.live);
        size_t n = random_size(&seed);
        heap.free(atomic_exchange(&block[at], NULL));
        heap.free(atomic_exchange(&block[at], get(n)));
    }
    return NULL;
}

static size_t hold(size_t ops) { return share(replace, ops); }

/* One thread allocates, another frees. Between them a ring for one reader and one writer, each with its own cache line
 * and its own idea of how far the other is. */
enum { RING = 1024 };
static struct {
    _Alignas(64) _Atomic size_t written; /* by the producer */
    size_t seen_read;
    _Alignas(64) _Atomic size_t read; /* by the consumer */
    size_t seen_written;
    _Alignas(64) void *slot[RING];
} ring;

static void *consume(void *ops) {
    size_t at = ring.read, end = at + *(size_t *)ops;
    for (; at != end; at++) {
        while (at == ring.seen_written) {
            ring.seen_written = atomic_load_explicit(&ring.written, memory_order_acquire);
            if (at == ring.seen_written) sched_yield();
        }
        void *p = ring.slot[at % RING];
        atomic_store_explicit(&ring.read, at + 1, memory_order_release);
        heap.free(p);
    }
    return NULL;
}

static size_t producer_consumer(size_t ops) {
    pthread_t consumer = start(1, consume, &ops);
    cpu_set_t here = cpu(0);
    if (sched_setaffinity(0, sizeof here, &here) != 0) die(1, "sched_setaffinity: %s", strerror(errno));
    size_t at = ring.written, end = at + ops;
    for (; at != end; at++) {
        void *p = get(opt.size);
        while (at - ring.seen_read == RING) {
            ring.seen_read = atomic_load_explicit(&ring.read, memory_order_acquire);
            if (at - ring.seen_read == RING) sched_yield();
        }
        ring.slot[at % RING] = p;
        atomic_store_explicit(&ring.written, at + 1, memory_order_release);
    }
    pthread_join(consumer, NULL);
    return ops;
}

/* Threads that come, allocate CHURN_BLOCKS blocks of 16 B to 8 KiB, free them, and go. An operation is a thread. */
enum { CHURN_BLOCKS = 300 };
static void *short_life(void *unused) {
    void *block[CHURN_BLOCKS];
    uint64_t seed = 1;
    for (size_t i = 0; i < CHURN_BLOCKS; i++) block[i] = get(pick_log(&seed, 16, 8 * KIB));
    for (size_t i = 0; i < CHURN_BLOCKS; i++) heap.free(block[i]);
    return unused;
}

static size_t churn(size_t ops) {
    size_t done = 0;
    for (; done < ops; done += opt.threads) in_threads(short_life, NULL);
    return done;
}

static const struct {
    const char *name;
    workload *run;
} workloads[] = {{"pair", pair},  {"turn", turn}, {"once", once}, {"hold", hold}, {"pc", producer_consumer},
                 {"churn", churn}};

/* --------------------------------------------------------------------------------------------------- measure */

/* What the process has used so far. */
struct usage {
    uint64_t ns, cpu_ns;
    long faults;
};

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct usage usage_now(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (struct usage){clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID), r.ru_minflt};
}

/* The most that was ever resident, in bytes. (The maximum that getrusage tells is also that of the program which
 * started this one.) */
static size_t peak_rss_bytes(void) {
    char text[4096] = "";
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) die(1, "/proc/self/status: %s", strerror(errno));
    close(fd);
    const char *line = strstr(text, "VmHWM:");
    if (line == NULL) die(1, "/proc/self/status has no VmHWM");
    return strtoul(line + strlen("VmHWM:"), NULL, 10) * KIB;
}

static void measure(workload *run, size_t ops) {
    struct usage before = usage_now();
    size_t done = run(ops);
    struct usage after = usage_now();
    printf("{\"ops\":%zu,\"ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64
           ",\"faults\":%ld,\"rss\":%zu,\"peak_rss\":%zu}\n",
           done, after.ns - before.ns, after.cpu_ns - before.cpu_ns, after.faults - before.faults,
           rss_bytes(), peak_rss_bytes());
    fflush(stdout);
}

/* ----------------------------------------------------------------------------------------------- command line */

static size_t number(const char *what, const char *text, size_t most) {
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < 1 || n > most)
        die(USAGE, "%s %s: expected a number from 1 to %zu", what, text, most);
    return (size_t)n;
}

/* The options: numbers, in the order of the table below, then flags, which getopt_long sets itself. */
static const struct option options[] = {
    {"size", required_argument, NULL, 0},
    {"min", required_argument, NULL, 0},
    {"max", required_argument, NULL, 0},
    {"live", required_argument, NULL, 0},
    {"threads", required_argument, NULL, 0},
    {"pages", no_argument, &opt.pages, 1},
    {NULL, 0, NULL, 0},
};
static const struct {
    size_t *value, most;
} numbers[] = {
    {&opt.size, PTRDIFF_MAX}, {&opt.min, PTRDIFF_MAX},     {&opt.max, PTRDIFF_MAX},
    {&opt.live, MAX_LIVE},    {&opt.threads, MAX_THREADS},
};

/* The parts of the command line that are not options: the allocator and the workload. */
static char **parse(int argc, char **argv) {
    for (int i, o; (o = getopt_long(argc, argv, "", options, &i)) != -1;) {
        if (o == '?') exit(USAGE);
        if (options[i].flag == NULL) *numbers[i].value = number(options[i].name, optarg, numbers[i].most);
    }
    if (opt.max < opt.min) die(USAGE, "max %zu: expected no less than min, which is %zu", opt.max, opt.min);
    if (argc - optind != 2)
        die(USAGE, "%d arguments: expected an allocator and a workload, such as: cmem pair --size 64",
            argc - optind);
    return argv + optind;
}

static void choose_allocator(const char *name) {
    if (strcmp(name, "cmem") == 0) {
        heap.alloc = cmem_alloc;
        heap.free = cmem_free;
    } else if (strcmp(name, "malloc") == 0) {
        heap.alloc = malloc;
        heap.free = free;
    } else {
        die(USAGE, "allocator %s: expected cmem or malloc", name);
    }
}

static workload *choose_workload(const char *name) {
    for (size_t i = 0; i < LEN(workloads); i++) {
        if (strcmp(name, workloads[i].name) == 0) return workloads[i].run;
    }
    die(USAGE, "workload %s: expected pair, turn, once, hold, pc or churn", name);
}

/* Says which library this process has malloc from: a preloaded one that is not there is passed over by the loader. */
static void introduce(void) {
    Dl_info at;
    void *(*f)(size_t) = malloc;
    if (dladdr((void *)f, &at) == 0) die(1, "dladdr does not know where malloc is");
    printf("{\"malloc\":\"%s\"}\n", at.dli_fname);
    fflush(stdout);
}

int main(int argc, char **argv) {
    static char in[4096], out[4096]; /* so that stdio does not allocate */
    setvbuf(stdin, in, _IOFBF, sizeof in);
    setvbuf(stdout, out, _IOFBF, sizeof out);
    char **names = parse(argc, argv);
    choose_allocator(names[0]);
    workload *run = choose_workload(names[1]);
    introduce();
    for (char line[64]; fgets(line, sizeof line, stdin) != NULL;) {
        line[strcspn(line, "\n")] = '\0';
        measure(run, number("operations", line, PTRDIFF_MAX));
    }
    return 0;
}
