# cmem: every task a person needs. `make` alone lists them; `make V=1 TASK` shows the commands.
#
# Everything that is built goes to build/: the libraries to build/lib, and to build/VARIANT the objects, the static
# archive and the programs of one set of compiler flags (see "Variants").

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include

Q := $(if $(V),,@)
say = @printf '  %-6s %s\n' $1 $2

# The version's one home is the header.
VERSION := $(shell awk '$$2 ~ /^CMEM_VERSION_(MAJOR|MINOR|PATCH)$$/ { v = v dot $$3; dot = "." } \
	END { print v }' c/cmem.h)
SONAME := libcmem.so.$(firstword $(subst ., ,$(VERSION)))
SOFILE := libcmem.so.$(VERSION)

LIB_SRC := $(wildcard c/*.c)
GO_C := $(wildcard cmem/*/*.c cmem/internal/*/*.c)
TEST_C = $(shell find tests bench examples -name '*.c')
SUITES := $(patsubst tests/c/%.c,build/debug/%,$(wildcard tests/c/test_*.c))
MISUSE := $(patsubst tests/c/%.c,build/debug/%,$(wildcard tests/c/misuse/*.c))
PLAIN := $(foreach v,debug release,$(patsubst tests/c/%.c,build/$v/%,$(wildcard tests/c/plain/*.c)))
PLACES := $(wildcard tests/places/*.sh)
PLACES_ALL := $(wildcard tests/places/all/*.sh)
BENCHES := $(patsubst bench/c/%.c,build/release/%,$(wildcard bench/c/bench_*.c))
STRESS := $(foreach v,debug asan tsan valgrind,$(patsubst tests/c/%.c,build/$v/%,$(wildcard tests/c/stress_*.c)))
CODE := $(wildcard c cmem go examples tests bench)
C_FILES = $(shell find $(CODE) -name '*.[ch]')

# Go's modules. ./... passes over those below it without a word, so all are named: TOGETHER those of
# go.work, which one go command takes, and APART those that need a newer Go, each with a go.work of
# its own. An adapter, go/adapters/NAME, is to be one of these.
TOGETHER = $(shell sed -n 's|^\t\(\.[^ ]*\)$$|\1/...|p' go.work)
APART := $(patsubst %/go.work,%,$(wildcard bench/*/go.work go/adapters/*/go.work))
apart = @for m in $(APART); do tests/scripts/in-module.sh $$m $1; done

# What is tested in other builds than the ordinary one (race, asan, no cgo, strict): cmem itself; in
# test-all everything.
VARIED := ./...

# Where else the root's module is to compile, there without cgo.
ELSEWHERE := linux/arm64 linux/riscv64 linux/386 darwin/arm64 windows/amd64 freebsd/amd64

# A test target that finds nothing to test has failed.
require = $(if $(strip $($1)),,@echo '$@: no $2: nothing to test' >&2; exit 1)

## Build

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^## /        { printf "\n%s\n", substr($$0, 4) } \
	                  /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: lib
lib: build/lib/libcmem.a build/lib/libcmem.so build/lib/cmem.pc ## build/lib: libcmem.a, libcmem.so and cmem.pc (no Go needed)

.PHONY: install
install: lib ## copy header, libraries and pkg-config file to $(DESTDIR)$(PREFIX)
	$Qinstall -d "$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(LIBDIR)/pkgconfig"
	$Qinstall -m 644 c/cmem.h "$(DESTDIR)$(INCLUDEDIR)"
	$Qinstall -m 644 build/lib/libcmem.a build/lib/$(SOFILE) "$(DESTDIR)$(LIBDIR)"
	$Qln -sf $(SOFILE) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	$Qln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libcmem.so"
	$Qinstall -m 644 build/lib/cmem.pc "$(DESTDIR)$(LIBDIR)/pkgconfig"
	@echo "installed libcmem $(VERSION) in $(DESTDIR)$(PREFIX)$(if $(DESTDIR),, (run ldconfig if the linker searches it))"

.PHONY: uninstall
uninstall: ## remove what install has put there
	$Qcd "$(DESTDIR)$(LIBDIR)" && rm -f libcmem.a libcmem.so $(SONAME) $(SOFILE) pkgconfig/cmem.pc
	$Qrm -f "$(DESTDIR)$(INCLUDEDIR)/cmem.h"

.PHONY: clean
clean: ## remove build/
	$Qrm -rf build

build/lib/libcmem.a: build/release/libcmem.a
	$Qmkdir -p $(@D) && cp $< $@

# nodelete: threads hold a destructor of the library, which must not be unmapped before they end.
# (Where only the archive is linked, stay_loaded in start.c sees to that.)
build/lib/$(SOFILE): build/release/libcmem.a
	$(call say,LINK,$@)
	$Qmkdir -p $(@D)
	$Q$(CC) -shared -pthread $(CFLAGS) $(LDFLAGS) -Wl,-soname,$(SONAME) -Wl,-z,defs,-z,nodelete,-z,relro \
		-Wl,--whole-archive $< -Wl,--no-whole-archive -o $@

build/lib/libcmem.so: build/lib/$(SOFILE)
	$Qln -sf $(SOFILE) build/lib/$(SONAME)
	$Qln -sf $(SONAME) $@

# Written anew each time: it holds the directories that were asked for.
.PHONY: build/lib/cmem.pc
build/lib/cmem.pc: c/cmem.pc.in
	$Qmkdir -p $(@D)
	$Qrm -f $@
	$Qsed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' $< >$@

## Test

TESTS := lint test-c test-plain test-stress test-go test-go-nocgo test-go-race test-go-asan test-go-strict \
	test-go-releases

.PHONY: test test-all
test: deps ## everything, cheap things first, up to the first failure; installs what it needs
	$(call run-tests,$(TESTS))

test-all: deps deps-all ## test, and what takes long: all tests in all Go releases, other processors, the machine's settings
	$(call run-tests,$(TESTS) test-go-releases-all test-places,VARIED='$(TOGETHER)')

define run-tests
	@rm -f build/summary
	@for t in $1; do \
		printf '\n=== make %s\n' $$t; \
		$(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) $2 $$t; \
	done; \
	printf '\n=== all passed in %d s\n' $$SECONDS; \
	cat build/summary
endef

.PHONY: test-c
test-c: $(SUITES) $(MISUSE) lib ## the C suites (debug build) and the installed library
	$(call require,SUITES,tests/c/test_*.c)
	$(call require,MISUSE,tests/c/misuse/*.c)
	@tests/scripts/run-suites.sh $(SUITES)
	@CC="$(CC)" tests/scripts/lib-smoke.sh

.PHONY: test-plain
test-plain: $(PLAIN) lib ## C programs that would end by a signal or a hang, and the library in the places its users have
	$(call require,PLAIN,tests/c/plain/*.c)
	@CC="$(CC)" tests/scripts/run-plain.sh $(PLAIN) $(PLACES)

.PHONY: test-places
test-places: $(PLAIN) lib ## other processors under qemu, and huge pages: for these the machine's settings are changed meanwhile
	$(call require,PLACES_ALL,tests/places/all/*.sh)
	@CC="$(CC)" tests/scripts/run-plain.sh $(PLACES_ALL)

.PHONY: test-stress
test-stress: $(STRESS) ## the C stress programs: plain, under ASan and UBSan, TSan, valgrind
	$(call require,STRESS,tests/c/stress_*.c)
	@tests/scripts/run-stress.sh $(STRESS)

.PHONY: test-go
test-go: $(MISUSE) ## the Go tests
	@tests/scripts/run-go.sh $@ $(TOGETHER)
	$(call apart,$(CURDIR)/tests/scripts/run-go.sh "$@ in $$m" ./...)

.PHONY: test-go-race
test-go-race: $(MISUSE) ## the Go tests under the race detector
	@tests/scripts/run-go.sh $@ -race $(VARIED)

.PHONY: test-go-nocgo
test-go-nocgo: $(MISUSE) ## the Go tests with CGO_ENABLED=0
	@CGO_ENABLED=0 tests/scripts/run-go.sh $@ $(VARIED)

.PHONY: test-go-asan
test-go-asan: $(MISUSE) ## the Go tests under AddressSanitizer, where Go has it
	@case $$(uname -sm) in \
	'Linux x86_64' | 'Linux aarch64') tests/scripts/fixed-layout.sh tests/scripts/run-go.sh $@ -asan $(VARIED) ;; \
	*) echo '$@: Go has no -asan on this system' ;; \
	esac

.PHONY: test-go-strict
test-go-strict: $(MISUSE) ## the Go tests with the runtime's full checks on pointers (cgocheck2, checkptr), and without the assembly
	@GOEXPERIMENT=cgocheck2 tests/scripts/run-go.sh $@ -tags=cmem_pinned -gcflags=all=-d=checkptr $(VARIED)

.PHONY: test-go-releases
test-go-releases: ## the Go package with each other Go release that has the fast path, in short
	@tests/scripts/go-releases.sh $@ -short ./cmem/...

.PHONY: test-go-releases-all
test-go-releases-all: $(MISUSE) ## all Go tests with each other Go release
	@tests/scripts/go-releases.sh $@ $(TOGETHER)

.PHONY: lint
lint: lint-format lint-vet lint-elsewhere lint-cc lint-tidy ## formatting, go vet (for other systems too), gcc with strict warnings, clang-tidy: no finding allowed
	@mkdir -p build && echo 'lint: clean' | tee -a build/summary

.PHONY: lint-format lint-vet lint-elsewhere lint-cc lint-tidy
lint-format:
	$(call say,FORMAT,'C and Go files')
	$Qunformatted=$$(gofmt -l $(CODE)); [[ -z $$unformatted ]] || { printf 'not gofmted: %s\n' $$unformatted >&2; exit 1; }
	$Qclang-format --dry-run -Werror --ferror-limit=1 $(C_FILES)

lint-vet:
	$(call say,VET,'$(TOGETHER)')
	$Qgo vet $(TOGETHER)
	$QCGO_ENABLED=0 go vet $(TOGETHER)
	$(call say,VET,'$(APART)')
	$(call apart,go vet ./...)
	$(call apart,env CGO_ENABLED=0 go vet ./...)

lint-elsewhere: $(ELSEWHERE:%=lint-elsewhere/%)
.PHONY: $(ELSEWHERE:%=lint-elsewhere/%)
$(ELSEWHERE:%=lint-elsewhere/%): lint-elsewhere/%:
	$(call say,VET,'./... for $*')
	$QGOOS=$(*D) GOARCH=$(*F) CGO_ENABLED=0 go vet ./...

lint-cc: $(LIB_SRC:c/%.c=build/strict/obj/%.o) $(GO_C:%.c=build/strict/%.o)
lint-tidy: $(patsubst %.c,build/tidy/%.ok,$(LIB_SRC) $(GO_C) $(TEST_C))

build/strict/cmem/%.o: cmem/%.c $(wildcard c/*.h cmem/*/*/*.h) Makefile
	$(call say,CC,$@)
	$Qmkdir -p $(@D)
	$Q$(CC) $(STD) $(CFLAGS_strict) $(CPPFLAGS) -Ic -c $< -o $@

# $(call tidy,OPTIONS,FLAGS): clang-tidy with these options over a file that is compiled with these flags.
define tidy
$(call say,TIDY,$<)
$Qmkdir -p $(@D)
$Qout=$$(clang-tidy --quiet $1 $< -- -std=gnu11 -Ic $2 2>&1) || { echo "$$out" >&2; exit 1; }
@touch $@
endef

build/tidy/c/%.ok: c/%.c $(wildcard c/*.h) .clang-tidy
	$(call tidy,,-DCMEM_DEBUG=1)

build/tidy/cmem/%.ok: cmem/%.c $(wildcard c/*.h cmem/*/*/*.h) .clang-tidy
	$(call tidy)

# Tests ignore the results of some calls, and name things as the headers that they replace do. The
# analyzer takes most of the time, and finds in Criterion's macros what is none.
TIDY_TESTS := -cert-err33-c,-cert-err34-c,-bugprone-reserved-identifier,-cert-dcl37-c,-cert-dcl51-cpp,-clang-analyzer-*
build/tidy/%.ok: %.c $(wildcard c/*.h tests/c/*.h bench/*/*.h) .clang-tidy
	$(call tidy,--checks='$(TIDY_TESTS)',-DCMEM_DEBUG=1 -Itests/c)

.PHONY: generate
generate: ## write the Go files that say once more what the C headers say (a test fails where they are stale)
	@go run ./tests/generate

.PHONY: fmt
fmt: ## format all Go and C files
	$Qgofmt -w $(CODE)
	$Qclang-format -i $(C_FILES)

## Run (SAVE=1 writes what a benchmark prints to docs/results/TASK.txt too, SAVE=NAME to NAME.txt there)

# $(save) ends the command of a benchmark whose tables are worth keeping.
save = $(if $(SAVE),| tee docs/results/$(if $(filter 1,$(SAVE)),$@,$(SAVE)).txt)

.PHONY: demo
demo: ## the memcached proxy on make([]byte) and on cmem, under load: a table and a picture
	@tests/scripts/install-packages.sh memcached || echo 'demo: going on without memcached'
	@echo 'demo: compiling (a minute or two where nothing is compiled yet)'
	@go run ./examples/proxy/demo $(ARGS) $(save)
	@printf '\nand what cgo costs in virtual memory (cmem vsz; compiling three variants):\n\n'
	@go run ./go/cmd/cmem vsz --variants nocgo,default,netgo+cgo --lean --ready '^ready' ./examples/vsz/ex1

.PHONY: recycle
recycle: ## the recycling experiment: nine modes, charts in demo-out/recycle (half an hour); ARGS="-help" lists the flags
	@go run ./examples/recycle $(ARGS) $(save)

.PHONY: footprint
footprint: ## resident memory, CPU and faults under 13 loads, beside make, sync.Pool, malloc, jemalloc (35 minutes); ARGS="-pairs 15"
	@go run ./bench/footprint $(ARGS) $(save)

.PHONY: frontier
frontier: ## CPU time against memory, cmem at six idle limits and its peers: a picture a load in build/frontier, one table (35 minutes); ARGS="-help"
	@tests/scripts/install-packages.sh libjemalloc2 || echo 'frontier: going on without jemalloc'
	@go run ./bench/footprint -frontier build/frontier $(ARGS) $(save)

.PHONY: growth
growth: ## how costs grow with live blocks, goroutines, sizes, threads and free runs (4 minutes); ARGS="-help" lists the flags
	@go run ./bench/growth $(ARGS) $(save)

.PHONY: states
states: ## cmem beside sync.Pool in fresh processes: pairs after other work, a channel, live buffers (6 minutes); ARGS="-only pair"
	@go run ./bench/states $(ARGS) $(save)

.PHONY: vsz
vsz: ## what cgo costs in virtual memory: all examples in all variants; fills docs/vsz.md and its pictures (6 minutes); ARGS="-only ex1"
	@go run ./go/cmd/cmem/internal/vszdocs $(ARGS)

.PHONY: escape
escape: ## what the compiler puts on the stack and what on the heap, and what make, sync.Pool and cmem cost (a minute); ARGS="-count 7"
	@go build -gcflags=-m ./examples/escape 2>&1 | grep -E 'not escape|escapes to|moved to'
	@go test -run '^$$' -bench . -benchmem -benchtime 100ms $(ARGS) ./examples/escape ./examples/escape/breakeven $(save)

.PHONY: bench
bench: ## cmem beside make, pools and other allocators, in one run: tables, JSON, a picture (6 minutes); ARGS="-help" lists the flags
	@for p in libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4; do \
		tests/scripts/install-packages.sh $$p || echo "bench: going on without $$p"; \
	done
	@mkdir -p build
	@go build -C bench/peers -o $(CURDIR)/build/peers .
	@build/peers $(ARGS) $(save)

.PHONY: bench-c
bench-c: $(BENCHES) ## the C API beside glibc, jemalloc, mimalloc and tcmalloc (3 minutes); ARGS="-help" lists workloads and flags
	$(call require,BENCHES,bench/c/bench_*.c)
	@tests/scripts/install-packages.sh libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 || \
		echo 'bench-c: going on without the allocators that are missing'
	@go run ./bench/benchc $(ARGS) $(save)

.PHONY: deps
deps: ## install the Debian packages that tests and demo need, where they are missing
	@command -v go >/dev/null || { echo 'deps: Go 1.24 or later is needed; see https://go.dev' >&2; exit 1; }
	@tests/scripts/install-packages.sh gcc g++ pkg-config libcriterion-dev valgrind clang-format clang-tidy
	@tests/scripts/install-packages.sh musl-tools || echo 'deps: going on without the tests with musl'
	@tests/scripts/install-packages.sh clang libclang-rt-14-dev || \
		echo 'deps: going on without what only tests with clang need'
	@tests/scripts/install-packages.sh memcached strace procps || \
		echo 'deps: going on without what only the demo and the VSZ tables need'
	@tests/scripts/install-packages.sh libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 || \
		echo 'deps: going on without what only the benchmarks preload'

.PHONY: deps-all
deps-all: ## install what only test-all needs
	@tests/scripts/install-packages.sh qemu-user-static gcc-aarch64-linux-gnu gcc-riscv64-linux-gnu \
		libc6-dev-arm64-cross libc6-dev-riscv64-cross || echo 'deps: going on without what only other processors need'

.PHONY: gate
gate: ## what a change costs: benchmarks with this tree's library and with BASE's in turn, ratios and intervals (25 minutes); ARGS="-help"
	@go run ./bench/gate $(ARGS) $(save)

## Release

.PHONY: tidy
tidy: ## go mod tidy in every module (by itself go would ask the proxy for the others)
	@tests/scripts/tidy.sh

.PHONY: release
release: ## one commit and its tags for VERSION=vX.Y.Z, which c/cmem.h has; prints what to push, and pushes nothing
	@go run ./tests/release $(VERSION)

# Variants: one set of flags each. Sanitizers and valgrind see the debug build, with its invariants and lock ranks.

STD := -std=gnu11 -pthread -fvisibility=hidden
STRICT := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wcast-qual -Wcast-align=strict \
	-Wwrite-strings -Wpointer-arith -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wundef -Wvla \
	-Walloca -Wformat=2 -Wimplicit-fallthrough -Wlogical-op -Wduplicated-cond -Wduplicated-branches

# release is what users get: no -Werror, for their compiler may be one that knows more warnings than ours.
CFLAGS_release := -Wall -Wextra $(CFLAGS) -fPIC
CFLAGS_strict := $(STRICT) -O2
CFLAGS_debug := -Og -g -DCMEM_DEBUG=1
CFLAGS_asan := -O1 -g -DCMEM_DEBUG=1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -DCMEM_DEBUG=1 -fsanitize=thread
CFLAGS_valgrind := -O1 -g -DCMEM_DEBUG=1

# What the command line may change: with another compiler or other flags everything is built anew.
build/flags: flags = $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS)
.PHONY: force
build/flags: force
	@mkdir -p $(@D); printf '%s\n' '$(flags)' | cmp -s - $@ || printf '%s\n' '$(flags)' >$@

# $(call variant,NAME): build/NAME/libcmem.a from c/*.c, and build/NAME/PROGRAM from tests/c/PROGRAM.c and that archive.
define variant
build/$1/obj/%.o: c/%.c Makefile build/flags
	$$(call say,CC,$$@)
	$$Qmkdir -p $$(@D)
	$$Q$$(CC) $$(STD) $$(CFLAGS_$1) $$(CPPFLAGS) -MMD -MP -c $$< -o $$@

build/$1/libcmem.a: $(LIB_SRC:c/%.c=build/$1/obj/%.o)
	$$(call say,AR,$$@)
	$$Qrm -f $$@ && $$(AR) rcs $$@ $$^

$(call programs,$1,tests/c)
endef

# $(call programs,NAME,DIRECTORY): build/NAME/PROGRAM from DIRECTORY/PROGRAM.c and that archive.
define programs
build/$1/%: $2/%.c build/$1/libcmem.a Makefile build/flags
	$$(call say,CC,$$@)
	$$Qmkdir -p $$(@D)
	$$Q$$(CC) $$(STD) -Wall -Wextra -Werror $$(CFLAGS_$1) $$(CPPFLAGS) -Ic -Itests/c -MMD -MP -MF $$@.d \
		$$< build/$1/libcmem.a $$(if $$(filter test_%,$$*),-lcriterion) $$(if $$(filter bench_%,$$*),-ldl) -o $$@
endef
$(foreach v,release strict debug asan tsan valgrind,$(eval $(call variant,$v)))
$(eval $(call programs,release,bench/c))

-include $(wildcard build/*/*.d build/*/*/*.d)
