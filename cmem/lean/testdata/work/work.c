#define _GNU_SOURCE
#include "work.h"
#include "_cgo_export.h"

#include <dlfcn.h>
#include <glob.h>
#include <iconv.h>
#include <netdb.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void work_format(void) {
    char text[8192];
    snprintf(text, sizeof text, "%Lf %.500f %a %ls", 1e4000L, 1e300, 0.1, L"wide");
}

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

void work_sort(void) {
    enum { N = 50000 };
    int *v = malloc(N * sizeof *v);
    if (v == NULL) return;
    for (int i = 0; i < N; i++) v[i] = (i * 7919) % N;
    qsort(v, N, sizeof *v, compare);
    free(v);
}

void work_match(void) {
    regex_t re;
    char text[500];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    if (regcomp(&re, "^(([a-z]+)*,?)*x$", REG_EXTENDED) == 0) {
        (void)regexec(&re, text, 0, NULL, 0);
        regfree(&re);
    }
    glob_t paths;
    if (glob("/usr/*/*", 0, NULL, &paths) == 0) globfree(&paths);
}

void work_convert(void) {
    char text[100];
    struct tm tm;
    time_t now = time(NULL);
    if (localtime_r(&now, &tm) != NULL) strftime(text, sizeof text, "%c %Z", &tm);
    iconv_t conversion = iconv_open("UTF-16", "ISO-8859-15");
    if (conversion != (iconv_t)-1) iconv_close(conversion);
}

void work_library(void) {
    void *library = dlopen("libm.so.6", RTLD_NOW);
    if (library != NULL) dlclose(library);
}

void work_resolve(const char *host) {
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, "80", NULL, &found) == 0) freeaddrinfo(found);
}

void work_call_back(int n) { workBack(n); }

static void *call_back(void *n) {
    workBack(*(int *)n);
    return NULL;
}

void work_call_back_on_thread(int n) {
    pthread_t id;
    if (pthread_create(&id, NULL, call_back, &n) == 0) pthread_join(id, NULL);
}

void work_fault(void) { *(volatile int *)0 = 1; }
