package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// types are the structs and methods that templates can reach, as they are
// declared. The package itself may not compile before the file is made.
type types struct {
	structs map[string]*ast.StructType
	methods map[string]ast.Expr // the one result of "type.method"
}

func readTypes(folder string) (*types, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	t := &types{map[string]*ast.StructType{}, map[string]ast.Expr{}}
	for _, path := range paths {
		if filepath.Base(path) == out || strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			t.declared(d)
		}
	}
	return t, nil
}

func (t *types) declared(d ast.Decl) {
	switch d := d.(type) {
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok {
				if st, ok := s.Type.(*ast.StructType); ok {
					t.structs[s.Name.Name] = st
				}
			}
		}
	case *ast.FuncDecl:
		if d.Recv != nil && d.Type.Results.NumFields() == 1 {
			t.methods[name(d.Recv.List[0].Type)+"."+d.Name.Name] = d.Type.Results.List[0].Type
		}
	}
}

// field returns the type of what a template calls .name of a value of type of, and
// whether it is a method.
func (t *types) field(of ast.Expr, field string) (typ ast.Expr, method bool, err error) {
	s := t.structs[name(of)]
	if s == nil {
		return nil, false, fmt.Errorf("%s is no struct", name(of))
	}
	for _, f := range s.Fields.List {
		for _, n := range f.Names {
			if n.Name == field {
				return f.Type, false, nil
			}
		}
	}
	if typ, ok := t.methods[name(of)+"."+field]; ok {
		return typ, true, nil
	}
	for _, f := range s.Fields.List {
		if len(f.Names) == 0 { // embedded
			if typ, method, err := t.field(f.Type, field); err == nil {
				return typ, method, nil
			}
		}
	}
	return nil, false, fmt.Errorf("%s has no %s", name(of), field)
}

// name returns the name of a type, or of what it points to.
func name(typ ast.Expr) string {
	switch typ := typ.(type) {
	case *ast.StarExpr:
		return name(typ.X)
	case *ast.Ident:
		return typ.Name
	}
	return ""
}

// holds is the condition under which a value is more than nothing.
func holds(typ ast.Expr, value string) (string, error) {
	switch typ := typ.(type) {
	case *ast.StarExpr:
		return value + " != nil", nil
	case *ast.ArrayType:
		return "len(" + value + ") > 0", nil
	case *ast.Ident:
		switch typ.Name {
		case "bool":
			return value, nil
		case "safe", "word":
			return value + ` != ""`, nil
		}
	}
	return "", fmt.Errorf("no condition on %s, of this type", value)
}

// element returns the type of what a range goes over, and whether an iterator
// hands it out.
func element(typ ast.Expr) (elem ast.Expr, iterator bool, err error) {
	switch typ := typ.(type) {
	case *ast.ArrayType:
		return typ.Elt, false, nil
	case *ast.IndexExpr:
		if s, ok := typ.X.(*ast.SelectorExpr); ok && s.Sel.Name == "Seq" {
			return typ.Index, true, nil
		}
	}
	return nil, false, fmt.Errorf("no range over this type")
}
