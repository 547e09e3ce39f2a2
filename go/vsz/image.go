package vsz

import (
	"debug/elf"
	"path/filepath"
	"strings"
)

// An image is what a process maps of an ELF file, executable or library.
type image struct {
	file  *elf.File
	bias  uint64 // added to the file's addresses
	start uint64 // of its lowest mapping
}

// openImage opens the ELF file at path of which the process has these mappings. The error of a file that is no ELF file
// is that of elf.Open.
func openImage(path string, vmas []vma) (*image, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	im := &image{file: f, start: vmas[0].start}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		for _, v := range vmas {
			if v.offset == p.Off&^(pageSize-1) {
				im.bias = v.start - p.Vaddr&^(pageSize-1)
				return im, nil
			}
		}
	}
	return im, nil
}

// zeroed returns the pages that the loader adds zeroed behind the file's: .bss.
func (im *image) zeroed() []span {
	var all []span
	for _, p := range im.file.Progs {
		if p.Type != elf.PT_LOAD || p.Memsz <= p.Filesz {
			continue
		}
		s := span{pageUp(im.bias + p.Vaddr + p.Filesz), pageUp(im.bias + p.Vaddr + p.Memsz)}
		if s.end > s.start {
			all = append(all, s)
		}
	}
	return all
}

// variables returns where the data symbols are whose name keep likes. Of a stripped file that is nowhere.
func (im *image) variables(keep func(name string) bool) map[string]span {
	all := make(map[string]span)
	symbols, err := im.file.Symbols()
	if err != nil {
		return all
	}
	for _, s := range symbols {
		if s.Size > 0 && keep(s.Name) && im.isWritable(s.Section) {
			all[s.Name] = span{im.bias + s.Value, im.bias + s.Value + s.Size}
		}
	}
	return all
}

func (im *image) isWritable(i elf.SectionIndex) bool {
	return int(i) < len(im.file.Sections) && im.file.Sections[i].Flags&elf.SHF_WRITE != 0
}

// writable returns where the file's variables are.
func (im *image) writable() []span {
	var all []span
	for _, p := range im.file.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_W != 0 {
			all = append(all, span{im.bias + p.Vaddr, im.bias + p.Vaddr + p.Memsz})
		}
	}
	return all
}

func (im *image) close() { im.file.Close() }

// A span is a range of addresses.
type span struct{ start, end uint64 }

func (s span) size() uint64           { return s.end - s.start }
func (s span) contains(a uint64) bool { return s.start <= a && a < s.end }

func pageUp(a uint64) uint64 { return (a + pageSize - 1) &^ (pageSize - 1) }

// linkage tells how an executable is linked, and the shared libraries it names. A loader that loads nothing else is
// listed, for it is mapped all the same.
func linkage(f *elf.File) (linked string, libs []string, err error) {
	libs, err = f.ImportedLibraries()
	if err != nil {
		return "", nil, err
	}
	loader := ""
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		path := make([]byte, p.Filesz)
		if _, err := p.ReadAt(path, 0); err != nil {
			return "", nil, err
		}
		loader = filepath.Base(strings.TrimRight(string(path), "\x00"))
	}
	pie := f.Type == elf.ET_DYN
	switch {
	case loader != "" && len(libs) == 0:
		libs = []string{loader}
		fallthrough
	case loader != "":
		linked = "dynamic"
		if pie {
			linked = "pie"
		}
	case pie:
		linked = "static-pie"
	default:
		linked = "static"
	}
	return linked, libs, nil
}
