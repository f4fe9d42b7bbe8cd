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
# A run goes on past its findings for as long as it has time, and at its end
# tells them apart: findings.sh.  The list of known findings is KNOWN.
#
# The corpus that fuzzing grows is build/fuzz-corpus/TARGET; build/seeds/TARGET
# is read, never written.  Findings go to build/findings/TARGET.  This is
# libFuzzer's side; AFL++'s is in afl.sh.
# shellcheck disable=SC1091,SC2154
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

# Over the logs given, of one of libFuzzer's final statistics: the sum, or the
# sum of the most of each, a log being of several processes one after the other.
stat() {
	name=$1 how=$2
	shift 2
	awk -v n="stat::$name:" -v how="$how" '
		FNR == 1 { s += most; most = 0 }
		$1 == n && how == "sum" { s += $2 }
		$1 == n && how == "most" && $2 > most { most = $2 }
		END { print s + most }' "$@"
}

# What a person reads of an engine's log, as it comes: its progress, of new
# inputs every hundredth, and what was found.
progress() {
	awk '
		/^#[0-9]+\t(NEW|REDUCE|RELOAD)/ { if (n++ % 100) next }
		/^#[0-9]+\t|^== / { print; fflush() }'
}

# Nobody else counts findings now.
lock() {
	until mkdir "$logs/lock" 2>/dev/null; do sleep 0.1; done
}

# A new input: put among the findings, unless there are enough of its signature.
# Then the rest of the run goes on past that, if it is one to be gone past.
take_input() {
	signature=$(signature_of "$1")
	lock
	seen=$(grep -cxF -- "$signature" "$logs/signatures" || [ $? = 1 ])
	echo "$signature" >>"$logs/signatures"
	if [ "$seen" -lt "$keep" ]; then
		echo "== finding: $signature: $findings/${1##*/}"
		mv "$1" "$findings/"
	else
		rm "$1"
	fi
	if ! is_parser "$target" && [ "$signature" != nothing ] && [ "$((seen + 1))" = "$keep" ]; then
		echo "$signature  # found in this run" >>"$logs/known"
	fi
	rmdir "$logs/lock"
}

# A seed or corpus file that fails would end each process at its start.
set_aside() {
	hash=${1##*-}
	rm -f "$corpus/$hash"
	find "$seeds" -type f -exec sha1sum {} + | awk -v h="$hash" '$1 == h { print $2 }' |
		xargs -r rm -f
}

# What a process left in the folder given: is there a finding?
take() {
	taken=1
	for file in "$1"/*; do
		case $file in
		*/slow-unit-*) mv "$file" "$findings/" && continue ;;
		esac
		[ -f "$file" ] || continue
		taken=0
		set_aside "$file"
		take_input "$file"
	done
	return "$taken"
}

# worker NUMBER COMMAND...: run the engine until the time is over, again after
# each finding.
worker() {
	job=$1 new=$logs/new-$1
	shift
	trap '' INT
	trap : TERM HUP
	mkdir "$new"
	while left=$((deadline - $(date +%s))) && [ "$left" -gt 0 ] && [ ! -f "$logs/interrupted" ]; do
		rc=0
		VRINGER_KNOWN=$logs/known run_engine "$job" "$@" -max_total_time="$left" \
			-artifact_prefix="$new/" "$corpus" "$seeds" 2>&1 || rc=$?
		if take "$new"; then
			continue
		elif [ "$rc" != 0 ] && [ "$rc" != 72 ] && ! was_ended "$rc"; then # 72: libFuzzer was interrupted
			echo "== $target: exit $rc and no input, see $logs/$job.log"
			echo "$rc" >"$logs/$job.died"
		fi
		break
	done
}

fuzz_one() {
	target=$1
	binary=build/fuzz/fuzz_$target
	corpus=build/fuzz-corpus/$target seeds=build/fuzz-in/$target
	findings=build/findings/$target logs=build/fuzz-logs/$target
	. fuzzers/findings.sh
	mkdir -p build/fuzz-logs
	alone "$logs.lock"
	rm -rf "$logs" "$seeds"
	mkdir -p "$corpus" "$findings" "$logs" build/fuzz-in
	cp -R "build/seeds/$target" "$seeds"
	{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
	touch "$logs/started" "$logs/signatures"
	export VRINGER_KNOWN_MET="$logs/known-met"

	# shellcheck disable=SC2046  # flags hold no spaces
	set -- "$binary" $(options "$target") -timeout=10 -rss_limit_mb=512 -detect_leaks=1 \
		-reload=1 -print_final_stats=1

	echo "== $target for $seconds s: corpus $corpus, findings $findings, logs $logs"
	begun=$(date +%s)
	deadline=$((begun + seconds))
	stop_on_interrupt
	# The others work on the same corpus, each with a log of its own.
	job=1
	while [ "$job" -lt "$jobs" ]; do
		worker "$job" "$@" >"$logs/$job.log" &
		job=$((job + 1))
	done
	worker 0 "$@" | (trap '' INT TERM HUP && tee "$logs/0.log" | progress) &
	wait_for_all

	executions=$(stat number_of_executed_units sum "$logs"/*.log)
	elapsed=$(($(date +%s) - begun))
	peak=$(stat peak_rss_mb most "$logs"/*.log)
	report_findings
	# A process that died and left no file is a finding all the same.
	for died in "$logs"/*.died; do
		[ ! -f "$died" ] || count=$((count + 1))
	done
	printf '== %s: %d executions, %d exec/s, peak %d MiB, %d files in corpus, %d findings\n' "$target" \
		"$executions" "$((executions / (elapsed > 0 ? elapsed : 1)))" "$peak" \
		"$(find "$corpus" -type f | wc -l)" "$count"
	cat "$logs/findings"
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
	known=${KNOWN:-${VRINGER_KNOWN:-}}
	shift 4
	# A quarantine as large as the default would be most of the memory limit.
	export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
	export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
	# An empty program shows whether the list can be read.
	[ -z "$known" ] || build/vringer triage --known "$known" -t "$(build/vringer targets |
		sed -n '1s/:.*//p')" /dev/null >/dev/null || [ $? = 1 ] || exit 2
	# Each engine its own logs: both may be at work on one target.
	logs_of=build/fuzz-logs
	[ "$engine" = libfuzzer ] || logs_of=build/$engine-logs
	# Of a script that is run here, it decides for itself.
	script=
	trap '[ -z "$script" ] || kill -s TERM "$script" 2>/dev/null || :' INT TERM HUP
	for t; do
		if [ "$engine" = libfuzzer ]; then
			fuzz_one "$t"
		else
			rc=0
			KNOWN=$known "fuzzers/$engine.sh" "$t" "$seconds" "$jobs" &
			script=$!
			while :; do
				rc=0
				wait "$script" || rc=$?
				kill -s 0 "$script" 2>/dev/null || break
			done
			[ "$rc" -le 1 ] || exit "$rc"
			total=$((total + rc))
		fi
		[ ! -f "$logs_of/$t/interrupted" ] || break
	done
	[ "$total" = 0 ] || exit 1
	;;
esac
