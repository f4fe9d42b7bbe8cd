# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the scripts of both engines do with findings.  Source it, and set
#
#   target     the fuzz target
#   binary     it, built for that engine
#   findings   build/findings/TARGET
#   logs       build/fuzz-logs/TARGET (AFL++: build/afl-logs/TARGET), made anew for this run
#   known      a list of known findings, or nothing
#
# A device's findings are told apart by `vringer triage`.  Input of a parser is no
# program of a device: what the binary says of it decides.
# shellcheck disable=SC1091,SC2034,SC2154

. fuzzers/inputs.sh

keep=3 # inputs of one signature; more are no news

# One run of a target and engine at a time: they would share its logs.  Freed when
# all that this script started has ended.
alone() {
	exec 9>>"$1"
	flock -n 9 || {
		echo "== $target: waiting, another run of it is at work in this tree"
		flock 9
	}
}

# run_engine NUMBER COMMAND...: run it so that it can be ended, even while it starts.
run_engine() {
	pid_file=$logs/$1.pid
	shift
	rc=0
	# shellcheck disable=SC2016  # that shell's own
	sh -c 'echo $$ >"$1"; [ ! -f "$2" ] || exit 143; shift 2; exec "$@"' engine "$pid_file" \
		"$logs/interrupted" "$@" || rc=$?
	rm -f "$pid_file"
	return "$rc"
}

# It was ended, by us or from a terminal, and not by what it found.
was_ended() {
	case $1 in
	129 | 130 | 143) ;;
	*) return 1 ;;
	esac
}

end_engines() {
	touch "$logs/interrupted"
	for pid_file in "$logs"/*.pid; do
		[ ! -s "$pid_file" ] || kill -s TERM "$(cat "$pid_file")" 2>/dev/null || :
	done
}

# Ctrl-C, SIGTERM and SIGHUP end the engine, which catches SIGTERM, and what it found
# is told all the same.  From here on nothing else may end by them: what runs in
# the background goes on until its engine has ended.
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
	build/vringer triage -t "$(echo "$target" | tr _ -)" ${list:+--known "$list"} "$@"
}

# Run an input of a parser again, with a stack to read.
run_parser() {
	export ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_abort=1:symbolize=1"
	case $binary in
	build/afl/*) timeout 20 "$binary" <"$1" ;;
	*) timeout 20 "$binary" -timeout=10 "$1" ;;
	esac
}

# What is said of it: the kind of the report, and the first line of the tree in
# its stack.
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

# What an input shows: a signature, or "nothing".
signature_of() {
	if is_parser "$target"; then
		parser_signature "$1"
		return
	fi
	(triage "$logs/known" --json "$1" || :) |
		jq -rn 'first(inputs | .groups[].finding.signature | values) // "nothing"'
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

# What of the list of known findings this run met.
report_known() {
	[ ! -f "$logs/known-met" ] || sort -u "$logs/known-met" | grep -v '# found in this run$' |
		sed 's/^/# known: /'
}

# What a run went past hides what comes after: the same inputs, with what they
# show at first as known.
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
		# A run that goes past nothing may have many that are alike.
		many=
		[ -s "$logs/signatures" ] || many="--keep $keep"
		# shellcheck disable=SC2086  # two words or none
		triage "$known" $many -o "$findings" "$@" >"$logs/findings" || rc=$?
		[ "$rc" -le 1 ] || exit "$rc"
		report_behind "$@"
	fi
	count=$(awk '!/^#/ || /^# nothing shows/ { n++ } END { print n + 0 }' "$logs/findings")
	report_known >>"$logs/findings"
}
