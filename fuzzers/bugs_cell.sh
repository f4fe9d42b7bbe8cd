#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# One place of the table of planted bugs (bugs.sh).
#
#   bugs_cell.sh judge BUG [gcc]           `caught`, or why its script does not: with the build
#                                          that the bug's header asks for, or that
#   bugs_cell.sh measure ROW COLUMN TARGET
#
# measure writes build/bugs/ROW/results/COLUMN (-$ENGINE): a line with all that the
# result depends on, and one with, separated by tabs,
#
#   FOUND OF EXECUTIONS SECONDS BY NOTE MS
#
# scripts and corpus: FOUND scripts OF so many are red.  Fuzzing: FOUND runs OF at
# most $RUNS (3), each with a seed of its own and $BOUND seconds at most, find something;
# EXECUTIONS, SECONDS (of CPU) and MS (of them, of fuzzing alone: bugs_run.sh) are medians, `-`
# where the median run finds nothing.
# BY is the rule or sanitizer that most often caught it.  What was measured of
# the same programs and inputs before is not measured again.
set -eu

RUNS=${RUNS:-3}

header() {
	sed -n "/^---/q; s/^$2:[[:space:]]*//p" "fuzzers/bugs/$1.patch"
}

# passes_without OPTION...: $script without the bug; $PASSING, if there is one, knows of some.
passes_without() {
	! grep -qxF "${2:-} $script" "${PASSING:-/dev/null}" || return 0
	timeout 60 "$unpatched" run "$@" "$script" >"$log.without" 2>&1 || rc=$?
	[ "$rc" = 0 ]
}

# judge_script OPTION...: nothing, or why $script does not catch it.
judge_script() {
	rc=0
	passes_without "$@" || { echo "$script exits $rc without the bug: $log.without" && return; }
	timeout 60 "$program" run "$@" "$script" >"$log.with" 2>&1 || rc=$?
	[ "$rc" = 1 ] || { echo "$script exits $rc with the bug: $log.with" && return; }
	for rule in $(header "$name" Rule); do
		grep -qF -- "$rule" "$log.with" ||
			{ echo "$script does not name $rule: $log.with" && return; }
	done
}

judge() {
	name=$1 dir=build/bugs/$1
	scripts=$(header "$name" Script) target=$(header "$name" Target)
	flavour=${2:-$(header "$name" Build)}
	flavour=${flavour:-release}
	program=$dir/release unpatched=build/obj/$flavour/vringer
	[ "$flavour" = release ] || program=$dir/vringer
	[ -x "$program" ] || { echo "does not apply or build: $dir/$flavour.log" && return; }
	[ -n "$scripts" ] || { echo "its header names no Script:" && return; }
	for script in $scripts; do
		log=$dir/$(basename "$script" .vr)
		# One device is enough, where it is one that shows it.
		why=$(judge_script -t "${target:-net-loopback}")
		[ -z "$why" ] || why=$(judge_script)
		[ -z "$why" ] || { echo "$why" && return; }
	done
	echo caught
}

# Where a result stands: scripts are the same whatever the engine.
name() {
	case $1 in
	*scripts | *corpus) echo "$1" ;;
	*) echo "$1-$ENGINE" ;;
	esac
}

# The most frequent line.
most_frequent() {
	sort | uniq -c | sort -k1,1nr -k2 | awk 'NR == 1 { print $2 }'
}

run_scripts() {
	# shellcheck disable=SC2086  # two words or none
	timeout 1800 "$program" run ${off:+--no-ledger} --timeout 10 -t "$target" "$1" >"$log" 2>&1 || rc=$?
	[ "$rc" -le 1 ] || { note="vringer run exits $rc: $log" && return; }
	of=$(grep -cE '^(not )?ok ' "$log") || true
	found=$(grep -c '^not ok ' "$log") || true
	by=$(fuzzers/bugs_run.sh signatures "$log" | most_frequent)
}

fuzz() {
	seeds=$1 dict=$2 misses=0 half=$(((RUNS + 1) / 2))
	runs=build/bugs/$row/runs/$column-$ENGINE
	rm -rf "$runs"
	for seed in $(seq "$RUNS"); do
		run=$runs/$seed
		fuzzers/bugs_run.sh "$ENGINE" "$seed" "$limit" "$program" "$target" "$seeds" "$dict" "$run"
		of=$((of + 1))
		if [ -e "$run/found" ]; then
			found=$((found + 1))
			cat "$run/executions" >>"$runs/executions"
			cat "$run/seconds" >>"$runs/seconds"
			cat "$run/ms" >>"$runs/ms"
			head -n 1 "$run/found" >>"$runs/by"
		else
			misses=$((misses + 1))
			[ "$misses" -lt "$half" ] || break
		fi
	done
	# A run that found nothing would be the last of them.
	if [ "$found" -ge "$half" ]; then
		executions=$(sort -n "$runs/executions" | sed -n "${half}p")
		seconds=$(sort -n "$runs/seconds" | sed -n "${half}p")
		ms=$(sort -n "$runs/ms" | sed -n "${half}p")
	fi
	[ "$found" = 0 ] || by=$(most_frequent <"$runs/by")
}

# All that a result depends on.
key() {
	case $column in
	*nothing) echo "$limit ${VRINGER_MUTATOR:-on} $RUNS" && fuzzers/fuzz.sh options "$slug" && cat "$program" ;;
	*seeds) echo "$limit ${VRINGER_MUTATOR:-on} $RUNS" && fuzzers/fuzz.sh options "$slug" && cat "$program" "build/seeds/$slug"/* ;;
	*corpus) find "corpus/$target" -type f | sort | xargs cat "$program" ;;
	*scripts) find conformance -type f | sort | xargs cat "$program" ;;
	esac
	[ "$column" != scripts ] || cat "fuzzers/bugs/$row.patch" 2>/dev/null || true
}

measure() {
	row=$1 column=$2 target=$3
	slug=$(echo "$target" | tr - _) flavour=fuzz off='' limit=$BOUND
	found=0 of=0 executions=- seconds=- ms=- by='' note='' rc=0
	result=build/bugs/$row/results/$(name "$column") log=build/bugs/$row/results/$column.log
	[ "$ENGINE" != afl ] || flavour=afl
	mkdir -p "build/bugs/$row/results"
	case $column in
	crash-*)
		export VRINGER_LEDGER=off
		off=off limit=$CRASH_BOUND
		;;
	esac
	case $column-$row in
	*scripts-unpatched-* | *corpus-unpatched-*) program=build/obj/gcc/vringer ;;
	*-unpatched-*) program=build/$flavour/fuzz_$slug ;;
	*scripts-* | *corpus-*) program=build/bugs/$row/vringer flavour=gcc ;;
	*) program=build/bugs/$row/$flavour ;;
	esac
	[ -x "$program" ] || note="does not apply or build: build/bugs/$row/$flavour.log"
	[ -n "$note" ] || key=$(key | sha1sum)
	if [ -z "$note" ] && [ "$(head -n 1 "$result" 2>/dev/null)" = "$key" ]; then
		echo "$row $column: as before" >>build/bugs/progress
		return
	fi
	if [ -z "$note" ]; then
		case ${column#crash-} in
		scripts) run_scripts conformance ;;
		corpus) [ ! -d "corpus/$target" ] || run_scripts "corpus/$target" ;;
		seeds) fuzz "build/seeds/$slug" "$(fuzzers/fuzz.sh options "$slug" | sed -n 's/^-dict=//p')" ;;
		nothing) fuzz '' '' ;;
		esac
		case $column-$row in
		scripts-unpatched-*) ;;
		scripts-*)
			verdict=$(judge "$row" gcc)
			[ "$verdict" = caught ] || note=$verdict
			;;
		esac
	fi
	printf '%s\n%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "${key:-}" "$found" "$of" "$executions" "$seconds" \
		"${by:--}" "$note" "$ms" >"$result.new"
	mv "$result.new" "$result"
	echo "$row $column: $found of $of" >>build/bugs/progress
	printf '%4d/%d  %s, %s: found by %s of %s%s%s\n' "$(wc -l <build/bugs/progress)" "$PLACES" "$row" \
		"$column" "$found" "$of" "${by:+, $by}" "${note:+; $note}"
}

"$@"
