#!/usr/bin/env bash
# lib-smoke.sh: installs the library into a scratch root and uses it as a stranger would: a C and a C++ program built
# through pkg-config, against the shared and the static library. Then checks the shared library's name and symbols.
set -euo pipefail

# A make of its own: nothing of the one that may have started this script applies.
unset MAKEFLAGS MFLAGS

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
make install DESTDIR="$root" PREFIX=/usr >/dev/null
lib=$root/usr/lib
so=$lib/libcmem.so

fail() {
    echo "lib-smoke: FAILED: $*" >&2
    exit 1
}

# One source for both languages: it allocates, frees, and holds the header's version against the library's.
cat >"$root/smoke.c" <<'EOF'
#include <cmem.h>

int main(void)
{
    char *p = (char *)cmem_alloc(100000);
    if (p == NULL || cmem_usable_size(p) < 100000)
        return 1;
    p[0] = p[99999] = 1;
    cmem_free(p);
    struct cmem_stats s;
    s.struct_size = sizeof s;
    cmem_stats(&s);
    if (s.live_bytes != 0)
        return 3;
    return cmem_version() == CMEM_VERSION_NUMBER ? 0 : 2;
}
EOF
cp "$root/smoke.c" "$root/smoke.cc"

# The compiler wants the scratch root before the paths of the .pc file, which name the final place.
export PKG_CONFIG_LIBDIR=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
read -ra shared <<<"$(pkg-config --cflags --libs cmem)"
read -ra static <<<"$(pkg-config --static --cflags --libs cmem)"
c=("${CC:-cc}" -std=c99 -pedantic-errors -Wall -Wextra -Werror "$root/smoke.c")
cxx=("${CXX:-c++}" -std=c++11 -pedantic-errors -Wall -Wextra -Werror "$root/smoke.cc")

"${c[@]}" "${shared[@]}" -o "$root/c-shared"
"${c[@]}" -static "${static[@]}" -o "$root/c-static"
"${cxx[@]}" "${shared[@]}" -o "$root/c++-shared"
"${cxx[@]}" -static "${static[@]}" -o "$root/c++-static"
for program in c-shared c-static c++-shared c++-static; do
    LD_LIBRARY_PATH=$lib "$root/$program" || fail "$program returned $?"
done

version=$(pkg-config --modversion cmem)
soname=$(readelf -d "$so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[[ $soname == "libcmem.so.${version%%.*}" ]] || fail "the soname is '$soname'"
readelf -d "$root/c-shared" | grep -qF "[$soname]" || fail "the program does not ask for $soname"
[[ $(readlink -f "$so") == "$lib/libcmem.so.$version" ]] || fail "libcmem.so does not lead to version $version"

# What is exported is what the header declares, neither more nor less.
"${CC:-cc}" -E -P "$root/usr/include/cmem.h" | grep -oE '\bcmem_[a-z0-9_]+ ?\(' | tr -d ' (' | sort -u >"$root/declared"
nm -D --defined-only "$so" | awk '{ print $NF }' | sort -u >"$root/exported"
[[ -s $root/exported ]] || fail 'the library exports nothing'
diff "$root/declared" "$root/exported" >&2 || fail 'declared in cmem.h (<) and exported (>) differ'

# The ABI: tests/scripts/libcmem.abi has each symbol with its kind, and the size of data. A line
# that goes or changes needs a new major version, which is in the soname; a new line is a minor
# version's.
readelf --dyn-syms -W "$so" |
    awk '$7 ~ /^[0-9]+$/ { print $8, $4 ($4 == "OBJECT" ? " " $3 : "") }' | LC_ALL=C sort >"$root/abi"
diff tests/scripts/libcmem.abi "$root/abi" >&2 || fail 'tests/scripts/libcmem.abi (<) and the library (>) differ'

make uninstall DESTDIR="$root" PREFIX=/usr >/dev/null
left=$(find "$root/usr" ! -type d)
[[ -z $left ]] || fail "uninstall left $left"

echo "lib-smoke: 4 programs passed, $(wc -l <"$root/exported") symbols exported as declared" | tee -a build/summary
