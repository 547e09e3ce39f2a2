//go:build linux

/* lean.c: what package source has, where others find it too. */
#include "source/lean.h"
