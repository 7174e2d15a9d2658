package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Building and linking takes longer than most tests. So a package is built once with all mutants in it: each is a copy of
// its function, and the function calls the copy whose number the environment names.

const (
	numberVariable = "LINQUANT_MUTANT"
	numberFile     = "mutant_number.go"
	numberSource   = `package %s

import (
	"os"
	"strconv"
)

var mutantNumber, _ = strconv.Atoi(os.Getenv("` + numberVariable + `"))
`
)

// A together is a package with mutants in it.
type together struct {
	sources map[string][]byte // what stands for a file, or is beside the files
	owners  map[string][]int  // whose copy the lines of a file are of, by base name: an index of mutants and one, 0 for none
}

// A copied function and the mutants in it.
type copied struct {
	decl    *ast.FuncDecl
	mutants []int
}

// combine makes one package of mutants. Those that it cannot take are left, to be tried one by one: what is in no function
// that has a name, and in functions that recover, which only does it where the deferred function itself calls it.
func combine(mutants []mutant) (t together, left []int, err error) {
	t = together{map[string][]byte{}, map[string][]int{}}
	byFile := map[string][]int{}
	for i, m := range mutants {
		byFile[m.file] = append(byFile[m.file], i)
	}
	for file, indexes := range byFile {
		src, err := os.ReadFile(file)
		if err != nil {
			return t, nil, err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return t, nil, err
		}
		var functions []copied
		for _, d := range f.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Body == nil || fd.Name.Name == "init" || fd.Name.Name == "_" || recovers(fd) {
				continue
			}
			c := copied{decl: fd}
			indexes = slices.DeleteFunc(indexes, func(i int) bool {
				in := mutants[i].from >= fset.Position(fd.Body.Pos()).Offset && mutants[i].to <= fset.Position(fd.Body.End()).Offset
				if in {
					c.mutants = append(c.mutants, i)
				}
				return in
			})
			if len(c.mutants) > 0 {
				functions = append(functions, c)
			}
		}
		left = append(left, indexes...)
		if len(functions) == 0 {
			continue
		}
		w := copier{file: source{fset, src}}
		w.write(functions, mutants)
		t.sources[file], t.owners[filepath.Base(file)] = w.out.Bytes(), w.owners
		t.sources[filepath.Join(filepath.Dir(file), numberFile)] = fmt.Appendf(nil, numberSource, f.Name.Name)
	}
	slices.Sort(left)
	return t, left, nil
}

func recovers(fd *ast.FuncDecl) (found bool) {
	ast.Inspect(fd.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "recover" {
			found = true
		}
		return !found
	})
	return found
}

// place in what the go command says of a file that does not compile.
var place = regexp.MustCompile(`(?m)([^/\\\s]+\.go):(\d+):\d+: `)

// broken returns the mutants that the go command complains of.
func (t together) broken(output []byte) []int {
	var found []int
	for _, m := range place.FindAllSubmatch(output, -1) {
		line, err := strconv.Atoi(string(m[2]))
		if owners := t.owners[string(m[1])]; err == nil && line < len(owners) && owners[line] > 0 {
			found = append(found, owners[line]-1)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// source is the text of a file.
type source struct {
	fset *token.FileSet
	text []byte
}

func (s source) offset(p token.Pos) int       { return s.fset.Position(p).Offset }
func (s source) of(from, to token.Pos) string { return string(s.text[s.offset(from):s.offset(to)]) }

// copier writes a file with copies of functions behind it.
type copier struct {
	file   source
	out    bytes.Buffer
	owners []int // by line, from 1
}

// write keeps the lines of the file, whose functions get the names of copies.
func (w *copier) write(functions []copied, mutants []mutant) {
	at := 0
	for _, c := range functions {
		name := w.file.offset(c.decl.Name.Pos())
		w.out.Write(w.file.text[at:name])
		w.out.WriteString(copyName(0, c.decl))
		at = name + len(c.decl.Name.Name)
	}
	w.out.Write(w.file.text[at:])
	w.out.WriteByte('\n')
	for _, c := range functions {
		w.dispatcher(c)
		for _, i := range c.mutants {
			w.copy(c.decl, i, mutants[i])
		}
	}
	w.mark(0)
}

// mark says whose the lines are that were written since the last time.
func (w *copier) mark(owner int) {
	for n := bytes.Count(w.out.Bytes(), []byte("\n")) + 1; len(w.owners) < n; {
		w.owners = append(w.owners, owner)
	}
}

func copyName(number int, fd *ast.FuncDecl) string {
	return fmt.Sprintf("mutant%d_%s", number, fd.Name.Name)
}

// copy writes the mutant of a function.
func (w *copier) copy(fd *ast.FuncDecl, index int, m mutant) {
	w.mark(0)
	w.out.WriteString(w.file.of(fd.Pos(), fd.Name.Pos()))
	w.out.WriteString(copyName(index+1, fd))
	w.out.Write(w.file.text[w.file.offset(fd.Name.End()):m.from])
	w.out.WriteString(m.with)
	w.out.Write(w.file.text[m.to:w.file.offset(fd.End())])
	w.out.WriteByte('\n')
	w.mark(index + 1)
	w.out.WriteByte('\n')
}

// dispatcher writes the function that calls one of its copies.
func (w *copier) dispatcher(c copied) {
	fd := c.decl
	w.out.WriteString("func ")
	call := ""
	if fd.Recv != nil {
		fmt.Fprintf(&w.out, "(a %s) ", w.typeOf(fd.Recv.List[0]))
		call = "a."
	}
	w.out.WriteString(fd.Name.Name)
	instance := ""
	if p := fd.Type.TypeParams; p != nil {
		w.out.WriteString(w.file.of(p.Opening, p.Closing+1))
		var names []string
		for _, f := range p.List {
			for _, n := range f.Names {
				names = append(names, n.Name)
			}
		}
		instance = "[" + strings.Join(names, ", ") + "]"
	}
	var parameters, arguments, results []string
	for _, f := range fd.Type.Params.List {
		for range max(1, len(f.Names)) {
			a := fmt.Sprintf("a%d", len(arguments))
			parameters = append(parameters, a+" "+w.typeOf(f))
			if _, variadic := f.Type.(*ast.Ellipsis); variadic {
				a += "..."
			}
			arguments = append(arguments, a)
		}
	}
	if fd.Type.Results != nil {
		for _, f := range fd.Type.Results.List {
			for range max(1, len(f.Names)) {
				results = append(results, w.typeOf(f))
			}
		}
	}
	fmt.Fprintf(&w.out, "(%s) (%s) {\n\tswitch mutantNumber {\n", strings.Join(parameters, ", "), strings.Join(results, ", "))
	with := instance + "(" + strings.Join(arguments, ", ") + ")"
	line := func(number int) string {
		s := call + copyName(number, fd) + with
		if len(results) > 0 {
			return "return " + s
		}
		return s + "; return"
	}
	for _, i := range c.mutants {
		fmt.Fprintf(&w.out, "\tcase %d:\n\t\t%s\n", i+1, line(i+1))
	}
	fmt.Fprintf(&w.out, "\t}\n\t%s\n}\n\n", line(0))
}

func (w *copier) typeOf(f *ast.Field) string { return w.file.of(f.Type.Pos(), f.Type.End()) }
