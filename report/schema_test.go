package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	gen "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// docs/schema.json is made from the records by this test, so that the library
// that does it is in no program:
//
//go:generate go test -run ^TestSchema$ -update

var update = flag.Bool("update", false, "rewrite docs/schema.json and the golden files")

const (
	schemaFile = "../docs/schema.json"
	schemaID   = "https://github.com/whatslistening/whatslistening/blob/main/docs/schema.json"
)

// TestSchema fails when docs/schema.json is not what the records say.
func TestSchema(t *testing.T) {
	want := makeSchema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/schema.json is stale: run go generate ./report")
	}
}

// documents are the shapes of output, by their names in $defs.
var documents = []struct {
	name string
	typ  reflect.Type
}{
	{"report", reflect.TypeFor[reportRecord]()},
	{"line", reflect.TypeFor[lineRecord]()},
	{"explanation", reflect.TypeFor[explanationRecord]()},
	{"entry", reflect.TypeFor[entryRecord]()},
	{"diagnosis", reflect.TypeFor[diagnosisRecord]()},
	{"findingLine", reflect.TypeFor[findingLineRecord]()},
	{"fleet", reflect.TypeFor[fleetRecord]()},
	{"rule", reflect.TypeFor[ruleRecord]()},
}

// makeSchema returns the JSON Schema of all output.
func makeSchema(t *testing.T) []byte {
	t.Helper()
	comments := fieldComments(t, "jsonrecord.go", "jsonlistener.go", "jsonaudit.go", "jsonregister.go", "explain.go", "doctor.go", "findingsdata.go", "jsonfleet.go")
	r := &gen.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: true,
		Namer:                     func(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "Record") },
		LookupComment: func(t reflect.Type, field string) string {
			return comments[t.Name()+"."+field]
		},
		Mapper: func(t reflect.Type) *gen.Schema {
			switch t {
			case addrType, prefixType:
				return &gen.Schema{Type: "string"}
			case yesNoType:
				return &gen.Schema{Type: "boolean"}
			case listenersType:
				return &gen.Schema{Type: "array", Items: &gen.Schema{Ref: "#/$defs/listener"}}
			}
			return nil
		},
	}
	defs := gen.Definitions{}
	ps := plans{}
	for _, doc := range documents {
		for name, def := range r.ReflectFromType(doc.typ).Definitions {
			defs[name] = def
		}
		ps.of(doc.typ)
	}
	for name, def := range r.ReflectFromType(reflect.TypeFor[listenerRecord]()).Definitions {
		defs[name] = def
	}
	for typ, p := range ps {
		if p.kind == kindRecord {
			def := defs[strings.TrimSuffix(typ.Name(), "Record")]
			if def == nil {
				continue // a part of others alone
			}
			for i := range p.fields {
				refine(t, def, &p.fields[i])
			}
		}
	}
	constant := func(def, key string, v any) {
		s, _ := defs[def].Properties.Get(key)
		s.Const = v
	}
	constant("report", "schema", Schema)
	constant("line", "schema", Schema)
	constant("diagnosis", "schema", Schema)
	constant("findingLine", "schema", Schema)
	constant("fleet", "schema", Schema)
	constant("tool", "name", toolName)
	for _, name := range []string{"vsock", "subject"} {
		port, _ := defs[name].Properties.Get("port")
		port.Maximum = "4294967295"
	}
	for _, name := range []string{"fleetService", "fleetDifference"} {
		port, _ := defs[name].Properties.Get("port")
		port.AnyOf[0].Maximum = "4294967295" // one of vsock
	}
	for _, name := range []string{"listener", "line", "subject", "discrepancy"} {
		family, _ := defs[name].Properties.Get("family")
		family.AnyOf[0].Enum, family.AnyOf[0].Minimum, family.AnyOf[0].Maximum = []any{4, 6}, "", ""
	}
	defs["explanations"] = listOf("explanation", "What explain writes for several ports in JSON.")
	defs["entries"] = listOf("entry", "What explain --all writes in JSON.")
	defs["line"].Description = "A line of JSONL: a listener, and what the report says of all."
	defs["entry"].Description = "What one layer of the registry says of a port, or of a run of ports; with explain -o jsonl one a line."
	root := &gen.Schema{
		Version:     gen.Version,
		ID:          schemaID,
		Title:       "whatslistening",
		Description: "A report of whatslistening -o json or -o yaml. The lines of -o jsonl are #/$defs/line; explain writes #/$defs/explanation or #/$defs/explanations, and #/$defs/entry in jsonl; doctor writes #/$defs/diagnosis, report --merge #/$defs/fleet. In a string, \\xff stands for a byte that is not part of UTF-8, and \\x5c for a backslash that would read so.",
		Ref:         "#/$defs/report",
		Definitions: defs,
	}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func listOf(def, description string) *gen.Schema {
	return &gen.Schema{Type: "array", Items: &gen.Schema{Ref: "#/$defs/" + def}, Description: description}
}

// refine adds to the schema of a record what the tags of the field f say.
func refine(t *testing.T, def *gen.Schema, f *field) {
	t.Helper()
	s, ok := def.Properties.Get(f.name)
	if !ok {
		t.Fatalf("no property %q", f.name)
	}
	switch {
	case f.set:
		one := "(" + strings.Join(f.words, "|") + ")"
		s.Type, s.Pattern = "string", "^("+one+"(,"+one+")*)?$"
	case f.words != nil:
		s.Type = "string"
		for _, w := range f.words {
			s.Enum = append(s.Enum, w)
		}
	case f.quoted:
		s.Type, s.Pattern = "string", "^[1-9][0-9]*$"
	case f.kind == kindInt, f.kind == kindUint:
		s.Minimum = "0"
		if most, ok := maximum(f); ok {
			s.Maximum = json.Number(strconv.FormatUint(most, 10))
		}
	}
	if !f.nullZero && !f.nullInt {
		return
	}
	value := *s
	value.Description = ""
	*s = gen.Schema{
		Description: s.Description,
		AnyOf:       []*gen.Schema{&value, {Type: "null"}},
	}
}

// maximum returns the largest number of a port, and of numbers of 16 and 32
// bits that no other rule bounds.
func maximum(f *field) (uint64, bool) {
	switch f.name {
	case "port", "first", "last", "ethertype", "from_port", "to_port":
		return 65535, true
	case "length", "limit", "uid", "cid", "mode", "dropped":
		return 1<<32 - 1, true
	}
	return 0, false
}

// fieldComments returns the comments of the fields of record types, by type and
// field.
func fieldComments(t *testing.T, files ...string) map[string]string {
	t.Helper()
	comments := map[string]string{}
	fset := token.NewFileSet()
	for _, name := range files {
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			st, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range st.Fields.List {
				for _, id := range f.Names {
					comments[spec.Name.Name+"."+id.Name] = strings.TrimSpace(f.Doc.Text())
				}
			}
			return true
		})
	}
	return comments
}

// A validator holds output against docs/schema.json, and knows no key that the
// schema does not have: the published schema leaves room for newer versions.
type validator map[string]*jsonschema.Schema

func newValidator(t testing.TB) validator {
	t.Helper()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range doc.(map[string]any)["$defs"].(map[string]any) {
		if def := def.(map[string]any); def["type"] == "object" {
			def["additionalProperties"] = false
		}
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	v := validator{}
	for _, name := range []string{"report", "line", "explanation", "explanations", "entry", "entries", "diagnosis", "findingLine", "fleet"} {
		if v[name], err = c.Compile(schemaID + "#/$defs/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// check fails where data is not one JSON value of the shape def.
func (v validator) check(t tester, def string, data []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err == nil {
		err = v[def].Validate(value)
	}
	if err != nil {
		t.Errorf("not a valid %s: %v\n%.300s", def, err, data)
	}
}

// checkLines fails where a line of data is not of the shape def.
func (v validator) checkLines(t tester, def string, data []byte) {
	t.Helper()
	for line := range bytes.Lines(data) {
		v.check(t, def, line)
	}
}

// TestSchemaRefuses is the proof that the schema can fail.
func TestSchemaRefuses(t *testing.T) {
	v := newValidator(t)
	good := string(written(t, readReport(t, "server"), JSON))
	v.check(t, "report", []byte(good))
	tests := []struct{ old, new string }{
		{`"schema": "whatslistening/1"`, `"schema": "whatslistening/2"`},
		{`"port": 22,`, `"port": 65536,`},
		{`"port": 22,`, `"port": "22",`},
		{`"port": 22,`, ``},
		{`"port": 22,`, `"port": 22, "colour": "red",`},
		{`"protocol": "tcp"`, `"protocol": "tcp6"`},
		{`"exposure": "all"`, `"exposure": "everyone"`},
		{`"findings": []`, `"findings": null`},
		{`"complete": true`, `"complete": "yes"`},
		{`"family": 6`, `"family": 10`},
		{`"uid": 0,`, `"uid": -1,`},
		{`"cookie": "4097"`, `"cookie": 4097`},
		{`"time": "2026-11-23T08:00:00Z"`, `"time": "yesterday"`},
	}
	for _, tt := range tests {
		if !strings.Contains(good, tt.old) {
			t.Errorf("the sample has no %s", tt.old)
			continue
		}
		bad := strings.Replace(good, tt.old, tt.new, 1)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if v["report"].Validate(value) == nil {
			t.Errorf("a report with %s is valid, want an error", fmt.Sprintf("%.60q", tt.new))
		}
	}
}
