#include "contend.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct job {
    pthread_t id;
    size_t pairs, min, max;
    uint64_t rng; /* xorshift64 */
};

static uint64_t draw(struct job *j) {
    j->rng ^= j->rng << 13;
    j->rng ^= j->rng >> 7;
    j->rng ^= j->rng << 17;
    return j->rng;
}

static void *run(void *arg) {
    enum { SLOTS = 64 };
    struct job *j = arg;
    char *held[SLOTS] = {NULL};
    for (size_t i = 0; i < j->pairs; i++) {
        char **slot = &held[draw(j) % SLOTS];
        free(*slot);
        *slot = malloc(j->min + draw(j) % (j->max - j->min + 1));
        if (*slot == NULL) return j;
        **slot = 1;
    }
    for (size_t i = 0; i < SLOTS; i++) free(held[i]);
    return NULL;
}

int contend(size_t threads, size_t pairs, size_t min, size_t max) {
    struct job *jobs = calloc(threads, sizeof *jobs);
    int result = 0;
    if (jobs == NULL || min > max) return -1;
    for (size_t i = 0; i < threads; i++) {
        jobs[i] = (struct job){.pairs = pairs, .min = min, .max = max, .rng = (i + 1) * 0x9E3779B97F4A7C15u};
        if (pthread_create(&jobs[i].id, NULL, run, &jobs[i]) != 0) return -1;
    }
    for (size_t i = 0; i < threads; i++) {
        void *failed = NULL;
        pthread_join(jobs[i].id, &failed);
        if (failed != NULL) result = -1;
    }
    free(jobs);
    return result;
}
