#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# zoo.sh [NAME]: the legal devices of zoo/, or those with NAME in theirs.  Scripts for any
# device pass and no rule of any severity complains, in them and in RUNS programs from an
# engine that starts from nothing.  zoo-base runs all scripts, of the others each runs
# another PART-th of those that are not long; PART=1: all.  Those with packed rings or all in
# their name run them on packed rings as well.  With FULL in the environment PART is 4 and RUNS
# 600, and the long ones are among all; without, 24 and 100.
#
# zoo/accused.tsv lists what still does complain, and why it should not: a line there
# that is not met any more is an error too.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

zoo=$PWD/build/test/run-zoo
runs=${RUNS:-${FULL:+600}} && runs=${runs:-100}
part=${PART:-${FULL:+4}} && part=${part:-24}
grep -lrE --include='*.vr' '^device +any' conformance | sort >"$work/all"
if [ "$part" = 1 ]; then
	cp "$work/all" "$work/short"
else
	xargs grep -LE '^device .*budget=' <"$work/all" >"$work/short"
fi
[ -n "${FULL:-}" ] || [ "$part" = 1 ] || cp "$work/short" "$work/all"

# accused TARGET: what its lines of accused.tsv name, and why.
accused() {
	awk -F '\t' -v target="$1" '
		/^[^#]/ && target ~ "^zoo-" $1 "-" $2 "$" {
			count = split($3, names, " ")
			for (i = names[1] == "-" ? 2 : 1; i <= count; i++)
				print names[i], "# " (i > 1 ? "may follow" : $4)
		}' harness/test/zoo/accused.tsv
}

# scripts_of TARGET NUMBER: those that it runs.
scripts_of() {
	case $1 in
	zoo-base-purposes | zoo-base-plain | zoo-packed-purposes | zoo-packed-plain | \
		zoo-all-purposes | zoo-all-plain) cat "$work/all" ;;
	*) awk -v part="$part" -v number="$2" '(NR + number) % part == 0' "$work/short" ;;
	esac | grep -vxF -f "$work/excused" || :
}

# programs_of TARGET: how many; plain memory is compared before and after each call.
programs_of() {
	case $1 in
	*-plain) echo "$((runs / 3))" ;;
	*) echo "$runs" ;;
	esac
}

# met RULE: whether a script or the engine broke it.
met() {
	grep -qF -- "known: $1:" "$work/run" "$work/fuzz"
}

# runs_scripts TARGET FILE [OPTION]
runs_scripts() {
	# shellcheck disable=SC2046
	run "$zoo" run -t "$1" --strict --limits --known "$work/known" ${3:+"$3"} $(cat "$2")
}

# target NAME NUMBER
target() {
	accused "$1" >"$work/accused"
	sed -n 's|\.vr .*|.vr|p' "$work/accused" | sed 's|^|conformance/|' >"$work/excused"
	sed -n '/\.vr /!s| #|:* #|p' "$work/accused" >"$work/known"
	scripts_of "$1" "$2" >"$work/scripts"
	runs_scripts "$1" "$work/scripts"
	cp "$out" "$work/run"
	grep -A 6 '^not ok' "$work/run" | grep -v '# TODO known' >"$err" || :
	tap "$1: $(wc -l <"$work/scripts") scripts" "$rc"
	case $1 in
	zoo-packed-* | zoo-all-*)
		runs_scripts "$1" "$work/scripts" --packed
		cat "$out" >>"$work/run"
		grep -A 6 '^not ok' "$out" | grep -v '# TODO known' >"$err" || :
		tap "$1: the same on packed rings" "$rc"
		;;
	esac
	programs=$(programs_of "$1")
	run env VRINGER_TARGET="$1" VRINGER_KNOWN="$work/known" ASAN_OPTIONS=detect_leaks=0 \
		"$zoo" -runs="$programs" -seed=1 -artifact_prefix="$work/"
	cp "$err" "$work/fuzz"
	grep -A 4 '^finding' "$work/fuzz" >"$err" || :
	tap "$1: $programs programs" "$rc"
	grep -v '# may follow$' "$work/known" | sed 's/:.*//' >"$work/rules" || :
	while read -r rule; do
		met "$rule" && result=0 || result=1
		tap "$1: is still accused of $rule" "$result"
	done <"$work/rules"
	[ -s "$work/excused" ] || return 0
	runs_scripts "$1" "$work/excused"
	sed -n 's/^not ok [0-9]* - \([^ ]*\).*/\1/p' "$out" >>"$work/failing"
	cat "$work/excused" >>"$work/named"
}

: >"$work/failing"
: >"$work/named"
"$zoo" targets | grep -o '^zoo-[a-z0-9-]*' | grep -F -- "${1:-}" >"$work/targets" || :
count=0
while read -r name; do
	# Calls without a purpose tell of nothing that the two others do not tell of.
	case $name in
	zoo-base-accessors | zoo-early-look-accessors | zoo-packed*-accessors | zoo-all*-accessors | *-purposes | *-plain) target "$name" "$((count += 1))" ;;
	esac
done <"$work/targets"
# What is newer than the device is told of.
run "$zoo" run -t zoo-older-purposes --strict --limits conformance/features/offer-stays.vr
shows 'what is newer than a device is noted' \
	'^# note: newer than the device, which is of VIRTIO 1\.2: finding: status\.offered:'
shows '... and counted apart' '^# newer than the device, and not held against it: status\.offered in [1-9]'
run "$zoo" run --json -t zoo-older-purposes --strict --limits conformance/features/offer-stays.vr
shows '... as JSON too' '"newer": *\[ *{ *"rule": *"status.offered"'
sort -u "$work/named" >"$work/named.once"
while read -r script; do
	grep -qxF "$script" "$work/failing" && result=0 || result=1
	tap "$script still fails on a device that is right" "$result"
done <"$work/named.once"
tap_end
