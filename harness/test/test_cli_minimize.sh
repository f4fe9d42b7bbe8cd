#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# vringer minimize: a planted bug of the net model shrinks to the script that is
# known to be the least; outputs, refusals, and a signal.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

# An out-of-bounds write, whatever VRINGER is built with.
bug=$BUILD/bugs/n1-header-slots/vringer
regression=corpus/net-loopback/regressions/CAUSE.vr

same() {
	cmp -s "$2" "$3"
	tap "$1" $?
}

# What is told on stderr has a line like that.
tells() {
	grep -qE -- "$2" "$err" && result=0 || result=1
	tap "$1" "$result"
}

# Many operations that do not matter, and three that do.
{
	echo '# A session with noise.'
	echo 'device net-loopback features=0x300000000 queue_max=16,16 budget=2'
	echo 'clause 2.7.5'
	echo 'name b9 = room'
	echo 'name b3 = frame'
	echo 'start driver_ok size=16'
	i=0
	while [ $i -lt 16 ]; do
		echo "store frame+$((i + 12)) ab0102030405060708090a0b0c0d0e0f$((i + 10))"
		echo "config_read $i width=1"
		echo "set_desc 1 $((i % 8 + 8)) len $((i * 7))"
		i=$((i + 1))
	done
	echo 'repeat 5'
	echo '  read Status'
	echo 'end'
	echo 'offer 0 b7:w*13 room:w'
	echo 'send 1 frame'
	echo '> used 0 id=0 len=76'
	echo 'take 0'
	echo 'reset'
} >"$work/noise.vr"
printf '%s\n' 'device net-loopback' 'start driver_ok' 'offer 0 b7:w*12 b0:w' 'send 1 b0' \
	>"$work/expected"
printf 'device net-loopback\nstart driver_ok\n' >"$work/good.vr"
printf 'device net-loopback\nreset\n> status DRIVER\n' >"$work/demand.vr"
printf 'device net-loopback\n  smash 1\n' >"$work/bad.vr"

gives 0 'minimize --help' "$VRINGER" minimize --help
shows 'minimize --help is its own' '^usage: vringer minimize'

began=$(date +%s)
gives 0 'minimize' "$bug" minimize "$work/noise.vr"
took=$(($(date +%s) - began))
shows 'the finding is the first comment' '^# ubsan:index-out-of-bounds-.*:send \(sanitizer\)$'
tells 'the log tells what runs' '^minimize: operations: [0-9]+ candidates, [0-9]+ operations, [0-9]+ bytes$'
tells 'the summary tells what came of it' "^$work/noise.vr: 3 operations, [0-9]+ bytes; was 55, [0-9]+; [0-9]+ candidates: ubsan:"
# A line for each of the first phases, and one a second: how many is the machine's affair.
[ "$(wc -l <"$err")" -lt $((15 + took)) ]
tap 'the log is short' $?
grep -v '^#' "$out" >"$work/stdout.vr"
same 'three operations are left' "$work/stdout.vr" "$work/expected"
cp "$out" "$work/first"
gives 0 'minimize -o' "$bug" minimize -o "$work/least.vr" -t net-loopback "$work/noise.vr"
[ ! -s "$out" ]
tap 'minimize -o leaves standard output alone' $?
same 'minimize gives the same each time' "$work/least.vr" "$work/first"
gives 1 'the result has the finding' "$bug" replay "$work/least.vr"
gives 1 'the result is a test that fails' "$bug" run "$work/least.vr"
gives 0 'and that passes without the bug' "$VRINGER" run "$work/least.vr"
gives 0 'the least shrinks to itself' "$bug" minimize "$work/least.vr"
same 'bit for bit' "$out" "$work/first"

# As an engine writes it.
"$VRINGER" encode --body -o "$work/crash-1" "$work/noise.vr"
gives 0 'minimize of a crash file' "$bug" minimize -t net-loopback "$work/crash-1"
same 'it shrinks to the same' "$out" "$work/first"
gives 0 'minimize --no-ledger' "$bug" minimize --no-ledger --strict --limits --timeout 5 -t net-loopback \
	"$work/crash-1"
same 'a crash is one without the ledger' "$out" "$work/first"

gives 1 'replay of a finding' "$bug" replay -t net-loopback "$work/crash-1"
shows 'replay says what is next' "vringer minimize -t net-loopback $work/crash-1 -o $regression"

refuses 'no file' '^vringer minimize: no file' "$VRINGER" minimize
refuses 'several files' 'several files' "$VRINGER" minimize "$work/good.vr" "$work/noise.vr"
refuses 'unknown option' "unknown option '--fly'" "$VRINGER" minimize --fly "$work/good.vr"
refuses 'missing file' "^$work/none.vr: No such file" "$VRINGER" minimize "$work/none.vr"
refuses 'directory' 'is a directory, expected a file' "$VRINGER" minimize "$work"
refuses 'script error' "^$work/bad.vr:2:3: unknown operation" "$VRINGER" minimize "$work/bad.vr"
refuses 'output in no folder' '^/nonexistent/x: cannot be written: No such file' \
	"$bug" minimize -o /nonexistent/x "$work/noise.vr"
refuses 'output is a directory' 'cannot be written: Is a directory' \
	"$bug" minimize -o "$work" "$work/noise.vr"
refuses 'output is the input' 'is the input' "$bug" minimize -o "$work/noise.vr" "$work/noise.vr"
for file in good demand; do
	echo old >"$work/old"
	refuses "no finding ($file)" "^$work/$file.vr: no finding on net-loopback, nothing to minimise" \
		"$VRINGER" minimize -o "$work/old" "$work/$file.vr"
	[ "$(cat "$work/old")" = old ]
	tap "the output stays as it was ($file)" $?
done
[ -z "$(find "$work" -name '*tmp-*')" ]
tap 'no temporary file is left' $?

# A signal once the finding is known: hundreds of candidates are still to come.
# What runs in the background has SIGINT ignored, unless told otherwise.
mkfifo "$work/log"
for signal in INT TERM; do
	env --default-signal=INT "$bug" minimize -t net-loopback -o "$work/$signal.vr" "$work/crash-1" \
		>"$out" 2>"$work/log" </dev/null &
	pid=$!
	while read -r line; do
		echo "$line"
		case $line in 'minimize: operations:'*) kill -s "$signal" "$pid" ;; esac
	done <"$work/log" >"$err"
	wait "$pid"
	tap "SIG$signal: exit 0" $?
	tells "SIG$signal: it says so" 'interrupted, this is the best so far$'
	gives 1 "SIG$signal: the best so far has the finding" "$bug" replay "$work/$signal.vr"
	shows "SIG$signal: the same" 'ubsan:index-out-of-bounds-.*:send$'
done

tap_end
