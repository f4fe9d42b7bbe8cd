#!/bin/bash -eu
# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck disable=SC2153  # they are in capitals where they come from
#
# Build the block device for OSS-Fuzz, which runs this in its tree, with vringer's in
# $SRC/vringer.  AddressSanitizer watches guest memory, the heap and vringer's copies.
make -C "$SRC/vringer" -j"$(nproc)" install "PREFIX=$WORK/vringer" >/dev/null
export PKG_CONFIG_PATH=$WORK/vringer/lib/pkgconfig
read -ra cflags <<<"$CFLAGS"
read -ra cxxflags <<<"$CXXFLAGS"
read -ra libs <<<"$(pkg-config --libs vringer) -lpthread -ldl -lm"

# Coverage as the engine takes it, from the device alone.
sancov='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3'
case ${FUZZING_ENGINE:-libfuzzer} in
libfuzzer) sancov="$sancov -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table" ;;
*) sancov="$sancov -Cllvm-args=-sanitizer-coverage-trace-pc-guard" ;;
esac
sancov="$sancov --remap-path-prefix=$PWD=."
# A report of coverage finds the sources where they are.
[ "${SANITIZER:-address}" != coverage ] || sancov="-Cinstrument-coverage --remap-path-prefix=src=$PWD/src"
RUSTFLAGS="-g $sancov" cargo build --quiet --offline --target-dir "$WORK/rust"
lib=$WORK/rust/debug/libblk_rust.a

# Once with the engine, and once without: that is the command.
$CXX "${cxxflags[@]}" -o "$OUT/fuzz_blk_rust" "$lib" "$LIB_FUZZING_ENGINE" "${libs[@]}"
$CC "${cflags[@]}" -o "$WORK/blk-rust" "$lib" "${libs[@]}"

# Scripts are seeds, in their binary form.
export ASAN_OPTIONS=detect_leaks=0
mkdir -p "$WORK/seeds"
grep -lrE '^device +(any|blk-rust)' --include='*.vr' scripts "$(pkg-config --variable=scripts vringer)" |
	xargs "$WORK/blk-rust" encode --body -t blk-rust -o "$WORK/seeds"
(cd "$WORK/seeds" && zip -q -r "$OUT/fuzz_blk_rust_seed_corpus.zip" .)
cp "$(pkg-config --variable=dictionary vringer)" "$OUT/fuzz_blk_rust.dict"
printf '[libfuzzer]\nmax_len = 4096\n' >"$OUT/fuzz_blk_rust.options"
