//go:build !(cgo && linux && (amd64 || arm64 || riscv64)) || race

package cmem

import "testing"

// offHeap: whether blocks are C memory.
const offHeap = false

const notLive = "double free or foreign pointer: no live block of cmem starts there"

var texts = misuseTexts{
	double:  func(int) string { return notLive },
	noBlock: notLive,
	foreign: notLive,
	live:    interiorOfLive,
	owned:   ownedText,
	free:    func(int, int, uintptr) string { return notLive },
}

func checkCaches(*testing.T) {}

func mostUsable(n int) int { return usableBound(n) }
