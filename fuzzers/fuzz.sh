#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make fuzz` does after the build.
#
#   fuzz.sh check ENGINE SECONDS JOBS TARGETS KNOWN LINKED check the arguments
#   fuzz.sh peers TARGET...  are those of them that are peers there?
#   fuzz.sh run ENGINE SECONDS JOBS TARGET...
#   fuzz.sh options TARGET   the engine's flags for that target
#
# TARGET is peer:NAME for a device in another process (harness/peers/); COMMAND is then
# what --command has.
#
# Exit 0: nothing found; 1: something was found; 2: it cannot run.
#
# A run goes on after a finding until its time is over, and then sorts the
# findings (findings.sh). KNOWN is the list of known findings.
#
# Fuzzing grows the corpus build/fuzz-corpus/TARGET; it reads build/seeds/TARGET
# and never writes it, nor what other targets of the same device have grown. Findings go to
# build/findings/TARGET. This script runs
# libFuzzer (libfuzzer.sh, which also a user's own program does); afl.sh runs AFL++.
# shellcheck disable=SC1091,SC2034,SC2154
set -eu
. fuzzers/inputs.sh
. fuzzers/findings.sh
. fuzzers/campaign.sh
. fuzzers/page.sh
. fuzzers/libfuzzer.sh
vringer=build/vringer

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
	[ "$seconds" = 0 ] || is_count "$seconds" ||
		fail "SECONDS=$seconds is not a number of seconds (0: until it is stopped)"
	is_count "$jobs" || fail "JOBS=$jobs is not a number of processes above 0"
	[ -n "$targets" ] || fail "there is no fuzz target"
	for target in $targets; do
		case " $known peer:" in
		*" $target "*) ;;
		*" ${target%%:*}:"*) ;; # which peers there are is known after the build
		*) fail "T=$target is unknown; there are: $known, all, peer:NAME" ;;
		esac
	done
	[ "$linked" = ok ] || fail "OUT is given without LIB_FUZZING_ENGINE: no engine to fuzz with"
}

# A peer is one of those that are listed, and its program is there.  Its list of known
# findings stands for KNOWN where that is not given.
check_peer() {
	list=$(build/vringer peers --json --peer "$1" ${COMMAND:+--command "$COMMAND"}) || exit 2
	[ "$(echo "$list" | jq '.peers[0].found')" = true ] ||
		fail "$(echo "$list" | jq -r '.peers[0] | .peer + ": " + .missing')"
	[ -n "${KNOWN+given}" ] || [ ! -f "corpus/peers/$1/known" ] || known=corpus/peers/$1/known
}

# The flags of the target's .options file, as libFuzzer takes them.  The dictionary is
# beside it here.
options() {
	file=fuzzers/fuzz_$1.options
	[ ! -f "$file" ] || awk -F '[ \t]*=[ \t]*' '
		/^\[/ { ours = /^\[libfuzzer\]/ }
		ours && NF == 2 { print "-" $1 "=" ($1 == "dict" ? "fuzzers/" : "") $2 }' "$file"
}

# A target that is a peer: for the fuzzing binary, and for what sorts its findings.
use_peer() {
	case $1 in
	peer:*) check_peer "${1#peer:}" ;;
	*) return 0 ;;
	esac
	export VRINGER_PEER="${1#peer:}" VRINGER_PEER_COMMAND="${COMMAND:-}"
}

fuzz_one() {
	target=${1#peer:}
	device=$(echo "$target" | tr _ -)
	binary=build/fuzz/fuzz_$target
	[ "$target" = "$1" ] || binary=build/fuzz/fuzz_peer
	corpus=build/fuzz-corpus/$target given=build/seeds/$target
	seeds=build/fuzz-in/$target
	findings=build/findings/$target logs=build/fuzz-logs/$target
	shared=$(grown_by_others "$1")
	# shellcheck disable=SC2046  # flags hold no spaces
	fuzz_with_libfuzzer $(options "${binary#build/fuzz/fuzz_}") -timeout=10 -rss_limit_mb=512
	total=$((total + count))
	[ ! -f "$logs/full" ] || exit 2
}

case $1 in
check)
	shift
	check "$@"
	;;
peers)
	shift
	for t; do use_peer "$t"; done
	;;
options)
	options "$2"
	;;
run)
	engine=$2 seconds=$3 jobs=$4 total=0
	known=${KNOWN:-${VRINGER_KNOWN:-}}
	shift 4
	# The default quarantine would use most of the memory limit.
	export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
	export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
	# Run an empty program to check that the list can be read.
	[ -z "$known" ] || build/vringer triage --known "$known" -t "$(build/vringer targets |
		sed -n '1s/:.*//p')" /dev/null >/dev/null || [ $? = 1 ] || exit 2
	# Each engine its own logs: both may be at work on one target.
	logs_of=build/fuzz-logs
	[ "$engine" = libfuzzer ] || logs_of=build/$engine-logs
	# Of a script that is run here, it decides for itself.
	script=
	trap '[ -z "$script" ] || kill -s TERM "$script" 2>/dev/null || :' INT TERM HUP
	for t; do
		use_peer "$t"
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
		[ ! -f "$logs_of/${t#peer:}/interrupted" ] || break
	done
	[ "$total" = 0 ] || exit 1
	;;
esac
