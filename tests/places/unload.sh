#!/usr/bin/env bash
# unload.sh: the library inside a shared object that a program closes: threads that used it end
# later, blocks and the scavenger live on, and the process forks. Nothing of it may be unmapped. A
# static program has no such care, and no warning when it is linked.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc=${CC:-cc}

cat >"$dir/plugin.c" <<'CODE'
#include "cmem.h"
void *plugin_alloc(size_t n) { return cmem_alloc(n); }
void plugin_free(void *p) { cmem_free(p); }
int plugin_start(void) { return cmem_scavenger_start(1000000); }
CODE

cat >"$dir/program.c" <<'CODE'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *(*alloc)(size_t);
static void (*release)(void *);
static int (*start)(void);
static pthread_barrier_t barrier;

static void *use(void *arg) {
    (void)arg;
    release(alloc(1000));
    pthread_barrier_wait(&barrier); /* used */
    pthread_barrier_wait(&barrier); /* closed */
    return NULL;
}

static void *open_plugin(const char *name) {
    void *plugin = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
    *(void **)&alloc = dlsym(plugin, "plugin_alloc");
    *(void **)&release = dlsym(plugin, "plugin_free");
    *(void **)&start = dlsym(plugin, "plugin_start");
    return plugin;
}

static int fork_once(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

int main(int argc, char **argv) {
    pthread_t t;
    alarm(60);
    if (argc != 2 || chdir("/") != 0) return 1;
    void *plugin = open_plugin(argv[1]);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, use, NULL);
    pthread_barrier_wait(&barrier);
    char *p = alloc(100000);
    memset(p, 1, 100000);
    if (start() != 0) return 2;
    dlclose(plugin);
    usleep(20000);
    pthread_barrier_wait(&barrier);
    pthread_join(t, NULL);
    if (fork_once() != 0) return 3;
    plugin = open_plugin(argv[1]);
    release(p); /* the same heap */
    dlclose(plugin);
    return fork_once();
}
CODE

"$cc" -O1 -Wall -Wextra -pthread -shared -fPIC -Ic "$dir/plugin.c" build/lib/libcmem.a -o "$dir/plugin.so"
"$cc" -O1 -Wall -Wextra -pthread "$dir/program.c" -ldl -o "$dir/program"
"$dir/program" "$dir/plugin.so"
(cd "$dir" && ./program "$dir/../${dir##*/}/plugin.so")

"$cc" -O1 -static -pthread -Ic tests/c/plain/use.c build/lib/libcmem.a -o "$dir/static" 2>"$dir/warnings"
cat "$dir/warnings"
[[ ! -s $dir/warnings ]]
"$dir/static"
