package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// MaxSize is the size in bytes of the largest report that [Read] takes. A
// report of 20,000 listeners has 30 MB.
const MaxSize = 512 << 20

// A ReadError says why a text is not a report that can be read, and where.
type ReadError struct {
	// Line and Column are the place, from 1; the column counts bytes. Both are 0
	// where the fault has no place.
	Line, Column int
	// Field is the path of the value, as "listeners[3].port"; empty for the
	// whole.
	Field string
	// Problem is what is wrong. Text of the report in it is quoted.
	Problem string
	// Hint is the next step; empty for none.
	Hint string
}

// Error returns the place and the problem in one line.
func (e *ReadError) Error() string {
	var s string
	if e.Line > 0 {
		s = fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
	}
	if e.Field != "" {
		s += e.Field + ": "
	}
	return s + e.Problem
}

// in puts the key of the record that e came from in front of its field.
func (e *ReadError) in(key string) *ReadError {
	if e == nil {
		return nil
	}
	if e.Field != "" && e.Field[0] != '[' {
		key += "."
	}
	e.Field = key + e.Field
	return e
}

// at puts the index of the list that e came from in front of its field.
func (e *ReadError) at(i int) *ReadError {
	if e == nil {
		return nil
	}
	sep := ""
	if e.Field != "" && e.Field[0] != '[' {
		sep = "."
	}
	e.Field = fmt.Sprintf("[%d]%s%s", i, sep, e.Field)
	return e
}

// Read reads a report that was written in the format [JSON]. Written again, it
// is the same to the byte.
//
// Read is strict, for a report is evidence and may come from anyone: a key that
// is missing or stands twice, a value of another type, an unknown word or a
// number out of its range is an error. It skips keys that it does not know,
// which a newer version may have written. Its error is a [*ReadError] where the
// text is at fault, and that of r where r cannot be read. Names in the report
// are as hostile as those of a host.
func Read(r io.Reader) (*Report, error) {
	data, err := readAll(r, MaxSize)
	if err != nil {
		return nil, err
	}
	rep, rerr := parseReport(data)
	if rerr != nil {
		return nil, rerr
	}
	return rep, nil
}

// readAll reads r to its end, and no more than limit bytes of it.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &ReadError{Problem: fmt.Sprintf("it is larger than %d MiB", limit>>20)}
	}
	return data, nil
}

const hintJSON = "a report to read is made by whatslistening -o json"

func parseReport(data []byte) (*Report, *ReadError) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	d := &decoder{jsonScanner: jsonScanner{data: data, seen: map[string]string{}}, plans: plans{}}
	if err := d.checkSchema(); err != nil {
		return nil, err
	}
	rep := new(Report)
	l := loader{report: rep, processes: map[int]*scanner.Process{}}
	rec := reportRecord{Listeners: listenerSeq{add: l.listener}}
	v := reflect.ValueOf(&rec).Elem()
	if err := d.record(v, d.plans.of(v.Type())); err != nil {
		return nil, err
	}
	if d.peek(); d.pos < len(data) {
		err := d.errorf("there is more after the end of the report")
		err.Hint = hintJSON + "; one file holds one report"
		return nil, err
	}
	if rec.Tool.Name != toolName {
		return nil, &ReadError{Field: "tool.name", Problem: fmt.Sprintf("the report is of %+q", clip(rec.Tool.Name)), Hint: hintJSON}
	}
	rep.Tool, rep.Registry, rep.Time = rec.Tool.Version, rec.Registry.Date, rec.Time
	rep.Host, rep.Coverage = rec.Host.host(), rec.Coverage.coverage()
	rep.Namespaces = records(rec.Namespaces, (*namespaceRecord).namespace)
	rep.Discrepancies = records(rec.Discrepancies, (*discrepancyRecord).discrepancy)
	rep.setJudged(records(rec.Findings, (*findingRecord).finding))
	rep.Register = rec.Policy.register()
	rep.Baseline = rec.Baseline.baseline()
	scope, err := rec.Scope.scope()
	if err != nil {
		return nil, &ReadError{Field: "scope.protocols", Problem: err.Error()}
	}
	rep.Scope = scope
	if !slices.ContainsFunc(rep.Approvals, func(a audit.Approval) bool { return a != audit.Approval{} }) {
		rep.Approvals = nil
	}
	return rep, nil
}

// checkSchema looks for the schema before anything else is read: of a report of
// another shape, nothing else can be said. It also tells a line of JSONL, whose
// host is a name, from a report.
func (d *decoder) checkSchema() *ReadError {
	defer func() { d.pos = 0 }()
	if d.peek() != '{' {
		err := d.unexpected(`the "{" of a report`)
		err.Hint = hintJSON
		return err
	}
	schema, host, stop := false, false, new(ReadError)
	err := d.members(func(key string, _ int) *ReadError {
		switch {
		case key == "schema" && !schema:
			schema = true
			if err := d.schema(); err != nil {
				return err.in(key)
			}
		case key == "host" && !host:
			host = true
			if d.peek() == '"' {
				err := d.errorf("a name, as in a line of jsonl: a report has an object here").in(key)
				err.Hint = hintJSON
				return err
			}
			fallthrough
		default:
			if err := d.skip(0); err != nil {
				return err
			}
		}
		if schema && host {
			return stop
		}
		return nil
	})
	switch {
	case err == stop:
		return nil
	case err != nil:
		return err
	case !schema:
		return &ReadError{Field: "schema", Problem: "the key is missing: this is not a report", Hint: hintJSON}
	}
	return nil
}

// schema reads the name of the shape.
func (d *decoder) schema() *ReadError {
	d.peek()
	start := d.pos
	s, err := d.text()
	if err != nil {
		return err
	}
	if s != Schema {
		err := d.errorAt(start, "%+q is not %+q, the shape that this version reads", clip(s), Schema)
		err.Hint = "read it with the version of whatslistening that wrote it, or make a new one"
		return err
	}
	return nil
}

// A loader makes listeners from records.
type loader struct {
	report *Report
	// processes are those read so far: a process that holds many sockets is one
	// value, as in a snapshot.
	processes map[int]*scanner.Process
}

// listener adds the listener of rec.
func (l *loader) listener(rec *listenerRecord) error {
	if f := rec.Family; f != 0 && f != scanner.IPv4 && f != scanner.IPv6 {
		return fmt.Errorf("family: %d is neither 4 nor 6", f)
	}
	if rec.Protocol.HasPorts() {
		switch {
		case rec.Range < 0:
			return fmt.Errorf("range: null in a listener of %v", rec.Protocol)
		case rec.Port == 0:
			return fmt.Errorf("port: null in a listener of %v", rec.Protocol)
		case !rec.Address.IsValid():
			return fmt.Errorf("address: null in a listener of %v", rec.Protocol)
		}
	}
	var opinions []portdb.Entry
	for i := range rec.Opinions {
		e, err := rec.Opinions[i].entry()
		if err != nil {
			return fmt.Errorf("opinions[%d]: %w", i, err)
		}
		opinions = append(opinions, e)
	}
	s := &scanner.Socket{
		Protocol: rec.Protocol, Family: rec.Family, MPTCP: rec.MPTCP,
		V6Only: rec.V6Only, Why: rec.Owner,
		Port: rec.Port, Addr: rec.Address,
		Device: rec.Device, Namespace: rec.Namespace,
		UID: rec.UID, User: rec.User,
		Inode: rec.Inode, Cookie: rec.Cookie, CgroupID: rec.CgroupID,
		Queue:     scanner.Queue(rec.Queue),
		KernelUse: rec.KernelUse,
	}
	switch s.Protocol {
	case scanner.Unix:
		a := scanner.UnixAddr(rec.Unix)
		s.Unix = &a
	case scanner.VSock:
		a := scanner.VSockAddr(rec.VSock)
		s.VSock = &a
	case scanner.Packet:
		a := scanner.PacketAddr(rec.Packet)
		s.Packet = &a
	}
	for i := range rec.Processes {
		s.Holders = append(s.Holders, l.process(&rec.Processes[i]))
	}
	l.report.Approvals = append(l.report.Approvals, rec.Approval.approval())
	label := annotate.Service{Name: rec.Service.Name, Description: rec.Service.Description}
	switch {
	case rec.Service.Source >= 0:
		label.Source = portdb.Source(rec.Service.Source)
	case label != annotate.Service{}:
		return errors.New("service.source: null beside a name")
	}
	l.report.Listeners = append(l.report.Listeners, annotate.Listener{
		Socket:  s,
		Service: label, Opinions: opinions,
		Range: portdb.Range(max(rec.Range, 0)), Exposure: rec.Exposure, Widest: rec.Widest, Addresses: rec.Addresses,
		Ephemeral: rec.Ephemeral, MaybeClient: rec.MaybeClient,
		Program: rec.Program, KnownAs: rec.KnownAs,
		Backlog: rec.Backlog, MayNotStart: rec.MayNotStart,
		LeadsTo:     records(rec.LeadsTo, (*endpointRecord).endpoint),
		PublishedAs: records(rec.PublishedAs, (*endpointRecord).endpoint),
	})
	return nil
}

// process returns the process of rec.
func (l *loader) process(rec *processRecord) *scanner.Process {
	p := &scanner.Process{
		PID: rec.PID, PPID: rec.PPID,
		Started: rec.Started,
		Name:    rec.Name, Exe: rec.Exe, Deleted: rec.Deleted, Replaced: rec.Replaced,
		UID: rec.UID, User: rec.User,
		Parent: rec.Parent, Ancestors: records(rec.Ancestors, func(a *ancestorRecord) scanner.Ancestor { return scanner.Ancestor(*a) }),
		Unit: rec.Unit, UserUnit: rec.UserUnit, Slice: rec.Slice,
		Runtime: rec.Runtime, Container: rec.Container, ContainerName: rec.ContainerName, Image: rec.Image,
		Pod: rec.Pod, QoS: rec.QoS,
		Forwards: records(rec.Forwards, (*forwardRecord).forward),
		Script:   rec.Script, Args: rec.Args,
	}
	if same := l.processes[p.PID]; same != nil && reflect.DeepEqual(same, p) {
		return same
	}
	l.processes[p.PID] = p
	return p
}
