package scanner

import (
	"slices"
	"strings"
	"testing"
)

func TestRedactArgs(t *testing.T) {
	tests := []struct{ in, want string }{ // with "|" between arguments
		// What a person needs stays.
		{"/usr/sbin/sshd|-D|-p|2222", "/usr/sbin/sshd|-D|-p|2222"},
		{"nginx: master process /usr/sbin/nginx -g daemon on;", "nginx: master process /usr/sbin/nginx -g daemon on;"},
		{"postgres|-D|/var/lib/postgresql/15/main|-c|config_file=/etc/postgresql/15/main/postgresql.conf", "postgres|-D|/var/lib/postgresql/15/main|-c|config_file=/etc/postgresql/15/main/postgresql.conf"},
		{"prometheus|--config.file=/etc/prometheus/prometheus.yml|--web.listen-address=:9090", "prometheus|--config.file=/etc/prometheus/prometheus.yml|--web.listen-address=:9090"},
		{"java|-Xmx4g|-XX:+UseG1GC|-jar|/opt/spring-petclinic-3.1.0.jar|--server.port=8080", "java|-Xmx4g|-XX:+UseG1GC|-jar|/opt/spring-petclinic-3.1.0.jar|--server.port=8080"},
		{"etcd|--listen-client-urls|http://127.0.0.1:2379,http://[::1]:2379", "etcd|--listen-client-urls|http://127.0.0.1:2379,http://[::1]:2379"},
		{"docker-proxy|-proto|tcp|-host-ip|0.0.0.0|-host-port|8080|-container-ip|172.17.0.2|-container-port|80", "docker-proxy|-proto|tcp|-host-ip|0.0.0.0|-host-port|8080|-container-ip|172.17.0.2|-container-port|80"},
		{"docker|run|-p|127.0.0.1:8080:80/tcp|nginx", "docker|run|-p|127.0.0.1:8080:80/tcp|nginx"},
		{"python3|-m|http.server|8000|--author|Jo|--keyboard|de", "python3|-m|http.server|8000|--author|Jo|--keyboard|de"},
		{"/usr/lib/systemd/systemd-timesyncd", "/usr/lib/systemd/systemd-timesyncd"},

		// Flags by name.
		{"x|--password=hunter2", "x|--password=[redacted]"},
		{"x|--password|hunter2|-v", "x|--password|[redacted]|-v"},
		{"x|-password|hunter2", "x|-password|[redacted]"},
		{"x|--db-password:hunter2", "x|--db-password:[redacted]"},
		{"x|--password|--really|y", "x|--password|[redacted]|y"},
		{"x|--token|--password|hunter2", "x|--token|[redacted]|[redacted]"},
		{"redis-server|--requirepass|hunter2", "redis-server|--requirepass|[redacted]"},
		{"x|/password:hunter2", "x|/password:[redacted]"},
		{"x|password:|hunter2", "x|password:|[redacted]"},
		{"x|--api-key=abc", "x|--api-key=[redacted]"},
		{"x|--auth|abc", "x|--auth|[redacted]"},
		{"x|--key|abc", "x|--key|[redacted]"},
		{"x|-Dspring.datasource.password=abc", "x|-Dspring.datasource.password=[redacted]"},
		{"x|--set|grafana.adminPassword=abc", "x|--set|grafana.adminPassword=[redacted]"},
		{"env|AWS_SECRET_ACCESS_KEY=abc|DB_PASS=abc|PATH=/bin", "env|AWS_SECRET_ACCESS_KEY=[redacted]|DB_PASS=[redacted]|PATH=/bin"},
		{"x|--opt=password=abc", "x|--opt=password=[redacted]"},
		{"x|--opt|user=joe,password=abc,x=y", "x|--opt|user=joe,password=[redacted],[redacted]"},
		{"mysql|-pabc|-h|db", "mysql|-p[redacted]|-h|db"},
		{"mariadb|-p|-h|db", "mariadb|-p|[redacted]|db"},
		{"/usr/bin/mysqldump|-uroot|-pabc", "/usr/bin/mysqldump|-uroot|-p[redacted]"},
		{"sshpass|-p|1234|ssh|host", "sshpass|-p|[redacted]|ssh|host"},
		{"redis-cli|-a|abc", "redis-cli|-a|[redacted]"},
		{"curl|-u|joe:abc|https://example.org/", "curl|-u|[redacted]|https://example.org/"},
		{"curl|-ujoe:abc", "curl|-u[redacted]"},
		{"curl|-H|Authorization: Basic am9lOmFiYw==", "curl|-H|[redacted]"},
		{"x|--proxy-user|joe:abc", "x|--proxy-user|[redacted]"},

		// Texts of several words.
		{"sh|-c|exec x --password abc def", "sh|-c|exec x --password [redacted]"},
		{"sh|-c|PGPASSWORD=abc psql", "sh|-c|PGPASSWORD=[redacted] [redacted]"},
		{"x|host=db password='a b c' sslmode=require", "x|host=db password=[redacted] [redacted]"},

		// URLs.
		{"x|postgres://joe:abc@db:5432/app", "x|postgres://[redacted]@db:5432/app"},
		{"x|--url=amqp://joe:a/b?c@mq/", "x|--url=amqp://[redacted]@mq/"},
		{"x|https://example.org/a?x=1&access_token=abc&y=2", "x|https://example.org/a?x=1&access_token=[redacted]&[redacted]"},
		{"x|https://hooks.slack.com/services/T00000000/B00000000/aB3dE5gH7jK9mN1pQ3sT5vW7", "x|https://hooks.slack.com/services/T00000000/B00000000/[redacted]"},
		{"x|--secret-url=https://example.org/", "x|--secret-url=[redacted]"},
		{"x|joe:abc@db:3306/app", "x|[redacted]"},

		// Keys by their looks.
		{"x|AKIAIOSFODNN7EXAMPLE", "x|[redacted]"},
		{"x|ghp_16C7e42F292c6912E7710c838347Ae178B4a", "x|[redacted]"},
		{"x|--x=xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy", "x|--x=[redacted]"},
		{"x|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", "x|[redacted]"},
		{"x|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "x|[redacted]"},
		{"x|d41d8cd98f00b204e9800998ecf8427e", "x|[redacted]"},
		{"x|$2b$12$KIXQQn7jzv3oJq0n7m9ZbOe", "x|[redacted]"},
	}
	for _, tt := range tests {
		in := strings.Split(tt.in, "|")
		before := slices.Clone(in)
		if got := strings.Join(redactArgs(in), "|"); got != tt.want {
			t.Errorf("redactArgs(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if !slices.Equal(in, before) {
			t.Errorf("redactArgs changed its argument %q to %q", before, in)
		}
	}
	if got := redactArgs(nil); got != nil {
		t.Errorf("redactArgs(nil) = %q, want nil", got)
	}
}

// A secret behind a name that is known must never survive, whatever it is.
func FuzzRedactSecret(f *testing.F) {
	for i := range secretForms {
		f.Add("hunter2!", uint8(i), "-v")
		f.Add("a=b&c d", uint8(i), "https://x")
		f.Add("--password", uint8(i), "")
		f.Add("x@y/z?#", uint8(i), "a b")
	}
	f.Fuzz(func(t *testing.T, secret string, form uint8, other string) {
		const mark = "qSeCrEtq"
		if strings.Contains(other, "SeCrEt") || strings.Contains(secret, "\x00") {
			return
		}
		secret = mark + secret + mark
		args := []string{"/usr/bin/mysql", other}
		for _, a := range secretForms[int(form)%len(secretForms)] {
			args = append(args, strings.ReplaceAll(a, "*", secret))
		}
		args = append(args, "end")
		got := redactArgs(args)
		if len(got) != len(args) {
			t.Fatalf("redactArgs(%q) = %q: %d arguments, want %d", args, got, len(got), len(args))
		}
		for _, a := range got {
			if strings.Contains(a, mark) {
				t.Errorf("redactArgs(%q) = %q: the secret is still there", args, got)
			}
		}
	})
}

// secretForms are the ways to hand over a secret; * is where it stands.
var secretForms = [][]string{
	{"--password", "*"},
	{"--password=*"},
	{"-p*"},
	{"-password", "*"},
	{"--db-passwd:*"},
	{"--api-key=*"},
	{"--auth-token", "*"},
	{"AWS_SECRET_ACCESS_KEY=*"},
	{"-Dx.password=*"},
	{"--set", "a.secret=*"},
	{"--opts", "user=x,password=*"},
	{"--config", "x --password *"},
	{"--dsn", "host=x password=*"},
	{"https://u:*@example.org/"},
	{"--u=https://u:*@example.org/"},
	{"--header", "Authorization: Bearer *"},
	{"-H", "X-Api-Key: *"},
	{"--credential", "*"},
	{"secret:", "*"},
}

// A chain of names as long as an argument can be is no reason to take seconds.
func TestRedactLongChain(t *testing.T) {
	chain := strings.Repeat("a=", 1<<16)
	if got := redactArgs([]string{"x", chain + "ghp_0123456789abcdefghijABCDEFGHIJ"}); got[1] != chain+redacted {
		t.Errorf("the secret at the end of %d names is not hidden", 1<<16)
	}
}
