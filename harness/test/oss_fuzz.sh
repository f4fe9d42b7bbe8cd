#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# oss_fuzz.sh: does fuzzers/oss-fuzz/build.sh make what OSS-Fuzz expects?  In a
# copy of the tree, which is gone by the time that its products run.  Prints TAP.
set -eu -o pipefail

work=$PWD/build/oss-fuzz-test
number=0 failed=0
unset OUT CC CXX CFLAGS CXXFLAGS LIB_FUZZING_ENGINE LDFLAGS

# result NAME COMMAND...
result() {
	local name=$1 rc=0
	shift
	number=$((number + 1))
	"$@" >&2 || rc=$?
	if [ "$rc" = 0 ]; then
		echo "ok $number - $name"
	else
		failed=$((failed + 1))
		echo "not ok $number - $name"
		echo "# exit $rc: $*"
	fi
}

# built KIND VARIABLE=VALUE...: build into $work/KIND.
built() {
	local kind=$1
	shift
	rm -rf "$work/tree" "${work:?}/$kind"
	mkdir -p "$work/tree"
	cp -R Makefile .ci devices harness fuzzers conformance corpus "$work/tree/" || return
	env "OUT=$work/$kind" "$@" "$work/tree/fuzzers/oss-fuzz/build.sh" || return
	rm -rf "$work/tree"
}

# replayed KIND TARGET: the binary runs every seed of its zip, from elsewhere.
replayed() {
	local dir=$work/$1 target=$2
	mkdir -p "$work/seeds" || return
	(
		cd / && rm -rf "$work/seeds" &&
			unzip -q -o "$dir/fuzz_${target}_seed_corpus.zip" -d "$work/seeds" &&
			find "$work/seeds" -type f -print0 | xargs -0 "$dir/fuzz_$target"
	)
}

targets=$(make -s targets)
rm -rf "$work"
result 'libFuzzer, with CFLAGS as OSS-Fuzz gives them' built engine CC=clang CXX=clang++ \
	CFLAGS='-O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=address,fuzzer-no-link' \
	LIB_FUZZING_ENGINE=-fsanitize=fuzzer
result 'gcc, no engine: standalone replayers' built standalone CC=gcc CXX=gcc CFLAGS=-O1
for kind in engine standalone; do
	for target in $targets; do
		result "$kind: fuzz_$target runs its seeds without the tree" replayed "$kind" "$target"
	done
done
echo "1..$number"
[ "$failed" = 0 ]
