#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A real Filebeat against naru, both ways. It is no part of the project: build one as written below and name it in FILEBEAT;
# without it this test is skipped, visibly.
#
#   go mod download -json github.com/elastic/beats/v7@v7.17.29    # copy the folder it names, then: chmod -R u+w
#   GOFLAGS=-mod=mod go build -o filebeat ./filebeat
#
#   FILEBEAT=…/filebeat NARU=build/release/naru tests/compat/filebeat.sh [LINES] [PORT]
#
# 1. Filebeat sends LINES lines (default 1,000,000) into `beats` of `naru run`: every line arrives, once.
# 2. Filebeat's registry is taken over by `naru ship`, and taken back by Filebeat: nothing is sent twice, nothing is left out.
set -u
filebeat=${FILEBEAT:-filebeat}
naru=${NARU:-build/release/naru}
lines=${1:-1000000}
port=${2:-15044}
if ! command -v "$filebeat" >/dev/null 2>&1; then
    echo "SKIPPED: no Filebeat here (set FILEBEAT; the recipe is in this script)"
    exit 77
fi
dir=$(mktemp -d)
pids=
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    wait
    rm -rf "$dir"
}
trap stop EXIT
failed=0
check() { # what, expected, got
    if [ "$2" = "$3" ]; then echo "ok    $1: $3"; else echo "WRONG $1: expected $2, got $3"; failed=1; fi
}

# ---- 1. Filebeat to the beats input
awk -v n="$lines" 'BEGIN { for (i = 0; i < n; i++) printf "005930,%06d,%d,2,\"한글\",%d\n", i % 240000, 71000 + i % 900, i }' >"$dir/in.log"
cat >"$dir/filebeat.yml" <<END
filebeat.inputs:
- type: log
  paths: ["$dir/in.log"]
output.logstash:
  hosts: ["127.0.0.1:$port"]
END
"$naru" run --path.data "$dir/naru" -e "input { beats { port => $port host => '127.0.0.1' } } output { stdout { codec => line { format => '%{message}' } } }" \
    >"$dir/out.log" 2>"$dir/naru.err" &
pids="$pids $!"
"$filebeat" -e --strict.perms=false -c "$dir/filebeat.yml" --path.data "$dir/fb" 2>"$dir/fb.err" &
fb=$!
i=0
while [ "$(wc -l <"$dir/out.log")" -lt "$lines" ] && [ $i -lt 240 ]; do sleep 1; i=$((i + 1)); done
sleep 2 # a line too many would come now
kill $fb
wait $fb
check "lines that arrived" "$lines" "$(wc -l <"$dir/out.log" | tr -d ' ')"
sort "$dir/in.log" >"$dir/in.sorted"
sort "$dir/out.log" >"$dir/out.sorted"
cmp -s "$dir/in.sorted" "$dir/out.sorted"
check "same content (0: yes)" 0 $?

# ---- 2. one registry, two shippers in turn
cat >"$dir/console.yml" <<END
filebeat.inputs: [{type: log, paths: ["$dir/swap.log"]}]
output.console: {enabled: true}
END
messages() { grep -o '"message":"[^"]*"' | tr '\n' ' '; }
by_filebeat() {
    timeout 4 "$filebeat" -e --strict.perms=false -c "$dir/console.yml" --path.data "$dir/swap" 2>>"$dir/fb.err" | messages
}
by_naru() { "$naru" ship -c "$dir/console.yml" --path.data "$dir/swap" --once 2>>"$dir/naru.err" | messages; }
echo l1 >"$dir/swap.log"
check "Filebeat begins" '"message":"l1" ' "$(by_filebeat)"
echo l2 >>"$dir/swap.log"
check "naru goes on" '"message":"l2" ' "$(by_naru)"
echo l3 >>"$dir/swap.log"
check "Filebeat goes on" '"message":"l3" ' "$(by_filebeat)"
echo l4 >>"$dir/swap.log"
check "naru goes on" '"message":"l4" ' "$(by_naru)"
check "nothing is left" '' "$(by_naru)"
[ $failed -eq 0 ] && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; tail -5 "$dir/naru.err" "$dir/fb.err"; }
exit $failed
