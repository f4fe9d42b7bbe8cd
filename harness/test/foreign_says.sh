#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# foreign_says.sh: what a run says of a device that is not ours, beside whether it
# failed: warnings and their sums, whose transport was judged, from where on memory
# could not be followed; and that it is followed again.  Built against build/installed.
# Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
export PKG_CONFIG_PATH

# builds NAME ARGUMENT...  Flags are split into words on purpose.
# shellcheck disable=SC2046
builds() {
	name=$1
	shift
	gives 0 "$name builds" gcc -std=gnu11 -g -O1 -fsanitize=address,undefined \
		$(pkg-config --cflags vringer) -o "$work/$name" "harness/test/foreign/$name.c" "$@" \
		$(pkg-config --libs vringer)
}

# script NAME: of standard input.
script() {
	{ echo 'device any' && cat; } >"$work/$1.vr"
}

# blind SCRIPT PROGRAM TARGET PLACE CAUSE: that device passes, and the result says so.
blind() {
	for command in run replay; do
		gives 0 "$1: $command of $3" "$work/$2" "$command" -t "$3" "$work/$1.vr"
		shows "... not judged $4" "^(# )?not judged $4, since $5.*: .*memory.write"
	done
}

# seen SCRIPT PROGRAM TARGET OP: a byte that is nobody's is found again.
seen() {
	gives 1 "$1: $3 is seen again" "$work/$2" replay -t "$3" "$work/$1.vr"
	shows "... at its operation" "^  guest: op $4 "
	shows "... for what it is" '^finding: memory.write:'
}

json() {
	jq -e "$2" "$out" >/dev/null 2>>"$err" && result=0 || result=1
	tap "$1" "$result"
}

builds odd
cat >"$work/session.vr" <<'S'
device any
clause 2.7.13 4.2.2 drv.status.field.1
start driver_ok
send 0 b1
S
sed 's/^clause.*/clause 2.7.13/' "$work/session.vr" >"$work/rings.vr"
sed 's/^send.*/&\n> used 0 id=9/' "$work/session.vr" >"$work/wrong.vr"

# What fails nothing.
gives 0 "a warning" "$work/odd" run -t odd-flat "$work/session.vr" "$work/rings.vr"
shows "... is printed with its script" '^# warning: finding: stuck.available:send'
shows "... and counted by severity and rule" '^# warnings \(limit\): stuck.available in 2$'
shows "... and with the results" '^# 2 passed, 0 failed, 0 skipped, 2 with warnings'
run "$work/odd" run --json -t odd-flat "$work/session.vr" "$work/rings.vr"
json "... as JSON" '.warnings == [{"rule":"stuck.available","severity":"limit","results":2}]'
run "$work/odd" run --junit -t odd-flat "$work/session.vr"
shows "... in JUnit" 'warnings \(limit\): stuck.available in 1$'
run "$work/odd" run --limits -t odd-flat "$work/session.vr"
grep -q '^# warnings' "$out" && result=1 || result=0
tap "what fails is no warning" "$result"

# Whose transport.
own="vringer's own transport was judged, not the device"
run "$work/odd" run -t odd-well "$work/session.vr" "$work/rings.vr"
shows "vringer's transport: a script that passed says so, and of which clauses" \
	"^# note: 4.2.2, drv.status.field.1: $own\$"
shows "... and how many did" "^# note: 1 of those that passed have clauses about the transport"
run "$work/odd" run --json -t odd-well "$work/session.vr" "$work/rings.vr"
json "... as JSON" '[.results[].vringer_transport] == [true, false] and .vringer_transport == 1'
run "$work/odd" run -t odd-well "$work/wrong.vr"
grep -q "$own" "$out" && result=1 || result=0
tap "... not one that failed" "$result"
sed 's/^clause.*/&\nneeds model/' "$work/wrong.vr" >"$work/model.vr"
run "$work/odd" run -t odd-well "$work/wrong.vr" "$work/model.vr"
shows "what a run failed by is summed up" '^# failed by: .>. lines in 1$'
shows "... and why scripts were skipped" "^# skipped, 1: is for vringer's own models only\$"
run "$work/odd" run --limits -t odd-flat "$work/session.vr"
shows "... by a rule" '^# failed by: stuck.available in 1$'
run build/obj/gcc/vringer run -t net-host "$work/rings.vr" conformance/status
grep -q "$own" "$out" && result=1 || result=0
tap "... nor one of our models, whose transport is judged" "$result"
# Memory that cannot be followed, and can again.
builds plain
builds restart -Iharness/examples/entropy-c harness/examples/entropy-c/entropy.c

# An indirect table that is no whole number of descriptors, or not there.
script cut <<'S'
start driver_ok
fill b1 len=64
desc 0 0 addr=b1 len=24 flags=indirect
publish 0 0
notify 0
buffer b2 at=b2 len=13
send 0 b2:w
S
sed 's/addr=b1 len=24/addr=0xfffffffff0000 len=32/' "$work/cut.vr" >"$work/nowhere.vr"
for table in cut nowhere; do
	for device in well resume; do
		gives 0 "$table: plain-$device" "$work/plain" run -t "plain-$device" "$work/$table.vr"
		grep -q 'not judged from' "$out" && result=1 || result=0
		tap "... is judged all the time" "$result"
	done
	seen "$table" plain plain-stray 6
done

# A table in a table, which may be followed or not, is returned.
script nested <<'S'
start driver_ok
fill b1 len=64
store b1+12 0400
desc 0 0 addr=b1 len=32 flags=indirect
publish 0 0
notify 0
buffer b2 at=b2 len=13
send 0 b2:w
S
blind nested plain plain-well 'from op 5 \(line 7\) to op 7 \(line 9\)' 'a chain is invalid'
blind nested plain plain-drop 'from op 5 \(line 7\) on' 'a chain is invalid'
seen nested plain plain-stray 7

# An entry changes before the device looks.
script entry <<'S'
start driver_ok
chain 0 head=0 b1:w
chain 0 head=1 b2:w
publish 0 0
ack used
avail_entry 0 0 1
notify 0
buffer b3 at=b3 len=13
send 0 head=2 b3:w
S
blind entry plain plain-well 'from op 6 \(line 8\) to op 8 \(line 10\)' 'an available entry changed'
seen entry plain plain-stray 8
run "$work/plain" run --json -t plain-well "$work/entry.vr"
json "entry: as JSON" '.results[0].unjudged[0] | .op == 6 and .until == 8 and .queue == 0 and
	(.rules | index("memory.write")) and (.reason | test("^an available entry"))'
json "... and how many results" '.not_judged_always == 1 and (.not_judged | index("memory.write") | not)'
run "$work/plain" run -t plain-well "$work/entry.vr"
shows "... in the sums" '^# note: 1 results say from which operation on they were not judged$'

# An index that jumps: what the device does then is its own, until reset.
script jump <<'S'
start driver_ok
send 0 b1:w
avail_idx 0 300
notify 0
avail_idx 0 -300
send 0 b1:w
reset
start driver_ok
buffer b1 at=b1 len=13
send 0 b1:w
S
blind jump plain plain-well 'from op 3 \(line 5\) to op 6 \(line 8\)' 'more chains are available than the queue has entries'
seen jump plain plain-stray 9

# More is outstanding than the queue has entries, though never more at a time.
script crowd <<'S'
start driver_ok size=2
chain 0 head=0 b1:w
publish 0 0
ack used
publish 0 0
publish 0 0
notify 0
S
blind crowd plain plain-well 'from op 6 \(line 8\) on' 'more chains are available than the queue has entries'

# A queue that is made ready again, by a device that begins anew or goes on.
script restart <<'S'
start driver_ok
send 0 b1:w
send 0 b1:w
ready 0 0
avail_idx 0 -2
fill q0.used len=64
fill q0.avail len=64
ready 0 1
send 0 b1:w
send 0 b1:w
send 0 b1:w
send 0 b1:w
S
blind restart restart restart-well 'from op 7 \(line 9\) to op 9 \(line 11\)' 'a queue was made ready'
blind restart restart restart-resume 'from op 7 \(line 9\) on' 'a queue was made ready'
seen restart restart restart-stray 10

# One that ends in `start`: its registers, up to there.
gives 1 "a crash in start" "$work/plain" replay -v -t plain-crash "$work/cut.vr"
shows "... its registers in a line" '^  start: 23 register accesses, ends with Status = 0xf$'
tap_end
