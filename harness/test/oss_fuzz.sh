#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# oss_fuzz.sh: does fuzzers/oss-fuzz/build.sh make what OSS-Fuzz expects?  With one sanitizer
# and engine, and without any; `make oss-fuzz-check` does it with the others.  Prints TAP.
exec fuzzers/oss-fuzz/check.sh address/libfuzzer none/standalone
