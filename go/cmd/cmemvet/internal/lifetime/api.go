package lifetime

import (
	"go/types"
	"slices"
	"strings"
)

// A role is what a function does to the lifetime of memory.
type role uint8

const (
	unknownRole    role = iota
	allocates           // its first result is a buffer, the caller's
	frees               // its first argument is freed
	reallocates         // its first argument is freed, its result is a buffer, the caller's
	attaches            // its second argument is somebody else's from then on, and is to be the start of a buffer
	inspects            // its first argument is to be the start of a live buffer, and stays what it is
	asksOwner           // the same, but it only asks: true if the argument is the start of a live buffer
	makesHandle         // its result is a handle, which lends bytes
	lends               // its result are bytes of the receiver, a handle or an arena
	uses                // the receiver, a handle or an arena, is to be live
	resetsViews         // the receiver, an arena, takes back what it has lent
	releases            // the receiver, a handle or an arena, is freed; a second time does nothing
	borrows             // its arguments are not kept
	getsFromPool        // sync.Pool.Get
	putsToPool          // sync.Pool.Put
	readsBuffer         // the receiver is used, and lends its bytes: bytes.Buffer.Bytes
	wraps               // its result reads what one of its arguments has: bytes.NewReader
	changesNothing      // the receiver is used, and goes on lending what it has lent: bytes.Buffer.Reset
)

const cmemPath = "github.com/gocmem/cmem/cmem"

// roles has every function that allocates, frees or lends, by types.Func.FullName. A new one is a
// line here.
var roles = map[string]role{
	cmemPath + ".Alloc":          allocates,
	cmemPath + ".AllocZeroed":    allocates,
	cmemPath + ".AllocAligned":   allocates,
	cmemPath + ".AllocSlice":     allocates,
	cmemPath + ".TryAlloc":       allocates,
	cmemPath + ".TryAllocZeroed": allocates,
	cmemPath + ".Realloc":        reallocates,
	cmemPath + ".Free":           frees,
	cmemPath + ".FreeSlice":      frees,
	cmemPath + ".Usable":         inspects,
	cmemPath + ".Owns":           asksOwner,
	cmemPath + ".Attach":         attaches,

	cmemPath + ".New":                 makesHandle,
	"(" + cmemPath + ".Buffer).Bytes": lends,
	"(" + cmemPath + ".Buffer).Len":   uses,
	"(" + cmemPath + ".Buffer).Free":  releases,

	cmemPath + ".NewArena":           makesHandle,
	"(" + cmemPath + ".Arena).Alloc": lends,
	"(" + cmemPath + ".Arena).Len":   uses,
	"(" + cmemPath + ".Arena).Reset": resetsViews,
	"(" + cmemPath + ".Arena).Free":  releases,

	"(*" + cmemPath + "/buf.Buffer).Bytes": lends,
	"(*" + cmemPath + "/buf.Buffer).Free":  releases,
	"(" + cmemPath + "/buf.Buffer).Bytes":  lends,
	"(" + cmemPath + "/buf.Buffer).Free":   releases,

	cmemPath + "/raw.Alloc": allocates,
	cmemPath + "/raw.Free":  frees,

	"(*sync.Pool).Get": getsFromPool,
	"(*sync.Pool).Put": putsToPool,

	"(*bytes.Buffer).Bytes":    readsBuffer,
	"(*bytes.Buffer).Reset":    changesNothing,
	"(*bytes.Buffer).Truncate": changesNothing,
	"(*bytes.Buffer).Len":      changesNothing,
	"(*bytes.Buffer).Cap":      changesNothing,

	"bytes.NewReader":     wraps,
	"bytes.NewBuffer":     wraps,
	"bufio.NewReader":     wraps,
	"bufio.NewReaderSize": wraps,
	"bufio.NewScanner":    wraps,
	"io.LimitReader":      wraps,
	"io.MultiReader":      wraps,
	"io.NewSectionReader": wraps,
	"io.NopCloser":        wraps,
	"io.TeeReader":        wraps,

	"io.Copy":                    borrows,
	"io.CopyBuffer":              borrows,
	"io.CopyN":                   borrows,
	"io.ReadAll":                 borrows,
	"runtime.KeepAlive":          borrows,
	"encoding/json.Unmarshal":    borrows,
	"encoding/json.Valid":        borrows,
	"encoding/json.Compact":      borrows,
	"encoding/json.Indent":       borrows,
	"encoding/xml.Unmarshal":     borrows,
	"os.WriteFile":               borrows,
	"encoding/binary.Read":       borrows,
	"encoding/binary.Write":      borrows,
	"net/http.DetectContentType": borrows,
}

// borrowing are packages none of whose functions keeps an argument.
var borrowing = map[string]bool{
	"fmt": true, "log": true, "testing": true, "regexp": true, "hash/crc32": true, "hash/crc64": true,
	"hash/maphash": true,
	"crypto/md5":   true, "crypto/sha1": true, "crypto/sha256": true, "crypto/sha512": true, "crypto/subtle": true,
	"crypto/rand": true, "math/rand": true, "math/rand/v2": true, "encoding/hex": true, "encoding/base64": true,
	"encoding/binary": true, "unicode/utf8": true, "syscall": true, "golang.org/x/sys/unix": true,
}

// borrowingMethods must not keep the bytes that they are given: the interfaces of the standard
// library that have them say so (io.Reader, io.Writer, net.PacketConn, cipher.Block, cipher.Stream,
// encoding.BinaryUnmarshaler and so on).
var borrowingMethods = map[string]bool{
	"Read": true, "Write": true, "ReadAt": true, "WriteAt": true, "ReadFrom": true, "WriteTo": true, "ReadFull": true,
	"ReadFromUDP": true, "WriteToUDP": true, "ReadMsgUDP": true, "WriteMsgUDP": true, "ReadFromUDPAddrPort": true,
	"WriteToUDPAddrPort": true,
	"Encrypt":            true, "Decrypt": true, "XORKeyStream": true, "CryptBlocks": true,
	"Uint16": true, "Uint32": true, "Uint64": true, "PutUint16": true, "PutUint32": true, "PutUint64": true,
	"UnmarshalBinary": true, "UnmarshalText": true, "UnmarshalJSON": true,
}

// roleOf is what a function does, by the table.
func (c *checker) roleOf(fn *types.Func) role {
	if fn == nil {
		return unknownRole
	}
	fn = fn.Origin()
	r, ok := c.roles[fn]
	if !ok {
		r = tableRole(fn)
		c.roles[fn] = r
	}
	return r
}

func tableRole(fn *types.Func) role {
	pkg := fn.Pkg()
	if pkg == nil {
		return unknownRole
	}
	path := pkgPath(pkg)
	if path == cmemPath || strings.HasPrefix(path, cmemPath+"/") || path == "sync" || path == "bytes" {
		r := roles[strings.ReplaceAll(fn.FullName(), pkg.Path(), path)]
		if r == unknownRole && path == "bytes" && fn.Signature().Recv() != nil {
			return borrows
		}
		return r
	}
	if r := roles[fn.FullName()]; r != unknownRole {
		return r
	}
	if borrowing[path] || path == "bufio" && fn.Signature().Recv() != nil || borrowsByContract(fn) {
		return borrows
	}
	return unknownRole
}

func borrowsByContract(fn *types.Func) bool {
	if !borrowingMethods[fn.Name()] {
		return false
	}
	params := fn.Signature().Params()
	return params.Len() > 0 && isBytes(params.At(0).Type())
}

// appends tells whether a function of this name appends to its first argument and returns the
// result, which the facts about a function with a body would say too: it is for methods of
// interfaces.
func appends(fn *types.Func) bool {
	sig := fn.Signature()
	return (strings.HasPrefix(fn.Name(), "Append") || slices.Contains([]string{"Sum", "Seal", "Open"}, fn.Name())) &&
		sig.Params().Len() > 0 && isBytes(sig.Params().At(0).Type()) &&
		sig.Results().Len() > 0 && isBytes(sig.Results().At(0).Type())
}

func isBytes(t types.Type) bool {
	if t == nil {
		return false
	}
	s, ok := t.Underlying().(*types.Slice)
	if !ok {
		return false
	}
	e, ok := s.Elem().Underlying().(*types.Basic)
	return ok && e.Kind() == types.Byte
}

// pkgPath is the import path, without what go vet adds to that of a package's test variant.
func pkgPath(pkg *types.Package) string {
	path, _, _ := strings.Cut(pkg.Path(), " ")
	return path
}

// kindOfType is what a variable of this type holds, as far as the type tells.
func kindOfType(t types.Type) kind {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return given
	}
	switch path := pkgPath(n.Obj().Pkg()); {
	case path == cmemPath && n.Obj().Name() == "Buffer", path == cmemPath+"/buf" && n.Obj().Name() == "Buffer":
		return handle
	case path == cmemPath && n.Obj().Name() == "Arena":
		return arena
	}
	return given
}
