#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What is the mutator worth?  Both engines, with it and without it, from nothing:
# no corpus, no dictionary, and where the engine needs a seed, an empty program.
#
#   fuzzers/measure.sh coverage [SECONDS] [RUNS]    edges of devices/ reached
#   fuzzers/measure.sh bugs [SECONDS] [BUG...]      planted bugs found
#
# coverage: whatever the engine, what it kept is run through the libFuzzer target
# and counted there.  bugs: executions and seconds until the first finding, and
# what it was; `-` within SECONDS means that there was none.  MEASURE_JOBS=2 are
# run at a time: on a busy machine compare the rows, not the numbers.  Results
# stay in build/measure/.
set -eu

target=net_loopback
binary=fuzz_$target
jobs=${MEASURE_JOBS:-2}
work=$PWD/build/measure

export ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0:quarantine_size_mb=16:max_allocation_size_mb=1024"
export UBSAN_OPTIONS="abort_on_error=1:symbolize=0:halt_on_error=1"
export AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

prepare() {
	.ci/deps gcc fuzz afl
	make -j"$(nproc)" "build/fuzz/$binary" "build/afl/$binary" build/afl/vringer_mutator.so >&2
}

# libfuzzer TREE MUTATOR SECONDS OUT SEED
libfuzzer() {
	mkdir -p "$4/queue"
	set -- "$@" 0
	[ "$2" = on ] || set -- "$1" "$2" "$3" "$4" "$5" 100 # as it is without a mutator
	VRINGER_MUTATOR=$2 "$1/build/fuzz/$binary" -max_total_time="$3" -timeout=10 -seed="$5" \
		-len_control="$6" -print_final_stats=1 -artifact_prefix="$4/" "$4/queue" \
		>"$4/log" 2>&1 || touch "$4/found"
	awk '/^stat::number_of_executed_units/ { print $2 }' "$4/log" >"$4/execs"
}

# afl TREE MUTATOR SECONDS OUT SEED
afl() {
	mkdir -p "$4/in"
	printf '\001\365' >"$4/in/empty"
	[ "$2" = off ] || export AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/afl/vringer_mutator.so"
	VRINGER_TARGET=net-loopback afl-fuzz -i "$4/in" -o "$4/out" -V "$3" -s "$5" -m none \
		-t 1000+ -G 4096 -- "$1/build/afl/$binary" >"$4/log" 2>&1 || true
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

edges() {
	"build/fuzz/$binary" -runs=0 "$1" 2>&1 | sed -n 's/.*INITED cov: \([0-9]*\).*/\1/p'
}

coverage() {
	seconds=${1:-60} runs=${2:-5}
	prepare
	for engine in libfuzzer afl; do
		for mutator in on off; do
			for run in $(seq "$runs"); do
				echo "$engine $PWD $mutator $seconds $work/$engine-$mutator-$run $run"
			done
		done
	done | xargs -P "$jobs" -L 1 "$0" one
	printf '%-10s %-8s %-24s %8s   %s\n' ENGINE MUTATOR 'EDGES, EACH RUN' MEDIAN 'EXECUTIONS, EACH RUN'
	for engine in libfuzzer afl; do
		for mutator in on off; do
			all='' execs=''
			for run in $(seq "$runs"); do
				dir=$work/$engine-$mutator-$run
				early=
				[ ! -e "$dir/found" ] || early='*'
				all="$all $(edges "$dir/queue")$early"
				execs="$execs $(cat "$dir/execs")"
			done
			median=$(echo "$all" | tr -d '*' | tr ' ' '\n' | grep . | sort -n |
				sed -n "$(((runs + 1) / 2))p")
			printf '%-10s %-8s %-24s %8s  %s\n' "$engine" "$mutator" "$all" "$median" "$execs"
		done
	done
	echo '* a finding came first'
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

# What was found, in a word.
signature() {
	sed -n 's/^finding: //p; s/^SUMMARY: [A-Za-z]*: \([a-z-]*\).*/\1/p' "$1" | head -n 1
}

bugs() {
	seconds=${1:-60}
	[ $# = 0 ] || shift
	if [ $# = 0 ]; then
		for patch in fuzzers/bugs/n*.patch; do
			set -- "$@" "$(basename "$patch" .patch)"
		done
	fi
	prepare
	for bug; do
		plant "$bug"
	done
	for bug; do
		for engine in libfuzzer afl; do
			for mutator in on off; do
				echo "$engine $work/tree-$bug $mutator $seconds $work/$bug-$engine-$mutator 1"
			done
		done
	done | AFL_BENCH_UNTIL_CRASH=1 xargs -P "$jobs" -L 1 "$0" one
	printf '%-28s %-10s %-8s %10s %8s  %s\n' BUG ENGINE MUTATOR EXECUTIONS SECONDS FOUND
	for bug; do
		for engine in libfuzzer afl; do
			for mutator in on off; do
				dir=$work/$bug-$engine-$mutator what=-
				if [ -e "$dir/found" ]; then
					[ "$engine" = libfuzzer ] || ASAN_OPTIONS=detect_leaks=0 \
						"$work/tree-$bug/build/fuzz/$binary" -runs=1 \
						"$dir/found" >"$dir/log" 2>&1 || true
					what=$(signature "$dir/log")
				fi
				printf '%-28s %-10s %-8s %10s %8s  %s\n' "$bug" "$engine" "$mutator" \
					"$(cat "$dir/execs")" "$(cat "$dir/seconds")" "$what"
			done
		done
	done
}

"$@"
