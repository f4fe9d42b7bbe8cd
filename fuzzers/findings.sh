# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Functions for findings that the scripts of both engines, and of a user's own program,
# share. Source it, and set
#
#   target     the fuzz target
#   device     the device of its programs
#   binary     it, built for that engine
#   vringer    the program that has vringer's commands for that device
#   findings   the folder for them: build/findings/TARGET
#   logs       build/fuzz-logs/TARGET (AFL++: build/afl-logs/TARGET), made anew for this run
#   known      a list of known findings, or empty
#
# and is_parser, which says whether a target is fed to a parser (inputs.sh).
# `vringer triage` sorts a device's findings. The input of a parser is no program
# of a device: for it the output of the fuzzing binary decides.
# shellcheck disable=SC1091,SC2034,SC2154

keep=3 # inputs of one signature; more are no news

# Only one run of a target and engine at a time, since they share its logs. The
# lock is freed when all processes that this script started have ended.
alone() {
	exec 9>>"$1"
	flock -n 9 || {
		echo "== $target: waiting for another run of it in this tree"
		flock 9
	}
}

# run_engine NUMBER COMMAND...: run it so that it can be ended, even while it starts.
run_engine() {
	pid_file=$logs/$1.pid
	shift
	rc=0
	# shellcheck disable=SC2016  # that shell's own
	sh -c 'echo $$ >"$1"; [ -s "$1" ] && [ ! -f "$2" ] || exit 143; shift 2; exec "$@"' engine "$pid_file" \
		"$logs/interrupted" "$@" || rc=$?
	rm -f "$pid_file"
	return "$rc"
}

# Was it ended by us or from a terminal, and not by a finding?
was_ended() {
	case $1 in
	129 | 130 | 143) ;;
	*) return 1 ;;
	esac
}

# What a process started, and what that started.
descendants() {
	for child in $(ps -o pid= --ppid "$1"); do
		echo "$child"
		descendants "$child"
	done
}

# end_process FILE: that it has the number of.  An engine ends what it started; a tool that has
# other processes do the work, and has a name for a number, does not.
end_process() {
	pid=$(cat "$1" 2>/dev/null) || return 0
	case ${1##*/} in
	[0-9]*) others= ;;
	*) others=$(descendants "$pid") ;;
	esac
	# shellcheck disable=SC2086  # numbers
	[ -z "$pid" ] || kill -s TERM "$pid" $others 2>/dev/null || :
}

end_engines() {
	touch "$logs/interrupted"
	for pid_file in "$logs"/*.pid; do
		end_process "$pid_file"
	done
}

# On Ctrl-C, SIGTERM and SIGHUP send SIGTERM to the engine, and still report
# what it found. Nothing else is ended by these signals from here on: the
# background processes go on until their engine has ended.
stop_on_interrupt() {
	trap end_engines INT TERM HUP
}

wait_for_all() {
	while :; do
		rc=0
		wait || rc=$?
		[ "$rc" -gt 128 ] || break
	done
}

# triage LIST ARGUMENT...: LIST is of known findings, or nothing.
triage() {
	list=$1
	shift
	[ "${VRINGER_LEDGER:-}" != off ] || set -- --no-ledger "$@"
	[ -z "${VRINGER_PEER_COMMAND:-}" ] || set -- --command "$VRINGER_PEER_COMMAND" "$@"
	"$vringer" triage -t "$device" ${list:+--known "$list"} "$@"
}

# Run an input of a parser again, with a stack to read.
run_parser() {
	export ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_abort=1:symbolize=1"
	case $binary in
	build/afl/*) timeout 20 "$binary" <"$1" ;;
	*) timeout 20 "$binary" -timeout=10 "$1" ;;
	esac
}

# Its signature: the kind of the report, and the first line of this tree in its
# stack.
parser_signature() {
	(run_parser "$1" 2>&1 || :) | awk '
		!kind && match($0, /ERROR: [A-Za-z]+: [a-zA-Z-]+/) {
			kind = substr($0, RSTART, RLENGTH)
			sub(/.* /, "", kind)
		}
		/: runtime error: / && !kind { kind = "ubsan" }
		/^ *#[0-9]+ / && !place && match($0, /(fuzzers|harness)\/[a-z_0-9]+\.c:[0-9]+/) {
			place = $4 ":" substr($0, RSTART, RLENGTH)
		}
		END { print (kind ? kind : "nothing") (place ? ":" place : "") }'
}

# What an input shows besides the findings that this run ignores: a signature,
# or "nothing".
signature_of() {
	if is_parser "$target"; then
		parser_signature "$1"
		return
	fi
	(triage "$logs/known" "$1" || :) | awk '
		!/^#/ && !found { sub(/  # .*/, ""); print; found = 1 }
		END { if (!found) print "nothing" }'
}

# One line for each signature of a parser's inputs.
group_parser() {
	for file; do
		echo "$(parser_signature "$file") $file"
	done | sort | awk -v run="$binary$([ "$binary" = "build/fuzz/fuzz_$target" ] || echo ' <')" '
		$1 != last { if (last) print last line; last = $1; count = 0 }
		{ count++; line = "  # " count " file" (count > 1 ? "s" : "") ": " run " " (count > 1 ? first : first = $2) }
		END { if (last) print last line }'
}

# The known findings that this run found.
report_known() {
	[ ! -f "$logs/known-met" ] || sort -u "$logs/known-met" | grep -v '# found in this run$' |
		sed 's/^/# known: /'
}

# A finding that the run ignored may hide a later one: run the same inputs again
# with their first findings as known.
report_behind() {
	grep -q '# found in this run$' "$logs/known" || return 0
	{
		[ -z "$known" ] || cat "$known"
		echo
		grep -v '^#' "$logs/findings" || :
	} >"$findings/.past"
	triage "$findings/.past" -o "$findings" "$@" >"$logs/behind" || :
	grep -v '^#' "$logs/behind" | sed 's/  # /  # behind one of those, /' >>"$logs/findings"
}

# Print to $logs/findings what is new in $findings, one line for each signature,
# and leave the number of signatures in $count.
report_findings() {
	set -- # the files; no name of them has a space
	for file in $(find "$findings" -type f -newer "$logs/started" ! -name '*.vr' \
		! -name 'slow-unit-*' ! -name '.*' | sort); do
		set -- "$@" "$file"
	done
	: >"$logs/findings"
	if [ $# -gt 0 ] && is_parser "$target"; then
		group_parser "$@" >"$logs/findings"
	elif [ $# -gt 0 ]; then
		rc=0
		# A run that ignores no findings may have many alike.
		many=
		[ -s "$logs/signatures" ] || many="--keep $keep"
		# On a full disk there is no room for shrunk ones.
		[ -f "$logs/full" ] || many="$many -o $findings"
		# shellcheck disable=SC2086  # words
		triage "$known" $many "$@" >"$logs/findings" || rc=$?
		[ "$rc" -le 1 ] || exit "$rc"
		report_behind "$@"
	fi
	count=$(awk '!/^#/ || /^# no finding/ { n++ } END { print n + 0 }' "$logs/findings")
	report_known >>"$logs/findings"
}
