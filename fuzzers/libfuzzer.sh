# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Fuzz one target with libFuzzer, past findings until the time is over, and sort what was
# found. For `make fuzz` (fuzz.sh) and for a user's own program (user.sh). Source it after
# findings.sh, whose variables it takes, and set besides
#
#   seconds jobs   how long, and in how many processes
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

# Print from an engine's log, as it grows: its progress, every hundredth new
# input, and findings.
progress() {
	awk '
		/^#[0-9]+\t(NEW|REDUCE|RELOAD)/ { if (n++ % 100) next }
		/^#[0-9]+\t|^== / { print; fflush() }'
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

# worker NUMBER COMMAND...: run the engine until the time is over, and start it
# again after each finding.  Once at least: the seeds are run, however busy the machine.
worker() {
	job=$1 new=$logs/new-$1
	shift
	trap '' INT
	trap : TERM HUP
	mkdir "$new"
	left=$seconds
	while [ "$left" -gt 0 ] && [ ! -f "$logs/interrupted" ]; do
		rc=0
		VRINGER_KNOWN=$logs/known run_engine "$job" "$@" -max_total_time="$left" \
			-artifact_prefix="$new/" "$corpus" "$seeds" 2>&1 || rc=$?
		if take "$new"; then
			left=$((deadline - $(date +%s)))
			continue
		elif [ "$rc" != 0 ] && [ "$rc" != 72 ] && ! was_ended "$rc"; then # 72: libFuzzer was interrupted
			echo "== $target: exit $rc and no input, see $logs/$job.log"
			echo "$rc" >"$logs/$job.died"
		fi
		break
	done
}

# fuzz_with_libfuzzer FLAGS...: the engine's flags for that target.
fuzz_with_libfuzzer() {
	mkdir -p "${logs%/*}" "${seeds%/*}"
	alone "$logs.lock"
	rm -rf "$logs" "$seeds"
	mkdir -p "$corpus" "$findings" "$logs"
	cp -R "$given" "$seeds"
	{ [ -z "$known" ] || cat "$known"; } >"$logs/known"
	touch "$logs/started" "$logs/signatures"
	export VRINGER_KNOWN_MET="$logs/known-met"

	set -- "$binary" "$@" -detect_leaks=1 -reload=1 -print_final_stats=1

	echo "== $target for $seconds s: corpus $corpus, findings $findings, logs $logs"
	begun=$(date +%s)
	deadline=$((begun + seconds))
	stop_on_interrupt
	# The other jobs use the same corpus, each with a log of its own.
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
	# A process that died without leaving a file is a finding too.
	for died in "$logs"/*.died; do
		[ ! -f "$died" ] || count=$((count + 1))
	done
	printf '== %s: %d executions, %d exec/s, peak %d MiB, %d files in corpus, %d findings\n' "$target" \
		"$executions" "$((executions / (elapsed > 0 ? elapsed : 1)))" "$peak" \
		"$(find "$corpus" -type f | wc -l)" "$count"
	cat "$logs/findings"
}
