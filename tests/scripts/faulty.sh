# faulty.sh: for the tests/places scripts that run faulty.c under a tool. They set `under` to the
# command that runs a program so, and `dir` is theirs.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
under=(tests/scripts/fixed-layout.sh)

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# works COMPILER FLAG...: the compiler is there, with what it needs for the flags.
works() {
    echo 'int main(void) { return 0; }' >"$dir/empty.c"
    "$1" "${@:2}" "$dir/empty.c" -o "$dir/empty" 2>/dev/null && "${under[@]}" "$dir/empty" >/dev/null 2>&1
}

# build COMPILER FLAG...: the program, with the library that the flags name.
build() {
    built="$*"
    $1 -g -O1 -Ic tests/places/faulty.c "${@:2}" -pthread -ldl -o "$dir/faulty"
}
static=build/lib/libcmem.a
shared=(-Lbuild/lib "-Wl,-rpath,$PWD/build/lib" -lcmem)
loaded="-DWITH_DLOPEN=\"$PWD/build/lib/libcmem.so\""

# passes: the correct program ends well, and the tool says nothing.
passes() {
    local status=0
    "${under[@]}" "$dir/faulty" none 100 >"$dir/out" 2>&1 || status=$?
    [[ $status -eq 0 && ! -s $dir/out ]] && return
    cat "$dir/out"
    fail "exit status $status of the correct program ($built)"
}

# reports REGEX FAULT BYTES: the program with this fault fails with such a report.
reports() {
    local status=0
    { "${under[@]}" "$dir/faulty" "$2" "$3" >"$dir/out" 2>&1 || status=$?; } 2>/dev/null # the shell tells of an abort
    [[ $status -ne 0 ]] && grep -q -e "$1" "$dir/out" && return
    cat "$dir/out"
    fail "$2 of $3 bytes: exit status $status, or no report like '$1' ($built)"
}
