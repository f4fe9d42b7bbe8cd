# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# TAP for shell tests: source it, call the checks, end with tap_end.  $work is
# a folder that is removed at the end; $out and $err hold what the command last
# run wrote.

number=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/stdout err=$work/stderr

# tap NAME RESULT: report one check; RESULT 0 is good.
tap() {
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $1"
	sed 's/^/# stdout: /' "$out" | head -n 5
	sed 's/^/# stderr: /' "$err" | head -n 5
}

tap_end() {
	echo "1..$number"
	[ "$failed" = 0 ]
}

# run COMMAND...: its exit status is left in $rc.
run() {
	rc=0
	"$@" >"$out" 2>"$err" </dev/null || rc=$?
}

# gives STATUS NAME COMMAND...: it exits so.
gives() {
	status=$1 name=$2
	shift 2
	run "$@"
	[ "$rc" = "$status" ] && result=0 || result=1
	tap "$name: exit $status" "$result"
}

# refuses NAME PATTERN COMMAND...: exit 2, nothing on stdout and exactly one
# line on stderr, which matches PATTERN.
refuses() {
	name=$1 pattern=$2
	shift 2
	run "$@"
	result=0
	[ "$rc" = 2 ] || result=1
	[ ! -s "$out" ] || result=1
	[ "$(wc -l <"$err")" = 1 ] || result=1
	grep -qE -- "$pattern" "$err" || result=1
	tap "$name" "$result"
}

# shows NAME PATTERN: stdout of the last command has a line like that.
shows() {
	grep -qE -- "$2" "$out" && result=0 || result=1
	tap "$1" "$result"
}

# until_within SECONDS COMMAND...: wait until it succeeds; false if it does not in that time.
until_within() {
	waited=0 most=$(($1 * 50))
	shift
	until "$@"; do
		[ "$waited" -lt "$most" ] || return 1
		sleep 0.02
		waited=$((waited + 1))
	done
}

# until_true COMMAND...: wait until it succeeds, ten minutes at most.
until_true() {
	until_within 600 "$@"
}

# begin COMMAND...: it runs, as $pid, in a process group of its own, as of a terminal, into $out
# and $err.
begin() {
	: >"$out" # what is there must not be taken for its words
	setsid env --default-signal=INT "$@" >"$out" 2>"$err" &
	pid=$!
}

# has_ended: also where the shell has looked after it.
has_ended() {
	case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in
	'' | Z) ;;
	*) return 1 ;;
	esac
}

# ended SIGNAL WHOM: what was begun, with an exit status in $rc; what does not end is killed.
ended() {
	kill -s "$1" -- "$2"
	until_true has_ended || kill -s KILL -- "-$pid"
	rc=0
	wait "$pid" || rc=$?
}
