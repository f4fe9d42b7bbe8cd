#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# vringer triage: files of two planted bugs are sorted by what they show, each
# group is shrunk, and doing it again changes nothing.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

rule=$BUILD/bugs/rule-fetch-walk/vringer
crash=$BUILD/bugs/n1-header-slots/vringer
findings=$work/net_loopback
mkdir "$findings"

# program NAME LINE...: a body, as an engine writes it.
program() {
	name=$1
	shift
	printf 'device net-loopback\nstart driver_ok\n' >"$work/p.vr"
	printf '%s\n' "$@" >>"$work/p.vr"
	"$VRINGER" encode --body -o "$findings/$name" "$work/p.vr"
}
program crash-1 'read Status' 'send 1 b3'
program crash-2 'offer 0 b9:w' 'send 1 b3' 'send 1 b3'
program leak-3 'read Status' 'offer 1 b3' 'notify 1'
program timeout-4 'read Status'
program slow-unit-5 'send 1 b3'
mkdir "$findings/folder"
echo 'no script' >"$findings/notes.vr"
: >"$findings/.hidden"

gives 1 'triage' "$rule" triage "$findings"
shows 'a group: signature, rule, clause, how many, the command for the smallest' \
	"^fetch.walk:send  # fetch.walk \(model, policy\), 2 files: $rule replay -v -t net-loopback $findings/crash-1\$"
shows 'another' "^fetch.walk:notify  # .*, 1 file: .*/leak-3\$"
shows 'a file that shows nothing of its own' '^fetch.walk:liveness  # .*, 1 file: .*/timeout-4$'
shows 'all' '^# 4 files, 3 findings; known 0, without a finding 0$'
[ "$(wc -l <"$out")" = 4 ]
tap 'and no more' $?
gives 1 'triage without the bug' "$VRINGER" triage "$findings"
shows 'what shows nothing is a group' "^# no finding when run alone, 4 files: .* $findings/timeout-4\$"
shows 'and counted' '^# 4 files, 0 findings; known 0, without a finding 4$'

gives 1 'triage -o' "$rule" triage -o "$work/scripts" "$findings"
shows 'a line names the script' \
	"^fetch.walk:send  # .*, 2 files, shrunk to 2 operations: $rule replay -v $work/scripts/fetch.walk-send.vr\$"
[ "$(ls "$work/scripts")" = "$(printf 'fetch.walk-%s.vr\n' liveness notify send)" ]
tap 'scripts are called after signatures' $?
sh -c "$(sed -n 's/^fetch.walk:send .*: //p' "$out")" >"$work/replayed" 2>&1
[ $? = 1 ] && grep -q '^finding: fetch.walk:send$' "$work/replayed"
tap 'its command replays it' $?
grep -qx 'device net-loopback' "$work/scripts/fetch.walk-send.vr"
tap 'a script names its target' $?
cp "$out" "$work/first"
cp -R "$work/scripts" "$work/scripts-first"
gives 1 'the same again' "$rule" triage -o "$work/scripts" "$findings"
cmp -s "$out" "$work/first" && diff -r "$work/scripts" "$work/scripts-first" >"$err"
tap 'changes nothing' $?
gives 1 'into the folder of the files themselves' "$rule" triage -o "$findings" "$findings"
gives 1 'and again' "$rule" triage -o "$findings/" "$findings/"
shows 'its scripts are no further files' '^# 4 files, 3 findings'
echo 'device net-loopback' >"$work/scripts/fetch.walk-send.vr"
gives 1 'a script of that name that shows nothing' "$rule" triage -o "$work/scripts" "$findings"
cmp -s "$work/scripts/fetch.walk-send.vr" "$work/scripts-first/fetch.walk-send.vr"
tap 'is replaced' $?

# A line is one of a list of known findings.
cp "$work/first" "$work/known"
gives 0 'triage --known' "$rule" triage --known "$work/known" "$findings"
shows 'what is known is named' '^# known: fetch.walk:send  # .*\(met 2 times\)$'
shows 'and counted' '^# 4 files, 0 findings; known 4, without a finding 0$'
grep -v notify "$work/first" >"$work/known"
gives 1 'triage --known of what is not' "$rule" triage --known "$work/known" "$findings"
shows 'finds that' '^fetch.walk:notify  # '
echo 'fetch.walk:* # read twice' >"$work/known"
gives 0 'nothing but what is known' "$rule" triage --known "$work/known" -o "$work/none" "$findings/crash-1"
shows 'is no finding' '^# 1 file, 0 findings; known 1, without a finding 0$'
[ -z "$(ls "$work/none")" ]
tap 'and has no script' $?

gives 1 'triage --json' "$rule" triage --json -o "$work/scripts" "$findings"
jq -e --arg dir "$work" '.files == 4 and (.groups | length) == 3 and
	(.groups[] | select(.finding.signature == "fetch.walk:send") |
		.finding.rule == "fetch.walk" and (.files | length) == 2 and .shrunk and
		.operations == 2 and .script == $dir + "/scripts/fetch.walk-send.vr")' \
	"$out" >/dev/null 2>"$err"
tap 'triage --json is JSON' $?

# A sanitizer's finding, whose signature holds characters that shells know.
program crash-slots 'offer 0 b7:w*13 b9:w' 'read Status' 'send 1 b3'
gives 1 'triage of a crash' "$crash" triage -o "$work/crash" "$findings/crash-slots"
shows 'it has kind and script' \
	"^ubsan:[^ ]*:send  # sanitizer, 1 file, shrunk( so far)? to [0-9]+ operations: $crash replay -v $work/crash/ubsan-[a-zA-Z0-9_.-]*-send.vr\$"

gives 1 'triage --no-ledger' "$crash" triage --no-ledger "$findings/crash-slots"
shows 'the command has what decided' "vringer replay -v -t net-loopback --no-ledger $findings/crash-slots\$"

gives 1 'triage --keep' "$rule" triage --keep 1 "$findings"
[ ! -e "$findings/crash-2" ] && [ -e "$findings/crash-1" ] && [ -e "$findings/slow-unit-5" ]
tap 'the smallest stays' $?

refuses 'no file' '^vringer triage: no file' "$VRINGER" triage
refuses 'missing file' "^$work/none-such: No such file" "$VRINGER" triage "$work/none-such"
refuses 'unknown target' "unknown target 'x'" "$VRINGER" triage -t x "$findings"
printf 'device net-loopback\n  smash 1\n' >"$work/bad.vr"
refuses 'script error' "^$work/bad.vr:2:3: unknown operation" "$VRINGER" triage "$work/bad.vr"
refuses '--keep 0' "expected a number from 1" "$VRINGER" triage --keep 0 "$findings"
refuses 'output is a file' 'is no directory, expected one' \
	"$VRINGER" triage -o "$work/bad.vr" "$findings"
refuses 'output in no folder' 'cannot be made: No such file' \
	"$VRINGER" triage -o /nonexistent/x "$findings"
"$rule" triage "$findings" >/dev/full 2>"$err"
[ $? = 2 ]
tap 'standard output that is full: exit 2' $?

tap_end
