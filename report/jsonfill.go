package report

import (
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// This file makes records from a report. jsonvalue.go goes the other way.

// A listenerSeq is a list of listeners on its way through an encoder or a
// decoder. The listeners share one record, so that none of a list of many
// thousands is ever there twice.
type listenerSeq struct {
	record listenerRecord
	// list is what an encoder writes.
	list []*annotate.Listener
	// approvals are what a register says of them; nil where there was none.
	approvals map[*annotate.Listener]*audit.Approval
	// unseen leaves the list out, where it may be.
	unseen bool
	// add takes what a decoder read into record.
	add func(*listenerRecord) error
}

// newReportRecord returns the record of r; its listeners are those of list.
func newReportRecord(r *Report, list []*annotate.Listener) *reportRecord {
	return &reportRecord{
		Schema:        Schema,
		Tool:          toolRecord{Name: toolName, Version: r.Tool},
		Registry:      registryRecord{Date: r.Registry},
		Host:          newHostRecord(&r.Host),
		Time:          r.Time,
		Coverage:      newCoverageRecord(&r.Coverage),
		Namespaces:    records(r.Namespaces, newNamespaceRecord),
		Listeners:     listenerSeq{list: list, approvals: r.approvals()},
		Discrepancies: records(r.Discrepancies, newDiscrepancyRecord),
		Findings:      records(r.judged(), newFindingRecord),
		Policy:        newPolicyRecord(r.Register),
		Scope:         newScopeRecord(&r.Scope),
		Baseline:      newBaselineRecord(r.Baseline),
	}
}

// records returns the records of values; nil for nil.
func records[T, R any](values []T, record func(*T) R) []R {
	if values == nil {
		return nil
	}
	list := make([]R, len(values))
	for i := range values {
		list[i] = record(&values[i])
	}
	return list
}

// toolName is the name of the program.
const toolName = "whatslistening"

func newHostRecord(h *scanner.Host) hostRecord {
	rec := hostRecord{
		Name:      h.Name,
		OS:        h.OS,
		Kernel:    h.Kernel,
		BootID:    h.BootID,
		Ephemeral: portsRecord(h.Ephemeral),
	}
	rec.Interfaces = records(h.Interfaces, newInterfaceRecord)
	rec.Reserved = records(h.Reserved, newPortsRecord)
	return rec
}

func newInterfaceRecord(i *scanner.Interface) interfaceRecord {
	return interfaceRecord{Name: i.Name, Addresses: i.Addrs}
}

func newPortsRecord(p *scanner.PortRange) portsRecord { return portsRecord(*p) }

func newNamespaceRecord(n *scanner.Namespace) namespaceRecord {
	return namespaceRecord{
		Name: n.Name, Inode: n.Inode, PID: n.PID, Processes: n.Processes,
		Runtime: n.Runtime, Container: n.Container, ContainerName: n.ContainerName,
		Interfaces: records(n.Interfaces, newInterfaceRecord),
		Ephemeral:  portsRecord(n.Ephemeral),
		Reserved:   records(n.Reserved, newPortsRecord),
		Overflows:  n.Overflows, Drops: n.Drops,
	}
}

func newDiscrepancyRecord(d *scanner.Discrepancy) discrepancyRecord {
	return discrepancyRecord{
		Kind: d.Kind, Namespace: d.Namespace,
		Protocol: d.Protocol, Family: d.Family, Address: d.Addr, Port: d.Port, Inode: d.Inode,
		Seen: d.Seen, Missing: d.Missing, Benign: d.Benign,
	}
}

func newCoverageRecord(c *scanner.Coverage) coverageRecord {
	rec := coverageRecord{
		Complete:   c.Complete,
		Sources:    c.Sources,
		Privileges: c.Privileges,
		Processes:  c.Processes,
		Unreadable: c.Unreadable,
		Holders:    c.Holders,
	}
	rec.Limitations = records(c.Limitations, func(l *scanner.Limitation) limitationRecord { return limitationRecord(*l) })
	if a := c.Access; a != nil {
		rec.Access = accessRecord{
			UID: a.UID, Capabilities: a.Capabilities,
			InitialUser: a.InitialUser, InitialPID: a.InitialPID,
			HidePID: a.HidePID, Subset: a.Subset,
			Seccomp: a.Seccomp, Yama: a.Yama, Lockdown: a.Lockdown,
			Processes: a.Processes, Unreadable: a.Unreadable,
			Sources: records(a.Sources, func(s *scanner.SourceState) sourceRecord { return sourceRecord(*s) }),
		}
	}
	return rec
}

// fill sets rec to l. It keeps the memory of rec's lists.
func (rec *listenerRecord) fill(l *annotate.Listener) {
	opinions, processes := rec.Opinions[:0], rec.Processes[:0]
	for i := range l.Opinions {
		opinions = append(opinions, newEntryRecord(&l.Opinions[i]))
	}
	for _, p := range l.Holders {
		processes = append(processes, processRecord{
			PID: p.PID, PPID: p.PPID,
			Started: p.Started,
			Name:    p.Name, Exe: p.Exe, Deleted: p.Deleted, Replaced: p.Replaced,
			UID: p.UID, User: p.User,
			Parent: p.Parent, Ancestors: records(p.Ancestors, newAncestorRecord),
			Unit: p.Unit, UserUnit: p.UserUnit, Slice: p.Slice,
			Runtime: p.Runtime, Container: p.Container, ContainerName: p.ContainerName, Image: p.Image,
			Pod: p.Pod, QoS: p.QoS,
			Forwards: records(p.Forwards, newForwardRecord),
			Script:   p.Script, Args: p.Args,
		})
	}
	label := serviceRecord{l.Service.Name, l.Service.Description, source(l.Service.Source)}
	if l.Service == (annotate.Service{}) {
		label.Source = -1
	}
	ports := rangeOrNone(-1)
	if l.Protocol.HasPorts() {
		ports = rangeOrNone(l.Range)
	}
	*rec = listenerRecord{
		Protocol: l.Protocol, Family: l.Family, MPTCP: l.MPTCP,
		Address: l.Addr, Port: l.Port, V6Only: l.V6Only,
		Device: l.Device, Namespace: l.Namespace,
		UID: l.UID, User: l.User,
		Inode: l.Inode, Cookie: l.Cookie, CgroupID: l.CgroupID,
		Service: label, Opinions: opinions,
		Range: ports, Exposure: l.Exposure, Widest: l.Widest, Addresses: l.Addresses,
		Ephemeral: l.Ephemeral, MaybeClient: l.MaybeClient,
		Program: l.Program, KnownAs: l.KnownAs,
		Queue: queueRecord(l.Queue),
		Owner: l.Why, Processes: processes,
		KernelUse: l.KernelUse, Backlog: l.Backlog, MayNotStart: l.MayNotStart,
		LeadsTo:     records(l.LeadsTo, newEndpointRecord),
		PublishedAs: records(l.PublishedAs, newEndpointRecord),
	}
	switch {
	case l.Unix != nil:
		rec.Unix = unixRecord(*l.Unix)
	case l.VSock != nil:
		rec.VSock = vsockRecord(*l.VSock)
	case l.Packet != nil:
		rec.Packet = packetRecord(*l.Packet)
	}
}

func newAncestorRecord(a *scanner.Ancestor) ancestorRecord { return ancestorRecord(*a) }

func newForwardRecord(f *scanner.Forward) forwardRecord {
	return forwardRecord{
		Protocol: f.Protocol, From: f.From.Addr(), FromPort: f.From.Port(),
		To: f.To.Addr(), ToPort: f.To.Port(), Container: f.Container,
		ContainerName: f.ContainerName, Namespace: f.Namespace,
	}
}

func newEndpointRecord(e *annotate.Endpoint) endpointRecord {
	return endpointRecord{Namespace: e.Namespace, Protocol: e.Protocol, Address: e.Addr, Port: e.Port}
}

// newEntryRecord returns the record of e.
func newEntryRecord(e *portdb.Entry) entryRecord {
	rec := entryRecord{
		Source: e.Source, Transport: e.Transport,
		First: -1, Last: -1,
		Name: e.Name, Aliases: e.Aliases, Description: e.Description,
		Status: e.Status, Reference: e.Reference,
		Unauthorized: e.Unauthorized, Note: e.Note,
	}
	if e.HasPort {
		rec.First, rec.Last = int32(e.First), int32(e.Last)
	}
	return rec
}

// inOrder returns the listeners in the order that keys ask for, as a table has
// it, so that the same state of a host gives the same bytes whatever the kernel
// listed first.
func inOrder(listeners []annotate.Listener, keys []string) ([]*annotate.Listener, error) {
	compare, err := orderBy(keys)
	if err != nil {
		return nil, err
	}
	list := make([]*annotate.Listener, len(listeners))
	for i := range listeners {
		list[i] = &listeners[i]
	}
	if !slices.IsSortedFunc(list, compare) {
		slices.SortStableFunc(list, compare)
	}
	return list, nil
}

// lineOf returns the record of a line of JSONL without its listener.
func lineOf(r *Report) *lineRecord {
	return &lineRecord{Schema: Schema, Host: r.Host.Name, Time: r.Time, Complete: r.Coverage.Complete}
}
