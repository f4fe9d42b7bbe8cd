#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The same by every transport: each script that accesses no register shows the same on an
# activated device, reached by calls, as by virtio-mmio: verdict, accesses to guest memory,
# used entries, interrupts, counters, findings.  Only the driver's acts are told otherwise,
# and what needs registers is not judged.  Planted bugs are found by both.
#
# Every script runs on an activated device under sanitizers: on split rings with one compiler's,
# on packed ones with the other's.  What is compared is the same whichever made the program, so
# it is compared once, and without sanitizers, which make it four times as long.
#
# With FULL in the environment all of that.  Without, every third script, and none for any device
# that goes round the indices under sanitizers, nor the lap of a packed ring compared.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

models='net-loopback net-host console fs balloon blk blk-ro rng vsock'
release=$BUILD/obj/release/vringer

# Scripts that are run, and reasons why others are not.
every='conformance corpus/net-loopback corpus/net-host corpus/console corpus/fs corpus/balloon corpus/blk corpus/blk-ro corpus/rng corpus/vsock'
[ "$FLAVOUR" = gcc ] && format=--packed || format=--split
every_sanitized=$every every_by_mmio=conformance
# shellcheck disable=SC2086
[ -n "${FULL:-}" ] || {
	every_sanitized=$(grep -rLE --include='*.vr' '^device +any .*budget=([6-9][0-9]|[0-9]{3,})' $every |
		sort | sed -n '1~3p')
	every="$every_sanitized $(find conformance corpus -name 'index-wrap*.vr')"
	every=$(printf '%s\n' $every | sort -u)
	every_by_mmio=$(printf '%s\n' $every | grep '^conformance/')
}
# shellcheck disable=SC2086
gives 0 "all scripts, activated, $format" "$VRINGER" run $format --transport activated --json $every_sanitized
cp "$out" "$work/results"
: >"$out"
[ "$(jq '[.results[] | select(.result == "fail")] | length' "$work/results")" = 0 ]
tap '... none fails' $?
[ "$(jq '[.results[] | select(.transport != "activated")] | length' "$work/results")" = 0 ]
tap '... each result names the transport' $?
jq -r '.not_judged[]' "$work/results" >"$work/not_judged"
for rule in status.identity reset.registers; do
	grep -qx "$rule" "$work/not_judged"
	tap "... $rule is not judged" $?
done
[ "$FLAVOUR" = gcc ] || {
	tap_end
	exit
}
# skipped FILE: each script that was skipped, on which device, queue and request, and why.
skipped() {
	jq -r '.results[] | select(.result == "skip") |
		"\(.file) \(.target) \(.queue) \(.request): \(.reason)"' "$1" | sort
}
# What is skipped is known before anything runs: here nothing needs to be judged, which would
# run each script several times.
# shellcheck disable=SC2086
gives 0 'all scripts, by mmio' "$release" run --no-ledger --json $every_by_mmio
jq -r '.results | group_by(.file)[] | select(all(.result == "skip")) | .[0].file' "$out" >"$err"
[ ! -s "$err" ]
tap '... and each of them runs on some device' $?
skipped "$out" >"$work/skipped_by_mmio"
# shellcheck disable=SC2086
gives 0 'all scripts, activated, without sanitizers' "$release" run --no-ledger --transport activated --json $every
cp "$out" "$work/results"
skipped "$work/results" | grep -vE ': needs (registers, and the transport has none|features that the transport cannot carry)$' |
	comm -23 - "$work/skipped_by_mmio" >"$out"
[ -s "$work/skipped_by_mmio" ] && [ ! -s "$out" ]
tap '... nothing more is skipped than by mmio, but what needs registers or what it cannot carry' $?

# events NAME COMMAND...: what it shows, but for the driver's acts and the transport's name.
events() {
	name=$1
	shift
	"$@" 2>"$err" | grep -vE '"event":"(act|register-read|register-write)"' |
		sed 's/,"transport":"activated"//; s/,"not_judged":\[[^]]*\]//' >"$work/$name"
}

# Scripts for any device, each on one of the models in turn, since all share the transports;
# without those of many thousand requests, whose traces are long and tell nothing more.
# shellcheck disable=SC2086
grep -lrE --include='*.vr' '^device +any' conformance | sort | xargs grep -LE '^device.*budget=' |
	awk -v models="$models" '{ n = split(models, m, " "); print m[NR % n + 1], $0 }' >"$work/any"
grep -lrE --include='*.vr' '^device +any' conformance >"$work/portable"

same() {
	jq -r --arg target "$1" '.results[] | select(.target == $target and .result != "skip") | .file' \
		"$work/results" | sort -u >"$work/ran"
	{
		grep -vxF -f "$work/portable" "$work/ran"
		sed -n "s/^$1 //p" "$work/any" | grep -xF -f "$work/ran"
	} | sort >"$work/all"
	# Round the indices of a split ring, which is some 100 MB of trace, goes one device for all:
	# they share the transports.  That the others do so by this one as well was asked above.
	if [ "$1" != rng ]; then
		xargs grep -LE '^device.*budget=([6-9][0-9]|[0-9]{3,})' <"$work/all" >"$work/some"
		mv "$work/some" "$work/all"
	fi
	# Of the long ones every third: they do what short ones do, again and again, and their
	# traces took most of the time.
	xargs grep -lE '^device.*budget=' <"$work/all" >"$work/long" || :
	{ sed -n '1~3p' "$work/long" && grep -vxF -f "$work/long" "$work/all"; } >"$work/files"
	grep -E '/index-wrap' "$work/files" >>"$work/went_round" || :
	[ "$(wc -l <"$work/files")" -ge 10 ]
	tap "$1: scripts to compare" $?
	# Names of files have no blanks here.
	# shellcheck disable=SC2046
	compare "$1" $(cat "$work/files")
}

# compare TARGET SCRIPT...: the device shows the same of them by both.
compare() {
	target=$1
	shift
	events mmio "$release" replay -v --json -t "$target" "$@"
	events activated "$release" replay -v --json --transport activated -t "$target" "$@"
	grep -q '"event":"used"' "$work/mmio" && grep -q '"event":"interrupt"' "$work/mmio" &&
		[ "$(grep -c '"event":"result"' "$work/mmio")" = $# ]
	tap "$target: used entries and interrupts in what is compared" $?
	diff "$work/mmio" "$work/activated" >"$out" 2>&1
	tap "$target: the same by both" $?
}
for model in $models; do
	same "$model"
done
grep -q index-wrap "$work/went_round"
tap 'one went round the indices' $?
# Those of a packed ring, and the lap, on another device.
[ -z "${FULL:-}" ] || compare balloon conformance/packed/packed-in-order-65536-requests.vr

# found BUG RULE SCRIPT: a bug in a model, and one in what all transports share.
found() {
	for transport in mmio activated; do
		gives 1 "$1 by $transport" "$BUILD/bugs/$1/vringer" replay --transport "$transport" \
			-t "${4:-net-loopback}" "$3"
		shows "... $2" "^finding: $2:"
	done
}
found rule-completion-len completion.len conformance/net/tx-header-split.vr
found rule-wakeup-missing wakeup.missing conformance/net/both-poisoned.vr
found rule-status-features status.features conformance/features/unoffered-bit-low.vr

# What cannot be run says so, with its place.
printf 'device net-loopback\nreset\nread Status\n' >"$work/read.vr"
printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n> used 1 id=0 len=0\n' >"$work/calls.vr"
refuses 'a transport that is none' "unknown transport 'pci', expected mmio or activated" \
	"$VRINGER" replay --transport pci "$work/calls.vr"
for command in replay minimize; do
	refuses "$command of what reads registers" "read.vr:3: .*needs registers" \
		"$VRINGER" "$command" --transport activated "$work/read.vr"
done
gives 0 'run of what reads registers' "$VRINGER" run --transport activated "$work/read.vr"
shows '... it is skipped, and why' '\[activated\] # SKIP needs registers'
gives 0 'run of what does not' "$VRINGER" run --transport activated "$work/calls.vr"
shows '... it names the transport' '^ok 1 - .*calls\.vr \[activated\]$'
gives 0 'replay of what does not' "$VRINGER" replay -vv --transport activated "$work/calls.vr"
shows '... it names the transport' 'net-loopback, transport activated: '
shows '... and the calls' '^  driver calls set_queue_size of queue 1 = '
run "$VRINGER" run "$work/calls.vr"
! grep -q 'mmio\|activated' "$out"
tap 'the one that is used by itself is not named' $?

# A finding made so is minimised and sorted so, and the next command says how.
bug=$BUILD/bugs/rule-completion-len/vringer
script=conformance/net/tx-header-split.vr
run "$bug" replay --transport activated -t net-loopback "$script"
shows 'the next command has the transport' '^next: .* --transport activated '
gives 0 'minimize' "$bug" minimize --transport activated -t net-loopback "$script"
shows '... names the transport' '^# By --transport activated\.$'
"$VRINGER" encode -o "$work/crash" "$work/calls.vr" 2>"$err"
gives 1 'triage' "$bug" triage --transport activated -t net-loopback "$work/crash"
shows '... names the transport' ' replay -v .*--transport activated '

tap_end
