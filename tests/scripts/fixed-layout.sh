#!/usr/bin/env bash
# fixed-layout.sh COMMAND...: runs it without address space randomization where that may be switched off. The
# sanitizers' shadow memory has a fixed place, which the wide random layouts of recent kernels may occupy.
if setarch -R true 2>/dev/null; then
    exec setarch -R "$@"
fi
exec "$@"
