// Package reads finds the attributes that source code reads by name, for tests that hold them to a table of operators: a
// misspelt name is found there and not by who runs it.
package reads

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"linquant/graph"
)

// kinds are what the methods of a node read that take the name of an attribute.
var kinds = map[string]graph.Kind{
	"Int": graph.KindInt, "Float": graph.KindFloat, "Str": graph.KindString, "Ints": graph.KindInts, "Floats": graph.KindFloats,
}

// Check fails the test for every attribute that a file below root, tests apart, reads by a literal name and none of the
// rows has with that kind, and unless there are as many reads as it should find at least. Files below skip ("" for none)
// are left out.
func Check(t *testing.T, root, skip string, rows []*graph.Operator, least int) {
	t.Helper()
	type attribute struct {
		name string
		kind graph.Kind
	}
	known, found := map[attribute]bool{}, 0
	for _, o := range rows {
		for _, a := range o.Attrs {
			known[attribute{a.Name, a.Kind}] = true
		}
	}
	visit := func(files *token.FileSet, n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return
		}
		kind, reading := kinds[method.Sel.Name]
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok || !reading || literal.Kind != token.STRING {
			return
		}
		found++
		if name, err := strconv.Unquote(literal.Value); err != nil || !known[attribute{name, kind}] {
			t.Errorf("%v: no operator has an attribute %s that is %v", files.Position(call.Pos()), literal.Value, kind)
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skip != "" && path == skip:
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool { visit(files, n); return true })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < least {
		t.Errorf("%d reads found in %s: the test looks in the wrong place", found, root)
	}
}
