#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# suite.sh LOGS 'NAME<tab>COMMAND': run COMMAND, which prints TAP, as one test
# suite; report it on one line, and what failed below.  Logs and counts go to
# the folder LOGS, as NAME.tap, NAME.err and NAME.counts; LOGS/times gets a line
# `CPU-SECONDS SECONDS NAME`, and LOGS/failed `failed: NAME: TEST` of each that did.
#
# Several run at once, so the report is one write.
set -eu

logs=$1
name=${2%%"$(printf '\t')"*}
command=${2#*"$(printf '\t')"}
base=$logs/$(printf '%s' "$name" | tr ' /' '--')

rc=0
begun=$(date +%s)
timeout -k 10 "${SUITE_SECONDS:-1800}" sh -c "$command" </dev/null >"$base.tap" 2>"$base.err" || rc=$?
# Its second line is of the processes that ended: user, system.
times >"$base.times"
awk -v took="$(($(date +%s) - begun))" -v name="$name" 'NR == 2 {
	for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); cpu += 60 * t[1] + t[2] }
	printf "%.1f %d %s\n", cpu, took, name }' "$base.times" >>"$logs/times"
awk -v rc="$rc" -f harness/test/tap.awk "$base.tap" >"$base.result"
{
	read -r passed failed skipped
	details=$(cat)
} <"$base.result"
echo "$passed $failed" >"$base.counts"

report=$(printf '%-56s %4d passed' "$name" "$passed")
[ "$failed" = 0 ] || report="$report, $failed failed"
[ "$skipped" = 0 ] || report="$report, $skipped skipped"
[ -z "$details" ] || report="$report
$details"
if [ "$failed" != 0 ]; then
	printf '%s\n' "$details" | sed -n "s|^    not ok [0-9]* *-\\{0,1\\} *|failed: $(printf '%s' "$name" | sed 's/[&|\\]/\\&/g'): |p" |
		sed -n '1,9p' >"$base.failed"
	cat "$base.failed" >>"$logs/failed"
	report="$report
    log: $base.tap, $base.err"
	[ ! -s "$base.err" ] || report="$report
$(tail -n 25 "$base.err" | sed 's/^/    | /')"
fi
printf '%s\n' "$report"
