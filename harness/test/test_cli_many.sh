#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Many files, and long lists: they take no time that anybody notices, say how far they
# are, and have the results that each file has alone.
#
# A bound here is CPU time, a hundred times what it takes: what takes more hangs, and on no
# machine is it the machine.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

rule=$BUILD/bugs/rule-fetch-walk/vringer
crash=$BUILD/bugs/n1-header-slots/vringer

# A folder with all that a script can come to, among many that pass.
mkdir "$work/mixed"
made=0
script() {
	made=$((made + 1))
	{
		echo "device $1"
		shift
		printf '%s\n' "$@"
	} >"$(printf '%s/mixed/%02d.vr' "$work" $made)"
}
for round in 1 2 3; do
	script net-loopback 'start driver_ok' 'offer 0 b9:w' 'send 1 b3' '> used 1 id=0 len=0'
	script net-loopback 'start driver_ok' 'offer 0 b7:w*13 b9:w' 'send 1 b3'
	script any 'reset' '> status 0'
	script any 'reset' '> status DRIVER'
	script net-loopback 'start driver_ok' "write QueueSel $round" 'offer 1 b3' 'notify 1'
	script console 'start driver_ok' '> status +DRIVER_OK'
done
# each NAME GOOD BAD COMMAND...: the results of the folder, and of its scripts one by one.
each() {
	name=$1 good=$2 bad=$3
	shift 3
	"$@" "$work/mixed" >"$work/together" 2>"$err"
	for file in "$work"/mixed/*.vr; do
		"$@" "$file" 2>>"$err"
	done >"$work/alone"
	# Numbers of results differ, and of signals' addresses there are none.
	for file in together alone; do
		grep -v '^1\.\.\|^TAP\|^# [0-9]* passed\|^# failed by: \|^# skipped, \|^# [0-9]* of these results are of packed rings$\|^# warnings\|^# [a-z]*: demands \|^# not judged\|^# known: ' "$work/$file" |
			sed 's/^\(not ok\|ok\) [0-9]*/\1/; s/==[0-9]*==/==/; s/0x[0-9a-f]*/0x/g' \
				>"$work/$file.plain"
	done
	diff "$work/alone.plain" "$work/together.plain" >"$out"
	tap "$name: the same as one by one" $?
	[ "$(grep -c '^ok' "$work/together")" -ge "$good" ] &&
		[ "$(grep -c '^not ok' "$work/together")" -ge "$bad" ]
	tap "$name: good and bad" $?
}
each 'run' 12 3 "$VRINGER" run
each 'run with a broken rule' 0 6 "$rule" run
each 'run with a crash' 12 6 "$crash" run
echo 'fetch.walk:* # read twice' >"$work/known"
each 'run with a known finding' 0 6 "$rule" run --known "$work/known"

# within SECONDS STATUS NAME COMMAND...: gives, in so much CPU time.
within() {
	most=$1
	shift
	times >"$work/before"
	gives "$@"
	times >"$work/after"
	# The second line is of the processes waited for: user, system.
	took=$(cat "$work/before" "$work/after" | awk 'NR % 2 == 0 {
		for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s[NR] += 60 * t[1] + t[2] } }
		END { printf "%d", s[4] - s[2] }')
	[ "$took" -lt "$most" ] && result=0 || result=1
	tap "... in less than $most s" "$result"
}

mkdir "$work/many" "$work/crashes"
i=0
while [ $i -lt 3000 ]; do
	printf 'device net-loopback\nstart driver_ok\nwrite QueueSel %d\nsend 1 b3\n' $i \
		>"$work/many/$i.vr"
	i=$((i + 1))
done
within 200 0 'run of 3000 scripts' "$VRINGER" run --split "$work/many"
shows 'all of them' '^# 3000 passed, 0 failed'
find "$work/many" -name '*.vr' -print0 | xargs -0 "$VRINGER" encode --body -o "$work/crashes"
within 200 1 'triage of 3000 files that show nothing' "$VRINGER" triage -t net-loopback "$work/crashes"
shows 'all of them' '^# 3000 files, 0 findings; known 0, without a finding 3000$'
within 200 1 'triage of 3000 findings' "$rule" triage -t net-loopback "$work/crashes"
shows 'all of them' '^# 3000 files, 1 finding; known 0, without a finding 0$'

# A stack that was told once is not told again: two that differ in who asked.
mkdir "$work/crashed"
i=0
while [ $i -lt 200 ]; do
	{
		printf 'device net-loopback\nstart driver_ok\noffer 0 b7:w*13 b9:w\nwrite QueueSel %d\n' $i
		[ $((i % 2)) = 0 ] && echo 'send 1 b3' || printf 'offer 1 b3\nnotify 1\n'
	} >"$work/crashed/$i.vr"
	i=$((i + 1))
done
mkdir "$work/crashed/in"
"$VRINGER" encode --body -o "$work/crashed/in" "$work/crashed"/*.vr
within 150 1 'triage of 200 crashes' "$crash" triage -t net-loopback "$work/crashed/in"
shows 'one kind' '^ubsan:[^ ]*:send  # sanitizer, 100 files: '
shows 'and the other' '^ubsan:[^ ]*:notify  # sanitizer, 100 files: '

i=0
while [ $i -lt 50000 ]; do
	echo "completion.len:op$i # number $i"
	i=$((i + 1))
done >"$work/list"
echo 'fetch.walk:* # the last' >>"$work/list"
within 50 0 'a list of 50,000 known findings' "$rule" replay --known "$work/list" "$work/many/7.vr"
shows 'whose last one is met' 'fetch.walk:send'
echo 'completion.len:op7 # again' >>"$work/list"
refuses 'one of them twice' "^$work/list:50002:1: 'completion.len:op7' is already on line 8, expected it once" \
	"$rule" replay --known "$work/list" "$work/many/7.vr"

# Progress: a file that takes long comes between two others.
mkfifo "$work/slow"
# It is opened when triage has come to it.
{ sleep 6 && cat "$work/crashes/1"; } >"$work/slow" &
"$rule" triage -t net-loopback "$work/crashes/1" "$work/slow" "$work/crashes/2" >"$out" 2>"$err"
grep -qx 'triage: 2 of 3 files, 1 signatures' "$err"
tap 'triage says how far it is' $?

tap_end
