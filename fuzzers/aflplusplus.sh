# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Fuzz one target with AFL++ until the time is over, and sort what was found. For `make fuzz`
# (afl.sh) and for a user's own program (user.sh). Source it after findings.sh and
# campaign.sh, whose variables it takes, and set besides
#
#   seconds jobs   how long (0: until it is stopped), and in how many processes
#   plain          the target without sanitizers, if it is there
#   corpus given   the folder that it grows, and that of the seeds, which stays as it is
#   shared         folders whose inputs mean the same here, if there are any
#   in out         folders for afl-fuzz, made anew
#   mutator        vringer's mutator, or empty; the environment tells it of the target
#
# What an earlier run that was killed left in $out is kept first. What is found is added to the
# corpus with every line of status, and at the end; what another engine adds meanwhile, there or in
# $shared, the first of several processes takes.
#
# Of several processes the first has the sanitizers and the others, each with another of
# AFL++'s schedules, have none: they are faster, and what they find the first runs too.
# A crash is $findings/crash-HASH, a hang timeout-HASH, as libFuzzer names them.
#
# VRINGER_MANY changes the number below, for tests.
# shellcheck disable=SC2034,SC2154

many=${VRINGER_MANY:-1000} # of so many inputs it starts from those that reach what all reach

# keep PREFIX: copy the files that are listed on standard input, a NUL after each, to a name made
# of PREFIX and their content; each whole or not at all.  A finding that is there is new again.
# False where one could not be copied.
keep() {
	prefix=$1
	there=$(xargs -0 -r sha1sum | while read -r hash file; do
		if [ -f "$prefix$hash" ]; then
			echo "$prefix$hash"
			continue
		fi
		if ! { cp "$file" "$logs/copy" && mv "$logs/copy" "$prefix$hash"; }; then
			echo failed
			break
		fi
	done)
	case $there in
	*failed) return 1 ;;
	esac
	[ "$prefix" = "$corpus/" ] || printf '%s\n' "$there" | xargs -r touch -c
}

# kept_of WHAT [TEST...]: the queue, crashes or hangs that the instances have.  Where they
# began from is no news.
kept_of() {
	what=$1
	shift
	find "$out" -path "*/$what/id*" ! -name '*,orig:*' "$@" -print0
}

# Of what the instances have in their queues the corpus has a copy: of what is new since this
# was called last.
copy_queues() {
	touch "$logs/copying"
	! kept_of queue -newer "$logs/copied" | keep "$corpus/" || mv "$logs/copying" "$logs/copied"
}

# A statistic, summed over all instances.
statistic() {
	cat "$out"/*/fuzzer_stats 2>/dev/null |
		awk -v n="$1" '$1 == n { s += $3 } END { printf "%d\n", s }'
}

# Memory of the targets, in MiB; the most seen is what counts.
measure_memory() {
	now=$(ps -eo rss=,args= | awk -v n="${binary##*/}" '
		$2 ~ n "$" && $1 > m { m = $1 } END { print int(m / 1024) }')
	[ "$now" -le "$(cat "$logs/peak")" ] || echo "$now" >"$logs/peak"
}

# Crashes and hangs, as each instance counts them.
found() {
	find "$out" -path '*/crashes/id*' -o -path '*/hangs/id*' | wc -l
}

# Leave in the corpus what is needed to reach what all of it reaches.
minimise() {
	is_worth_minimising || return 0
	rm -rf "$logs/min"
	without_ledger run_engine minimise afl-cmin -i "$corpus" -o "$logs/min" -m none -t 1000 \
		-- "$binary" >"$logs/minimise" 2>&1 || return 0
	leave_only "$logs/min"
}

# Executions a second and edges, from what afl-fuzz writes once a minute.
afl_status() {
	measure_memory
	# shellcheck disable=SC2046  # two numbers
	show_status $(cat "$out"/*/fuzzer_stats 2>/dev/null | awk '
		$1 == "run_time" { time = $3 > 0 ? $3 : 1 }
		$1 == "execs_done" { each_second += $3 / time }
		$1 == "edges_found" && $3 > edges { edges = $3 }
		END { printf "%d %d\n", each_second, edges }')
	copy_queues
	[ $((elapsed / round)) = "$rounds" ] || [ -f "$logs/minimise.pid" ] ||
		(trap : TERM HUP && minimise) &
	rounds=$((elapsed / round))
}

afl_environment() {
	export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_ALLOW_TMP=1
	export AFL_FORKSRV_INIT_TMOUT=30000
	VRINGER_KNOWN=$known VRINGER_KNOWN_MET=$(realpath "$logs")/known-met
	export VRINGER_KNOWN VRINGER_KNOWN_MET
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
	[ -z "$mutator" ] || export AFL_CUSTOM_MUTATOR_LIBRARY="$mutator"
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

# The schedule, and the program, of an instance.
role() {
	program=$binary schedule=explore
	case $1 in
	0) return ;;
	esac
	[ ! -x "$plain" ] || program=$plain
	case $(($1 % 5)) in
	1) schedule=fast ;;
	2) schedule=rare ;;
	3) schedule=coe ;;
	4) schedule=exploit ;;
	*) schedule=explore ;;
	esac
}

keep_all() {
	kept_of queue | keep "$corpus/" && kept_of crashes | keep "$findings/crash-" &&
		kept_of hangs | keep "$findings/timeout-"
}

# Folders for this run, and what one that was killed had found: it is newer, as far as times
# of files are told apart.
begin_folders() {
	mkdir -p "${logs%/*}"
	alone "$logs.lock"
	rm -rf "$in" "$logs"
	mkdir -p "$out" "$in" "$logs" "$corpus" "$findings"
	touch -d '1 hour ago' "$logs/copied"
	touch "$logs/started"
	sleep 0.1
	has_room && keep_all || exit 2
	rm -rf "$out"
	mkdir -p "$out"
	{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
}

# afl-fuzz runs each input a few times before it begins, in each process: of many, leave those
# that reach what all reach.  What fails is a finding.
reduce_inputs() {
	files=$(find "$in" -type f | wc -l)
	[ "$files" -ge "$many" ] || return 0
	AFL_KEEP_TRACES=1 run_engine cmin afl-cmin -i "$in" -o "$logs/core" -m none -t 1000 \
		-- "$binary" >"$logs/cmin" 2>&1 || return 0
	kept=$(find "$logs/core" -maxdepth 1 -type f | wc -l)
	[ "$kept" -gt 0 ] || return 0
	find "$in" -type f -size +0 -printf '%f\n' | sort >"$logs/all"
	find "$logs/core/.traces" -type f -printf '%f\n' | sort | comm -23 "$logs/all" - >"$logs/failing"
	sed "s,^,$in/," "$logs/failing" | tr '\n' '\0' | keep "$findings/crash-"
	rm -rf "$logs/core/.traces" "$in"
	mv "$logs/core" "$in"
	echo "== $target: $kept of $files inputs reach what all reach"
}

# The folders from which the first of several processes takes what others add.
foreign() {
	for folder in "$corpus" $shared; do
		[ ! -d "$folder" ] || printf ' -F %s' "$folder"
	done
}

start_instances() {
	job=0 instances=
	while [ "$job" -lt "$jobs" ]; do
		name="-S s$job"
		[ "$jobs" -gt 1 ] && [ "$job" = 0 ] && name="-M main$(foreign)"
		role "$job"
		# shellcheck disable=SC2086  # several words
		instance "$job" $name "$@" -p "$schedule" -- "$program" &
		instances="$instances $!"
		job=$((job + 1))
	done
}

# afl-fuzz silently skips an initial input that crashes.
keep_skipped() {
	sed -n "s/.*Test case '\(id:[^']*\)' results in a \(crash\|timeout\).*/\1/p" "$logs"/*.log |
		sed 's/.*orig://' | sort -u | sed "s,^,$in/," | tr '\n' '\0' | keep "$findings/crash-"
}

# Exit where an instance could not run and nothing was found.
report_instances() {
	for rc in "$logs"/*.rc; do
		[ "$(cat "$rc")" = 0 ] || {
			echo "   log:  ${rc%.rc}.log"
			[ "$count" -gt 0 ] || { tail -n 5 "${rc%.rc}.log" && exit 2; }
		}
	done
}

# fuzz_with_afl FLAGS...: afl-fuzz's flags for that target.  Leaves the number of findings in
# $count; exit 2 where it cannot run.
fuzz_with_afl() {
	begin_folders
	for folder in "$given" "$corpus" $shared; do
		[ ! -d "$folder" ] || find "$folder" -type f -exec cp -t "$in" {} +
	done
	echo "== $target $(for_how_long): corpus $corpus, findings $findings, logs $logs"
	afl_environment
	stop_on_interrupt
	(trap '' INT && trap : TERM HUP && reduce_inputs) &
	wait_for_all
	set -- -i "$in" -o "$out" -m none -t 1000+ "$@"
	[ "$seconds" = 0 ] || set -- "$@" -V "$seconds"
	begin_time
	elapsed=0 rounds=0
	echo 0 >"$logs/peak"
	start_instances "$@"
	(monitor afl_status && end_process "$logs/minimise.pid" && wait) &
	monitor=$!
	# shellcheck disable=SC2086  # numbers
	wait_for $instances
	end_monitor "$monitor"
	elapsed=$(($(date +%s) - begun)) rounds=$((elapsed / round))
	afl_status >/dev/null || : # the disk may be full

	keep_all || touch "$logs/full"
	keep_skipped || :
	# What runs now is no target.
	unset VRINGER_KNOWN AFL_CUSTOM_MUTATOR_LIBRARY
	export ASAN_OPTIONS='' UBSAN_OPTIONS=print_stacktrace=1
	report_findings
	printf '== %s: %d executions, %d exec/s, peak %d MiB, %d files in corpus, %d findings\n' "$target" \
		"$(statistic execs_done)" "$(($(statistic execs_done) / (elapsed > 0 ? elapsed : 1)))" \
		"$(cat "$logs/peak")" "$(find "$corpus" -type f | wc -l)" "$count"
	cat "$logs/findings"
	executions=$(statistic execs_done) peak=$(cat "$logs/peak")
	page_at_end
	report_instances
}
