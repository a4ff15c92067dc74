package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
)

// writeHTML writes r as one page of HTML that stands alone: for an auditor to
// open, to search and to print. The report as JSON is in it.
func writeHTML(w io.Writer, r *Report, o *Options) error {
	v := newInventory(r, o)
	if err := v.sort(o.Sort); err != nil {
		return err
	}
	evidence, err := evidenceOf(r, o)
	if err != nil {
		return err
	}
	h := &htmlMaker{r: r, v: v, approvals: r.approvals()}
	if !o.NoTrunc {
		h.p.longest = longestCell
	}
	page, err := h.page(evidence)
	if err != nil {
		return err
	}
	return writeHTMLPage(w, func(w *htmlWriter) { w.reportPage(page) })
}

// evidenceOf returns r as a line of JSON that can stand in a script element:
// what could end that is written by escapes, which mean the same.
func evidenceOf(r *Report, o *Options) ([]byte, error) {
	var b bytes.Buffer
	if err := writeDocument(&b, r, o, compact); err != nil {
		return nil, err
	}
	line := b.Bytes()
	n := bytes.Count(line, []byte("<")) + bytes.Count(line, []byte(">")) + bytes.Count(line, []byte("&"))
	if n == 0 {
		return line, nil
	}
	safe := make([]byte, 0, len(line)+5*n)
	for _, c := range line {
		if c == '<' || c == '>' || c == '&' {
			safe = appendHex(append(safe, `\u`...), rune(c), 4)
			continue
		}
		safe = append(safe, c)
	}
	return safe, nil
}

// An htmlPage is what the page of a report shows.
type htmlPage struct {
	htmlShell
	Host, Time, Tool, Registry, Privileges safe
	// Lead is the report in a sentence.
	Lead safe
	// Audited says that there is an audit, which may have found nothing.
	Audited, Complete bool
	Tiles             []htmlTile
	Charts            []htmlChart
	Notes             []safe
	Findings          []htmlFinding
	Filters           []htmlFilter
	Columns           []htmlColumn
	// Any says that there is a row to search for.
	Any           bool
	Shown         safe
	Register      *htmlRegister
	Coverage      []htmlFact
	Limitations   []htmlLimitation
	Discrepancies []htmlDiscrepancy
	HostFacts     []htmlFact
	Interfaces    []htmlFact
	Namespaces    []htmlNamespace
	SHA256        safe
	Evidence      trusted

	maker *htmlMaker
}

// Rows returns the rows of the inventory, one after the other, so that a page of
// any size is not held twice.
func (h *htmlPage) Rows() iter.Seq[*htmlRow] { return h.maker.rows }

// An htmlTile is a number of the summary.
type htmlTile struct {
	Value safe
	Label word
	Note  safe
	Tone  word
}

// An htmlChart is a bar for each class of listeners.
type htmlChart struct {
	Title, What word
	Bars        []htmlBar
}

// An htmlBar is a bar of a chart, Width thousandths long.
type htmlBar struct {
	Label        safe
	Tone         word
	Count, Width int
}

// An htmlFinding is a rule, and the cases in which it does not hold.
type htmlFinding struct {
	Anchor         safe
	Severity, Rule safe
	Title, Help    safe
	Controls       []safe
	Cases          []htmlCase
	Next           safe // where it is the same for all the cases
}

type htmlCase struct{ Message, Next, Decided safe }

// An htmlFilter is a choice among the values that a fact has in the inventory.
type htmlFilter struct {
	Key, Label word
	Options    []safe
}

type htmlFact struct {
	Name  safe
	Value safe
}

type htmlLimitation struct{ Text, Remedy safe }

type htmlDiscrepancy struct {
	Hidden     bool
	Text, Next safe
}

type htmlNamespace struct {
	Name, Container safe
	Processes       int
	Addresses       safe
}

// An htmlMaker makes the page of a report. All its texts go over one page.
type htmlMaker struct {
	r         *Report
	v         *view
	approvals map[*annotate.Listener]*audit.Approval
	columns   []htmlColumn
	p         page
}

// text returns text from the host.
func (h *htmlMaker) text(s string) safe {
	h.p.text(s)
	return h.p.take()
}

// number returns a number.
func (h *htmlMaker) number(n int) safe {
	h.p.int(int64(n))
	return h.p.take()
}

// count returns a number and what it counts.
func (h *htmlMaker) count(n int, one, many word) safe {
	h.p.count(n, one, many)
	return h.p.take()
}

// position returns a place in a register; empty for none.
func (h *htmlMaker) position(p audit.Position) safe { return h.text(position(p)) }

// page makes the page.
func (h *htmlMaker) page(evidence []byte) (*htmlPage, error) {
	r := h.r
	h.p.word("What is listening on ")
	h.p.text(r.Host.Name)
	out := &htmlPage{
		htmlShell: newHTMLShell(h.p.take()),
		Host:      h.text(r.Host.Name), Tool: h.text(r.Tool), Registry: h.text(r.Registry), Privileges: h.text(r.Coverage.Privileges),
		Audited:  r.Findings != nil || r.Register != nil,
		Complete: r.Coverage.Complete,
		Evidence: trusted(evidence), // a line of JSON, as evidenceOf makes it
		maker:    h,
	}
	if out.Host == "" {
		out.Host = h.word("this host")
	}
	if !r.Time.IsZero() {
		h.p.time(r.Time)
		out.Time = h.p.take()
	}
	sum := sha256.Sum256(evidence)
	out.SHA256 = h.text(hex.EncodeToString(sum[:]))
	h.summary(out)
	h.findings(out)
	h.inventory(out)
	h.register(out)
	h.coverage(out)
	h.host(out)
	return out, h.notes(out)
}

// word returns our own text.
func (h *htmlMaker) word(w word) safe {
	h.p.word(w)
	return h.p.take()
}
