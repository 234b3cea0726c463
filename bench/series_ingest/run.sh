#!/usr/bin/env bash
# run.sh -- sensor rows into zayton, VictoriaMetrics and InfluxDB: CPU time, bytes a value, a sum over everything.
#
#   bench/series_ingest/run.sh BUILD WORK PEERS SITES STEPS SEED     prints: name value, one a line
#
# The same files of ten thousand lines are posted one after the other to each server, alone on the machine in its turn; CPU
# time is the whole process's, from before the first post to after the last. zayton syncs every write before it answers;
# InfluxDB syncs its log as shipped (wal-fsync-delay 0), VictoriaMetrics answers before anything is on the disk.
# Back of the envelope: one core parses some 10 M fields a second (100 ns each for text, hash, journal, head and column).
set -euo pipefail
B=$1 W=$2 PEERS=$3 SITES=$4 STEPS=$5 SEED=$6
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
die() { echo "series: $*" >&2; exit 1; }
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
cpu_s() { awk "BEGIN { printf \"%.2f\", ($2 - $1) / $(getconf CLK_TCK) }"; }
say() { echo "$1 $2"; }
await_url() { for _ in $(seq 100); do if curl -sf -m 2 -o /dev/null "$1"; then return; fi; sleep 0.1; done; die "no answer of $1"; }
stop() { kill "$server"; wait "$server" 2>/dev/null || true; server=; }
post_all() { # URL: connections are kept, a write at a time
	local f; : >"$W/curl"
	for f in "$W"/lines/*; do
		printf 'url = "%s"\ndata-binary = "@%s"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\nnext\n' "$1" "$f"
	done | sed '$d' >"$W/curl"
	curl -s -m 1200 -K "$W/curl" >"$W/codes" || die "posting to $1 failed"
	[ "$(grep -vc 204 "$W/codes")" = 0 ] || die "$1 refused some: $(grep -v 204 "$W/codes" | head -n 1)"
}
timed() { # NAME URL: the better of three, ms; the answer in $W/answer
	local best= t
	for _ in 1 2 3; do
		t=$(curl -s -m 600 -o "$W/answer" -w '%{time_total}' "$2")
		best=$(awk "BEGIN { b = \"$best\"; print (b == \"\" || $t < b) ? $t : b }")
	done
	say "$1" "$(awk "BEGIN { printf \"%.1f\", $best * 1000 }")"
}
weigh() { du -sB1 "$1" | cut -f1; }

mkdir -p "$W/lines"
read -r rows temp hum level count < <("$B/bench/series_ingest/lines_generate" "$W/lines" "$SITES" "$STEPS" "$SEED")
say rows "$rows"
to=$((1764547200 + STEPS * 10 + 10))

# --- zayton
start_zayton() {
	"$B/zayton" serve --data-dir "$W/z" --streams open --jt808-tcp 127.0.0.1:0 --http 127.0.0.1:18090 --shards 1 \
		--log-level warn >"$W/z.out" 2>"$W/z.err" </dev/null & server=$!
	await_url http://127.0.0.1:18090/ping
}
start_zayton
before=$(ticks $server)
post_all "http://127.0.0.1:18090/write?db=b"
say zayton_cpu_s "$(cpu_s "$before" "$(ticks $server)")"
stop
before=$(awk '{print $16 + $17}' /proc/$$/stat)
"$B/bench/series_ingest/store_settle" "$W/z" </dev/null
say zayton_settle_cpu_s "$(cpu_s "$before" "$(awk '{print $16 + $17}' /proc/$$/stat)")"
say zayton_bytes "$(weigh "$W/z/db")"
say zayton_journal_bytes "$(weigh "$W/z/journal-1")"
start_zayton
timed zayton_sum_ms "http://127.0.0.1:18090/api/v1/series?from=1764547200000&to=${to}000&step=366d&aggregate=sum&format=csv"
awk -F, -v want="$temp $hum $level $count" 'NR > 1 { s[$3] += $7 }
	END { got = sprintf("%.0f %.0f %.0f %.0f", s["sensor.temp"] * 10, s["sensor.hum"], s["sensor.level"] * 1000, s["sensor.count"])
		if (got != want) { print "series: zayton says " got ", not " want > "/dev/stderr"; exit 1 } }' "$W/answer"
stop

# --- VictoriaMetrics
"$PEERS/usr/bin/victoria-metrics" -storageDataPath="$W/vm" -httpListenAddr=127.0.0.1:18091 -retentionPeriod=100y \
	-search.latencyOffset=0s -search.disableCache >"$W/vm.out" 2>&1 </dev/null & server=$!
await_url http://127.0.0.1:18091/health
before=$(ticks $server)
post_all "http://127.0.0.1:18091/write?db=b"
say vm_cpu_s "$(cpu_s "$before" "$(ticks $server)")"
curl -s -m 60 -o /dev/null http://127.0.0.1:18091/internal/force_flush
curl -s -m 600 -o /dev/null http://127.0.0.1:18091/internal/force_merge
for _ in $(seq 60); do sleep 1; a=$(weigh "$W/vm"); sleep 1; [ "$a" != "$(weigh "$W/vm")" ] || break; done
say vm_bytes "$(weigh "$W/vm/data")"
timed vm_sum_ms "http://127.0.0.1:18091/api/v1/query?time=$to&query=sum(sum_over_time(%7B__name__=~%22sensor_.*%22%7D%5B$((STEPS * 10 + 60))s%5D))"
grep -q '"value"' "$W/answer" || die "VictoriaMetrics: $(head -c 200 "$W/answer")"
stop

# --- InfluxDB
mkdir -p "$W/influx"
cat >"$W/influx.conf" <<END
reporting-disabled = true
bind-address = "127.0.0.1:18093"
[meta]
  dir = "$W/influx/meta"
[data]
  dir = "$W/influx/data"
  wal-dir = "$W/influx/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:18092"
  log-enabled = false
[monitor]
  store-enabled = false
END
"$PEERS/usr/bin/influxd" -config "$W/influx.conf" >"$W/influx.out" 2>&1 </dev/null & server=$!
await_url http://127.0.0.1:18092/ping
curl -s -m 10 -o /dev/null -X POST --data-urlencode 'q=CREATE DATABASE b' http://127.0.0.1:18092/query
before=$(ticks $server)
post_all "http://127.0.0.1:18092/write?db=b"
say influx_cpu_s "$(cpu_s "$before" "$(ticks $server)")"
timed influx_sum_ms "http://127.0.0.1:18092/query?db=b&q=select+sum(temp),sum(hum),sum(level),sum(count)+from+sensor"
grep -q sum "$W/answer" || die "InfluxDB: $(head -c 200 "$W/answer")"
stop
"$PEERS/usr/bin/influxd" -config "$W/influx.conf" >"$W/influx.out" 2>&1 </dev/null & server=$!
await_url http://127.0.0.1:18092/ping
sleep 2
stop
say influx_bytes "$(($(weigh "$W/influx/data") + $(weigh "$W/influx/wal")))"
