//go:build linux && (amd64 || arm64 || riscv64)

/* start.c: start-up and fork. */
#include "budget.h"
#include "cache.h"
#include "central.h"
#include "lock.h"
#include "meta.h"
#include "pageheap.h"
#include "scavenger.h"
#include "start.h"
#include "thread.h"
#include "tool.h"
#include "transfer.h"

#include <pthread.h>
#include <stddef.h>

#ifdef __GLIBC__
#include <dlfcn.h>
#include <link.h>
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* All locks, in the order of their ranks. */
static void fork_prepare(void) {
    cmem__cache_drain_lock();
    cmem__central_lock();
    cmem__transfer_lock();
    cmem__pages_lock();
    cmem__cache_lock();
    cmem__budget_lock();
    cmem__meta_lock();
    cmem__forker = pthread_self();
}

static void fork_parent(void) {
    cmem__forker = 0;
    cmem__meta_unlock();
    cmem__budget_unlock();
    cmem__cache_unlock();
    cmem__pages_unlock();
    cmem__transfer_unlock();
    cmem__central_unlock();
    cmem__cache_drain_unlock();
}

static void fork_child(void) {
    cmem__pages_after_fork();
    cmem__scavenger_after_fork();
    fork_parent();
}

#ifdef __GLIBC__
/* A static program has neither. */
#pragma weak dlsym
#pragma weak dladdr1
/* Threads, ours or those that have a cache, and blocks outlive the dlclose of a shared object that
 * this library was linked into: so it stays. (dlopen by its name would be warned of when a static
 * program is linked.) */
static void stay_loaded(void) {
    Dl_info info;
    struct link_map *self;
    if (dlsym == NULL || dladdr1 == NULL) return;
    if (dladdr1(&once, &info, (void **)&self, RTLD_DL_LINKMAP) == 0) return;
    (void)cmem__tool_find(); /* MemorySanitizer does not see what the loader has written */
    wrote(&self, sizeof(void *));
    wrote(self->l_name, 1);
    if (self->l_name[0] == '\0') return; /* the program */
    void *(*open)(const char *, int);
    *(void **)&open = dlsym(RTLD_DEFAULT, "dlopen");
    if (open != NULL) (void)open(self->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
#else
static void stay_loaded(void) {} /* musl unloads nothing */
#endif

static void init(void) {
    cmem__thread_start();
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
    stay_loaded();
}

void cmem__init(void) { (void)pthread_once(&once, init); }

/* Before a program's own constructors: of prepare handlers the last one registered is called first,
 * and theirs may wait for a thread that waits for our locks. (GCC forgets the priority of a
 * function that was declared before.) */
__attribute__((constructor(101))) static void at_start(void) { cmem__init(); }
