package report

import (
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// subject writes what a finding is about: "tcp 0.0.0.0:22", "tcp [::1]:22",
// "unix /run/docker.sock"; nothing where the finding names no socket.
func (p *page) subject(s *audit.Subject) {
	nowhere := !s.Addr.IsValid() && s.Path == "" && s.Port == 0
	if nowhere && s.Protocol.HasPorts() {
		return
	}
	p.text(s.Protocol.String())
	if nowhere && s.Device == "" {
		return // a packet socket of every device, a unix socket without a name
	}
	p.word(" ")
	switch {
	case !s.Protocol.HasPorts() && s.Port == 0:
		p.place(s)
		return
	case s.Addr.Is6():
		p.word("[")
		p.place(s)
		p.word("]")
	case !s.Addr.IsValid():
		p.word("*")
	default:
		p.place(s)
	}
	p.word(":")
	p.uint(uint64(s.Port))
}

// place writes the address with its device, or the path.
func (p *page) place(s *audit.Subject) {
	switch {
	case s.Protocol == scanner.Unix:
		p.text(s.Path)
	case s.Addr.IsValid():
		p.addr(s.Addr)
	}
	if s.Device != "" && s.Device != s.Addr.Zone() {
		p.word("%")
		p.text(s.Device)
	}
}

// programs writes the programs that hold a listener, with a comma between them.
func (p *page) programs(s *audit.Subject) {
	for i, name := range s.Programs {
		if i > 0 {
			p.word(", ")
		}
		p.text(name)
	}
}

// shown returns what write writes of s, as a string for an encoder.
func shown(s *audit.Subject, write func(*page, *audit.Subject)) string {
	var p page
	write(&p, s)
	return string(p.rest(0))
}
