#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# peers.sh [WORD]: devices in processes of their own, those of peer/, or only the cases
# with WORD in them.
#
# Legal ones: scripts for any device are silent on each, of every severity; each runs
# another PART-th of them, PART=1 all (72 with FULL in the environment, 144 without).  Unlucky ones: peer/luck.tsv says what is said of
# each.  Every case of those runs twice, both at the same time and beside a process that
# takes all the CPU time that it gets, and must say the same (without FULL in the environment:
# every third of them, and beside whatever else runs; the others run once).  Nothing takes for ever, and
# neither a process nor a file is left.  peer/known.tsv has what is wrong still: where that
# is mended, its line there is an error.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

word=${1:-}
part=${PART:-${FULL:+72}} && part=${part:-144}
vringer=${VRINGER:-$PWD/build/obj/gcc/vringer}
bound=300 # seconds for one run: then it hangs
jobs=4

# Programs of this run alone, so that what is left of them is known by its path.
mkdir "$work/bin" "$work/tmp" "$work/cases"
cp build/test/peer/vhost_user_rng build/test/peer/qtest_server "$work/bin"
export TMPDIR="$work/tmp"

# ---- scripts for unlucky ones: few instances each ---------------------------------------

script() {
	{
		echo "# $1: what an unlucky peer is driven with."
		echo 'device any'
		cat
	} >"$work/$1.vr"
}

chain() {
	printf 'chain q %s\npublish q 0\nnotify q\nsettle\n> outstanding q 0\n' "$1"
}

{ echo 'start driver_ok size=4' && chain b9:w && echo reset; } | script one
printf 'start driver_ok size=4\nsend_request q\n> answered q 1\n' | script request
printf 'start driver_ok size=4\nrepeat 3\n  send_request q\n  > answered q 1\nend\n' | script three
{ echo 'start driver_ok size=4' && chain 'b0 b9:w'; } | script readable
{ echo 'buffer b9 len=0' && echo 'start driver_ok size=4' && chain b9:w; } | script zero
{
	echo 'start driver_ok size=4' && echo 'avail_flags q 1' && chain b9:w
} | sed '1s/$/ features=0xffffffffdfffffff/' | script quiet
{
	echo 'start driver_ok size=4' && chain b9:w
	# The first of two interrupts is not wanted; by flags it is.
	echo 'start driver_ok size=4 features=0xffffffffdfffffff'
	echo 'used_event q 1000' && chain b9:w && echo '> raised used'
} | script fewer
{
	printf 'start driver_ok size=4\nchain q b9:w\npublish q 4\nnotify q\nsettle\n'
	printf 'start driver_ok size=4\nsend_request q\n> answered q 1\n'
} | script bad
printf 'start driver\nnegotiate VERSION_1|0x1\nstatus ACKNOWLEDGE|DRIVER|FEATURES_OK\n' | script agrees

{
	echo 'start driver_ok size=4' && echo 'status ACKNOWLEDGE|DRIVER|FEATURES_OK'
	printf 'send_request q\n> answered q 1\n> raised used\n'
} | script cleared
printf 'start driver_ok size=4\nrepeat 100\n  send_request q\nend\n> answered q 100\n' | script many

# ---- how a peer is driven ---------------------------------------------------------------

# drive PROGRAM OPTIONS RUN'S ARGUMENTS...
drive() {
	program=$1 options=$2
	shift 2
	case $program$options in
	# An entry that keeps the process from one connection to the next; of what kind is no matter.
	vhost_user_rng*"{fd} --mode"*) peer=qsd-null ;;
	vhost_user_rng*"{"*) peer=vhost-user-rng ;;
	vhost_user_rng*'--mode log'*) peer=vhost-user-rng-log options="--socket {socket} $options" ;;
	vhost_user_rng*) peer=vhost-user-rng options="--socket {socket} $options" ;;
	*) peer=qemu-rng ;;
	esac
	timeout "$bound" "$vringer" run --peer "$peer" --command "$work/bin/$program $options" "$@" </dev/null
}

# What is left: processes of ours, and files.
left() {
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe" 2>/dev/null) in
		"$work"/bin/*) pid=${exe#/proc/} && pid=${pid%/exe} && echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")" ;;
		esac
	done
	find "$TMPDIR" -mindepth 1
}

# judge NAME RESULT: as tap; what known.tsv has must be wrong still, or may be "at times".
judge() {
	reason=$(awk -F '\t' -v name="$1" '/^[^#]/ && $1 == name { print $2 }' harness/test/peer/known.tsv)
	if [ -z "$reason" ]; then
		tap "$1" "$2"
	elif [ "$2" != 0 ]; then
		tap "$1 is wrong still: $reason" 0
	elif [ "${reason#at times}" != "$reason" ]; then
		tap "$1" 0
	else
		echo "expected it to be wrong still: $reason" >"$err"
		tap "$1" 1
	fi
}

# nothing_left NAME.  Whoever is dying may take a moment: one that stays does for a minute.
nothing_left() {
	waited=0
	while left >"$err" 2>/dev/null && [ -s "$err" ] && [ "$waited" -lt 600 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	: >"$out"
	[ ! -s "$err" ] && result=0 || result=1
	judge "$1: nothing is left" "$result"
}

# ---- legal ones -------------------------------------------------------------------------

grep -lrE --include='*.vr' '^device +any' conformance | sort >"$work/all"
if [ "$part" = 1 ]; then
	cp "$work/all" "$work/short"
else
	xargs grep -LE '^device .*budget=' <"$work/all" >"$work/short"
fi

legal=0
legal() {
	case "legal $1 $2" in *"$word"*) ;; *) return 0 ;; esac
	legal=$((legal + 1))
	awk -v part="$part" -v number="$legal" '(NR + number) % part == 0' "$work/short" >"$work/scripts"
	# shellcheck disable=SC2046
	run drive "$1" "$2" --strict --limits $(cat "$work/scripts")
	# It is run again before it is accused.
	# shellcheck disable=SC2046
	[ "$rc" = 0 ] || run drive "$1" "$2" --strict --limits $(cat "$work/scripts")
	passed=$(grep -c '^ok [^#]*$' "$out") || :
	[ "$rc" = 0 ] && [ "$passed" -gt 10 ] && [ ! -s "$err" ] && result=0 || result=1
	# What tap shows of it.
	grep -A 3 '^not ok\|^# warning' "$out" >"$work/shown" || :
	mv "$work/shown" "$out"
	echo "$passed instances of $(wc -l <"$work/scripts") scripts passed" >>"$out"
	judge "legal $1 $2" "$result"
}

for options in '' '--mode thread' '--mode polls' '--mode message-first' '--mode late' '--mode once' \
	'--mode calls-at-start' '--mode no-protocol' '--mode no-reply-ack' '--mode no-config' '--mode status' \
	'--mode reset-device' '--mode log' '--mode backwards' '--mode one-byte' '--mode eager' \
	'--mode shrugs' '--mode hangs-up' '--mode status --mode reset-device --mode thread --us 500' \
	'--fd {fd}' '--connection {connection}'; do
	legal vhost_user_rng "$options"
done
for options in '' '--mode later' '--mode no-reset' '--mode backwards' '--mode one-byte' '--mode eager' \
	'--mode shrugs'; do
	legal qtest_server "$options"
done
[ "$legal" = 0 ] || nothing_left 'legal peers'

# ---- slow ones: what they do shows in the call that asked for it, and costs no more -------

# slow PROGRAM OPTIONS SCRIPT SECONDS
slow() {
	case "slow $1 $2" in *"$word"*) ;; *) return 0 ;; esac
	# A busy machine is no fault: it is run again before it is accused.
	for _ in 1 2; do
		begun=$(date +%s)
		run drive "$1" "$2" --strict --limits "$work/$3.vr"
		[ "$rc" = 0 ] && [ $(($(date +%s) - begun)) -le "$4" ] && result=0 && break || result=1
	done
	tap "slow $1 $2, $3: passes within $4 s" "$result"
}

# It answers after a driver that took DRIVER_OK back has looked three times.
slow qtest_server '--mode later --us 20000' cleared 60
# What came back while its thread ran is not waited for: in four runs 100 times 50 ms each.
slow vhost_user_rng '--mode thread --us 200' many 15

# ---- unlucky ones -----------------------------------------------------------------------

# one_run CASE NUMBER: of the case that is in its folder.
one_run() {
	IFS='	' read -r program options name _ <"$1/case"
	rc=0 limits=
	case $options in *unlogged*) limits=--limits ;; esac
	# shellcheck disable=SC2086  # or none
	drive "$program" "$options" --strict $limits "$work/$name.vr" >"$1/out$2" 2>"$1/err$2" || rc=$?
	echo "$rc" >"$1/rc$2"
}

# two_runs CASE: at the same time, but for the one that eats memory.
two_runs() {
	one_run "$1" 1 &
	case $(cat "$1/case") in *eat*) wait ;; esac
	one_run "$1" 2
	wait
}

# findings CASE: what was found, or said on stderr.
findings() {
	case $2 in
	2) cat "$1/err1" ;;
	*) sed -n 's/^# finding: //p; s/^# signature: //p' "$1/out1" ;;
	esac
}

# is_as_expected CASE STATUS PATTERN
is_as_expected() {
	[ "$(cat "$1/rc1")" = "$2" ] || return 1
	case $2 in
	0) [ ! -s "$1/err1" ] && ! grep -q '^# finding\|^# warning' "$1/out1" ;;
	1) findings "$1" 1 | grep -qE "^($3)" ;;
	*) [ "$(wc -l <"$1/err1")" = 1 ] && grep -qE "$3" "$1/err1" ;;
	esac
}

# is_settled CASE STATUS PATTERN: as expected, each time that it ran.
is_settled() {
	is_as_expected "$@" || return 1
	runs_twice "${1##*/}" || return 0
	diff -r "$1/out1" "$1/out2" >/dev/null && diff "$1/err1" "$1/err2" >/dev/null
}

# A process is run again before it is accused, when nobody else wants the machine.
check() {
	IFS='	' read -r program options name status pattern <"$1/case"
	is_settled "$1" "$status" "$pattern" || (two_runs "$1")
	cat "$1/out1" >"$out"
	cat "$1/err1" >"$err"
	case $status in 1) findings "$1" 1 >"$out" ;; esac
	is_as_expected "$1" "$status" "$pattern" && result=0 || result=1
	judge "$program $options, $name: exit $status ${pattern:+by $pattern}" "$result"
	runs_twice "${1##*/}" || return 0
	diff -r "$1/out1" "$1/out2" >"$out" 2>&1 && diff "$1/err1" "$1/err2" >>"$out" && result=0 || result=1
	judge "$program $options, $name: twice the same" "$result"
}

grep -v '^#' harness/test/peer/luck.tsv | grep -F -- "$word" >"$work/table" || :
count=0
while read -r line; do
	count=$((count + 1))
	mkdir "$work/cases/$count"
	printf '%s\n' "$line" >"$work/cases/$count/case"
done <"$work/table"

# runs_twice NUMBER: whether that case does.
runs_twice() {
	[ -n "${FULL:-}" ] || [ $(($1 % 3)) = 0 ]
}

# worker NUMBER: every so many cases.
worker() {
	at=$1
	while [ "$at" -le "$count" ]; do
		if runs_twice "$at"; then
			two_runs "$work/cases/$at"
		else
			one_run "$work/cases/$at" 1
		fi
		at=$((at + jobs))
	done
}

if [ "$count" -gt 0 ]; then
	load=
	if [ -n "${FULL:-}" ]; then
		nice sh -c 'while :; do :; done' &
		load=$!
		trap 'kill "$load" 2>/dev/null || :; rm -rf "$work"' EXIT
	fi
	workers=
	for job in $(seq "$jobs"); do
		worker "$job" &
		workers="$workers $!"
	done
	# shellcheck disable=SC2086
	wait $workers
	[ -z "$load" ] || kill "$load"
	at=0
	while [ $((at += 1)) -le "$count" ]; do
		check "$work/cases/$at"
	done
	nothing_left 'unlucky peers'
fi
tap_end
