#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make bench` does once both flavours of fuzzers/bench.c are built.
set -eu

export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
echo "as fuzzed: clang -O2, ASan + UBSan, coverage feedback"
build/bench/fuzz build/seeds/net_loopback
echo
echo "without sanitizers: gcc -O2"
build/bench/plain build/seeds/net_loopback
