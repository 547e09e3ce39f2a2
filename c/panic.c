//go:build linux && (amd64 || arm64 || riscv64)

/* panic.c: what ends the process. */
#include "panic.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One write, so that lines of two threads do not mix. A write is a cancellation point: the thread
 * must not end before it aborts. */
void cmem__die(const char *fmt, ...) {
    char line[320];
    int state;
    va_list args;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    if (write(STDERR_FILENO, line, len) < 0) abort(); /* standard error is closed: the signal must tell */
    abort();
}

void cmem__panic(const char *what, uintptr_t p) {
    cmem__die("cmem: heap corruption: %s (%#zx)\n", what, (size_t)p);
}
