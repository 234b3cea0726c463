#!/bin/sh
# gpsdecode (package gpsd-clients) over the same file: sentences per CPU second.   peer.sh FILE
n=$(wc -l <"$1")
s=$( { /usr/bin/env bash -c 'TIMEFORMAT="%U %S"; time gpsdecode -j <"$0" >/dev/null' "$1"; } 2>&1 | tail -1 | awk '{print $1 + $2}')
awk -v n="$n" -v s="$s" 'BEGIN { printf "{\"bench\":\"gpsdecode\",\"sentences\":%d,\"cpu_s\":%.3f,\"sentences_per_core_second\":%.0f}\n", n, s, n / s }'
