// Command foreign has memory that none of Go's runtime, glibc's malloc and cmem has made, beside
// such that they have, and prints where it is: lines of a kind and an address.
package main

/*
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map_(void *where, size_t size, int prot, int flags) {
    return mmap(where, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void *from_malloc(size_t size) {
    void *p = malloc(size);
    if (p != NULL) memset(p, 1, size);
    return p;
}

static void *wait_for_ever(void *where) {
    *(void *volatile *)where = &where;
    for (;;) pause();
    return NULL;
}

// Returns an address on the stack of a thread that stays.
static void *thread_stack(size_t size) {
    static void *volatile where;
    pthread_attr_t attr;
    pthread_t thread;
    where = NULL;
    if (pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, size) != 0 ||
        pthread_create(&thread, &attr, wait_for_ever, (void *)&where) != 0)
        return NULL;
    while (where == NULL) usleep(1000);
    return where;
}
*/
import "C"

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

const mib = 1 << 20

// Variables of the program's own lead to its memory, as those of the runtime do to the runtime's.
var (
	mapped []byte
	heap   [][]byte
	blocks [4]unsafe.Pointer
)

func show(kind string, p unsafe.Pointer) { fmt.Printf("%s %d\n", kind, uintptr(p)) }

func main() {
	const rw = C.PROT_READ | C.PROT_WRITE
	show("other", C.map_(nil, 100*mib, rw, 0))
	show("other", C.map_(nil, 1<<30, C.PROT_NONE, 0))
	show("other", C.map_(unsafe.Pointer(uintptr(0x200000000000)), 64*mib, rw, C.MAP_NORESERVE|C.MAP_FIXED))
	show("other", C.map_(unsafe.Pointer(uintptr(0x210000000000)), 64*mib, rw, C.MAP_FIXED))
	for i, size := range []C.size_t{50 * mib, 150 << 10, mib} {
		blocks[i] = C.from_malloc(size)
		show("glibc mmapped", blocks[i])
	}
	show("thread stacks", C.thread_stack(2*mib))
	show("thread stacks", C.thread_stack(16*mib))
	var err error
	if mapped, err = syscall.Mmap(-1, 0, 80*mib, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON); err != nil {
		panic(err)
	}
	show("other", unsafe.Pointer(&mapped[0]))
	for range 200 { // three arenas of it
		heap = append(heap, make([]byte, mib))
	}
	for _, i := range []int{0, len(heap) / 2, len(heap) - 1} {
		show("Go heap", unsafe.Pointer(&heap[i][0]))
	}
	fmt.Println("ready")
	for {
		time.Sleep(time.Hour)
	}
}
