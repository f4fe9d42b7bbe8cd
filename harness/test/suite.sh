#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# suite.sh LOGS 'NAME<tab>COMMAND': run COMMAND, which prints TAP, as one test
# suite; report it on one line, and what failed below.  Logs and counts go to
# the folder LOGS, as NAME.tap, NAME.err and NAME.counts.
#
# Several run at once, so the report is one write.
set -eu

logs=$1
name=${2%%"$(printf '\t')"*}
command=${2#*"$(printf '\t')"}
base=$logs/$(printf '%s' "$name" | tr ' /' '--')

rc=0
timeout -k 10 "${SUITE_SECONDS:-600}" sh -c "$command" </dev/null >"$base.tap" 2>"$base.err" || rc=$?
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
	report="$report
    log: $base.tap, $base.err"
	[ ! -s "$base.err" ] || report="$report
$(tail -n 25 "$base.err" | sed 's/^/    | /')"
fi
printf '%s\n' "$report"
