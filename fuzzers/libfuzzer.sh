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
#
# It uses ASAN_OPTIONS as they are, and leaves the number of findings in $count.
# shellcheck disable=SC2154

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

# Nobody else counts findings now.
lock() {
	until mkdir "$logs/lock" 2>/dev/null; do sleep 0.1; done
}

# A new crash file: keep it, unless there are enough with its signature. In that
# case the rest of the run ignores the rule behind it, if it is a rule.
take_input() {
	signature=$(signature_of "$1")
	lock
	seen=$(grep -cxF -- "$signature" "$logs/signatures" || [ $? = 1 ])
	echo "$signature" >>"$logs/signatures"
	if [ "$seen" -lt "$keep" ]; then
		echo "== finding: $signature: $findings/${1##*/}"
		mv "$1" "$findings/"
		echo "$signature $findings/${1##*/}" >>"$logs/taken"
	else
		rm "$1"
	fi
	if ! is_parser "$target" && [ "$signature" != nothing ] && [ "$((seen + 1))" = "$keep" ]; then
		echo "$signature  # found in this run" >>"$logs/known"
	fi
	rmdir "$logs/lock"
}

# Set failing seeds and corpus files aside: they would end each process at its
# start.
set_aside() {
	hash=${1##*-}
	rm -f "$corpus/$hash"
	find "$seeds" -type f -exec sha1sum {} + | awk -v h="$hash" '$1 == h { print $2 }' |
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

# Leave in the corpus what is needed to reach what all of it reaches. What comes in meanwhile
# stays, and so does everything if this is cut short.
minimise() {
	(cd "$corpus" && find . -type f) | sort >"$logs/before"
	files=$(wc -l <"$logs/before")
	[ "$files" -ge $((${kept:-0} + worth_it)) ] || return 0
	rm -rf "$logs/min"
	mkdir "$logs/min"
	run_engine 0 "$@" -merge=1 "$logs/min" "$corpus" >"$logs/minimise" 2>&1 || return 0
	has_room || return 0
	(cd "$logs/min" && find . -type f) | sort >"$logs/after"
	kept=$(wc -l <"$logs/after")
	[ "$kept" -gt 0 ] || return 0
	comm -23 "$logs/before" "$logs/after" | (cd "$corpus" && xargs -r -d '\n' rm -f --)
	rm -rf "$logs/min"
	echo "== $target: corpus of $files files minimised to $kept"
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
	job=$1 new=$logs/new-$1
	shift
	trap '' INT
	trap : TERM HUP
	mkdir "$new"
	time_left
	[ "$left" -gt 0 ] || left=1
	while [ "$left" -gt 0 ] && [ ! -f "$logs/interrupted" ]; do
		rc=0
		VRINGER_KNOWN=$logs/known run_engine "$job" "$@" -max_total_time="$left" \
			-artifact_prefix="$new/" "$corpus" "$seeds" 2>&1 || rc=$?
		if take "$new"; then
			:
		elif [ "$rc" != 0 ] && [ "$rc" != 72 ] && ! was_ended "$rc"; then # 72: libFuzzer was interrupted
			echo "== $target: exit $rc and no input, see $logs/$job.log"
			echo "$rc" >"$logs/$job.died"
			break
		elif [ "$job" = 0 ]; then
			time_left
			[ "$left" -le 0 ] || minimise "$@"
		fi
		shorten_log
		time_left
	done
}

# What a run that was killed had found and not yet told of: it is told now.
recover() {
	for file in "$logs"/new-*/*; do
		case ${file##*/} in
		crash-* | leak-* | oom-* | timeout-*) mv "$file" "$findings/" && echo "$findings/${file##*/}" ;;
		esac
	done
}

# fuzz_with_libfuzzer FLAGS...: the engine's flags for that target.
fuzz_with_libfuzzer() {
	mkdir -p "${logs%/*}" "${seeds%/*}"
	alone "$logs.lock"
	mkdir -p "$corpus" "$findings"
	recovered=$(recover)
	rm -rf "$logs" "$seeds"
	mkdir -p "$logs"
	cp -R "$given" "$seeds"
	{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
	touch "$logs/started" "$logs/signatures"
	# Times of files are coarse: what was recovered is to be newer.
	# shellcheck disable=SC2086  # no name has a space
	[ -z "$recovered" ] || { sleep 0.1 && touch $recovered; }
	export VRINGER_KNOWN_MET="$logs/known-met"

	set -- "$binary" "$@" -detect_leaks=1 -reload=1 -print_final_stats=1

	echo "== $target $(for_how_long): corpus $corpus, findings $findings, logs $logs"
	begin_time
	stop_on_interrupt
	monitor libfuzzer_status &
	# The other jobs use the same corpus, each with a log of its own.
	job=1
	while [ "$job" -lt "$jobs" ]; do
		(trap worker_ended EXIT && worker "$job" "$@" >>"$logs/$job.log") &
		job=$((job + 1))
	done
	(
		trap worker_ended EXIT
		trap '' INT TERM HUP
		worker 0 "$@" | tee -a "$logs/0.log" | progress
	) &
	wait_for_all
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
