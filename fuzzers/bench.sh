#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make bench` does once both flavours of fuzzers/bench.c are built.
# shellcheck disable=SC1091
set -eu
. fuzzers/inputs.sh

export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
# Each device that has a fuzz target, with what fuzzing it starts from.
set --
for fuzzer in fuzzers/fuzz_*.c; do
	slug=$(basename "$fuzzer" .c)
	slug=${slug#fuzz_}
	is_parser "$slug" || set -- "$@" "$(echo "$slug" | tr _ -)" "build/seeds/$slug"
done

echo "as fuzzed: clang -O2, ASan + UBSan, coverage feedback"
build/bench/fuzz "$@"
echo
echo "without sanitizers: gcc -O2"
build/bench/plain "$@"
