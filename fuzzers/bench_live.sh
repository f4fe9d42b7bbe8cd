#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Live fuzzing, measured: what `make bench LIVE=EXECUTIONS` does.
#
#   bench_live.sh EXECUTIONS "ENGINE..." TARGET...
#
# Each target is fuzzed from build/seeds/TARGET, with the flags of `make fuzz` in one process,
# for so many executions after those of the seeds, from a fixed seed of the engine.  The CPU time
# of all that takes part is measured (bench_live.c, meter.h).  libFuzzer runs each seed once.
# AFL++ starts from those that reach what all reach, as `make fuzz` has it do, and runs each
# about ten times before it begins.  What is printed is Markdown.  What each run left is in
# build/bench/live-ENGINE-TARGET/.
#
# A second is one of CPU, user and system.  A row ends with what stopped it early.
set -eu

engine_of() {
	case $1 in
	libfuzzer) echo libFuzzer ;;
	*) echo AFL++ ;;
	esac
}

flag() {
	fuzzers/fuzz.sh options "$slug" | sed -n "s/^-$1=//p"
}

# The flags of libfuzzer.sh in one process.  It does not read its corpus again: that is done by
# the clock.
libfuzzer() {
	binary=build/fuzz/fuzz_$slug
	export ASAN_OPTIONS="quarantine_size_mb=16:${given_asan:-}"
	# It begins with no input at all.
	VRINGER_METER_SKIP=$(($(find "build/seeds/$slug" -type f | wc -l) + 1))
	export VRINGER_METER_SKIP
	# shellcheck disable=SC2046  # flags hold no spaces
	build/bench/live run "$out/meter" "$binary" $(fuzzers/fuzz.sh options "$slug") -timeout=10 \
		-rss_limit_mb=512 -detect_leaks=1 -reload=0 -seed=1 -runs="$((VRINGER_METER_SKIP + executions))" \
		-artifact_prefix="$out/" "$out/corpus" "build/seeds/$slug" >"$out/cpu" 2>"$out/log"
}

# The seeds that reach what all of them reach, in the folder $core.  The same ones for as long as
# seeds and devices are the same, whatever became of the harness: so that runs compare.
find_core() {
	core=build/bench/core-$slug
	key=$({ cat devices/*.[ch] && find "build/seeds/$slug" -type f | sort | xargs cat; } | sha1sum)
	[ "$(cat "$core.key" 2>/dev/null)" != "$key" ] || return 0
	rm -rf "$core"
	mkdir -p "$core"
	build/fuzz/fuzz_"$slug" -merge=1 -rss_limit_mb=512 "$core" "build/seeds/$slug" >"$core.log" 2>&1
	echo "$key" >"$core.key"
}

# Those of aflplusplus.sh.
afl() {
	binary=build/afl/fuzz_$slug
	export AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1
	export AFL_FORKSRV_INIT_TMOUT=30000 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
	export AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/afl/vringer_mutator.so"
	export ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0:quarantine_size_mb=16:max_allocation_size_mb=1024"
	export UBSAN_OPTIONS="abort_on_error=1:symbolize=0:halt_on_error=1"
	find_core
	VRINGER_METER_SKIP=$((10 * $(find "$core" -type f | wc -l)))
	export VRINGER_METER_SKIP
	dict=$(flag dict)
	VRINGER_TARGET=$(echo "$slug" | tr _ -) VRINGER_MAX_LEN=$(flag max_len) \
		build/bench/live run "$out/meter" afl-fuzz -i "$core" -o "$out/out" \
		-m none -t 1000+ -G "$(flag max_len)" ${dict:+-x "$dict"} -E "$((VRINGER_METER_SKIP + executions))" -s 1 \
		-S s0 -p explore -- "$binary" >"$out/log" 2>&1
	tail -n 1 "$out/log" >"$out/cpu"
}

# What was counted, and where the samples were: `place INSIDE COUNT FILE`.
read_meter() {
	cat "$out/cpu"
	build/bench/live show "$out/meter" >"$out/shown"
	grep -v '^sample' "$out/shown"
	sed -n '/^sample/p' "$out/shown" | sort >"$out/samples"
	awk '{ print $2 }' "$out/samples" | uniq >"$out/addresses"
	# shellcheck disable=SC2094  # only read
	llvm-symbolizer --obj="$binary" <"$out/addresses" |
		awk -v RS= -v FS='\n' '{ sub(/:[0-9]+:[0-9]+$/, "", $2); print $2 }' |
		sed "s|^$PWD/||" | paste -d ' ' "$out/addresses" - >"$out/files"
	awk '
		NR == FNR { file[$1] = $2; next }
		{ print "place", $3, $4, $2 == "0x0" ? "?" : file[$2] }' "$out/files" "$out/samples"
}

measure() {
	rm -rf "$out"
	mkdir -p "$out/corpus"
	rc=0
	"$engine" || rc=$?
	{
		echo "row $(echo "$slug" | tr _ -)"
		read_meter
		[ "$rc" = 0 ] || echo "note exit $rc, see $out/log"
	} >"$out/row"
	rm -rf "$out/corpus" "$out/out"
}

case $1 in
'' | *[!0-9]* | 0*)
	echo "make bench: LIVE=$1 is not a number of executions above 0" >&2
	exit 2
	;;
esac
executions=$1 engines=$2 given_asan=${ASAN_OPTIONS:-}
shift 2
echo "$executions executions from the seeds, at commit $(git rev-parse --short=8 HEAD 2>/dev/null ||
	echo unknown), $(date -u +%Y-%m-%d), on $(nproc) processors of" \
	"$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)," \
	"which others used as well: load $(cut -d ' ' -f 1 /proc/loadavg)"
for engine in $engines; do
	rows=
	for slug; do
		out=build/bench/live-$engine-$slug
		measure
		rows="$rows $out/row"
		echo "$engine, $slug: $(awk '$1 == "cpu" { printf "%.1f s", $2 / 1e9 }' "$out/row")" >&2
	done
	printf '\n%s:\n\n' "$(engine_of "$engine")"
	# shellcheck disable=SC2086  # a list
	cat $rows | awk -f fuzzers/bench_live.awk
done
