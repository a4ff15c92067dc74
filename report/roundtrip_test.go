package report

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// sameReport compares reports: nil and empty lists are the same, but for the
// arguments of a process, where nil means that nobody asked.
var sameReport = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmpopts.EquateApproxTime(0),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() != ".Args" }, cmpopts.EquateEmpty()),
}

// TestRoundTrip: any report comes back from JSON as it was, and the second time
// to the byte; YAML says the same; all of it is valid.
func TestRoundTrip(t *testing.T) {
	v := newValidator(t)
	rapid.Check(t, func(rt *rapid.T) {
		want := anyReport().Draw(rt, "report")
		data := written(rt, want, JSON)
		got, err := Read(bytes.NewReader(data))
		if err != nil {
			rt.Fatalf("Read = %v of\n%s", err, data)
		}
		sortListeners(want)
		if diff := cmp.Diff(want, got, sameReport); diff != "" {
			rt.Fatalf("the report came back changed (-want +got):\n%s", diff)
		}
		if again := written(rt, got, JSON); !bytes.Equal(again, data) {
			rt.Fatalf("written again it differs:\n%s", cmp.Diff(string(data), string(again)))
		}
		compareYAML(rt, written(rt, want, YAML), data)
		checkShown(rt, JSON, data)
		v.check(rt, "report", data)
		v.checkLines(rt, "line", written(rt, want, JSONL))
	})
}

// sortListeners puts the listeners in their order, each with its approval.
func sortListeners(r *Report) {
	of := map[*scanner.Socket]audit.Approval{}
	for i := range r.Approvals {
		of[r.Listeners[i].Socket] = r.Approvals[i]
	}
	slices.SortStableFunc(r.Listeners, func(a, b annotate.Listener) int { return natural(&a, &b) })
	for i := range r.Approvals {
		r.Approvals[i] = of[r.Listeners[i].Socket]
	}
}

// anyText draws text of every kind: plain, of all scripts, hostile, not UTF-8.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "sshd", "no", "null", "-1", "\x1b[31m", "a\u202eb", `a\xff`, `\x5c`, "a: b", " "}),
		rapid.StringN(0, 12, 40),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	)
}

// anyAddr draws an address, some with a zone.
func anyAddr() *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.Bool().Draw(t, "v4") {
			return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4")))
		}
		a := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6")))
		if zone := rapid.OneOf(rapid.Just(""), anyText()).Draw(t, "zone"); zone != "" {
			return a.WithZone(zone)
		}
		return a
	})
}

func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		sec := rapid.Int64Range(0, 253402300799).Draw(t, "seconds") // to the end of 9999
		return time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
	})
}

func anyPorts() *rapid.Generator[scanner.PortRange] {
	return rapid.Custom(func(t *rapid.T) scanner.PortRange {
		return scanner.PortRange{First: rapid.Uint16().Draw(t, "first"), Last: rapid.Uint16().Draw(t, "last")}
	})
}

func anyEntry() *rapid.Generator[portdb.Entry] {
	return rapid.Custom(func(t *rapid.T) portdb.Entry {
		text := func(label string) string { return anyText().Draw(t, label) }
		e := portdb.Entry{
			Source:    rapid.SampledFrom([]portdb.Source{portdb.IANA, portdb.Appendix, portdb.Common, portdb.Local}).Draw(t, "source"),
			Transport: portdb.Transport(rapid.IntRange(0, 15).Draw(t, "transport")),
			Status:    portdb.Status(rapid.IntRange(0, 3).Draw(t, "status")),
			HasPort:   rapid.Bool().Draw(t, "has port"),
			Name:      text("name"), Aliases: rapid.SliceOfN(anyText(), 0, 3).Draw(t, "aliases"),
			Description: text("description"), Reference: text("reference"),
			Unauthorized: text("unauthorized"), Note: text("note"),
		}
		if e.HasPort {
			e.First = rapid.Uint16().Draw(t, "first")
			e.Last = rapid.Uint16Range(e.First, 65535).Draw(t, "last")
		}
		return e
	})
}

func anyProcess() *rapid.Generator[*scanner.Process] {
	return rapid.Custom(func(t *rapid.T) *scanner.Process {
		text := func(label string) string { return anyText().Draw(t, label) }
		p := &scanner.Process{
			PID: rapid.IntRange(0, 1<<22).Draw(t, "pid"), PPID: rapid.IntRange(0, 1<<22).Draw(t, "ppid"),
			Name: text("name"), Exe: text("exe"), Deleted: rapid.Bool().Draw(t, "deleted"), Replaced: rapid.Bool().Draw(t, "replaced"),
			UID: rapid.Int64Range(-1, 1<<32-1).Draw(t, "uid"), User: text("user"),
			Parent: text("parent"), Unit: text("unit"), Runtime: text("runtime"),
			Container: text("container"), Script: text("script"),
			UserUnit: text("user unit"), Slice: text("slice"), Pod: text("pod"), QoS: text("qos"),
			ContainerName: text("container name"), Image: text("image"),
			Ancestors: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scanner.Ancestor {
				return scanner.Ancestor{PID: rapid.IntRange(0, 1<<22).Draw(t, "pid"), Name: anyText().Draw(t, "name")}
			}), 0, 2).Draw(t, "ancestors"),
			Forwards: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scanner.Forward {
				return scanner.Forward{
					Protocol: anyProtocol(t), From: netip.AddrPortFrom(anyAddr().Draw(t, "from"), rapid.Uint16().Draw(t, "from port")),
					To:        netip.AddrPortFrom(anyAddr().Draw(t, "to"), rapid.Uint16().Draw(t, "to port")),
					Container: anyText().Draw(t, "container"), ContainerName: anyText().Draw(t, "container name"),
					Namespace: anyText().Draw(t, "namespace"),
				}
			}), 0, 2).Draw(t, "forwards"),
		}
		if rapid.Bool().Draw(t, "started") {
			p.Started = anyTime().Draw(t, "started")
		}
		if rapid.Bool().Draw(t, "args") {
			p.Args = append([]string{}, rapid.SliceOfN(anyText(), 0, 3).Draw(t, "args")...)
		}
		return p
	})
}

func anyProtocol(t *rapid.T) scanner.Protocol {
	return scanner.Protocol(rapid.IntRange(0, int(scanner.Unix)).Draw(t, "protocol"))
}

func anyFamily(t *rapid.T) scanner.Family {
	return rapid.SampledFrom([]scanner.Family{0, scanner.IPv4, scanner.IPv6}).Draw(t, "family")
}

func anyEndpoints(t *rapid.T, label string) []annotate.Endpoint {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) annotate.Endpoint {
		return annotate.Endpoint{
			Namespace: anyText().Draw(t, "namespace"), Protocol: anyProtocol(t),
			Addr: anyAddr().Draw(t, "addr"), Port: rapid.Uint16().Draw(t, "port"),
		}
	}), 0, 2).Draw(t, label)
}

func anyInterfaces(t *rapid.T) []scanner.Interface {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scanner.Interface {
		return scanner.Interface{
			Name: anyText().Draw(t, "interface"),
			Addrs: rapid.SliceOfN(rapid.Map(anyAddr(), func(a netip.Addr) netip.Prefix {
				return netip.PrefixFrom(a.WithZone(""), a.BitLen()/2)
			}), 0, 2).Draw(t, "addrs"),
		}
	}), 0, 2).Draw(t, "interfaces")
}

func anyNamespace() *rapid.Generator[scanner.Namespace] {
	return rapid.Custom(func(t *rapid.T) scanner.Namespace {
		text := func(label string) string { return anyText().Draw(t, label) }
		return scanner.Namespace{
			Name: text("name"), Inode: rapid.Uint64Range(0, 1<<53).Draw(t, "inode"),
			PID: rapid.IntRange(0, 1<<22).Draw(t, "pid"), Processes: rapid.IntRange(0, 1<<22).Draw(t, "processes"),
			Runtime: text("runtime"), Container: text("container"), ContainerName: text("container name"),
			Interfaces: anyInterfaces(t), Ephemeral: anyPorts().Draw(t, "ephemeral"),
			Reserved:  rapid.SliceOfN(anyPorts(), 0, 2).Draw(t, "reserved"),
			Overflows: rapid.Uint64Range(0, 1<<53).Draw(t, "overflows"), Drops: rapid.Uint64Range(0, 1<<53).Draw(t, "drops"),
		}
	})
}

func anyDiscrepancy() *rapid.Generator[scanner.Discrepancy] {
	return rapid.Custom(func(t *rapid.T) scanner.Discrepancy {
		texts := rapid.SliceOfN(anyText(), 0, 2)
		return scanner.Discrepancy{
			Kind:      scanner.DiscrepancyKind(rapid.IntRange(0, 5).Draw(t, "kind")),
			Namespace: anyText().Draw(t, "namespace"), Protocol: anyProtocol(t), Family: anyFamily(t),
			Addr: anyAddr().Draw(t, "addr"), Port: rapid.Uint16().Draw(t, "port"), Inode: rapid.Uint64Range(0, 1<<53).Draw(t, "inode"),
			Seen: texts.Draw(t, "seen"), Missing: texts.Draw(t, "missing"), Benign: texts.Draw(t, "benign"),
		}
	})
}

func anyAccess() *rapid.Generator[*scanner.Access] {
	return rapid.Custom(func(t *rapid.T) *scanner.Access {
		text := func(label string) string { return anyText().Draw(t, label) }
		if rapid.Bool().Draw(t, "not asked") {
			return nil
		}
		return &scanner.Access{
			UID: rapid.OneOf(rapid.Just(int64(-1)), rapid.Int64Range(1, 1<<32-1)).Draw(t, "uid"), Capabilities: rapid.SliceOfN(anyText(), 0, 2).Draw(t, "capabilities"),
			InitialUser: rapid.Bool().Draw(t, "initial user"), InitialPID: rapid.Bool().Draw(t, "initial pid"),
			HidePID: text("hidepid"), Subset: text("subset"), Seccomp: text("seccomp"),
			Yama: rapid.IntRange(-1, 3).Draw(t, "yama"), Lockdown: text("lockdown"),
			Processes: rapid.IntRange(0, 1<<22).Draw(t, "processes"), Unreadable: rapid.IntRange(0, 1<<22).Draw(t, "unreadable"),
			Sources: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scanner.SourceState {
				return scanner.SourceState{Name: anyText().Draw(t, "name"), OK: rapid.Bool().Draw(t, "ok"), Why: anyText().Draw(t, "why")}
			}), 0, 2).Draw(t, "sources"),
		}
	})
}

func anyListener() *rapid.Generator[annotate.Listener] {
	return rapid.Custom(func(t *rapid.T) annotate.Listener {
		text := func(label string) string { return anyText().Draw(t, label) }
		yes := func(label string) bool { return rapid.Bool().Draw(t, label) }
		number := func(label string, most int) int { return rapid.IntRange(0, most).Draw(t, label) }
		l := annotate.Listener{
			Socket: &scanner.Socket{
				Protocol: anyProtocol(t),
				Family:   anyFamily(t),
				MPTCP:    yes("mptcp"), V6Only: yes("v6only"), Why: scanner.Why(number("why", 4)),
				Port: rapid.Uint16Min(1).Draw(t, "port"), Addr: anyAddr().Draw(t, "addr"),
				Device: text("device"), Namespace: text("namespace"),
				UID: rapid.Int64Range(-1, 1<<32-1).Draw(t, "uid"), User: text("user"),
				Inode:     rapid.Uint64Range(0, 1<<53).Draw(t, "inode"),
				Cookie:    rapid.Uint64().Draw(t, "cookie"),
				CgroupID:  rapid.Uint64().Draw(t, "cgroup"),
				Queue:     scanner.Queue{Length: rapid.Uint32().Draw(t, "length"), Limit: rapid.Uint32().Draw(t, "limit"), Dropped: rapid.Uint32().Draw(t, "dropped")},
				Holders:   rapid.SliceOfN(anyProcess(), 0, 3).Draw(t, "holders"),
				KernelUse: text("kernel use"),
			},
			Opinions: rapid.SliceOfN(anyEntry(), 0, 2).Draw(t, "opinions"),
			Range:    portdb.Range(number("range", 2)), Exposure: annotate.Exposure(number("exposure", 6)),
			Widest:    annotate.Exposure(number("widest", 6)),
			Addresses: rapid.SliceOfN(anyAddr(), 0, 3).Draw(t, "addresses"),
			Ephemeral: yes("ephemeral"), MaybeClient: yes("maybe client"),
			Program: annotate.Verdict(number("program", 3)), KnownAs: text("known as"),
			Backlog: annotate.Backlog(number("backlog", 2)), MayNotStart: yes("may not start"),
			LeadsTo: anyEndpoints(t, "leads to"), PublishedAs: anyEndpoints(t, "published as"),
		}
		if !l.Protocol.HasPorts() {
			l.Range = 0
			l.Port = rapid.Uint16().Draw(t, "number")
			l.Addr = rapid.OneOf(anyAddr(), rapid.Just(netip.Addr{})).Draw(t, "no addr")
		}
		switch l.Protocol {
		case scanner.Unix:
			l.Unix = &scanner.UnixAddr{
				Type: text("type"), Path: text("path"), Mode: rapid.Uint32().Draw(t, "mode"),
				UID: rapid.Int64Range(-1, 1<<32-1).Draw(t, "path uid"), User: text("path user"),
				Inode: rapid.Uint32().Draw(t, "path inode"), Device: rapid.Uint32().Draw(t, "path device"), Gone: yes("gone"),
			}
		case scanner.VSock:
			l.VSock = &scanner.VSockAddr{CID: rapid.Uint32().Draw(t, "cid"), Port: rapid.Uint32().Draw(t, "vsock port")}
		case scanner.Packet:
			l.Packet = &scanner.PacketAddr{Type: text("type"), EtherType: rapid.Uint16().Draw(t, "ethertype")}
		}
		if yes("service") {
			l.Service = annotate.Service{
				Name: text("service"), Description: text("description"),
				Source: portdb.Source(number("source", 3)),
			}
		}
		return l
	})
}

func anyReport() *rapid.Generator[*Report] {
	return rapid.Custom(func(t *rapid.T) *Report {
		text := func(label string) string { return anyText().Draw(t, label) }
		listeners := rapid.SliceOfN(anyListener(), 0, 4).Draw(t, "listeners")
		var approvals []audit.Approval
		if rapid.Bool().Draw(t, "audited") {
			approvals = rapid.SliceOfN(anyApproval(), len(listeners), len(listeners)).Draw(t, "approvals")
		}
		return &Report{
			Register: anyRegister().Draw(t, "register"), Approvals: approvals,
			Scope: anyScope(t), Baseline: anyBaseline(t),
			Tool: text("tool"), Registry: text("registry"), Time: anyTime().Draw(t, "time"),
			Host: scanner.Host{
				Name: text("host"), OS: text("os"), Kernel: text("kernel"), BootID: text("boot id"),
				Interfaces: anyInterfaces(t),
				Ephemeral:  anyPorts().Draw(t, "ephemeral"),
				Reserved:   rapid.SliceOfN(anyPorts(), 0, 2).Draw(t, "reserved"),
			},
			Coverage: scanner.Coverage{
				Complete: rapid.Bool().Draw(t, "complete"), Privileges: text("privileges"),
				Sources:   rapid.SliceOfN(anyText(), 0, 2).Draw(t, "sources"),
				Processes: rapid.IntRange(0, 1<<22).Draw(t, "processes"), Unreadable: rapid.IntRange(0, 1<<22).Draw(t, "unreadable"),
				Holders: text("holders"), Access: anyAccess().Draw(t, "access"),
				Limitations: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scanner.Limitation {
					return scanner.Limitation{
						Code: anyText().Draw(t, "code"), Text: anyText().Draw(t, "text"), Remedy: anyText().Draw(t, "remedy"),
					}
				}), 0, 2).Draw(t, "limitations"),
			},
			Listeners:     listeners,
			Namespaces:    rapid.SliceOfN(anyNamespace(), 0, 2).Draw(t, "namespaces"),
			Discrepancies: rapid.SliceOfN(anyDiscrepancy(), 0, 2).Draw(t, "discrepancies"),
			Findings:      rapid.SliceOfN(anyFinding(), 0, 2).Draw(t, "findings"),
			Accepted:      rapid.SliceOfN(anyAccepted(), 0, 1).Draw(t, "accepted"),
		}
	})
}
