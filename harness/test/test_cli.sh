#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The commands of vringer: exit status, formats, round trips.  What they refuse
# is in test_cli_bad_input.sh.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

# Does standard input hold JSON: one document, or with -l one a line?
json() {
	case ${1:-} in
	-l) jq -eR fromjson >/dev/null 2>>"$err" ;;
	*) jq -es 'length == 1' >/dev/null 2>>"$err" ;;
	esac
}

xml() {
	xmllint --noout --schema harness/test/junit.xsd - 2>>"$err"
}

same() {
	cmp -s "$2" "$3"
	tap "$1" $?
}

mkdir "$work/suite" "$work/suite/deeper" "$work/suite/.hidden" "$work/fails"
cat >"$work/suite/passes.vr" <<'END'
# passes & "shows" <everything>
device net-loopback
clause dev.status.field.1
start driver_ok
> status +DRIVER_OK
offer 0 b9:w
send 1 b3
> used 1 id=0 len=0
> used 0 id=0 len=76
END
printf 'device any\nneeds queues=200\nreset\n' >"$work/suite/skipped.vr"
printf 'device any\nreset\n> status 0\n> silent\n' >"$work/suite/deeper/any.vr"
printf 'not a script\n' >"$work/suite/notes.txt"
printf 'not a script\n' >"$work/suite/.hidden/x.vr"
cat >"$work/fails/a<&>\"b.vr" <<'END'
device net-loopback
clause dev.status.field.1
reset
> status DRIVER
END
bad="$work/fails/a<&>\"b.vr"
good=$work/suite/passes.vr

gives 0 'help' "$VRINGER" --help
for command in targets run replay minimize triage show encode rules ops; do
	shows "help names $command" "^  $command "
done
for command in targets run replay minimize triage show encode rules ops; do
	gives 0 "$command --help" "$VRINGER" $command --help
	shows "$command --help is its own" "^usage: vringer $command"
	run "$VRINGER" --help
done
gives 0 'targets' "$VRINGER" targets
shows 'targets lists net-loopback' '^net-loopback'
gives 0 'rules' "$VRINGER" rules
shows 'rules lists a rule' '^completion.len +must +dev.split'
gives 0 'ops' "$VRINGER" ops
shows 'ops lists an operation' '^race read addr'
# Each of the table, in its order, with its help on the next line.
sed -n 's/^\tX([A-Z_]*, 0x[0-9a-f]*, "\([a-z_]*\)".*/\1/p' harness/program/ops.h >"$work/verbs"
awk '/^[^ ]/ { verb = $1; next } verb != "" && /^        [^ ]/ { print verb; verb = "" }' "$out" >"$work/helped"
[ -s "$work/verbs" ] && cmp -s "$work/verbs" "$work/helped"
tap 'ops: every operation has a line of help' $?

gives 0 'run: scripts that pass' "$VRINGER" run "$work/suite"
shows 'run: a script for any runs on each target' 'ok . - .*/deeper/any.vr \[console\]'
gives 0 'run: for one target' "$VRINGER" run --split -t net-loopback "$work/suite"
shows 'run: the plan counts every script' '^1\.\.3$'
shows 'run: a script for any is named with its target' 'ok 1 - .*/deeper/any.vr \[net-loopback\]'
shows 'run: a skip says why' '^ok 3 - .*/skipped.vr .*# SKIP needs more queues'
[ "$(grep -c '^ok' "$out")" = 3 ]
tap 'run: as many results as planned' $?
gives 0 'run: both formats' "$VRINGER" run "$good"
shows 'run: split, and no word of it' '^ok 1 - .*/passes.vr$'
shows 'run: and packed' '^ok 2 - .*/passes.vr \[packed\]$'
shows 'run: how many of them' '^# 1 of these results are of packed rings$'
gives 0 'run --split' "$VRINGER" run --split "$good"
shows 'run --split: that alone' '^1\.\.1$'
gives 0 'run --packed' "$VRINGER" run --packed "$good"
shows 'run --packed: that alone' '^ok 1 - .*/passes.vr \[packed\]$'
refuses 'run --split --packed' 'split and --packed were both given' "$VRINGER" run --split --packed "$good"
printf 'device any budget=64\nneeds driven\nstart driver_ok\nsend_request q\n> answered q 1\n' >"$work/long.vr"
gives 0 'run: a long script' "$VRINGER" run -t fs "$work/long.vr"
shows 'run: once for each queue and format' '^1\.\.4$'
[ "$(grep -c '^ok .* packed]$' "$out")" = 2 ]
tap 'run: both formats' $?
shows 'run: it says what is left out' '^# 4 passed, .*, [1-9][0-9]* runs of long scripts left out \(--all-requests\)$'
left=$(sed -n 's/.* \([0-9]*\) runs of long scripts.*/\1/p' "$out")
gives 0 'run: a long script, in JSON' "$VRINGER" run --json -t fs "$work/long.vr"
shows 'run: it says so there' "\"left_out\":$left,"
gives 0 'run: a long script, in XML' "$VRINGER" run --junit -t fs "$work/long.vr"
shows 'run: and there' "$left runs of long scripts left out"
gives 0 'run --all-requests: a long script' "$VRINGER" run --all-requests -t fs "$work/long.vr"
shows 'run --all-requests: with each' "^1\.\.$((4 + left))$"
! grep -q 'left out' "$out"
tap 'run --all-requests: nothing is left out' $?
sed 's/budget=64/budget=63/' "$work/long.vr" >"$work/short.vr"
gives 0 'run: a shorter script' "$VRINGER" run -t fs "$work/short.vr"
! grep -q 'left out' "$out"
tap 'run: nothing is left out of it' $?
printf 'device net-loopback\nneeds split\nstart driver_ok\n' >"$work/split.vr"
gives 0 'run: one about split rings' "$VRINGER" run "$work/split.vr"
shows 'run: it runs on those alone' '^1\.\.1$'
gives 0 'run: each format of each script' "$VRINGER" run -t net-loopback "$work/split.vr" "$good" "$work/split.vr"
shows 'run: neither is mistaken' '^ok 4 - .*/split.vr$'
gives 1 'run: a demand that is not met' "$VRINGER" run "$good" "$bad"
shows 'run: it names file and line' '^# .*b.vr:4: the device status is 0, expected DRIVER'
shows 'run: it names the clause' '^# clause: dev.status.field.1'
shows 'run: the others ran' '^ok 1 - '
gives 0 'run: a script that returns a chain completes' "$VRINGER" run --completes "$good"
gives 1 'run: one that returns none does not' "$VRINGER" run --completes "$work/suite/deeper"
gives 0 'run: strict and limits' "$VRINGER" run --strict --limits --timeout 60 "$good"
gives 0 'run --no-ledger: a demand not met is no crash' "$VRINGER" run --no-ledger "$good" "$bad"

gives 1 'run --json' "$VRINGER" run --split --json -t net-loopback "$work/suite" "$bad"
json <"$out"
tap 'run --json is JSON' $?
shows 'run --json counts' '"passed":2,"failed":1,"skipped":1'
gives 1 'run --junit' "$VRINGER" run --junit "$work/suite" "$bad"
xml <"$out"
tap 'run --junit is as its schema asks' $?
shows 'run --junit names the failure' '<failure message='
gives 1 'run -o' "$VRINGER" run --json -o "$work/results" "$bad"
[ ! -s "$out" ] && json <"$work/results"
tap 'run -o writes the results there' $?

# A script, its encoding and what is shown of that.
gives 0 'show' "$VRINGER" show -o "$work/1.vr" "$good"
gives 0 'encode' "$VRINGER" encode -o "$work/1.bin" "$work/1.vr"
gives 0 'show of the encoding' "$VRINGER" show "$work/1.bin"
same 'show, encode, show gives the same' "$out" "$work/1.vr"
gives 0 'encode of the encoding' "$VRINGER" encode "$work/1.bin"
same 'encode, encode gives the same' "$out" "$work/1.bin"
gives 0 'encode --body' "$VRINGER" encode --body -o "$work/crash-body" "$work/1.vr"
gives 0 'show of a body' "$VRINGER" show -t net-loopback "$work/crash-body"
same 'a body shows as the same for that target' "$out" "$work/1.vr"
"$VRINGER" show - <"$work/1.bin" >"$out" 2>"$err"
same 'show reads standard input' "$out" "$work/1.vr"
mkdir "$work/out"
gives 0 'encode of several' "$VRINGER" encode -o "$work/out" "$good" "$work/suite/deeper/any.vr"
[ -s "$work/out/passes" ] && [ -s "$work/out/any" ]
tap 'encode of several writes one file each' $?
gives 0 'show of several' "$VRINGER" show -t net-loopback "$work/out/passes" "$work/out/any"
shows 'show of several names each' "^# $work/out/any"
printf 'old' >"$work/1.vr.old"
gives 0 'an output that is there is replaced' "$VRINGER" show -o "$work/1.vr.old" "$work/1.bin"
same 'by all of the new' "$work/1.vr.old" "$work/1.vr"

# Files as libFuzzer names them, and any other bytes.
for kind in crash leak oom timeout slow-unit; do
	cp "$work/crash-body" "$work/$kind-0123456789abcdef"
	gives 0 "replay of $kind-*" "$VRINGER" replay -t net-loopback "$work/$kind-0123456789abcdef"
	shows "replay of $kind-* ran it" ': net-loopback: 3 operations, [1-9][0-9]* chains returned: nothing found'
done
head -c 3000 "$VRINGER" >"$work/crash-bytes"
: >"$work/crash-empty"
printf '\365\366\377' >"$work/crash-odd"
for file in crash-bytes crash-empty crash-odd; do
	gives 0 "replay of $file" "$VRINGER" replay -t net-loopback "$work/$file"
	gives 0 "show of $file" "$VRINGER" show -t net-loopback "$work/$file"
done
gives 0 'replay of an encoding' "$VRINGER" replay "$work/1.bin"
gives 1 'replay of a script that fails' "$VRINGER" replay "$bad"
shows 'replay names file and line' 'b.vr:4: the device status'
gives 0 'replay --no-ledger of it' "$VRINGER" replay --no-ledger "$bad"
gives 2 'the worst of several decides' "$VRINGER" replay "$good" "$bad" "$work/none"
gives 0 'replay -v' "$VRINGER" replay -v "$good"
shows 'replay -v names operations with their lines' '^op 2 \(line 7\): send 1 b3'
shows 'replay -v names accesses and what for' 'device reads 0x[0-9a-f]+ len 2: queue 1 avail_idx: '
shows 'replay -v names counters that moved' 'counter tx_packets \+1'
shows 'replay -v names interrupts' 'device interrupts: used'
shows 'replay -v folds what start does' \
	'^  start: [0-9]+ register accesses, ends with Status = 0xf$'
grep -q 'driver writes QueueReady' "$out" && result=1 || result=0
tap 'replay -v prints no register of start' "$result"
shows 'replay -v prints the registers of other operations' 'driver writes QueueNotify'
gives 0 'replay -vv' "$VRINGER" replay -vv "$good"
shows 'replay -vv prints the registers of start' '^  driver writes QueueReady = 0x1$'
grep -q '^  start: ' "$out" && result=1 || result=0
tap 'replay -vv folds nothing' "$result"
gives 0 'replay -v by calls' "$VRINGER" replay -v --transport activated "$good"
shows 'replay -v folds calls' '^  start: [0-9]+ calls, ends with Status = 0xf$'
gives 0 'replay -v --json' "$VRINGER" replay -v --json "$good"
json -l <"$out"
tap 'replay -v --json is JSON, one a line' $?
shows 'replay --json has the result' '"event":"result".*"passed":true'
gives 1 'replay --json of a failure' "$VRINGER" replay --json "$bad"
json -l <"$out"
tap 'replay --json of an odd path is JSON' $?
cp "$out" "$work/first"
"$VRINGER" replay -v "$good" >"$work/first"
"$VRINGER" replay -v "$good" >"$work/second"
same 'a replay is the same each time' "$work/first" "$work/second"

printf 'device balloon\nstart driver_ok\nsave\nalter 3 0x100\nrestore\nsend_request 0\n' >"$work/alter.vr"
gives 0 'a snapshot of which a field changes' "$VRINGER" replay -v "$work/alter.vr"
shows '... which is told' '^  snapshot, bytes 32 to 35 become [0-9a-f]{8}$'
gives 0 '... as JSON' "$VRINGER" replay -v --json "$work/alter.vr"
shows '... too' '"event":"alter","addr":"0x20","len":4,.*"data":"[0-9a-f]{8}"'

tap_end
