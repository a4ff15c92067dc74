package audit

// The frameworks whose controls are cited, and the versions of those that have
// numbers of their own in each.
const (
	cisDebian, cisDebianVersion = "CIS Debian 12", "1.1.0"
	cisUbuntu, cisUbuntuVersion = "CIS Ubuntu 24.04", "1.0.0"
	pci, pciVersion             = "PCI DSS", "4.0"
	nist                        = "NIST SP 800-53 r5"
	// stig are control correlation identifiers, which the guides for all systems
	// share; stigUbuntu are the rules of one guide.
	stig                          = "DISA STIG"
	stigUbuntu, stigUbuntuVersion = "DISA STIG Ubuntu 24.04", "1R5"
)

// serviceRules are those about what is served to whom.
var serviceRules = [...]listenerRule{
	{
		Rule: Rule{
			ID: "WL001", Title: "Remote login in the clear", Severity: Error,
			Help: "Telnet, rlogin, rsh and rexec send the password and everything typed as plain text, or take the " +
				"word of the client's address in place of a password. Whoever is on the way reads along and takes the session over.",
			Next: "stop it, and log in by SSH",
			Controls: []Control{
				{nist, "", "AC-17(2)"},
				{nist, "", "IA-5(1)"},
				{pci, pciVersion, "2.2.7"},
				{stig, "", "CCI-000197"},
				{stig, "", "CCI-000381"},
				{stigUbuntu, stigUbuntuVersion, "UBTU-24-100030"},
				{stigUbuntu, stigUbuntuVersion, "UBTU-24-100040"},
			},
		},
		services: []string{"telnet", "login", "shell", "exec"},
	},
	{
		Rule: Rule{
			ID: "WL002", Title: "File transfer in the clear", Severity: Warning,
			Help: "FTP sends its password as plain text unless both ends ask for TLS, and TFTP has no password at all: " +
				"who reaches it reads, and often writes, what it serves.",
			Next: "use SFTP or HTTPS; where it has to be, bind it to the address of the network that needs it",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.6"},
				{cisDebian, cisDebianVersion, "2.1.16"},
				{cisUbuntu, cisUbuntuVersion, "2.1.6"},
				{cisUbuntu, cisUbuntuVersion, "2.1.16"},
				{nist, "", "SC-8"},
				{pci, pciVersion, "2.2.5"},
				{stig, "", "CCI-000197"},
			},
		},
		services: []string{"ftp", "tftp"},
	},
	{
		Rule: Rule{
			ID: "WL003", Title: "Small service of an old inetd", Severity: Warning,
			Help: "Echo, discard, daytime, chargen, qotd, time, finger and systat were made to try networks out. " +
				"Nothing needs them; over UDP they send more than they are sent, to whomever the sender's forged address names, and " +
				"finger and systat tell strangers about users and processes.",
			Next: "take it out of inetd.conf or xinetd.d",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.19"},
				{cisUbuntu, cisUbuntuVersion, "2.1.19"},
				{nist, "", "CM-7"},
				{pci, pciVersion, "2.2.4"},
				{stig, "", "CCI-000381"},
			},
		},
		services: []string{"echo", "discard", "daytime", "chargen", "qotd", "time", "finger", "systat"},
	},
	{
		Rule: Rule{
			ID: "WL004", Title: "SNMP agent reachable", Severity: Warning,
			Help: "SNMP 1 and 2c know a peer by a community string that is sent as plain text, and is often \"public\". The port is " +
				"the same for version 3, which can encrypt: the number does not tell which one answers.",
			Next: "allow version 3 with authPriv alone, and bind the agent to the address of the management network",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.15"},
				{cisUbuntu, cisUbuntuVersion, "2.1.15"},
				{nist, "", "SC-8"},
				{pci, pciVersion, "2.2.5"},
			},
		},
		services: []string{"snmp"},
	},
	{
		Rule: Rule{
			ID: "WL005", Title: "VNC reachable", Severity: Warning,
			Help: "VNC hands screen, keyboard and mouse over. Its own password has eight characters at most, many servers and virtual " +
				"machines ask for none, and what follows is not encrypted unless an extension is in use.",
			Next:     "bind it to loopback and reach it through SSH or a VPN",
			Controls: []Control{{nist, "", "AC-17(2)"}, {pci, pciVersion, "2.2.7"}},
		},
		services: []string{"vnc", "rfb", "vnc-http"},
	},
	{
		Rule: Rule{
			ID: "WL006", Title: "X11 display reachable", Severity: Error,
			Help: "Whoever gets through to an X server sees every window, every key and every click, and can type as the user. " +
				"The protocol is not encrypted.",
			Next: "start the server with -nolisten tcp, and use ssh -X",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.20"},
				{cisUbuntu, cisUbuntuVersion, "2.1.20"},
				{nist, "", "AC-17(2)"},
				{nist, "", "CM-7"},
				{pci, pciVersion, "2.2.5"},
			},
		},
		services: []string{"x11"},
	},
	{
		Rule: Rule{
			ID: "WL007", Title: "Data store that trusts its network is reachable", Severity: Error,
			Help: "Redis, Memcached, MongoDB, Elasticsearch, etcd and their like were made for a network of friends: as they are " +
				"installed, or after one line of configuration, they ask nobody who it is. Who gets through reads and deletes the data, and with some " +
				"runs programs. The port does not tell whether a password is set.",
			Next: "bind it to loopback or to the address of its clients' network, and turn on authentication and TLS",
			Controls: []Control{
				{nist, "", "SC-7"}, {nist, "", "SC-8"}, {nist, "", "AC-3"}, {pci, pciVersion, "1.4.4"}, {pci, pciVersion, "2.2.5"},
			},
		},
		services: []string{
			"redis", "memcache", "mongodb", "mongodb-shard", "mongodb-config", "elasticsearch", "etcd-client", "etcd-server",
			"solr", "rethinkdb", "qdrant", "milvus", "meilisearch",
		},
		programs: []string{
			"org.elasticsearch.bootstrap.Elasticsearch", "org.elasticsearch.server/org.elasticsearch.bootstrap.Elasticsearch",
			"org.opensearch.bootstrap.OpenSearch",
		},
	},
	{
		Rule: Rule{
			ID: "WL008", Title: "Database at every address", Severity: Warning,
			Help: "A database answers at every address of the host, or at a public one. Its clients are few and known; everybody " +
				"else may try passwords and the holes of old versions.",
			Next:     "bind it to loopback or to the address of its clients' network (listen_addresses, bind-address)",
			Controls: []Control{{nist, "", "SC-7"}, {nist, "", "CM-7"}, {pci, pciVersion, "1.4.4"}},
		},
		services: []string{
			"postgresql", "pgbouncer", "mysql", "mysqlx", "galera", "ms-sql-s", "ms-sql-m", "oracle", "cassandra-cql", "cassandra",
			"clickhouse", "clickhouse-http", "couchdb", "influxdb", "arangodb", "neo4j", "bolt", "cockroach", "tidb", "sphinxql",
		},
		programs: []string{"org.apache.cassandra.service.CassandraDaemon"},
		reach:    everybody,
	},
	{
		Rule: Rule{
			ID: "WL009", Title: "Container engine's API without TLS", Severity: Error,
			Help: "Who talks to Docker's API is root on the host: it starts a container with the host's files in it. Port 2375 has " +
				"neither password nor TLS. On loopback every user and every program of the host has it, and often every container.",
			Next:     "use the unix socket, SSH (docker -H ssh://), or port 2376 with client certificates",
			Controls: []Control{{nist, "", "AC-3"}, {nist, "", "AC-17(2)"}, {pci, pciVersion, "2.2.7"}},
		},
		services: []string{"docker"},
		reach:    anywhere,
	},
	{
		Rule: Rule{
			ID: "WL010", Title: "Kubelet's port without authentication", Severity: Error,
			Help: "The kubelet's read-only port (and the old one of cAdvisor) tells everybody which pods run, with their environment's names and the " +
				"node's state, without asking who it is.",
			Next:     "set readOnlyPort to 0 in the kubelet's configuration",
			Controls: []Control{{nist, "", "AC-3"}, {nist, "", "CM-7"}, {pci, pciVersion, "2.2.5"}},
		},
		services: []string{"kubelet-readonly", "cadvisor-kubelet"},
	},
	{
		Rule: Rule{
			ID: "WL011", Title: "File sharing or its port mapper reachable", Severity: Warning,
			Help: "NFS and rpcbind, SMB and NetBIOS, AFP, rsync, NBD and iSCSI serve files or disks, most of them to whoever has the right " +
				"address. rpcbind also answers forged senders with more than it was sent.",
			Next: "stop it where nothing is shared; otherwise bind it to the network that it is for",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.9"},
				{cisDebian, cisDebianVersion, "2.1.12"},
				{cisDebian, cisDebianVersion, "2.1.13"},
				{cisDebian, cisDebianVersion, "2.1.14"},
				{cisUbuntu, cisUbuntuVersion, "2.1.9"},
				{cisUbuntu, cisUbuntuVersion, "2.1.12"},
				{cisUbuntu, cisUbuntuVersion, "2.1.13"},
				{cisUbuntu, cisUbuntuVersion, "2.1.14"},
				{nist, "", "CM-7"},
				{pci, pciVersion, "2.2.4"},
				{stigUbuntu, stigUbuntuVersion, "UBTU-24-100050"},
			},
		},
		services: []string{
			"nfs", "mountd", "sunrpc", "rpcbind", "microsoft-ds", "netbios-ssn", "netbios-ns", "netbios-dgm", "afpovertcp",
			"rsync", "nbd", "iscsi-target",
		},
	},
	{
		Rule: Rule{
			ID: "WL012", Title: "Mail transfer agent off loopback", Severity: Warning,
			Help: "Every host has a mail agent for its own reports; only a mail server needs one that others can talk to. It is a favourite " +
				"of spammers and of those who look for holes.",
			Next: "let it listen on loopback alone (inet_interfaces = loopback-only; dc_local_interfaces), or except a mail server from the rule",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.21"},
				{cisUbuntu, cisUbuntuVersion, "2.1.21"},
				{nist, "", "CM-7"},
				{pci, pciVersion, "2.2.4"},
				{stig, "", "CCI-000382"},
			},
		},
		services: []string{"smtp"},
	},
	{
		Rule: Rule{
			ID: "WL013", Title: "Passwords in the clear unless TLS is begun", Severity: Note,
			Help: "IMAP, POP3, LDAP, MQTT and AMQP begin in the clear at this port. Where the server does not insist on TLS before a password " +
				"(or knows no TLS there at all), passwords are sent as plain text. The port does not tell.",
			Next: "insist on TLS before authentication, or serve the port that begins with TLS alone",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.7"},
				{cisDebian, cisDebianVersion, "2.1.8"},
				{cisUbuntu, cisUbuntuVersion, "2.1.7"},
				{cisUbuntu, cisUbuntuVersion, "2.1.8"},
				{nist, "", "SC-8"},
				{nist, "", "IA-5(1)"},
				{pci, pciVersion, "1.2.6"},
				{stig, "", "CCI-000197"},
			},
		},
		services: []string{"imap", "pop3", "ldap", "mqtt", "amqp"},
	},
	{
		Rule: Rule{
			ID: "WL014", Title: "Discovery or printing answers the network", Severity: Note,
			Help: "mDNS, LLMNR, SSDP, WS-Discovery and the printing services tell the network what there is on this host, and take requests " +
				"from it. A server is known to its clients without them; answers to LLMNR can be forged to catch passwords.",
			Next: "stop avahi-daemon and cups-browsed; LLMNR=no and MulticastDNS=no in resolved.conf",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.2"},
				{cisDebian, cisDebianVersion, "2.1.11"},
				{cisUbuntu, cisUbuntuVersion, "2.1.2"},
				{cisUbuntu, cisUbuntuVersion, "2.1.11"},
				{nist, "", "CM-7"},
				{pci, pciVersion, "2.2.4"},
			},
		},
		services: []string{"mdns", "llmnr", "ssdp", "ws-discovery", "ipp", "printer"},
	},
	{
		Rule: Rule{
			ID: "WL015", Title: "Cluster control that trusts its network is reachable", Severity: Warning,
			Help: "The ports by which the parts of Erlang, ZooKeeper, Consul and Nomad clusters and of Java's management find and steer each other " +
				"ask for little or nothing by default, and what they steer are programs.",
			Next:     "bind it to the address of the cluster's own network, and turn on its access control",
			Controls: []Control{{nist, "", "SC-7"}, {nist, "", "AC-3"}, {pci, pciVersion, "2.2.5"}},
		},
		services: []string{"epmd", "zookeeper", "consul", "consul-rpc", "nomad-http", "nomad-rpc", "rmiregistry", "cassandra-jmx"},
	},
	{
		Rule: Rule{
			ID: "WL016", Title: "Industrial control protocol reachable", Severity: Error,
			Help: "Modbus, S7, DNP3, EtherNet/IP and BACnet know no passwords: who sends a command has it carried out, by machines.",
			Next: "keep it in the control network, and let no other address reach it",
			Controls: []Control{
				{nist, "", "SC-7"}, {nist, "", "AC-3"},
			},
		},
		services: []string{"mbap", "iso-tsap", "dnp", "EtherNet-IP-2", "bacnet"},
	},
	{
		Rule: Rule{
			ID: "WL017", Title: "Proxy reachable", Severity: Warning,
			Help: "A proxy fetches for others with this host's address and from this host's networks. One that strangers can use hides them, and lets " +
				"them into what only this host reaches.",
			Next: "bind it to the address of its clients' network, and allow their addresses alone",
			Controls: []Control{
				{cisDebian, cisDebianVersion, "2.1.17"}, {cisUbuntu, cisUbuntuVersion, "2.1.17"}, {nist, "", "SC-7"}, {pci, pciVersion, "2.2.4"},
			},
		},
		services: []string{"squid", "socks", "privoxy", "tor-socks"},
		programs: []string{"tinyproxy", "3proxy"},
	},
	{
		Rule: Rule{
			ID: "WL018", Title: "Development server reachable", Severity: Warning,
			Help: "Servers for trying things out (python -m http.server, Flask's, Vite's, Hugo's, a notebook) serve a folder or run code " +
				"without asking who it is. Their manuals say that they are not to face a network.",
			Next:     "bind it to 127.0.0.1, or put the real server in its place",
			Controls: []Control{{nist, "", "CM-7"}, {pci, pciVersion, "2.2.4"}},
		},
		programs: []string{
			"http.server", "SimpleHTTPServer", "flask", "vite", "hugo", "webpack-dev-server", "http-server", "live-server",
			"jupyter", "jupyter-lab", "jupyter-notebook", "jupyter-server",
		},
	},
}
