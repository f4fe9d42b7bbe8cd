#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make fuzz ENGINE=afl` does for one target.  KNOWN is the list of known
# findings.
#
#   afl.sh TARGET SECONDS JOBS
#
# Exit 0: nothing found; 1: something was found; 2: afl-fuzz cannot run, one
# line says why.
#
# It starts from build/seeds/TARGET and from build/fuzz-corpus/TARGET, the
# corpus that either engine has grown, works in build/afl-out/TARGET, and adds
# what it finds to the corpus. A crash is build/findings/TARGET/crash-HASH, a
# hang timeout-HASH, as libFuzzer names them. VRINGER_MUTATOR=off: mutate only
# bytes.
# shellcheck disable=SC1091,SC2034,SC2154
set -eu

target=${1#peer:} seconds=$2 jobs=$3
device=$(echo "$target" | tr _ -)
# What it is called in fuzzers/: of all peers there is one.
kind=$target
[ "$target" = "$1" ] || kind=peer
binary=build/afl/fuzz_$kind vringer=build/vringer
corpus=build/fuzz-corpus/$target findings=build/findings/$target
out=build/afl-out/$target in=build/afl-in/$target logs=build/afl-logs/$target
poll=10
known=${KNOWN:-}
. fuzzers/inputs.sh
. fuzzers/findings.sh

option() {
	awk -F '[ \t]*=[ \t]*' -v n="$1" '$1 == n { print $2 }' "fuzzers/fuzz_$kind.options"
}

# Copy the files given to $1, named after their content; each whole or not at
# all.  One that is there is new again.
keep() {
	prefix=$1
	shift
	[ -f "$1" ] || return 0 # a pattern that nothing matched
	printf '%s\0' "$@" | xargs -0 sha1sum | while read -r hash file; do
		if [ -f "$prefix$hash" ]; then
			echo "$prefix$hash"
			continue
		fi
		cp "$file" "$logs/copy"
		mv "$logs/copy" "$prefix$hash"
	done | xargs -r touch -c
}

# A statistic over all instances: the sum, or for stability the minimum.
statistic() {
	cat "$out"/*/fuzzer_stats 2>/dev/null | awk -v n="$1" '
		$1 == n { v = $3 + 0; s += v; if (!seen++ || v < low) low = v }
		END { printf "%d\n", n == "stability" ? low * 100 : s }'
}

percent() {
	awk -v v="$1" 'BEGIN { printf "%.2f%%", v / 100 }'
}

# Memory of the targets, in MiB; the most seen is what counts.
measure_memory() {
	now=$(ps -eo rss=,args= | awk -v n="$binary" '
		$2 == n && $1 > m { m = $1 } END { print int(m / 1024) }')
	[ "$now" -le "$peak" ] || peak=$now
	echo "$peak" >"$logs/peak"
}

# afl-fuzz writes plot_data after a minute, then often; fuzzer_stats once a
# minute.
progress() {
	if ! cat "$out"/*/plot_data 2>/dev/null | grep -qv '^#'; then
		printf '%5d s: %d in corpus, %d crashes, %d hangs\n' "$1" \
			"$(find "$out" -path '*/queue/id*' | wc -l)" \
			"$(find "$out" -path '*/crashes/id*' | wc -l)" \
			"$(find "$out" -path '*/hangs/id*' | wc -l)"
		return
	fi
	for plot in "$out"/*/plot_data; do
		[ ! -f "$plot" ] || tail -n 1 "$plot"
	done | awk -F ', *' -v s="$1" -v stable="$(percent "$(statistic stability)")" '
		$1 !~ /#/ { execs += $12; speed += $11; corpus += $4; crashes += $8; hangs += $9
			    if ($13 > edges) edges = $13 }
		END { printf "%5d s: %d executions, %d exec/s, %d edges, %d in corpus, %d crashes, " \
			"%d hangs, stability %s\n", s, execs, speed, edges, corpus, crashes, hangs, stable }'
}

environment() {
	export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1
	export AFL_FORKSRV_INIT_TMOUT=30000
	export VRINGER_KNOWN="$known" VRINGER_KNOWN_MET="$PWD/$logs/known-met"
	# afl-fuzz insists on the first two of each.
	export ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0:quarantine_size_mb=16:max_allocation_size_mb=1024"
	export UBSAN_OPTIONS="abort_on_error=1:symbolize=0:halt_on_error=1"
	case $(cat /proc/sys/kernel/core_pattern 2>/dev/null) in
	'|'*)
		echo "   core dumps go to a program here (/proc/sys/kernel/core_pattern):" \
			"a crash may be taken for a hang"
		export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
		;;
	esac
	takes_programs "$kind" && [ "${VRINGER_MUTATOR:-on}" != off ] || return 0
	VRINGER_TARGET=$(echo "$device" | tr _ - | sed 's/^binary$/any/')
	VRINGER_MAX_LEN=$(option max_len)
	export VRINGER_TARGET VRINGER_MAX_LEN
	export AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/afl/vringer_mutator.so"
}

# instance NUMBER FLAGS...
instance() {
	number=$1
	shift
	rc=0
	trap '' INT
	trap : TERM HUP
	run_engine "$number" afl-fuzz "$@" >"$logs/$number.log" 2>&1 || rc=$?
	! was_ended "$rc" || rc=0
	echo "$rc" >"$logs/$number.rc"
}

# Is one of the instances still running?
running() {
	[ "$(find "$logs" -name '*.rc' | wc -l)" -lt "$jobs" ]
}

monitor() {
	trap '' INT TERM HUP
	peak=0 told=0
	while running; do
		sleep 1
		measure_memory
		elapsed=$(($(date +%s) - begun))
		[ $((elapsed / poll)) = "$told" ] || progress "$elapsed"
		told=$((elapsed / poll))
	done
	progress "$(($(date +%s) - begun))"
}

mkdir -p build/afl-logs
alone "$logs.lock"
rm -rf "$out" "$in" "$logs"
mkdir -p "$out" "$in" "$logs" "$corpus" "$findings"
{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
keep "$in/" "build/seeds/$target"/* "$corpus"/*
touch "$logs/started"

echo "== $target for $seconds s: corpus $corpus, findings $findings, logs $logs"
environment
set -- -i "$in" -o "$out" -V "$seconds" -m none -t 1000+ -G "$(option max_len)"
dict=$(option dict)
[ -z "$dict" ] || set -- "$@" -x "fuzzers/$dict"
begun=$(date +%s)
stop_on_interrupt
job=0
while [ "$job" -lt "$jobs" ]; do
	role="-S s$job"
	[ "$jobs" -gt 1 ] && [ "$job" = 0 ] && role="-M main"
	# shellcheck disable=SC2086  # two words
	instance "$job" $role "$@" -- "$binary" &
	job=$((job + 1))
done
monitor &
wait_for_all
elapsed=$(($(date +%s) - begun))

keep "$corpus/" "$out"/*/queue/id*
keep "$findings/crash-" "$out"/*/crashes/id*
keep "$findings/timeout-" "$out"/*/hangs/id*
# afl-fuzz silently skips an initial input that crashes.
sed -n "s/.*Test case '\(id:[^']*\)' results in a \(crash\|timeout\).*/\1/p" "$logs"/*.log |
	sed 's/.*orig://' | sort -u | while read -r seed; do
	keep "$findings/crash-" "$in/$seed"
done

# What runs now is no target.
unset VRINGER_KNOWN AFL_CUSTOM_MUTATOR_LIBRARY
export ASAN_OPTIONS='' UBSAN_OPTIONS=print_stacktrace=1
report_findings
printf '== %s: %d executions, %d exec/s, peak %d MiB, %d files in corpus, %d findings\n' "$target" \
	"$(statistic execs_done)" "$(($(statistic execs_done) / (elapsed > 0 ? elapsed : 1)))" "$(cat "$logs/peak")" \
	"$(find "$corpus" -type f | wc -l)" "$count"
cat "$logs/findings"
for rc in "$logs"/*.rc; do
	[ "$(cat "$rc")" = 0 ] || {
		echo "   log:  ${rc%.rc}.log"
		[ "$count" -gt 0 ] || { tail -n 5 "${rc%.rc}.log" && exit 2; }
	}
done
[ "$count" = 0 ] || exit 1
