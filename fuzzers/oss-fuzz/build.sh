#!/bin/bash -eu
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Build the fuzz targets and their seeds into $OUT, as OSS-Fuzz runs it: with
# CC, CXX, CFLAGS, CXXFLAGS and LIB_FUZZING_ENGINE, no network, and nothing in
# $OUT that needs this tree.  By hand, outside OSS-Fuzz:
#
#   CC=clang CXX=clang++ CFLAGS='-O1 -g -fsanitize=address,fuzzer-no-link' \
#     LIB_FUZZING_ENGINE=-fsanitize=fuzzer OUT=/tmp/out fuzzers/oss-fuzz/build.sh
#
# Without LIB_FUZZING_ENGINE, $OUT gets standalone replayers.

# OSS-Fuzz runs a copy of this file, from the tree.
[ -f fuzzers/oss-fuzz/build.sh ] || cd "$(dirname "$0")/../.."
: "${OUT:?the directory to build into}"
export OUT CC="${CC:-clang}" CXX="${CXX:-clang++}"
export CFLAGS="${CFLAGS:--O1 -g}" LIB_FUZZING_ENGINE="${LIB_FUZZING_ENGINE:-}"
export CXXFLAGS="${CXXFLAGS:-$CFLAGS}"

# Seeds are made by a program that is built with these flags, perhaps where it cannot look
# for leaks.
export ASAN_OPTIONS=detect_leaks=0

mkdir -p "$OUT"
make -j"$(nproc)" fuzzers seeds
for target in $(make -s targets); do
	cp "build/fuzz/fuzz_$target" "$OUT/"
	rm -f "$OUT/fuzz_${target}_seed_corpus.zip"
	(cd "build/seeds/$target" && find . -type f | sort |
		zip -q -X -@ "$OLDPWD/build/seeds/fuzz_${target}_seed_corpus.zip")
	mv "build/seeds/fuzz_${target}_seed_corpus.zip" "$OUT/"
	for file in "fuzzers/fuzz_$target".{dict,options}; do
		[ ! -f "$file" ] || cp "$file" "$OUT/"
	done
done
