#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make fuzz` does once things are built.
#
#   fuzz.sh check ENGINE SECONDS JOBS TARGETS KNOWN LINKED   is that possible?
#   fuzz.sh run ENGINE SECONDS JOBS TARGET...
#   fuzz.sh options TARGET   the engine's flags for that target
#
# Exit 0: nothing found; 1: something was; 2: it cannot be done.
#
# The corpus that fuzzing grows is build/fuzz-corpus/TARGET; build/seeds/TARGET
# is read, never written.  Findings go to build/findings/TARGET.  This is
# libFuzzer's side; AFL++'s is in afl.sh.
set -eu

fail() {
	echo "make fuzz: $1" >&2
	exit 2
}

is_count() {
	case $1 in
	'' | *[!0-9]* | 0*) return 1 ;;
	esac
}

check() {
	engine=$1 seconds=$2 jobs=$3 targets=$4 known=$5 linked=$6
	case $engine in
	libfuzzer) ;;
	afl) [ "$linked" = ok ] || fail "OUT is given: AFL++ links its own" ;;
	*) fail "ENGINE=$engine is unknown; there are: libfuzzer, afl" ;;
	esac
	is_count "$seconds" || fail "SECONDS=$seconds is not a number of seconds above 0"
	is_count "$jobs" || fail "JOBS=$jobs is not a number of processes above 0"
	[ -n "$targets" ] || fail "there is no fuzz target"
	for target in $targets; do
		case " $known " in
		*" $target "*) ;;
		*) fail "T=$target is unknown; there are: $known, all" ;;
		esac
	done
	[ "$linked" = ok ] || fail "OUT is given without LIB_FUZZING_ENGINE: no engine to fuzz with"
}

# The flags of the target's .options file, as libFuzzer takes them.  The
# dictionary's place differs here from where OSS-Fuzz puts it.
options() {
	file=fuzzers/fuzz_$1.options
	[ ! -f "$file" ] || awk -F '[ \t]*=[ \t]*' '
		/^\[/ { ours = /^\[libfuzzer\]/ }
		ours && NF == 2 && $1 != "dict" { print "-" $1 "=" $2 }' "$file"
	[ ! -f "fuzzers/fuzz_$1.dict" ] || echo "-dict=fuzzers/fuzz_$1.dict"
}

# The sum over the logs given of one of libFuzzer's final statistics.
stat() {
	name=$1
	shift
	awk -v n="stat::$name:" '$1 == n { s += $2 } END { print s + 0 }' "$@"
}

# What to do with a finding: of a device, a program; of the codecs, raw input.
replay() {
	case $1 in
	text | binary) echo "build/fuzz/fuzz_$1" ;;
	*) echo "build/vringer replay -t $(echo "$1" | tr _ -)" ;;
	esac
}

# What a person reads of an engine's log, as it comes: of its progress every
# hundredth line, and none of the dictionary that it recommends.
progress() {
	awk '
		/^#[0-9]+\t(NEW|REDUCE|RELOAD)/ { if (n++ % 100) next }
		/ommended dictionary|^"|^###### / { next }
		{ print; fflush() }'
}

fuzz_one() {
	target=$1
	corpus=build/fuzz-corpus/$target
	findings=build/findings/$target
	logs=build/fuzz-logs/$target
	rm -rf "$logs"
	mkdir -p "$corpus" "$findings" "$logs"
	touch "$logs/started"

	# shellcheck disable=SC2046  # flags hold no spaces
	set -- "build/fuzz/fuzz_$target" $(options "$target") \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=512 -detect_leaks=1 \
		-reload=1 -print_final_stats=1 -artifact_prefix="$findings/" \
		"$corpus" "build/seeds/$target"

	echo "== $target for $seconds s: corpus $corpus, findings $findings"
	# The others work on the same corpus, each with a log of its own.
	job=1
	while [ "$job" -lt "$jobs" ]; do
		{
			rc=0
			"$@" >"$logs/$job.log" 2>&1 || rc=$?
			echo "$rc" >"$logs/$job.rc"
		} &
		job=$((job + 1))
	done
	{
		rc=0
		"$@" 2>&1 || rc=$?
		echo "$rc" >"$logs/0.rc"
	} | tee "$logs/0.log" | progress
	wait

	found=$(find "$findings" -type f -newer "$logs/started" ! -name 'slow-unit-*')
	count=$(printf '%s' "$found" | grep -c . || [ $? = 1 ])
	failed=$(cat "$logs"/*.rc | grep -cvx 0 || [ $? = 1 ])
	# A process that died and left no file is a finding all the same.
	[ "$count" -gt 0 ] || count=$failed
	printf '== %s: %d executions, %d exec/s, peak %d MiB, %d files in corpus, %d findings\n' "$target" \
		"$(stat number_of_executed_units "$logs"/*.log)" \
		"$(stat average_exec_per_sec "$logs"/*.log)" \
		"$(stat peak_rss_mb "$logs"/*.log)" "$(find "$corpus" -type f | wc -l)" "$count"
	for file in $found; do
		echo "   next: $(replay "$target") $file"
	done
	for rc in "$logs"/*.rc; do
		[ "$(cat "$rc")" = 0 ] || echo "   log:  ${rc%.rc}.log"
	done
	total=$((total + count))
}

case $1 in
check)
	shift
	check "$@"
	;;
options)
	options "$2"
	;;
run)
	engine=$2 seconds=$3 jobs=$4 total=0
	shift 4
	# A quarantine as large as the default would be most of the memory limit.
	export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
	export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
	for t; do
		if [ "$engine" = libfuzzer ]; then
			fuzz_one "$t"
			continue
		fi
		rc=0
		"fuzzers/$engine.sh" "$t" "$seconds" "$jobs" || rc=$?
		[ "$rc" -le 1 ] || exit "$rc"
		total=$((total + rc))
	done
	[ "$total" = 0 ] || exit 1
	;;
esac
