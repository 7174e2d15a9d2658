package graph_test

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

// Every attribute that the code of the module reads by name, with Node.Int and the like, is one of an operator, of that
// kind: a misspelt name is found here and not by who runs it.
func TestAttributeReads(t *testing.T) {
	kinds := map[string]graph.Kind{
		"Int": graph.KindInt, "Float": graph.KindFloat, "Str": graph.KindString, "Ints": graph.KindInts, "Floats": graph.KindFloats,
	}
	type attribute struct {
		name string
		kind graph.Kind
	}
	known, reads := map[attribute]bool{}, 0
	for _, o := range graph.Operators() {
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
		reads++
		if name, err := strconv.Unquote(literal.Value); err != nil || !known[attribute{name, kind}] {
			t.Errorf("%v: no operator has an attribute %s that is %v", files.Position(call.Pos()), literal.Value, kind)
		}
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		// Operators that files alone have are rows of package onnx, which checks its reads itself.
		if strings.HasPrefix(path, filepath.Join("..", "onnx")) {
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
	if reads < 50 {
		t.Errorf("%d reads found: the test looks in the wrong place", reads)
	}
}
