#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Measure what the mutator is worth: run both engines with it and without it,
# without a corpus (if the engine needs a seed, from an empty program). The
# dictionary is used in both cases, as in `make fuzz`.  And what feedback is worth
# that comes from what a device shows.
#
#   fuzzers/measure.sh coverage [SECONDS [RUNS]]          edges of devices/ reached
#   fuzzers/measure.sh bugs [SECONDS [RUNS [BUG...]]]     planted bugs found
#   fuzzers/measure.sh feedback [SECONDS [RUNS]]          observed feedback: measure_feedback.sh
#   fuzzers/measure.sh feedback_model [SECONDS [RUNS]]    ... besides that of the code
#
# coverage: whatever the engine, what it kept is run through the libFuzzer target
# and counted there.  bugs: a run ends with its first finding, whichever; a run
# without one within SECONDS (60 unless told otherwise) counts as later than all
# others in the median, and where the median run has none it is `-`.
#
# MEASURE_JOBS=1 runs at a time.  On a busy machine compare executions, not
# seconds, and rows, not numbers.  What each run left stays in build/measure/.
set -eu

target=net_loopback
binary=fuzz_$target
jobs=${MEASURE_JOBS:-1}
work=$PWD/build/measure
# Shallow and deep, in rings, chains, buffers and registers.  Not those that the
# liveness script finds in any program, nor those that only a `>` line shows.
some_bugs="n1-header-slots n6-rx-frame-cut n7-head-lost rule-completion-len
	rule-memory-not-live-refused rule-memory-read rule-status-features rule-status-ladder"

export ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0:quarantine_size_mb=16:max_allocation_size_mb=1024"
export UBSAN_OPTIONS="abort_on_error=1:symbolize=0:halt_on_error=1"
export AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

prepare() {
	.ci/deps gcc fuzz afl
	make -j"$(nproc)" "build/fuzz/$binary" "build/afl/$binary" build/afl/vringer_mutator.so >&2
	mkdir -p "$work"
}

# libfuzzer TREE MUTATOR SECONDS OUT SEED
libfuzzer() {
	mkdir -p "$4/queue"
	# What libFuzzer does where there is no mutator of its own.
	[ "$2" = on ] && control=0 || control=100
	VRINGER_MUTATOR=$2 "$1/build/fuzz/$binary" -max_total_time="$3" -timeout=10 -seed="$5" \
		-len_control="$control" -dict="fuzzers/$binary.dict" -print_final_stats=1 \
		-artifact_prefix="$4/" "$4/queue" >"$4/log" 2>&1 || touch "$4/found"
	awk '/^stat::number_of_executed_units/ { print $2 }' "$4/log" >"$4/execs"
}

# afl TREE MUTATOR SECONDS OUT SEED
afl() {
	mkdir -p "$4/in"
	printf '\001\365' >"$4/in/empty"
	[ "$2" = off ] || export AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/afl/vringer_mutator.so"
	VRINGER_TARGET=net-loopback afl-fuzz -i "$4/in" -o "$4/out" -V "$3" -s "$5" -m none \
		-t 1000+ -G 4096 -x "fuzzers/$binary.dict" -- "$1/build/afl/$binary" >"$4/log" 2>&1 || true
	ln -s out/default/queue "$4/queue"
	awk '$1 == "execs_done" { print $3 }' "$4/out/default/fuzzer_stats" >"$4/execs"
	for file in "$4"/out/default/crashes/id* "$4"/out/default/hangs/id*; do
		[ ! -f "$file" ] || cp "$file" "$4/found"
	done
}

# one ENGINE TREE MUTATOR SECONDS OUT SEED
one() {
	engine=$1
	shift
	rm -rf "$4"
	mkdir -p "$4"
	started=$(date +%s)
	"$engine" "$@"
	echo $(($(date +%s) - started)) >"$4/seconds"
}

# every SECONDS RUNS TREE NAME: the runs of both engines, as lines for `one`.
every() {
	for engine in libfuzzer afl; do
		for run in $(seq "$2"); do
			for mutator in on off; do
				echo "$engine $3 $mutator $1 $work/$4-$engine-$mutator-$run $run"
			done
		done
	done
}

# The median of numbers, one a line; `-` comes after all numbers.
median() {
	sed 's/^-$/inf/' | sort -g | awk '{ v[NR] = $1 } END { m = v[int((NR + 1) / 2)]; print m == "inf" ? "-" : m }'
}

edges() {
	ASAN_OPTIONS=symbolize=1 UBSAN_OPTIONS=symbolize=1 "build/fuzz/$binary" -runs=0 -print_coverage=1 "$1" 2>&1 |
		sed -n 's/^COVERED_FUNC: .* edges: \([0-9]*\)\/.*\/devices\/[^/]*$/\1/p' |
		awk '{ n += $1 } END { print n + 0 }'
}

coverage() {
	seconds=${1:-60} runs=${2:-5}
	prepare
	every "$seconds" "$runs" "$PWD" coverage | xargs -P "$jobs" -L 1 "$0" one
	printf '%-10s %-8s %7s  %-24s %11s\n' ENGINE MUTATOR MEDIAN 'EDGES, EACH RUN' EXECUTIONS
	for engine in libfuzzer afl; do
		for mutator in on off; do
			dir=$work/coverage-$engine-$mutator
			rm -f "$dir.edges" "$dir.execs"
			for run in $(seq "$runs"); do
				[ ! -e "$dir-$run/found" ] || echo "$dir-$run ended with a finding" >&2
				edges "$dir-$run/queue" >>"$dir.edges"
				cat "$dir-$run/execs" >>"$dir.execs"
			done
			printf '%-10s %-8s %7s  %-24s %11s\n' "$engine" "$mutator" "$(median <"$dir.edges")" \
				"$(tr '\n' ' ' <"$dir.edges")" "$(median <"$dir.execs")"
		done
	done
}

# A tree like this one with one bug in it; only what it touches is compiled.
plant() {
	tree=$work/tree-$1
	rm -rf "$tree"
	mkdir -p "$tree/build/obj"
	cp -a Makefile .ci devices harness fuzzers "$tree"
	cp -a build/obj/fuzz build/obj/afl "$tree/build/obj"
	patch -s -d "$tree" -p1 <"fuzzers/bugs/$1.patch"
	make -s -C "$tree" "build/fuzz/$binary" "build/afl/$binary" >"$tree/log" 2>&1
}

# What was found in the run DIR of TREE, in a word.
signature() {
	[ ! -s "$1/found" ] ||
		"$2/build/fuzz/$binary" -runs=1 "$1/found" >"$1/log" 2>&1 || true
	sed -n 's/^finding: \([^ ]*\).*/\1/p; s/^SUMMARY: [A-Za-z]*: \([a-z-]*\).*/\1/p' "$1/log" | head -n 1
}

# summary BUG ENGINE MUTATOR RUNS: how many found it, after how much, and what.
summary() {
	dir=$work/$1-$2-$3 count=0
	rm -f "$dir.execs" "$dir.seconds"
	for run in $(seq "$4"); do
		if [ -e "$dir-$run/found" ]; then
			count=$((count + 1))
			cat "$dir-$run/execs" >>"$dir.execs"
			cat "$dir-$run/seconds" >>"$dir.seconds"
			signature "$dir-$run" "$work/tree-$1" >>"$work/$1.what"
		else
			echo - >>"$dir.execs"
			echo - >>"$dir.seconds"
		fi
	done
	printf '%5s %10s %7s' "$count/$4" "$(median <"$dir.execs")" "$(median <"$dir.seconds")"
}

bugs() {
	seconds=${1:-60} runs=${2:-5}
	shift $(($# < 2 ? $# : 2))
	# shellcheck disable=SC2086  # a list
	[ $# -gt 0 ] || set -- $some_bugs
	prepare
	for bug; do
		plant "$bug"
	done
	for bug; do
		every "$seconds" "$runs" "$work/tree-$bug" "$bug"
	done | AFL_BENCH_UNTIL_CRASH=1 xargs -P "$jobs" -L 1 "$0" one
	printf '%-40s %s\n' '' 'WITH: FOUND, EXECUTIONS, SECONDS    WITHOUT'
	for bug; do
		rm -f "$work/$bug.what"
		for engine in libfuzzer afl; do
			printf '%-30s %-10s %s   %s\n' "$bug" "$engine" \
				"$(summary "$bug" "$engine" on "$runs")" \
				"$(summary "$bug" "$engine" off "$runs")"
		done
		[ ! -s "$work/$bug.what" ] || echo "  as $(sort "$work/$bug.what" | uniq -c | sort -rn |
			awk '{ printf "%s%s (%d)", sep, $2, $1; sep = ", " }')"
	done
}

# shellcheck disable=SC1091  # beside this one
. fuzzers/measure_feedback.sh

"$@"
