#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# msan.sh PARSER...: every script and every file of the corpus with MemorySanitizer, which
# `make msan` has built; those of parsers by their replayers.  Exit status 1 if anything
# fails.  The last line is `N passed, N failed`.
# shellcheck disable=SC1091
set -eu
. fuzzers/inputs.sh

passed=0 failed=0

# step NAME COMMAND...
step() {
	name=$1
	shift
	if "$@" >build/msan.log 2>&1; then
		passed=$((passed + 1))
		echo "ok: $name: $(tail -n 1 build/msan.log)"
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
		grep -v '^ok ' build/msan.log | tail -n 30
	fi
}

# What takes minutes stands last.
for dir in corpus/*/ conformance; do
	dir=${dir%/}
	[ "$dir" != corpus/peers ] || continue
	is_parser "${dir#corpus/}" || step "$dir" build/obj/msan/vringer run "$dir"
done
for parser in "$@"; do
	step "$parser" harness/test/replay.sh "build/replay-msan/fuzz_$parser" "build/seeds/$parser"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
