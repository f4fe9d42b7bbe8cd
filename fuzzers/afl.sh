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
# what it finds to the corpus, every half hour and at the end; what another engine adds
# meanwhile it takes from there.  SECONDS 0: until it is stopped.
#
# Of several processes the first has the sanitizers and the others, each with another of
# AFL++'s schedules, have none: they are faster, and what they find the first runs too.
# A crash is build/findings/TARGET/crash-HASH, a
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
known=${KNOWN:-}
. fuzzers/inputs.sh
. fuzzers/findings.sh
. fuzzers/campaign.sh
. fuzzers/page.sh

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

# A statistic, summed over all instances.
statistic() {
	cat "$out"/*/fuzzer_stats 2>/dev/null | awk -v n="$1" '$1 == n { s += $3 } END { printf "%d\n", s }'
}

# Memory of the targets, in MiB; the most seen is what counts.
measure_memory() {
	now=$(ps -eo rss=,args= | awk -v n="fuzz_$kind" '
		$2 ~ n "$" && $1 > m { m = $1 } END { print int(m / 1024) }')
	[ "$now" -le "$peak" ] || peak=$now
	echo "$peak" >"$logs/peak"
}

# Crashes and hangs, as each instance counts them.
found() {
	find "$out" -path '*/crashes/id*' -o -path '*/hangs/id*' | wc -l
}

# Executions a second and edges, from what afl-fuzz writes once a minute.
afl_status() {
	measure_memory
	# shellcheck disable=SC2046  # two numbers
	show_status $(cat "$out"/*/fuzzer_stats 2>/dev/null | awk -v s="$elapsed" '
		$1 == "execs_done" { done += $3 }
		$1 == "edges_found" && $3 > edges { edges = $3 }
		END { printf "%d %d\n", done / s, edges }')
	# Of what the instances have in their queues the corpus has a copy.
	[ $((elapsed / round)) = "${kept:-0}" ] || keep "$corpus/" "$out"/*/queue/id*
	kept=$((elapsed / round))
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
	worker_ended
}

# The schedule, and the program, of an instance.
role() {
	program=$binary schedule=explore
	case $1 in
	0) return ;;
	esac
	[ ! -x "build/afl-plain/fuzz_$kind" ] || program=build/afl-plain/fuzz_$kind
	case $(($1 % 5)) in
	1) schedule=fast ;;
	2) schedule=rare ;;
	3) schedule=coe ;;
	4) schedule=exploit ;;
	*) schedule=explore ;;
	esac
}

mkdir -p build/afl-logs
alone "$logs.lock"
rm -rf "$in" "$logs"
mkdir -p "$out" "$in" "$logs" "$corpus" "$findings"
touch "$logs/started"
# A run that was killed has left its queues, and what it found: it is newer, as far as times of
# files are told apart.
sleep 0.1
keep_all() {
	keep "$corpus/" "$out"/*/queue/id*
	keep "$findings/crash-" "$out"/*/crashes/id*
	keep "$findings/timeout-" "$out"/*/hangs/id*
}
keep_all
rm -rf "$out"
mkdir -p "$out"
{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
keep "$in/" "build/seeds/$target"/* "$corpus"/*

echo "== $target $(for_how_long): corpus $corpus, findings $findings, logs $logs"
environment
set -- -i "$in" -o "$out" -m none -t 1000+ -G "$(option max_len)"
dict=$(option dict)
[ -z "$dict" ] || set -- "$@" -x "fuzzers/$dict"
[ "$seconds" = 0 ] || set -- "$@" -V "$seconds"
begin_time
stop_on_interrupt
peak=0 elapsed=0
echo 0 >"$logs/peak"
job=0
while [ "$job" -lt "$jobs" ]; do
	name="-S s$job"
	# The main instance also takes what another engine adds to the corpus.
	[ "$jobs" -gt 1 ] && [ "$job" = 0 ] && name="-M main -F $PWD/$corpus"
	role "$job"
	# shellcheck disable=SC2086  # two words
	instance "$job" $name "$@" -p "$schedule" -- "$program" &
	job=$((job + 1))
done
monitor afl_status &
wait_for_all
elapsed=$(($(date +%s) - begun))
afl_status >/dev/null || :

keep_all
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
executions=$(statistic execs_done) peak=$(cat "$logs/peak")
page_at_end
for rc in "$logs"/*.rc; do
	[ "$(cat "$rc")" = 0 ] || {
		echo "   log:  ${rc%.rc}.log"
		[ "$count" -gt 0 ] || { tail -n 5 "${rc%.rc}.log" && exit 2; }
	}
done
[ ! -f "$logs/full" ] || exit 2
[ "$count" = 0 ] || exit 1
