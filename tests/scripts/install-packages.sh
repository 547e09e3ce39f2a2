#!/usr/bin/env bash
# install-packages.sh PACKAGE...: installs the Debian packages whose program, header or library is not there yet.
set -euo pipefail

# library NAME: the dynamic linker knows a shared library whose name begins so.
library() {
    [[ $(PATH=$PATH:/sbin:/usr/sbin ldconfig -p) == *"/$1"* ]]
}

# A package counts as there when what it is for is there, so that systems without dpkg can pass.
present() {
    case $1 in
    libcriterion-dev) echo '#include <criterion/criterion.h>' | cc -E - ;;
    musl-tools) command -v musl-gcc ;;
    procps) command -v ps ;;
    libclang-rt-14-dev) echo 'int main(void) { return 0; }' | clang -fsanitize=memory -x c - -o /dev/null ;;
    qemu-user-static) command -v qemu-aarch64-static ;;
    libc6-dev-arm64-cross) [[ -e /usr/aarch64-linux-gnu/include/stdio.h ]] ;;
    libc6-dev-riscv64-cross) [[ -e /usr/riscv64-linux-gnu/include/stdio.h ]] ;;
    gcc-*-linux-gnu) command -v "${1#gcc-}-gcc" ;;
    libjemalloc2) library libjemalloc.so.2 ;;
    libmimalloc2.0) library libmimalloc.so.2 ;;
    libtcmalloc-minimal4) library libtcmalloc_minimal.so.4 ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

missing=()
for package; do
    present "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

give_up() {
    echo "deps: $1; missing: ${missing[*]}" >&2
    exit 1
}

command -v apt-get >/dev/null || give_up "no apt-get here: install by your system's own means"
root=()
if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || give_up 'neither root nor sudo'
    root=(sudo)
fi

echo "deps: installing ${missing[*]}"
# A failed update is not the end: the lists that are there may do.
"${root[@]}" apt-get -qq update || true
"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null || give_up 'apt-get cannot install them'
