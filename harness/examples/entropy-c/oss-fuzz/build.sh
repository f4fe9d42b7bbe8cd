#!/bin/bash -eu
# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck disable=SC2153  # they are in capitals where they come from
#
# Build the entropy device for OSS-Fuzz, which runs this in its tree, with vringer's in
# $SRC/vringer.  vringer is compiled with the same flags, since MemorySanitizer must see
# all of a program.
make -C "$SRC/vringer" -j"$(nproc)" install "PREFIX=$WORK/vringer" >/dev/null
export PKG_CONFIG_PATH=$WORK/vringer/lib/pkgconfig
read -ra cflags <<<"$CFLAGS $(pkg-config --cflags vringer)"
read -ra cxxflags <<<"$CXXFLAGS"
read -ra libs <<<"$(pkg-config --libs vringer)"

for source in entropy target; do
	$CC "${cflags[@]}" -c "$source.c" -o "$WORK/$source.o"
done
# Once with the engine, and once without: that is the command.
$CXX "${cxxflags[@]}" -o "$OUT/fuzz_entropy" "$WORK"/{entropy,target}.o "$LIB_FUZZING_ENGINE" "${libs[@]}"
$CC "${cflags[@]}" -o "$WORK/entropy" "$WORK"/{entropy,target}.o "${libs[@]}"

# Scripts are seeds, in their binary form.
export ASAN_OPTIONS=detect_leaks=0
mkdir -p "$WORK/seeds"
grep -lrE '^device +(any|entropy)' --include='*.vr' scripts "$(pkg-config --variable=scripts vringer)" |
	xargs "$WORK/entropy" encode --body -t entropy -o "$WORK/seeds"
(cd "$WORK/seeds" && zip -q -r "$OUT/fuzz_entropy_seed_corpus.zip" .)
cp "$(pkg-config --variable=dictionary vringer)" "$OUT/fuzz_entropy.dict"
printf '[libfuzzer]\nmax_len = 4096\n' >"$OUT/fuzz_entropy.options"
