#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# One engine, once, on one build of a planted bug (bugs_cell.sh).
#
#   bugs_run.sh ENGINE SEED SECONDS PROGRAM TARGET SEEDS DICT OUT
#
# SECONDS are of CPU with libFuzzer, of the clock with AFL++, which has two
# processes.  SEEDS and DICT may be empty.  OUT is a folder, made anew: `executions`;
# `seconds` of CPU, the device's and the engine's; `ms` of CPU, of fuzzing alone: from the first
# session on, with libFuzzer to the last (meter.h), or `-`; and if something was found, `found`, which holds the
# rule or sanitizer.
#
# Nothing is symbolized: that would take longer than most of the runs.
set -eu

# What was found, in a word a line, of a log of `vringer run` or of an engine.
signatures() {
	sed -n '
		s/^\(# \)*finding: \([a-z]*san:[^:]*\).*/\2/p; t
		s/^\(# \)*finding: \(signal:[^:]*\).*/\2/p; t
		s/^\(# \)*finding: \([^:]*\).*/\2/p; t
		s/^# [^ ]*\.vr:[0-9]*: .* .*/script/p; t
		s/.*runtime error: \([a-z]*\) [^ ]* \([a-z-]*\) .*/ubsan:\1-\2/p; t
		s/.*runtime error: \([a-z]*\) .*/ubsan:\1/p; t
		s/^SUMMARY: AddressSanitizer: [0-9]* byte(s) leaked.*/leak/p; t
		s/^SUMMARY: AddressSanitizer: \([^ ]*\).*/asan:\1/p; t
		s/^SUMMARY: libFuzzer: \(.*\)/libfuzzer:\1/p' "$@" | tr ' ' -
}

libfuzzer() {
	export ASAN_OPTIONS="quarantine_size_mb=16:max_allocation_size_mb=1024:symbolize=0"
	export UBSAN_OPTIONS="symbolize=0"
	mkdir "$out/corpus"
	rc=0
	{ (
		# On a busy machine the engine's own bound, on the clock, is another.
		# shellcheck disable=SC3045  # every sh knows it
		ulimit -S -t "$bound"
		# shellcheck disable=SC2086  # flags
		VRINGER_METER=$out/meter exec "$program" -seed="$seed" -max_total_time=$((10 * bound)) $flags \
			${dict:+"-dict=$dict"} -timeout=10 -rss_limit_mb=512 -detect_leaks=1 \
			-print_final_stats=1 -artifact_prefix="$out/" "$out/corpus" \
			${seeds:+"$seeds"}
	) >"$out/log" 2>&1 || rc=$?; } 2>/dev/null # where sh says what ended it
	[ "$rc" -le 128 ] || [ "$(kill -l "$rc")" != XCPU ] || rc=0
	awk '$1 == "stat::number_of_executed_units:" { n = $2 } END { print n + 0 }' "$out/log" \
		>"$out/executions"
	# That it aborted is said before why.
	[ "$rc" = 0 ] || signatures "$out/log" | awk '
		/^libfuzzer:/ { last = last $0 "\n"; next } { print } END { printf "%s", last }' >"$out/found"
	build/bench/live show "$out/meter" 2>/dev/null |
		awk '$1 == "target" { printf "%.1f\n", $2 / 1e6 }' >"$out/ms"
	rm -rf "$out/corpus" "$out/meter"
}

afl() {
	export AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1
	export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_BENCH_UNTIL_CRASH=1
	export AFL_EXIT_ON_SEED_ISSUES=1 AFL_FORKSRV_INIT_TMOUT=30000
	export ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0:quarantine_size_mb=16:max_allocation_size_mb=1024"
	export UBSAN_OPTIONS="abort_on_error=1:symbolize=0:halt_on_error=1"
	mkdir "$out/in"
	printf '\001\365' >"$out/in/empty" # it insists on a seed: an empty program
	[ -z "$seeds" ] || cp "$seeds"/* "$out/in"
	[ "${VRINGER_MUTATOR:-on}" = off ] ||
		export AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/afl/vringer_mutator.so"
	# The target's first session is before afl-fuzz has it.
	VRINGER_METER_SKIP=1 VRINGER_TARGET=$target VRINGER_MAX_LEN=$length \
		build/bench/live run "$out/meter" afl-fuzz -i "$out/in" -o "$out/out" \
		-V "$bound" -s "$seed" -m none -t 1000 -G "$length" ${dict:+-x "$dict"} \
		-- "$program" >"$out/log" 2>&1 || true
	{ tail -n 1 "$out/log" && build/bench/live show "$out/meter" 2>/dev/null; } |
		awk '{ n[$1] = $2 } END { if (n["skipped"]) printf "%.1f\n", (n["cpu"] - n["skipped"]) / 1e6 }' \
			>"$out/ms"
	rm -f "$out/meter"
	if [ -f "$out/out/default/fuzzer_stats" ]; then
		awk '$1 == "execs_done" { print $3 }' "$out/out/default/fuzzer_stats" >"$out/executions"
		bad=$(find "$out/out/default" -path '*s/id*' ! -path '*/queue/*' | head -n 1)
	else
		# A seed ended it, the last that was tried.
		grep -c 'Attempting dry run' "$out/log" >"$out/executions" || true
		bad=$(sed -n "s/.*Attempting dry run with '\(id:[^']*\)'.*/\1/p" "$out/log" | tail -n 1)
		bad=$out/in/${bad##*orig:}
	fi
	[ -f "$bad" ] || return 0
	timeout 10 "$program" <"$bad" >"$out/log.found" 2>&1 || true
	signatures "$out/log.found" >"$out/found"
}

case $1 in
signatures)
	"$@"
	exit
	;;
esac
engine=$1 seed=$2 bound=$3 program=$4 target=$5 seeds=$6 dict=$7 out=$8
# With the dictionary or without, as DICT says.
flags=$(fuzzers/fuzz.sh options "$(echo "$target" | tr - _)" | sed '/^-dict=/d')
length=$(echo "$flags" | sed -n 's/^-max_len=//p')
length=${length:-4096}
rm -rf "$out"
mkdir -p "$out"
"$engine"
[ -s "$out/ms" ] || echo - >"$out/ms"
# The second line is of the processes waited for: user, system.
times >"$out/times"
awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += 60 * t[1] + t[2] }
	printf "%.1f\n", s }' "$out/times" >"$out/seconds"
