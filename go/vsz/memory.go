package vsz

import (
	"encoding/binary"
	"os"
	"strconv"
)

// memory is a process's memory, read from outside. It says more than smaps does about what a mapping is: which pointers
// lead there, what its first words are. Its zero value reads nothing.
type memory struct {
	mem     reader // /proc/PID/mem
	pagemap reader // /proc/PID/pagemap
	bits32  bool   // the process's words have 4 bytes
}

// A reader is what memory needs of a file. Addresses are below 2^63.
type reader interface {
	ReadAt(p []byte, off int64) (int, error)
}

// openMemory opens what may be opened: reading another's memory takes more rights than reading its smaps.
func openMemory(pid int) (memory, func()) {
	var m memory
	var files []*os.File
	open := func(name string) reader {
		f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/" + name)
		if err != nil {
			return nil
		}
		files = append(files, f)
		return f
	}
	m.mem, m.pagemap = open("mem"), open("pagemap")
	return m, func() {
		for _, f := range files {
			f.Close()
		}
	}
}

// wordSize is the size of a word of a 64-bit process, and of the kernel's.
const wordSize = 8

func (m memory) wordSize() uint64 {
	if m.bits32 {
		return wordSize / 2
	}
	return wordSize
}

// decode reads the word at the beginning of b.
func (m memory) decode(b []byte) uint64 {
	if m.bits32 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

var pageSize = uint64(os.Getpagesize())

// word reads the word at address a, a multiple of its size. It returns false where they cannot be
// read. A page that has no memory behind it is not touched: it reads as 0.
func (m memory) word(a uint64) (uint64, bool) {
	var b [wordSize]byte
	if m.mem == nil {
		return 0, false
	}
	there := false
	size := m.wordSize()
	m.present(a, a+size, func(uint64) bool {
		there = true
		return false
	})
	if !there {
		return 0, true
	}
	if _, err := m.mem.ReadAt(b[:size], int64(a)); err != nil {
		return 0, false
	}
	return m.decode(b[:]), true
}

// words calls f with the words of [start, end) that are not 0. Pages without memory behind them are
// passed over: to read them would give the process page tables for them.
func (m memory) words(start, end uint64, f func(addr, word uint64)) {
	if m.mem == nil {
		return
	}
	page := make([]byte, pageSize)
	m.present(start, end, func(a uint64) bool {
		if _, err := m.mem.ReadAt(page, int64(a)); err != nil {
			return true // gone meanwhile
		}
		for i := uint64(0); i < pageSize; i += m.wordSize() {
			if a+i < start || a+i >= end {
				continue
			}
			if w := m.decode(page[i:]); w != 0 {
				f(a+i, w)
			}
		}
		return true
	})
}

// Bits of a page's entry in pagemap: see the kernel's Documentation/admin-guide/mm/pagemap.rst.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
)

// present calls f with the address of each page that touches [start, end) and is in memory or swapped out, until it
// returns false. Where the kernel does not say, that is every page.
func (m memory) present(start, end uint64, f func(page uint64) bool) {
	m.pages(start, end, func(page, entry uint64, known bool) bool {
		return known && entry&(pagePresent|pageSwapped) == 0 || f(page)
	})
}

// residentKiB counts the pages that touch [start, end) and are in memory; false where the kernel does not say.
func (m memory) residentKiB(start, end uint64) (kib uint64, known bool) {
	known = true
	m.pages(start, end, func(_, entry uint64, k bool) bool {
		if entry&pagePresent != 0 {
			kib += pageSize >> 10
		}
		known = known && k
		return known
	})
	return kib, known
}

// pages calls f with the address of each page that touches [start, end) and its entry in pagemap, until it returns
// false. The entry is 0 and not known where the kernel does not say.
func (m memory) pages(start, end uint64, f func(page, entry uint64, known bool) bool) {
	const batch = 512
	var entries [batch * wordSize]byte
	for a := start &^ (pageSize - 1); a < end; a += batch * pageSize {
		n := min((end-a+pageSize-1)/pageSize, batch)
		known := false
		if m.pagemap != nil {
			_, err := m.pagemap.ReadAt(entries[:n*wordSize], int64(a/pageSize*wordSize))
			known = err == nil
		}
		for i := range n {
			var entry uint64
			if known {
				entry = binary.NativeEndian.Uint64(entries[i*wordSize:])
			}
			if !f(a+i*pageSize, entry, known) {
				return
			}
		}
	}
}
