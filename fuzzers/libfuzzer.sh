# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Fuzz one target with libFuzzer, past findings until the time is over, and sort what was
# found. For `make fuzz` (fuzz.sh) and for a user's own program (user.sh). Source it after
# findings.sh and campaign.sh, whose variables it takes, and set besides
#
#   seconds jobs   how long (0: until it is stopped), and in how many processes
#   corpus         the folder that it grows
#   given          the folder of the seeds, which stays as it is
#   seeds          a folder for a copy of them, made anew, from which failing ones go
#   shared         folders whose inputs mean the same here, if there are any: what is in them
#                  is run too, and they stay as they are
#
# VRINGER_MANY, VRINGER_LONG and VRINGER_FAILING change the numbers below, for tests.
#
# It uses ASAN_OPTIONS as they are, and leaves the number of findings in $count.
# shellcheck disable=SC2154

many=${VRINGER_MANY:-1000} # so many seeds are not run by each process each time it starts
long=${VRINGER_LONG:-600}  # in a run of so many seconds
failing=${VRINGER_FAILING:-20} # if so many of them fail, they are not minimised

# One of libFuzzer's final statistics over the given logs: the sum, or the sum
# of each log's maximum. A log has the output of several processes, one after
# the other.
stat() {
	name=$1 how=$2
	shift 2
	awk -v n="stat::$name:" -v how="$how" '
		FNR == 1 { s += most; most = 0 }
		$1 == n && how == "sum" { s += $2 }
		$1 == n && how == "most" && $2 > most { most = $2 }
		END { print s + most }' "$@"
}

# Print from an engine's log, as it grows: when it has run the corpus, and findings.
progress() {
	awk '/^#[0-9]+\tINITED|^== / { print; fflush() }'
}

# The last progress of each process, as one line of status.
libfuzzer_status() {
	set -- 0 0
	for log in "$logs"/[0-9]*.log; do
		# shellcheck disable=SC2046  # two numbers
		set -- $(tail -c 8192 "$log" | awk -v speed="$1" -v edges="$2" '
			/^#[0-9]+\t/ {
				for (i = 2; i < NF; i++) {
					if ($i == "exec/s:") now = $(i + 1)
					if ($i == "cov:") cov = $(i + 1)
				}
			}
			END { print speed + now, (cov > edges ? cov : edges) }')
	done
	show_status "$1" "$2"
}

# What is counted, in $signature, and in which list, of a new crash file.  One that shows nothing
# besides what has become known since it was found may still be another finding, which only
# the engine's build shows: it is counted apart.
take_signature() {
	signature=$(signature_of "$1") counted=$logs/signatures
	[ "$signature" = nothing ] && ! is_parser "$target" || return 0
	known_in_it=$(triage '' "$1" | sed -n '/^#/!{s/  # .*//;p;q;}')
	[ -z "$known_in_it" ] || signature=$known_in_it counted=$logs/hidden
}

# A new crash file: keep it, unless there are enough with its signature. In that
# case the rest of the run ignores the rule behind it, if it is a rule.  One process at a time.
take_input() {
	take_signature "$1"
	# A full disk has no room for a new lock: the file is there from the start.
	(
		flock 8
		seen=$(grep -cxF -- "$signature" "$counted" || [ $? = 1 ])
		echo "$signature" >>"$counted"
		if [ "$seen" -lt "$keep" ]; then
			echo "== finding: $signature: $findings/${1##*/}"
			mv "$1" "$findings/"
			echo "$signature $findings/${1##*/}" >>"$logs/taken"
		else
			rm "$1"
		fi
		if [ "$counted" = "$logs/signatures" ] && ! is_parser "$target" &&
			[ "$signature" != nothing ] && [ "$((seen + 1))" = "$keep" ]; then
			echo "$signature  # found in this run" >>"$logs/known"
		fi
	) 8>>"$logs/one-at-a-time"
}

# Set failing seeds and corpus files aside: they would end each process at its
# start.
set_aside() {
	hash=${1##*-}
	rm -f "$corpus/$hash"
	find "$seeds" "$rest" -type f -exec sha1sum {} + 2>/dev/null | awk -v h="$hash" '$1 == h { print $2 }' |
		xargs -r rm -f
}

# Is there a finding in the folder that a process wrote to?
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

# Leave in the corpus what is needed to reach what all of it reaches.
minimise() {
	is_worth_minimising || return 0
	rm -rf "$logs/min"
	mkdir "$logs/min"
	without_ledger run_engine minimise "$@" -merge=1 "$logs/min" "$corpus" \
		>"$logs/minimise" 2>&1 || return 0
	leave_only "$logs/min"
}

# Take what other targets have found since this was called last.  Each once: what was set
# aside does not come back.
take_shared() {
	[ -n "$shared" ] || return 0
	# shellcheck disable=SC2086  # no name has a space
	find $shared -type f 2>/dev/null | sort >"$logs/there"
	touch "$logs/shared"
	comm -13 "$logs/shared" "$logs/there" | while read -r file; do
		cp "$file" "$seeds/" 2>/dev/null || : # minimised meanwhile
	done
	mv "$logs/there" "$logs/shared"
}

# Do too many seeds fail?  Each begins the merging anew.
many_fail() {
	[ "$(grep -c '^MERGE-OUTER: attempt' "$logs/seeds")" -gt "$failing" ]
}

# Those of the seeds that reach what all of them reach, in $logs/core.
find_core() {
	mkdir "$logs/core"
	without_ledger run_engine seeds "$@" -merge=1 "$logs/core" "$seeds" >"$logs/seeds" 2>&1 &
	while kill -s 0 $! 2>/dev/null; do
		sleep 0.2
		! many_fail || end_process "$logs/seeds.pid"
	done
	wait $! && ! many_fail && [ -n "$(ls "$logs/core")" ]
}

# Of many seeds all processes start from those that reach what all of them reach; the first
# runs the rest too, once: each may be a finding.  Where too many fail, the first alone has
# to do with them.
split_seeds() {
	[ "$jobs" -gt 1 ] && { [ "$seconds" = 0 ] || [ "$seconds" -ge "$long" ]; } || return 0
	files=$(find "$seeds" -type f | wc -l)
	[ "$files" -ge "$many" ] || return 0
	if find_core "$@"; then
		echo "== $target: $(find "$logs/core" -type f | wc -l) of $files seeds reach what all reach;" \
			"the first process runs all"
	elif ! many_fail || [ -z "$(ls "$corpus")" ]; then
		return 0
	else
		echo "== $target: of $files seeds many fail: the first process alone runs them"
	fi
	rmdir "$rest"
	mv "$seeds" "$rest"
	mv "$logs/core" "$seeds"
}

# A log that has grown large starts anew; its statistics are kept.
shorten_log() {
	[ "$(find "$logs/$job.log" -size +16M | wc -l)" = 1 ] || return 0
	grep '^stat::' "$logs/$job.log" >>"$logs/$job.stats.log" || :
	: >"$logs/$job.log"
}

# worker NUMBER COMMAND...: run the engine until the time is over, and start it
# again after each finding and each round.  Once at least: the seeds are run, however busy
# the machine.
worker() {
	job=$1 new=$logs/new-$1 first=
	shift
	[ "$job" != 0 ] || first=$rest
	trap '' INT
	trap : TERM HUP
	mkdir "$new"
	time_left
	[ "$left" -gt 0 ] || left=1
	while [ "$left" -gt 0 ] && [ ! -f "$logs/interrupted" ]; do
		rc=0
		VRINGER_KNOWN=$logs/known run_engine "$job" "$@" -max_total_time="$left" \
			-artifact_prefix="$new/" "$corpus" "$seeds" ${first:+"$first"} 2>&1 || rc=$?
		if take "$new"; then
			:
		elif [ "$rc" != 0 ] && [ "$rc" != 72 ] && ! was_ended "$rc"; then # 72: libFuzzer was interrupted
			echo "== $target: exit $rc and no input, see $logs/$job.log"
			echo "$rc" >"$logs/$job.died"
			break
		elif [ "$job" = 0 ]; then
			first=
		fi
		shorten_log
		if [ "$job" = 0 ] && is_round_over; then
			time_left
			[ "$left" -le 0 ] || { minimise "$@" && take_shared; }
		fi
		time_left
	done
}

# What a run that was killed had found and not yet told of: it is told now.
recover() {
	for file in "$logs"/new-*/*; do
		case ${file##*/} in
		crash-* | leak-* | oom-* | timeout-*)
			mv "$file" "$findings/" || return
			echo "$findings/${file##*/}"
			;;
		esac
	done
}

# fuzz_with_libfuzzer FLAGS...: the engine's flags for that target.
fuzz_with_libfuzzer() {
	rest=$seeds.rest shared=${shared:-}
	mkdir -p "${logs%/*}" "${seeds%/*}"
	alone "$logs.lock"
	mkdir -p "$corpus" "$findings"
	recovered=$(recover) || exit 2
	rm -rf "$logs" "$seeds" "$rest"
	mkdir -p "$logs" "$rest"
	has_room || exit 2
	cp -R "$given" "$seeds"
	take_shared
	{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
	touch "$logs/started" "$logs/signatures" "$logs/hidden" "$logs/one-at-a-time"
	# Times of files are coarse: what was recovered is to be newer.
	# shellcheck disable=SC2086  # no name has a space
	[ -z "$recovered" ] || { sleep 0.1 && touch $recovered; }
	export VRINGER_KNOWN_MET="$logs/known-met"

	set -- "$binary" "$@" -detect_leaks=1 -reload=1 -print_final_stats=1

	echo "== $target $(for_how_long): corpus $corpus, findings $findings, logs $logs"
	stop_on_interrupt
	(trap '' INT && trap : TERM HUP && split_seeds "$@") &
	wait_for_all
	begin_time
	monitor libfuzzer_status &
	monitor=$! workers=
	# The other jobs use the same corpus, each with a log of its own.
	job=1
	while [ "$job" -lt "$jobs" ]; do
		worker "$job" "$@" >>"$logs/$job.log" &
		workers="$workers $!"
		job=$((job + 1))
	done
	(
		trap '' INT TERM HUP
		worker 0 "$@" | tee -a "$logs/0.log" | progress
	) &
	# shellcheck disable=SC2086  # numbers
	wait_for $workers $!
	end_monitor "$monitor"
	libfuzzer_status >/dev/null || : # the disk may be full

	# What was written to a full disk, and is empty.
	[ ! -f "$logs/full" ] || find "$corpus/" -type f -size 0 -delete
	executions=$(stat number_of_executed_units sum "$logs"/*.log)
	elapsed=$(($(date +%s) - begun))
	peak=$(stat peak_rss_mb most "$logs"/*.log)
	report_findings
	# A process that died without leaving a file is a finding too.
	for died in "$logs"/*.died; do
		[ ! -f "$died" ] || count=$((count + 1))
	done
	printf '== %s: %d executions, %d exec/s, peak %d MiB, %d files in corpus, %d findings\n' "$target" \
		"$executions" "$((executions / (elapsed > 0 ? elapsed : 1)))" "$peak" \
		"$(find "$corpus" -type f | wc -l)" "$count"
	cat "$logs/findings"
	page_at_end
}
