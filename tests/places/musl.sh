#!/usr/bin/env bash
# musl.sh: the library and its programs with musl, as on Alpine: without the kernel's headers,
# linked statically and dynamically, and opened by dlopen, for which musl keeps no room among the
# threads' variables.
set -euo pipefail

command -v musl-gcc >/dev/null || {
    echo 'no musl-gcc (package musl-tools)'
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc=(musl-gcc -std=gnu11 -pthread -fvisibility=hidden -Wall -Wextra -Werror -Ic -Itests/c)

# library NAME FLAG...: NAME.a and NAME.so.
library() {
    mkdir "$dir/$1"
    for source in c/*.c; do
        "${cc[@]}" "${@:2}" -fPIC -MMD -c "$source" -o "$dir/$1/$(basename "$source" .c).o"
    done
    ar rcs "$dir/$1.a" "$dir/$1"/*.o
    "${cc[@]}" -shared -Wl,-z,defs -Wl,-soname,libcmem.so.0 "$dir/$1"/*.o -o "$dir/$1.so"
}
library release -O2
library debug -Og -g -DCMEM_DEBUG=1

if foreign=$(cat "$dir"/*/*.d | tr -s ' \\' '\n\n' | grep '^/' |
    grep -vE "^$dir/|/musl/|linux-musl/|/lib/gcc/"); then
    echo "headers that are not musl's: $foreign"
    exit 1
fi

# run PROGRAM: 77 is no failure.
run() {
    local status=0
    "$@" >"$dir/log" 2>&1 || status=$?
    [[ $status -eq 0 || $status -eq 77 ]] || {
        cat "$dir/log"
        echo "$*: exit status $status"
        exit 1
    }
}

export CMEM_STRESS_SECONDS=${CMEM_STRESS_SECONDS:-1}
programs=0
try() {
    "${cc[@]}" -O1 -DCMEM_DEBUG=1 "$@" "$dir/debug.a" -o "$dir/program"
    run "$dir/program"
    programs=$((programs + 1))
}
for source in tests/c/plain/*.c; do try "$source"; done
for source in tests/c/plain/*.c tests/c/stress_*.c; do try -static "$source"; done

cat >"$dir/open.c" <<'CODE'
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

static void *(*take)(size_t);
static void (*give)(void *);

static void *use(void *arg) {
    for (size_t n = 1; n < 50000000; n *= 3) {
        give(take(n));
        give(take(n));
    }
    return arg;
}

int main(int argc, char **argv) {
    pthread_t before, after;
    void *lib = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (lib == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&take = dlsym(lib, "cmem_alloc");
    *(void **)&give = dlsym(lib, "cmem_free");
    use(NULL);
    pthread_create(&before, NULL, use, NULL);
    pthread_join(before, NULL);
    pthread_create(&after, NULL, use, NULL);
    dlclose(lib);
    pthread_join(after, NULL);
    return 0;
}
CODE
musl-gcc -O1 -Wall -Wextra -pthread "$dir/open.c" -o "$dir/open"
run "$dir/open" "$dir/release.so"
echo "$programs programs and dlopen"
