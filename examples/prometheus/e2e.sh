#!/usr/bin/env bash
# From a new listener to an alert at a webhook, with Debian's prometheus,
# prometheus-node-exporter and prometheus-alertmanager: on loopback in a network
# namespace of its own, in a temporary folder. It touches no service of the host,
# and ends the processes that it started, and no others.
#
#   e2e.sh [WHATSLISTENING]     the program; "whatslistening" of PATH without it
#
# Exit 0 when the alert has arrived; 77 where something needed is not there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${1:-whatslistening}
program=$(command -v "$program") || { echo "e2e: no whatslistening" >&2; exit 77; }
program=$(readlink -f "$program")

if [ -z "${WHATSLISTENING_E2E:-}" ]; then
  for tool in prometheus prometheus-node-exporter prometheus-alertmanager promtool python3 curl unshare ip; do
    command -v "$tool" >/dev/null || { echo "e2e: no $tool" >&2; exit 77; }
  done
  [ "$(id -u)" -eq 0 ] || { echo "e2e: needs root, for a network namespace" >&2; exit 77; }
  WHATSLISTENING_E2E=1 exec unshare --net "$here/e2e.sh" "$program"
fi
ip link set lo up

dir=$(mktemp -d)
pids=()
cleanup() {
  status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 5 "$dir"/*.log >&2 || true
  fi
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap cleanup EXIT
# start LOG COMMAND… starts it, and ends it with this script.
start() {
  "${@:2}" >"$dir/$1.log" 2>&1 &
  pids+=("$!")
}
# until_true SECONDS WHAT COMMAND… waits for the command to succeed.
until_true() {
  local end=$((SECONDS + $1)) what=$2
  until "${@:3}"; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "e2e: not so after $1 s: $what" >&2
      exit 1
    fi
    sleep 0.2
  done
  echo "e2e: $SECONDS s: $what"
}

# The network namespace is ours alone, so that every port is free.
mkdir "$dir/text" "$dir/data"
cat >"$dir/receiver.py" <<'PY'
import http.server, json, sys

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[1], "a") as out:
            for alert in body["alerts"]:
                labels = alert["labels"]
                print(alert["status"], labels["alertname"], labels.get("port", "-"), alert["annotations"]["summary"], file=out, flush=True)
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", 9999), Receiver).serve_forever()
PY
cat >"$dir/listener.py" <<'PY'
import socket, time

s = socket.create_server(("0.0.0.0", 2323))
while True:
    time.sleep(60)
PY
# The rules as they are, but for an hour and quarters of one: a test has seconds.
sed -e 's/offset 1h/offset 6s/' -e 's/for: 15m/for: 2s/' "$here/rules.yaml" >"$dir/rules.yaml"
cat >"$dir/prometheus.yaml" <<YAML
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [$dir/rules.yaml]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:9093"]}]}]}
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["127.0.0.1:9100"]}]
YAML
cat >"$dir/alertmanager.yaml" <<'YAML'
route: {receiver: webhook, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname, port]}
receivers: [{name: webhook, webhook_configs: [{url: "http://127.0.0.1:9999/"}]}]
YAML
promtool check config "$dir/prometheus.yaml" >/dev/null

# metrics writes the textfile, as the timer does. Exit 1 says that there are
# findings, which the alerts are for.
metrics() {
  "$program" audit --netns own -o prometheus --output-file "$dir/text/whatslistening.prom" >"$dir/audit.log" 2>&1 || [ $? -eq 1 ]
}
has() { curl -sf "http://127.0.0.1:9090/api/v1/query" --data-urlencode "query=$1" | grep -q '"result":\[{'; }

metrics
promtool check metrics <"$dir/text/whatslistening.prom"
cp "$dir/text/whatslistening.prom" "$dir/before.prom"
start receiver python3 "$dir/receiver.py" "$dir/alerts"
start exporter prometheus-node-exporter --web.listen-address=127.0.0.1:9100 --collector.disable-defaults \
  --collector.textfile --collector.textfile.directory="$dir/text"
start alertmanager prometheus-alertmanager --config.file="$dir/alertmanager.yaml" --storage.path="$dir/data/am" \
  --web.listen-address=127.0.0.1:9093 --cluster.listen-address=
start prometheus prometheus --config.file="$dir/prometheus.yaml" --storage.tsdb.path="$dir/data/prom" \
  --web.listen-address=127.0.0.1:9090
until_true 30 "Prometheus reads the textfile" has whatslistening_scan_timestamp_seconds
until_true 20 "the host is known for longer than the rule asks" has 'whatslistening_scan_timestamp_seconds offset 6s'
if grep -qs ' ListenerAppeared 2323 ' "$dir/alerts"; then
  echo "e2e: an alert before the listener" >&2
  exit 1
fi

start listener python3 "$dir/listener.py"
# appeared writes the textfile until the listener is in it.
appeared() { metrics && grep -q 'whatslistening_listener_info{.*address="0.0.0.0",port="2323"' "$dir/text/whatslistening.prom"; }
until_true 10 "the new listener is in the textfile" appeared
if cmp -s "$dir/before.prom" "$dir/text/whatslistening.prom"; then
  echo "e2e: the textfile has not changed" >&2
  exit 1
fi
until_true 20 "the alert is at the webhook" grep -qs '^firing ListenerAppeared 2323 ' "$dir/alerts"
grep '^firing ListenerAppeared 2323 ' "$dir/alerts"
