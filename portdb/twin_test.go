package portdb

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The naive twin: the same registry, read from the same files into maps of
// single ports, with code that shares nothing with the generator.

// dataDir is where the files are that the table was made from.
const dataDir = "../../shared/data"

// A fact is a row of a file, said of one port.
type fact struct {
	source                         Source
	transport                      Transport
	status                         Status
	first, last, order             int // last is -1 in a row without a port
	name, desc, ref, unauth, notes string
}

func (f fact) String() string {
	return fmt.Sprintf("%v %v %v %q %q %q %q %q", f.source, f.transport, f.status, f.name, f.desc, f.ref, f.unauth, f.notes)
}

type twin struct {
	ports    [1 << 16][]fact
	portless []fact
}

var readTwin = sync.OnceValues(func() (*twin, error) {
	var w twin
	base, err := csvRows(filepath.Join(dataDir, "iana", "service-names-port-numbers.csv"))
	if err != nil {
		return nil, err
	}
	changes, err := csvRows(filepath.Join(dataDir, "iana", "changes-to-2026-09-17.csv"))
	if err != nil {
		return nil, err
	}
	for i, row := range base {
		f := ianaFact(row, i*1000)
		if f.last < 0 {
			w.portless = append(w.portless, f)
			continue
		}
		for p := f.first; p <= f.last; p++ {
			w.ports[p] = append(w.ports[p], f)
		}
	}
	for i, row := range changes {
		w.change(row, ianaFact(row, i))
	}
	if err := w.readAppendix(); err != nil {
		return nil, err
	}
	return &w, w.readCommon()
})

// naive returns the twin, or skips the test where there are no files.
func naive(t testing.TB) *twin {
	t.Helper()
	if _, err := os.Stat(dataDir); err != nil {
		t.Skipf("the registry's files are not here: %v", err)
	}
	w, err := readTwin()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func csvRows(path string) ([]map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, cell := range record {
			row[records[0][i]] = strings.Join(strings.Fields(cell), " ")
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func ianaFact(row map[string]string, order int) fact {
	f := fact{
		last: -1, order: order, name: row["Service Name"], desc: row["Description"],
		unauth: row["Unauthorized Use Reported"], notes: row["Assignment Notes"],
	}
	f.transport = map[string]Transport{"tcp": TCP, "udp": UDP, "sctp": SCTP, "dccp": DCCP}[row["Transport Protocol"]]
	f.ref = strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(row["Reference"], "][", "; "), "["), "]")
	if port := row["Port Number"]; port != "" {
		f.first, f.last = portsOf(port)
	}
	words := strings.ToLower(strings.Trim(strings.SplitN(f.desc+" ", " ", 2)[0], "()"))
	switch {
	case f.name != "" && words != "de-registered":
	case words == "unassigned":
		f.status = Unassigned
	case words == "reserved":
		f.status = Reserved
	case slices.Contains([]string{"de-registered", "removed", "deprecated", "decomissioned", "de-commissioned"}, words):
		f.status = Deregistered
	}
	return f
}

func portsOf(s string) (first, last int) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		b = a
	}
	first, _ = strconv.Atoi(a)
	last, _ = strconv.Atoi(b)
	return first, last
}

// change says a changed row of its port.
func (w *twin) change(row map[string]string, f fact) {
	for p := f.first; p <= f.last; p++ {
		old := w.ports[p]
		w.ports[p] = nil
		f.order += 1_000_000_000 // behind every other row of the port
		for _, o := range old {
			same := o.transport == f.transport
			switch {
			case same && o.name == f.name:
				f.order = o.order
				if _, stated := row["Reference"]; !stated {
					f.ref = o.ref
				}
				if _, stated := row["Unauthorized Use Reported"]; !stated {
					f.unauth = o.unauth
				}
				if _, stated := row["Assignment Notes"]; !stated {
					f.notes = o.notes
				}
			case same && o.name == "":
				f.order = o.order
			case same && f.name != "":
				f.order = o.order - 1
				w.ports[p] = append(w.ports[p], o)
			case same, o.transport == 0 && o.status == Unassigned:
			default:
				w.ports[p] = append(w.ports[p], o)
			}
		}
		w.ports[p] = append(w.ports[p], f)
		slices.SortStableFunc(w.ports[p], func(a, b fact) int { return a.order - b.order })
	}
}

// appendixLines returns the entries of the appendix: the ports as written, and
// the text.
func appendixLines() (ports, texts []string, err error) {
	data, err := os.ReadFile(filepath.Join(dataDir, "appendix", "lampiran-8-port-number.txt"))
	if err != nil {
		return nil, nil, err
	}
	_, list, _ := strings.Cut(string(data), "Daftar")
	for _, line := range strings.Split(list, "\n")[1:] {
		line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
		if line != "" && !strings.HasPrefix(line, "Daftar") {
			port, text, _ := strings.Cut(line, " ")
			ports, texts = append(ports, port), append(texts, text)
		}
	}
	return ports, texts, nil
}

func (w *twin) readAppendix() error {
	ports, texts, err := appendixLines()
	for i, text := range texts {
		f := fact{source: Appendix, order: i, name: text, desc: text}
		switch text {
		case "Unassigned":
			f.name, f.status = "", Unassigned
		case "IANA Reserved":
			f.name, f.status = "", Reserved
		}
		f.first, f.last = portsOf(strings.NewReplacer("–", "-", "/", "-").Replace(ports[i]))
		for p := f.first; p <= f.last; p++ {
			w.ports[p] = append(w.ports[p], f)
		}
	}
	return err
}

// commonLines returns the cells of each line of a hand-kept file.
func commonLines(path string) ([][]string, error) {
	data, err := os.ReadFile(path)
	var lines [][]string
	for line := range strings.SplitSeq(string(data), "\n") {
		if line != "" && line[0] != '#' {
			lines = append(lines, strings.Split(line, "\t"))
		}
	}
	return lines, err
}

func (w *twin) readCommon() error {
	lines, err := commonLines("common.tsv")
	for i, cells := range lines {
		f := fact{source: Common, order: i, name: cells[2], desc: cells[3], notes: cells[4]}
		for name := range strings.SplitSeq(cells[1], ",") {
			f.transport |= map[string]Transport{"tcp": TCP, "udp": UDP, "sctp": SCTP, "dccp": DCCP}[name]
		}
		f.first, f.last = portsOf(cells[0])
		for p := f.first; p <= f.last; p++ {
			w.ports[p] = append(w.ports[p], f)
		}
	}
	return err
}
