package scanner

import (
	"slices"
	"strings"
	"testing"
)

func TestScriptOf(t *testing.T) {
	tests := []struct {
		name, args, want string // args with "|" between them
	}{
		{"python3.11", "python3|/srv/app.py|--port|80", "/srv/app.py"},
		{"python3.11", "python3|-m|http.server|8000", "http.server"},
		{"python3.11", "python3|-um|http.server", "http.server"},
		{"python3", "python3|-mhttp.server", "http.server"},
		{"python3", "python3|-u|-W|ignore|-X|dev|app.py", "app.py"},
		{"python3", "python3|-Wignore|-B|app.py", "app.py"},
		{"python3", "python3|-c|import socket|secret", ""},
		{"python3", "python3|-uc|import socket", ""},
		{"python3", "python3", ""},
		{"python3", "python3|-", ""},
		{"python3", "python3|--|-odd.py", "-odd.py"},
		{"python3", "python3|--check-hash-based-pycs|always|a.py", "a.py"},
		{"python2", "/usr/bin/python2|/usr/bin/supervisord|-c|/etc/supervisord.conf", "/usr/bin/supervisord"},
		{"pypy3", "pypy3|x.py", "x.py"},
		{"node", "node|/srv/server.js", "/srv/server.js"},
		{"node", "node|--inspect=9229|--max-old-space-size=4096|-r|dotenv/config|server.js", "server.js"},
		{"nodejs", "nodejs|-e|require('net')", ""},
		{"node", "node|--require|x.js|--|index.js", "index.js"},
		{"bun", "bun|run|index.ts", "index.ts"},
		{"java", "java|-Xmx1g|-jar|/opt/app.jar|--server.port=80", "/opt/app.jar"},
		{"java", "java|-cp|/a.jar:/b.jar|org.apache.kafka.Kafka|server.properties", "org.apache.kafka.Kafka"},
		{"java", "java|-Dfoo=bar|-classpath|x|--add-opens|java.base/java.lang=ALL-UNNAMED|com.example.Main", "com.example.Main"},
		{"java", "java|--module-path|mods|-m|com.example/com.example.Main", "com.example/com.example.Main"},
		{"java", "java|--module=com.example/Main", "com.example/Main"},
		{"java", "java|@/opt/args|-jar", ""},
		{"java", "java|-version", ""},
		{"ruby3.1", "ruby|-I|lib|-rbundler|/usr/bin/puma", "/usr/bin/puma"},
		{"ruby", "ruby|-e|puts 1", ""},
		{"ruby", "ruby|-ne|puts 1", ""},
		{"perl", "/usr/bin/perl|-w|-T|/usr/sbin/spamd", "/usr/sbin/spamd"},
		{"perl", "perl|-MIO::Socket|-e|print 1", ""},
		{"perl", "perl|-ne|print", ""},
		{"perl", "perl|-Mstrict|x.pl", "x.pl"},
		{"bash", "bash|/usr/local/bin/run.sh", "/usr/local/bin/run.sh"},
		{"bash", "-bash", ""},
		{"bash", "bash|-lc|nc -l 80", ""},
		{"bash", "bash|-o|pipefail|--rcfile|x|+x|run.sh", "run.sh"},
		{"dash", "sh|-e|run.sh", "run.sh"},
		{"sh", "sh|-c|echo $SECRET", ""},
		{"php8.2", "php|-S|0.0.0.0:8000|-t|public|router.php", "router.php"},
		{"php", "php|-d|memory_limit=1G|artisan|serve", "artisan"},
		{"php", "php|-f|x.php", "x.php"},
		{"php", "php|-r|echo 1;", ""},
		{"busybox", "busybox|httpd|-f", "httpd"},
		{"busybox", "/bin/httpd|-f", "httpd"},
		{"busybox", "-ash", "ash"},
		{"ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2|--library-path|/opt/lib|/opt/bin/server|x", "/opt/bin/server"},
		{"dotnet", "dotnet|exec|App.dll", "App.dll"},
		{"dotnet", "dotnet|App.dll", "App.dll"},
		{"lua5.4", "lua|-|x", ""},
		{"nginx", "nginx: master process /usr/sbin/nginx", ""},
		{"sshd", "sshd|-D", ""},
		{"pythonista", "pythonista|x.py", ""},
		{"shh", "shh|x", ""},
		{"python3", "", ""},
	}
	for _, tt := range tests {
		args := strings.Split(tt.args, "|")
		if tt.args == "" {
			args = nil
		}
		if got := scriptOf(interpreterOf(tt.name), args); got != tt.want {
			t.Errorf("%s: scriptOf(%q) = %q, want %q", tt.name, args, got, tt.want)
		}
	}
}

func FuzzScriptOf(f *testing.F) {
	f.Add("python3", "python3|-m|x")
	f.Add("java", "java|-cp|a|b")
	f.Add("bash", "bash|-c|x|-")
	f.Fuzz(func(t *testing.T, name, joined string) {
		args := strings.Split(joined, "|")
		got := scriptOf(interpreterOf(name), args)
		if got != "" && !slices.ContainsFunc(args, func(a string) bool { return strings.HasSuffix(a, got) }) {
			t.Errorf("%s: scriptOf(%q) = %q, which ends no argument", name, args, got)
		}
		// A program text is never shown: it may hold a secret.
		if interpreterOf(name) == python && len(args) > 2 && args[1] == "-c" && got != "" {
			t.Errorf("%s: scriptOf(%q) = %q, want none", name, args, got)
		}
	})
}
