#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# zoo.sh [NAME]: the legal devices of zoo/, or those with NAME in theirs.  Every script
# for any device passes and no rule of any severity complains, in scripts and in RUNS
# programs from an engine that starts from nothing.
#
# zoo/accused.tsv lists what still does complain, and why it should not: a line there
# that is not met any more is an error too.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

zoo=$PWD/build/test/run-zoo
runs=${RUNS:-600}
scripts=$work/scripts
# Sessions of many thousand requests are for the models: they take long, and what is
# unusual here shows in short ones.
grep -lrE --include='*.vr' '^device +any' conformance | xargs grep -LE '^device.*budget=' >"$scripts"

# accused TARGET: its lines of accused.tsv, as a list of known findings.
accused() {
	awk -F '\t' -v target="$1" '
		/^[^#]/ && target ~ "^zoo-" $1 "-" $2 "$" {
			count = split($3, rules, " ")
			for (i = rules[1] == "-" ? 2 : 1; i <= count; i++)
				print rules[i] ":* # " (i > 1 ? "may follow" : $4)
		}' harness/test/zoo/accused.tsv
}

# met RULE: whether a script or the engine broke it.
met() {
	grep -qF -- "known: $1:" "$work/run" "$work/fuzz"
}

# target NAME
target() {
	accused "$1" >"$work/known"
	# shellcheck disable=SC2046
	run "$zoo" run -t "$1" --strict --limits --known "$work/known" $(cat "$scripts")
	cp "$out" "$work/run"
	grep -A 6 '^not ok' "$work/run" | grep -v '# TODO known' >"$err" || :
	tap "$1: scripts" "$rc"
	mkdir -p "$work/findings"
	run env VRINGER_TARGET="$1" VRINGER_KNOWN="$work/known" ASAN_OPTIONS=detect_leaks=0 \
		"$zoo" -runs="$runs" -seed=1 -artifact_prefix="$work/findings/"
	cp "$err" "$work/fuzz"
	grep -A 4 '^finding' "$work/fuzz" >"$err" || :
	tap "$1: $runs programs" "$rc"
	grep -v '# may follow$' "$work/known" | sed 's/:.*//' >"$work/rules" || :
	while read -r rule; do
		met "$rule" && result=0 || result=1
		tap "$1: is still accused of $rule" "$result"
	done <"$work/rules"
}

"$zoo" targets | grep -o '^zoo-[a-z0-9-]*' | grep -F -- "${1:-}" >"$work/targets" || :
while read -r name; do
	# Calls without a purpose tell of nothing that the two others do not tell of.
	case $name in
	zoo-base-accessors | *-purposes | *-plain) target "$name" ;;
	esac
done <"$work/targets"
tap_end
