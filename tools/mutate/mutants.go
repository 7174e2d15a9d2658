package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
)

// A mutant replaces the bytes [from, to) of a file.
type mutant struct {
	file         string
	line, column int
	from, to     int
	with         string
	what         string // such as "< is now <="
}

// place returns where a mutant is, such as /path/roles.go:157.
func (m mutant) place() string { return fmt.Sprintf("%s:%d", m.file, m.line) }

// operators are what stands for an operator in its mutant.
var operators = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
	token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND, token.LAND: token.LOR, token.LOR: token.LAND,
	token.INC: token.DEC, token.DEC: token.INC,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.MUL_ASSIGN: token.QUO_ASSIGN,
	token.OR_ASSIGN: token.AND_ASSIGN, token.AND_ASSIGN: token.OR_ASSIGN,
}

// mutate returns all mutants of a file, in the order of the file.
func mutate(file string) ([]mutant, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	m := mutator{file: file, src: src, fset: fset}
	ast.Inspect(f, m.visit)
	return m.found, nil
}

type mutator struct {
	file  string
	src   []byte
	fset  *token.FileSet
	found []mutant
}

func (m *mutator) add(from, to token.Pos, with, what string) {
	at := m.fset.Position(from)
	m.found = append(m.found, mutant{m.file, at.Line, at.Column, at.Offset, m.fset.Position(to).Offset, with, what})
}

// swap mutates the operator at pos.
func (m *mutator) swap(pos token.Pos, op token.Token) {
	if other, ok := operators[op]; ok {
		m.add(pos, pos+token.Pos(len(op.String())), other.String(), fmt.Sprintf("%s is now %s", op, other))
	}
}

// visit leaves out what is no code that runs: imports, types, tags, and errors, whose text may say anything.
func (m *mutator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.TypeSpec, *ast.Field:
		return false
	case *ast.BinaryExpr:
		if !text(n.X) && !text(n.Y) {
			m.swap(n.OpPos, n.Op)
		}
	case *ast.IncDecStmt:
		m.swap(n.TokPos, n.Tok)
	case *ast.AssignStmt:
		m.swap(n.TokPos, n.Tok)
		if n.Tok == token.ASSIGN && len(n.Lhs) == 1 {
			m.add(n.Lhs[0].Pos(), n.Lhs[0].End(), "_", "an assignment is gone")
		}
	case *ast.UnaryExpr:
		switch n.Op {
		case token.NOT:
			m.add(n.OpPos, n.OpPos+1, "", "! is gone")
		case token.SUB:
			m.add(n.OpPos, n.OpPos+1, "+", "- is now +")
		}
	case *ast.Ident:
		switch n.Name {
		case "true":
			m.add(n.Pos(), n.End(), "false", "true is now false")
		case "false":
			m.add(n.Pos(), n.End(), "true", "false is now true")
		}
	case *ast.BasicLit:
		if v, err := strconv.ParseInt(n.Value, 0, 32); n.Kind == token.INT && err == nil {
			m.add(n.Pos(), n.End(), strconv.FormatInt(v+1, 10), fmt.Sprintf("%s is now %d", n.Value, v+1))
		}
	case *ast.ExprStmt:
		if _, ok := n.X.(*ast.CallExpr); ok {
			m.add(n.Pos(), n.End(), "", "a call is gone")
		}
	case *ast.IfStmt:
		if n.Init == nil {
			m.add(n.Cond.Pos(), n.Cond.End(), "("+m.source(n.Cond)+") && false", "a condition never holds")
		}
	case *ast.BranchStmt:
		if n.Label == nil && n.Tok == token.CONTINUE {
			m.add(n.Pos(), n.End(), "break", "continue is now break")
		}
	}
	return true
}

func (m *mutator) source(n ast.Node) string {
	return string(m.src[m.fset.Position(n.Pos()).Offset:m.fset.Position(n.End()).Offset])
}

// text reports whether an operand is a string, as far as can be seen.
func text(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return text(e.X) || text(e.Y)
	}
	return false
}
