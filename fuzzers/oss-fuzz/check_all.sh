#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# check_all.sh "KIND..." USER...: check.sh of vringer, and of each example of a user's own
# target; one after the other, since each build takes all processors.  The last line is
# `N passed, N failed`.
set -eu

kinds=$1
shift

# What one LLVM's programs count, another's tools cannot read; and Debian's rustc has no runtime to
# count with.
rust_counts() {
	rustc -vV 2>/dev/null | grep -q "^LLVM version: $(clang -dumpversion | cut -d. -f1)\." &&
		echo 'fn main() {}' | rustc -Cinstrument-coverage -o "$log.rust" - 2>/dev/null &&
		rm "$log.rust"
}

log=build/oss-fuzz.tap
mkdir -p build
: >"$log"
for project in vringer "$@"; do
	for kind in $kinds; do
		# Rust has no UBSan, and MSan only in versions that are not for everybody.  The
		# examples are nothing without an engine.
		case $project:$kind in
		blk-rust:memory/* | blk-rust:undefined/* | *-*:none/standalone) continue ;;
		blk-rust:coverage/*)
			rust_counts || PATH=/usr/bin:$PATH
			rust_counts ||
				{ echo "=== $project, $kind: left out: no rustc here counts as clang does" && continue; }
			;;
		esac
		echo "=== $project, $kind"
		begun=$(date +%s)
		{
			fuzzers/oss-fuzz/check.sh -p "$project" "$kind" || [ $? = 1 ] ||
				echo "not ok - $project, $kind: the check itself failed"
		} | tee -a "$log" | grep -v '^ok ' || [ $? = 1 ]
		echo "=== $(($(date +%s) - begun)) s"
	done
done
awk '/^ok /{ passed++ } /^not ok /{ failed++ } END {
	print passed + 0 " passed, " failed + 0 " failed"
	exit failed || !passed
}' "$log"
