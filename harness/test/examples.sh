#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# examples.sh: harness/examples/ by the installed files alone, which `make test`
# has put into build/installed: each example is copied away and built there; its
# scripts pass, fuzzing finds nothing known in it, and what is kept of each planted
# bug fails with the bug and only then.  One planted bug is found anew, and shrunk.
# Without FULL in the environment only the example in C.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

examples=$PWD/harness/examples
PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
export PKG_CONFIG_PATH
unset ASAN_OPTIONS UBSAN_OPTIONS

# The words of header line $2 of patch $1.
header() {
	sed -n "/^---/q; s/^$2:[[:space:]]*//p" "$1"
}

# lacks TOOL...: print the first one that is not there.
lacks() {
	for tool; do
		command -v "$tool" >/dev/null || {
			echo "$tool"
			return
		}
	done
	false
}

# planted EXAMPLE COMMAND PATCH: the kept script passes without the bug, and
# replayed with it shows the finding.
planted() {
	planted=$(basename "$3" .patch)
	script=$(header "$3" Script)
	gives 0 "$1: $script passes" "build/$2" run "$script"
	gives 0 "$1: builds with $planted" make BUG="$planted"
	gives 1 "$1: $script fails with $planted" "build/$planted/$2" run "$script"
	run "build/$planted/$2" replay "$script"
	shows "$1: $planted is $(header "$3" Finding)" "^finding: $(header "$3" Finding)"
}

# found EXAMPLE COMMAND NAME: by libFuzzer, and shrunk to what shows the same.  Both engines
# end at what they find: so many seconds are a hang.
found() {
	run make BUG="$3" fuzz SECONDS=900 FLAGS=-seed=1
	crash=$(find "build/$3/findings" -type f | head -n 1)
	[ -n "$crash" ] && result=0 || result=1
	tap "$1: fuzzing finds $3" "$result"
	gives 0 "$1: $3 is shrunk" "build/$3/$2" minimize "$crash" -o "found-$3.vr"
	run "build/$3/$2" replay "found-$3.vr"
	# By whichever operation it shows.
	finding=$(header "bugs/$3.patch" Finding)
	shows "$1: ... to the same finding" "^finding: ${finding%:send}"
}

# fuzzed EXAMPLE COMMAND NAME: by AFL++.
fuzzed_by_afl() {
	run make BUG="$3" afl SECONDS=900
	[ -n "$(find "build/$3/afl" -path '*/crashes/id*')" ] && result=0 || result=1
	tap "$1: AFL++ finds $3" "$result"
}

# example NAME COMMAND LEDGER-BUG TOOL...
example() {
	example=$1 command=$2 bug=$3
	shift 3
	if tool=$(lacks "$@"); then
		echo "missing: $tool" >"$err"
		: >"$out"
		tap "$example: missing: $tool" 1
		return
	fi
	mkdir -p "$work/$example"
	(cd "$examples/$example" && tar -cf - --exclude=./build .) | tar -xf - -C "$work/$example"
	cd "$work/$example"
	gives 0 "$example: builds" make
	gives 0 "$example: passes its scripts and vringer's" make check
	shows "$example: ... some of them" '^# [1-9][0-9]* passed, 0 failed'
	gives 0 "$example: nothing is found in a second of fuzzing" make fuzz SECONDS=1
	for patch in bugs/*.patch; do
		planted "$example" "$command" "$patch"
	done
	found "$example" "$command" "$bug"
	fuzzed_by_afl "$example" "$command" "$bug"
	cd "$examples/../.."
}

# counted: how many instances of scripts ran on a device with one queue and one request,
# and in how many of them chains came back.  Most of the suite must be about VIRTIO, and
# not about our own models.
counted() {
	run "$work/entropy-c/build/entropy" run --json "$(pkg-config --variable=scripts vringer)"
	[ "$(jq '[.results[] | select(.result == "pass")] | length' "$out")" -ge 250 ]
	tap 'entropy-c: 250 instances of scripts at least' $?
	[ "$(jq '[.results[] | select(.result == "pass" and .chains > 0)] | length' "$out")" -ge 150 ]
	tap '... 150 of them move chains' $?
}

example entropy-c entropy used-len gcc clang make pkg-config afl-fuzz afl-clang-fast patch
counted
# Its liveness script sends chains of three: in a queue of two there are none.
small_queue() {
	[ -x "$work/blk-rust/build/blk-rust" ] || return 0
	printf 'device blk-rust queue_max=2\nreset\n' >"$work/small.vr"
	for command in run replay; do
		gives 0 "blk-rust: $command with a queue too small for its liveness script" \
			"$work/blk-rust/build/blk-rust" "$command" "$work/small.vr"
		shows "blk-rust: ... which is not judged, and why" \
			'^(# )?not judged: liveness.request: queue 0 has room for 2 '
		grep -q warning "$out" && result=1 || result=0
		tap "blk-rust: ... and the device is not blamed" "$result"
	done
}

# It has no registers of its own, and passes and fails the same by calls.
activated() {
	[ -x "$work/blk-rust/build/blk-rust" ] || return 0
	cd "$work/blk-rust"
	scripts=$(pkg-config --variable=scripts vringer)
	gives 0 'blk-rust: passes without registers' build/blk-rust run --transport activated \
		scripts "$scripts"
	shows 'blk-rust: ... some of them' '^# [1-9][0-9]* passed, 0 failed'
	for patch in bugs/*.patch; do
		run "build/$(basename "$patch" .patch)/blk-rust" replay --transport activated \
			"$(header "$patch" Script)"
		shows "blk-rust: $(basename "$patch" .patch) is found without registers" \
			"^finding: $(header "$patch" Finding)"
	done
	cd "$examples/../.."
}

if [ -n "${FULL:-}" ]; then
	example blk-rust blk-rust status-len rustc cargo clang make pkg-config afl-fuzz afl-clang-fast patch
	small_queue
	activated
fi
tap_end
