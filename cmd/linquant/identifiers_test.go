package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"linquant/cmd/linquant/internal/text"
)

// An error of the library that names a field or a function names a flag, or nothing, where the command prints it.
func TestMessagesNameNoIdentifiers(t *testing.T) {
	identifier := regexp.MustCompile(`\b(engine|ptq|quant|graph|calib|vision|pipeline|dataset|checkpoint)\.[A-Z]\w+|\b(Override|Config|ImportConfig|ExportConfig|OpenConfig)\b`)
	module, seen := os.DirFS("../.."), 0
	for _, folder := range []string{"calib", "checkpoint", "dataset", "engine", "eval", "graph", "models", "onnx", "pipeline", "ptq", "quant", "vision"} {
		err := fs.WalkDir(module, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "onnxtest") {
				return err
			}
			source, err := fs.ReadFile(module, name)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" {
						return false
					}
				}
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				message, err := strconv.Unquote(lit.Value)
				if err != nil || !strings.Contains(message, " ") {
					return true
				}
				if strings.Contains(message, "%T") && folder != "quant" && folder != "graph" { // which say it of what Go code gives them
					t.Errorf("%s: %q names a type of Go", name, message)
				}
				if !identifier.MatchString(message) {
					return true
				}
				seen++
				if said := text.InFlags(message); identifier.MatchString(said) {
					t.Errorf("%s: %q is shown as %q", name, message, said)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 8 {
		t.Errorf("only %d messages have identifiers: the test has lost sight of them", seen)
	}
}
