#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Nothing is lost: what a command writes takes the place of no input and of no other
# output, keeps links and modes, and is refused before the work where it cannot be
# written; triage removes nothing that is not kept elsewhere, and keeps what people
# wrote.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

bug=$BUILD/bugs/rule-fetch-walk/vringer

script() {
	printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >"$1"
}
script "$work/a.vr"
cp "$work/a.vr" "$work/copy"
mkdir "$work/in" "$work/in/deep" "$work/other" "$work/out"
script "$work/in/a.vr"
script "$work/in/deep/b.vr"
script "$work/other/a.vr"
ln -s a.vr "$work/link.vr"
ln "$work/a.vr" "$work/hard.vr"
echo 'fetch.walk:send # read twice' >"$work/known"

# untouched NAME: the script is as it was.
untouched() {
	cmp -s "$work/a.vr" "$work/copy"
	tap "$1" $?
}

# An output that is an input, under whichever name.
for other in a.vr link.vr hard.vr ./in/../a.vr; do
	for command in show encode minimize 'run --json'; do
		# shellcheck disable=SC2086  # a command and its option
		refuses "$command -o $other: is the input" 'is the input' \
			"$bug" $command -o "$work/$other" "$work/a.vr"
		untouched "$command -o $other: stays"
	done
done
refuses 'run -o a script of the folder' "^$work/in/deep/b.vr: is the input" \
	"$VRINGER" run -o "$work/in/deep/b.vr" "$work/in"
for command in run minimize; do
	refuses "$command -o the known list" "^$work/known: is the input" \
		"$bug" $command --known "$work/known" -o "$work/known" "$work/a.vr"
done
grep -q '^fetch.walk' "$work/known"
tap 'the known list stays' $?
refuses 'encode -o DIR: onto its own input' 'is the input' \
	"$VRINGER" encode -o "$work" "$work/copy"
untouched 'it stays'
refuses 'encode -o DIR: two of one name' "$work/out/a: is the output of .*/in/a.vr and of .*/other/a.vr" \
	"$VRINGER" encode -o "$work/out" "$work/in/a.vr" "$work/other/a.vr"
[ -z "$(ls "$work/out")" ]
tap 'nothing is written then' $?
refuses 'show: standard input is the output' 'is the input' \
	sh -c "exec \"$VRINGER\" show -o '$work/a.vr' - <'$work/a.vr'"
cp "$work/a.vr" "$work/grows.vr"
# shellcheck disable=SC2094  # that is the test
"$VRINGER" show "$work/grows.vr" >>"$work/grows.vr" 2>"$err"
[ $? = 2 ] && cmp -s "$work/grows.vr" "$work/copy"
tap 'standard output is the input: exit 2' $?

# What is replaced keeps what it is.
script "$work/kept"
chmod 640 "$work/kept"
ln -s kept "$work/to-kept"
gives 0 'show -o a link' "$VRINGER" show -o "$work/to-kept" "$work/a.vr"
[ -L "$work/to-kept" ] && [ "$(stat -c %a "$work/kept")" = 640 ]
tap 'it stays a link, and the mode stays' $?
ln "$work/kept" "$work/kept-too"
gives 0 'show -o a file of two names' "$VRINGER" show -o "$work/kept" "$work/in/a.vr"
[ "$(stat -c %i "$work/kept")" = "$(stat -c %i "$work/kept-too")" ] && "$VRINGER" show "$work/in/a.vr" | cmp -s - "$work/kept-too"
tap 'both names have the result' $?
ln -s new-file "$work/dangling"
gives 0 'show -o a link to nothing yet' "$VRINGER" show -o "$work/dangling" "$work/a.vr"
[ -L "$work/dangling" ] && [ -s "$work/new-file" ]
tap 'makes what it leads to' $?
ln -s circle "$work/circle"
refuses 'show -o a link to itself' 'cannot be written: Too many levels' \
	"$VRINGER" show -o "$work/circle" "$work/a.vr"

# A place that cannot be written is told before the work: here, before the input that
# there is none of.
mkdir "$work/sealed"
for command in show encode run minimize; do
	refuses "$command: no such folder, before anything" '^/nonexistent/x: cannot be written' \
		"$VRINGER" $command -o /nonexistent/x "$work/a.vr"
done
refuses 'minimize -o in /proc' '^/proc/x: cannot be written' "$bug" minimize -o /proc/x "$work/a.vr"
refuses 'triage -o in /proc' '^/proc/self/fdinfo: cannot be written' \
	"$bug" triage -o /proc/self/fdinfo "$work/a.vr"
long=$(printf '%0300d' 0)
refuses 'run -o a name that is too long' 'cannot be written: File name too long' \
	"$VRINGER" run -o "$work/$long" "$work/a.vr"

# One line for one error.
for command in show encode run replay minimize triage targets rules ops; do
	files="$work/a.vr"
	case $command in targets | rules | ops) files='' ;; esac
	# shellcheck disable=SC2086  # one file, or none
	"$bug" $command $files >&- 2>"$err"
	[ $? = 2 ] && [ "$(grep -vc '^minimize: \|candidates' "$err")" = 1 ] && grep -q 'Bad file' "$err"
	tap "$command: closed standard output: one line" $?
	# shellcheck disable=SC2086
	"$bug" $command $files >/dev/full 2>"$err"
	[ $? = 2 ] && [ "$(grep -vc '^minimize: \|candidates' "$err")" = 1 ] && grep -q 'No space left' "$err"
	tap "$command: full standard output: one line, and why" $?
done
refuses 'show -o /dev/full: why' 'cannot be written: No space left' \
	"$VRINGER" show -o /dev/full "$work/a.vr"

# Leftovers of a command that was killed are swept; of one that is at work they are not.
: >"$work/out/.vringer-1-0.tmp"
: >"$work/out/.vringer-2-0.tmp"
flock "$work/out/.vringer-2-0.tmp" sleep 30 &
locker=$!
until ! flock -n "$work/out/.vringer-2-0.tmp" true; do sleep 0.1; done
gives 0 'show beside a leftover' "$VRINGER" show -o "$work/out/x" "$work/a.vr"
[ ! -e "$work/out/.vringer-1-0.tmp" ] && [ -e "$work/out/.vringer-2-0.tmp" ]
tap 'what nobody holds is swept, and nothing else' $?
kill "$locker"
wait "$locker" 2>/dev/null
[ -z "$(find "$work" -name '.vringer-*' ! -name '.vringer-2-*')" ]
tap 'no temporary file is left' $?

# triage --keep: the same file by other names is one file.
mkdir "$work/f"
"$VRINGER" encode --body -o "$work/f/crash-1" "$work/a.vr"
printf 'device net-loopback\nstart driver_ok\nread Status\nsend 1 b3\n' >"$work/p.vr"
"$VRINGER" encode --body -o "$work/f/crash-2" "$work/p.vr"
ln -s f "$work/g"
ln -s crash-1 "$work/f/to-1"
ln "$work/f/crash-1" "$work/f/hard-1"
for twice in "f/crash-1 f/crash-1" "f f" "f g" "f/crash-1 f/to-1 f/hard-1 f/../g/crash-1"; do
	set --
	for one in $twice; do set -- "$@" "$work/$one"; done
	gives 1 "triage --keep 1 of $twice" "$bug" triage --keep 1 -t net-loopback "$@"
	[ -s "$work/f/crash-1" ] && [ -e "$work/f/to-1" ] && [ -e "$work/f/hard-1" ]
	tap 'the one of its signature stays, by all of its names' $?
done
shows 'and is one' '^# 1 file, 1 finding'
cp "$work/f/crash-1" "$work/f/crash-3"
gives 1 'triage --keep 1 of two files' "$bug" triage --keep 1 -t net-loopback \
	"$work/f/crash-1" "$work/f/crash-3"
[ -e "$work/f/crash-1" ] && [ ! -e "$work/f/crash-3" ]
tap 'one is removed' $?
printf 'device net-loopback\nread Status\n' >"$work/p.vr"
"$VRINGER" encode --body -o "$work/f/q1" "$work/p.vr"
cp "$work/f/q1" "$work/f/q2"
gives 1 'triage --keep 1 of what shows nothing' "$VRINGER" triage --keep 1 -t net-loopback \
	"$work/f/q1" "$work/f/q2"
[ -e "$work/f/q1" ] && [ -e "$work/f/q2" ]
tap 'removes nothing' $?

# What people wrote into a script of triage is theirs.
mkdir "$work/t"
gives 1 'triage -o' "$bug" triage -o "$work/t" -t net-loopback "$work/f/crash-1"
kept=$work/t/fetch.walk-send.vr
printf '# seen by somebody\n' | cat - "$kept" >"$work/new"
printf '> used 1 id=0 len=0\n' >>"$work/new"
cp "$work/new" "$kept"
gives 1 'triage -o again' "$bug" triage -o "$work/t" -t net-loopback "$work/f/crash-1"
cmp -s "$kept" "$work/new"
tap 'comments and > lines stay' $?
shows 'which is told' "kept as somebody's edited script of [0-9]+ operations: "
sed '2s/.*/# this is what it is about/' "$work/new" | sed 1d >"$kept"
cp "$kept" "$work/new"
gives 1 'triage -o after the message was changed' "$bug" triage -o "$work/t" -t net-loopback "$work/f/crash-1"
cmp -s "$kept" "$work/new"
tap 'it stays' $?
printf '# another thing\ndevice net-loopback\nreset\n> status 0\n' >"$kept"
cp "$kept" "$work/new"
gives 1 "triage -o onto somebody's script of that name" "$bug" triage -o "$work/t" -t net-loopback "$work/f/crash-1"
cmp -s "$kept" "$work/new" && [ -s "$work/t/fetch.walk-send-2.vr" ]
tap 'takes another name' $?
printf 'device net-loopback\n  half a line' >"$kept"
cp "$kept" "$work/new"
gives 1 'triage -o onto what is no script yet' "$bug" triage -o "$work/t" -t net-loopback "$work/f/crash-1"
cmp -s "$kept" "$work/new"
tap 'leaves it' $?
cp "$work/t/fetch.walk-send-2.vr" "$work/t/x.vr"
refuses 'triage -o into the folder of a script that is an input' 'is the input' \
	"$bug" triage -o "$work/t" "$work/t/x.vr"

tap_end
