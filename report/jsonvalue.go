package report

import (
	"fmt"
	"net/netip"
	"reflect"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// This file makes values from records. jsonfill.go goes the other way.

// entry returns the entry of rec.
func (rec *entryRecord) entry() (portdb.Entry, error) {
	e := portdb.Entry{
		Source: rec.Source, Transport: rec.Transport,
		Status: rec.Status, Name: rec.Name, Aliases: rec.Aliases,
		Description: rec.Description, Reference: rec.Reference,
		Unauthorized: rec.Unauthorized, Note: rec.Note,
	}
	if rec.First < 0 && rec.Last < 0 {
		return e, nil
	}
	if rec.First < 0 || rec.First > rec.Last || rec.Last > 65535 {
		return e, fmt.Errorf("%d to %d is no run of ports", rec.First, rec.Last)
	}
	e.HasPort, e.First, e.Last = true, uint16(rec.First), uint16(rec.Last)
	return e, nil
}

// host returns the host of rec.
func (rec *hostRecord) host() scanner.Host {
	h := scanner.Host{
		Name: rec.Name, OS: rec.OS, Kernel: rec.Kernel, BootID: rec.BootID,
		Ephemeral: scanner.PortRange(rec.Ephemeral),
	}
	h.Interfaces = records(rec.Interfaces, (*interfaceRecord).network)
	h.Reserved = records(rec.Reserved, (*portsRecord).ports)
	return h
}

func (rec *interfaceRecord) network() scanner.Interface {
	return scanner.Interface{Name: rec.Name, Addrs: rec.Addresses}
}

func (rec *portsRecord) ports() scanner.PortRange { return scanner.PortRange(*rec) }

func (rec *namespaceRecord) namespace() scanner.Namespace {
	return scanner.Namespace{
		Name: rec.Name, Inode: rec.Inode, PID: rec.PID, Processes: rec.Processes,
		Runtime: rec.Runtime, Container: rec.Container, ContainerName: rec.ContainerName,
		Interfaces: records(rec.Interfaces, (*interfaceRecord).network),
		Ephemeral:  scanner.PortRange(rec.Ephemeral),
		Reserved:   records(rec.Reserved, (*portsRecord).ports),
		Overflows:  rec.Overflows, Drops: rec.Drops,
	}
}

func (rec *discrepancyRecord) discrepancy() scanner.Discrepancy {
	return scanner.Discrepancy{
		Kind: rec.Kind, Namespace: rec.Namespace,
		Protocol: rec.Protocol, Family: rec.Family, Addr: rec.Address, Port: rec.Port, Inode: rec.Inode,
		Seen: rec.Seen, Missing: rec.Missing, Benign: rec.Benign,
	}
}

func (rec *endpointRecord) endpoint() annotate.Endpoint {
	return annotate.Endpoint{Namespace: rec.Namespace, Protocol: rec.Protocol, Addr: rec.Address, Port: rec.Port}
}

func (rec *forwardRecord) forward() scanner.Forward {
	return scanner.Forward{
		Protocol: rec.Protocol, Container: rec.Container, ContainerName: rec.ContainerName, Namespace: rec.Namespace,
		From: netip.AddrPortFrom(rec.From, rec.FromPort), To: netip.AddrPortFrom(rec.To, rec.ToPort),
	}
}

// coverage returns the coverage of rec.
func (rec *coverageRecord) coverage() scanner.Coverage {
	c := scanner.Coverage{
		Complete: rec.Complete, Sources: rec.Sources, Privileges: rec.Privileges,
		Processes: rec.Processes, Unreadable: rec.Unreadable,
		Holders:     rec.Holders,
		Limitations: records(rec.Limitations, func(l *limitationRecord) scanner.Limitation { return scanner.Limitation(*l) }),
	}
	if a := &rec.Access; !reflect.ValueOf(a).Elem().IsZero() {
		c.Access = &scanner.Access{
			UID: a.UID, Capabilities: a.Capabilities,
			InitialUser: a.InitialUser, InitialPID: a.InitialPID,
			HidePID: a.HidePID, Subset: a.Subset,
			Seccomp: a.Seccomp, Yama: a.Yama, Lockdown: a.Lockdown,
			Processes: a.Processes, Unreadable: a.Unreadable,
			Sources: records(a.Sources, func(s *sourceRecord) scanner.SourceState { return scanner.SourceState(*s) }),
		}
	}
	return c
}
