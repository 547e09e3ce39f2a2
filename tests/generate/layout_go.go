package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// template is the input of cgo -godefs.
//
//go:embed layout.go
var template string

// fields are those of which cgo -godefs tells too little, by its names: it strips prefixes, and
// takes each integer type for one of a fixed size and each union for bytes. The rest gets Go's
// spelling: npages would be Npages, prev_free PrevFree.
var fields = map[string]string{
	"Entry.Block":    "Block uintptr",
	"Cache.Since":    "ActiveSince uint64",
	"Cache.Share":    "Share",
	"Cache.Reserved": "_ [3]uint32",
	"Share.Trips":    "Trips Trips",
	"Trip.Trips":     "Trips Trips",
	"Trip.Reserved":  "_ uint32",
	"Trip.Block":     "Block uintptr",
	"Trip.E":         "E [MaxMagazine]Entry",
	"Cache.Mag":      "Mag [NumClasses]Magazine",
	"Cache.Low":      "Low [NumClasses]uint8",
	"Cache.Made":     "Made [(NumClasses + 63) / 64]uint64",
	"Transfer.E":     "E [TransferBlocks]Entry",
	"Leaf.Page":      "Page [LeafPages]uintptr",
	"Leaf.Root":      "Root uintptr",
	"Span.Base":      "Base uintptr",
	"Span.Npages":    "NPages uintptr",
	"Span.Cls":       "Class uint8",
	"Span.Nblocks":   "NBlocks uint16",
	"Stats.By_size":  "BySize [NumClasses]ClassStats",
}

// lasts are the last fields of the structures whose head is all that Go knows.
var lasts = map[string]string{"Span": "Nblocks"}

// A layout is what cgo -godefs makes of the template.
type layout struct {
	preamble string            // the template's C
	value    map[string]string // of constants
	fields   map[string][]*ast.Field
	compiled *types.Package
}

func readLayout(root string, cc compiler) (*layout, error) {
	text, err := godefs(root, cc)
	if err != nil {
		return nil, err
	}
	// Structures that it has no name for: that they are words is good enough for the offsets of the
	// fields before them.
	for _, name := range regexp.MustCompile(`\b_Ctype_struct_\w+`).FindAllString(text, -1) {
		if !strings.Contains(text, "type "+name+" ") {
			text += "type " + name + " uint64\n"
		}
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "godefs", text, 0)
	if err != nil {
		return nil, err
	}
	l := &layout{value: map[string]string{}, fields: map[string][]*ast.Field{}}
	if l.compiled, err = (&types.Config{}).Check("c", fset, []*ast.File{file}, nil); err != nil {
		return nil, err
	}
	_, l.preamble, _ = strings.Cut(template, "/*\n")
	l.preamble, _, _ = strings.Cut(l.preamble, "*/\n")
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok {
				l.fields[n.Name.Name] = s.Fields.List
			}
		case *ast.ValueSpec:
			l.value[n.Names[0].Name] = l.compiled.Scope().Lookup(n.Names[0].Name).(*types.Const).Val().ExactString()
		}
		return true
	})
	return l, nil
}

func godefs(root string, cc compiler) (string, error) {
	dir, err := os.MkdirTemp("", "cmem-generate-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "layout.go"), []byte(template), 0o666); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "tool", "cgo", "-godefs", "-objdir", dir, "--")
	cmd.Args = append(append(cmd.Args, flags(root)...), "layout.go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CC="+cc.cc, "GOOS=linux", "GOARCH="+cc.arch, "GOFLAGS=", "GOWORK=off", "PWD="+dir)
	return output(cmd)
}

// goFile is package c's file: the template with what cgo -godefs found in the place of C's names.
func (l *layout) goFile() ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "layout.go", template, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	out := &strings.Builder{}
	out.WriteString(generated + "//go:build linux && (amd64 || arm64 || riscv64)\n\npackage c\n")
	for _, decl := range file.Decls[1:] { // the first one imports C
		d := decl.(*ast.GenDecl)
		fmt.Fprintf(out, "\n%s%s (\n", comment(d.Doc), d.Tok)
		end := 0
		for _, spec := range d.Specs {
			if line := fset.Position(spec.Pos()).Line; end != 0 && line > end+1 {
				out.WriteString("\n")
			}
			end = fset.Position(spec.End()).Line
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				name := spec.Names[0].Name
				fmt.Fprintf(out, "%s = %s", name, number(l.value[name]))
				if spec.Comment != nil {
					out.WriteString(" " + comment(spec.Comment))
				} else {
					out.WriteString("\n")
				}
			case *ast.TypeSpec:
				fmt.Fprintf(out, "%s%s struct {\n%s}\n\n", comment(spec.Doc), spec.Name, l.structOf(spec.Name.Name))
			}
		}
		out.WriteString(")\n")
	}
	text, err := format.Source([]byte(out.String()))
	if err != nil {
		return nil, err
	}
	return text, l.check(text)
}

// structOf is the fields of a structure.
func (l *layout) structOf(name string) string {
	out := &strings.Builder{}
	for _, f := range l.fields[name] {
		field := f.Names[0].Name
		if text, ok := fields[name+"."+field]; ok {
			out.WriteString(text + "\n")
		} else {
			typ := goType(f.Type)
			out.WriteString(goName(field, typ) + " " + typ + "\n")
		}
		if field == lasts[name] {
			break
		}
	}
	return out.String()
}

// goName is a field's name in Go: none where it is room that the compiler or somebody left.
func goName(name string, typ string) string {
	if strings.HasSuffix(typ, "]byte") {
		return "_"
	}
	out := ""
	for _, word := range strings.Split(name, "_") {
		out += strings.ToUpper(word[:1]) + word[1:]
	}
	return out
}

// goType is a type, as text. C's char is int8 on some machines and uint8 on others.
func goType(typ ast.Expr) string {
	if _, ok := typ.(*ast.StarExpr); ok {
		return "uintptr"
	}
	out := &strings.Builder{}
	printer.Fprint(out, token.NewFileSet(), typ)
	return regexp.MustCompile(`\]u?int8$`).ReplaceAllString(out.String(), "]byte")
}

// check compares the place and the size of all fields in package c's file with those of cgo
// -godefs, which are the C compiler's. (binding.go compares the sizes of the structures whenever it
// is compiled.)
func (l *layout) check(text []byte) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "layout.go", text, 0)
	if err != nil {
		return err
	}
	pkg, err := (&types.Config{}).Check("c", fset, []*ast.File{file}, nil)
	if err != nil {
		return err
	}
	for name := range l.fields {
		if obj := pkg.Scope().Lookup(name); obj != nil {
			ours, theirs := places(obj), places(l.compiled.Scope().Lookup(name))
			if len(ours) != len(theirs) && lasts[name] == "" {
				return fmt.Errorf("%s has %d fields in Go, %d in C", name, len(ours), len(theirs))
			}
			for i, f := range ours {
				if f.offset != theirs[i].offset || f.size != theirs[i].size && !theirs[i].unknown {
					return fmt.Errorf("%s.%s is %d bytes at %d in Go, %d at %d in C",
						name, f.name, f.size, f.offset, theirs[i].size, theirs[i].offset)
				}
			}
		}
	}
	return nil
}

// A place is a field's. It is unknown how large one is of a structure that cgo -godefs had no name
// for.
type place struct {
	name         string
	offset, size int64
	unknown      bool
}

// places are those of a structure's fields. All machines that libcmem is for have amd64's sizes.
func places(structure types.Object) (list []place) {
	sizes := types.SizesFor("gc", "amd64")
	s := structure.Type().Underlying().(*types.Struct)
	var vars []*types.Var
	for i := range s.NumFields() {
		vars = append(vars, s.Field(i))
	}
	for i, offset := range sizes.Offsetsof(vars) {
		typ := vars[i].Type()
		unknown := strings.Contains(typ.String(), "_Ctype_struct")
		list = append(list, place{vars[i].Name(), offset, sizes.Sizeof(typ), unknown})
	}
	return list
}

// vszFile is package vsz's file.
func (l *layout) vszFile() ([]byte, error) {
	leaf := l.compiled.Scope().Lookup("Leaf").Type()
	out := generated + `package vsz

// cmem's pagemap.
const (
	cmemRoots = ` + number(l.value["RootLen"]) + `
	cmemLeafShift = ` + l.value["LeafShift"] + `
	cmemPageShift = ` + l.value["PageShift"] + `
	cmemLeafPages = ` + number(l.value["LeafPages"]) + `
	cmemLeafSize = ` + fmt.Sprint(types.SizesFor("gc", "amd64").Sizeof(leaf)) + `
)
`
	return format.Source([]byte(out))
}

// number is a constant as people write it: 16 << 20.
func number(decimal string) string {
	n, err := strconv.ParseUint(decimal, 10, 64)
	switch {
	case err != nil:
		return decimal
	case n > 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%d << 20", n>>20)
	case n >= 16<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d << 10", n>>10)
	}
	return decimal
}

func comment(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return "// " + strings.ReplaceAll(strings.TrimSpace(c.Text()), "\n", "\n// ") + "\n"
}
