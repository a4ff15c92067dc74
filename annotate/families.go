package annotate

import "strings"

// same reports whether two service names mean one thing for the question
// whether a program belongs on a port: nginx serves http, and so belongs on a
// port that is registered for http-alt.
func same(a, b string) bool {
	return strings.EqualFold(a, b) || family(a) != "" && family(a) == family(b)
}

// family returns the name of the family of names that a service belongs to, and
// "" for one of no family. A family is what IANA registered for a second port
// (http-alt), what IANA calls otherwise than everybody else (isakmp, ike), and
// what people use a port for beside its registration (pcsync-https).
func family(service string) string {
	switch strings.ToLower(service) {
	case "http", "www", "www-http", "http-alt", "http-8081", "dev-http", "flask-dev", "pcsync-http", "webcache", "http-proxy":
		return "http"
	case "https", "https-alt", "pcsync-https":
		return "https"
	case "ssh", "ssh-alt":
		return "ssh"
	case "submissions", "smtps", "ssmtp", "urd":
		return "submissions"
	case "imap", "imap2", "imap4":
		return "imap"
	case "pop3", "pop-3":
		return "pop3"
	case "sunrpc", "rpcbind", "portmapper", "portmap":
		return "sunrpc"
	case "bootps", "dhcp-server":
		return "bootps"
	case "bootpc", "dhcp-client":
		return "bootpc"
	case "isakmp", "ike":
		return "isakmp"
	case "l2tp", "l2f":
		return "l2tp"
	case "ms-wbt-server", "rdp":
		return "rdp"
	case "rfb", "vnc", "vnc-server":
		return "rfb"
	case "nfs", "shilp":
		return "nfs"
	case "afpovertcp", "afp":
		return "afp"
	case "postgresql", "postgres":
		return "postgresql"
	case "memcache", "memcached":
		return "memcache"
	case "netflow", "netflow-alt":
		return "netflow"
	}
	return ""
}
