package report

import (
	"fmt"
	"io"
	"iter"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// An Explanation is what is known of a port, or of a service that is registered
// by name alone.
type Explanation struct {
	// Port is the port, where HasPort is true. Without a port there are only
	// Entries.
	Port    uint16
	HasPort bool
	// Entries are what the layers of the registry say, IANA first.
	Entries []portdb.Entry
	// Host is the range that this host gives to clients, and Reserved reports
	// whether the port is taken out of it; the zero PortRange where unknown.
	Host     scanner.PortRange
	Reserved bool
	// Listeners are what listens on the port now. Unseen says that nobody looked.
	Listeners []annotate.Listener
	Unseen    bool
}

// ephemeral reports whether the host gives the port to clients, and whether
// that is known.
func (x *Explanation) ephemeral() (in, known bool) {
	if !x.HasPort || x.Host == (scanner.PortRange{}) {
		return false, false
	}
	return !x.Reserved && x.Host.First <= x.Port && x.Port <= x.Host.Last, true
}

// explanationRecord is what is known of a port.
type explanationRecord struct {
	// Null for a service that is registered by name alone.
	Port int32 `json:"port" null:"-1"`
	// The IANA range of the port.
	Range rangeOrNone `json:"range" enum:"well-known,registered,dynamic" null:"-1"`
	// RFC 6335's name of the range.
	RFC6335 rangeOrNone `json:"rfc6335" enum:"System Ports,User Ports,Dynamic Ports" null:"-1"`
	// Whether this host gives the port to clients; null where that is not known.
	Ephemeral yesOrNot `json:"ephemeral" null:"-1"`
	// What each layer of the registry says.
	Entries []entryRecord `json:"entries"`
	// What listens on the port now; missing where nobody looked.
	Listeners listenerSeq `json:"listeners,omitempty"`
}

// rangeOrNone is a [portdb.Range], or -1 without a port.
type rangeOrNone int8

// yesOrNot is 1 for true, 0 for false and -1 for not known.
type yesOrNot int8

// newExplanationRecord returns the record of x.
func newExplanationRecord(x *Explanation) *explanationRecord {
	rec := &explanationRecord{Port: -1, Range: -1, RFC6335: -1, Ephemeral: -1}
	if x.HasPort {
		rec.Port = int32(x.Port)
		rec.Range = rangeOrNone(portdb.RangeOf(x.Port))
		rec.RFC6335 = rec.Range
	}
	switch in, known := x.ephemeral(); {
	case in:
		rec.Ephemeral = 1
	case known:
		rec.Ephemeral = 0
	}
	for i := range x.Entries {
		rec.Entries = append(rec.Entries, newEntryRecord(&x.Entries[i]))
	}
	if !x.Unseen {
		rec.Listeners.list, _ = inOrder(x.Listeners, nil)
	}
	rec.Listeners.unseen = x.Unseen
	return rec
}

// WriteExplain writes what is known of ports. In JSON and YAML it is one object
// for a list of one that o.Array does not ask a list for, and a list of objects
// otherwise. In JSONL it is one entry of the registry a line, as by
// [WriteEntries]. Table, Wide and Tree are the same text for people. There is
// no CSV and no Markdown: these are an error.
func WriteExplain(w io.Writer, list []Explanation, f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case Table, Wide, Tree:
		return explainText(w, list, o)
	case JSON, YAML:
		e := newEncoder(w, styleOf(f))
		if len(list) == 1 && !o.Array {
			e.document(newExplanationRecord(&list[0]))
			return e.close()
		}
		e.begin()
		for i := range list {
			e.element(newExplanationRecord(&list[i]))
		}
		e.end()
		return e.close()
	case JSONL:
		return WriteEntries(w, func(yield func(portdb.Entry) bool) {
			for i := range list {
				for _, e := range list[i].Entries {
					if !yield(e) {
						return
					}
				}
			}
		}, f, o)
	}
	return fmt.Errorf("an explanation has no format %s: it is one of table, json, jsonl, yaml", f)
}

// WriteEntries writes entries of the registry: in JSONL one a line, in JSON and
// YAML a list, and in Table, Wide and Tree a list for people. There is no CSV
// and no Markdown: these are an error.
func WriteEntries(w io.Writer, entries iter.Seq[portdb.Entry], f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case Table, Wide, Tree:
		return listText(w, entries, o)
	case JSON, YAML, JSONL:
		e := newEncoder(w, styleOf(f))
		if f != JSONL {
			e.begin()
		}
		var rec entryRecord // one for all, as it escapes to the encoder
		for entry := range entries {
			rec = newEntryRecord(&entry)
			if f == JSONL {
				e.document(&rec)
				continue
			}
			e.element(&rec)
		}
		if f != JSONL {
			e.end()
		}
		return e.close()
	}
	return fmt.Errorf("the registry has no format %s: it is one of table, json, jsonl, yaml", f)
}
