#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make corpus` does: keep, as scripts under corpus/TARGET/coverage, the
# inputs of build/fuzz-corpus/TARGET that reach what the committed ones do not.
#
#   grow.sh TARGET
#
# An input is kept for an edge, not for how often it is taken: the set stays
# small.  It is named after its content, so the same input is the same file.
# shellcheck disable=SC1091
set -eu
. fuzzers/inputs.sh

target=$1
name=$(echo "$target" | tr _ -)
grown=build/fuzz-corpus/$target
merged=build/merge/$target
kept=corpus/$name/coverage

[ -d "$grown" ] || { echo "make corpus: nothing in $grown yet: make fuzz T=$target" >&2 && exit 2; }
! is_parser "$target" || { echo "make corpus: $name has no scripts of its own" >&2 && exit 2; }
rm -rf "$merged"
mkdir -p "$merged" "$kept"
cp build/seeds/"$target"/* "$merged"
ls "$merged" >"$merged.before"
"build/fuzz/fuzz_$target" -merge=1 -use_counters=0 "$merged" "$grown" 2>"$merged.log" || {
	tail -5 "$merged.log" >&2
	exit 1
}
count=0
for file in "$merged"/*; do
	hash=$(basename "$file")
	! grep -qx -- "$hash" "$merged.before" || continue
	short=$(echo "$hash" | cut -c1-12)
	{
		echo "# Reaches an edge of the device that no other script does; grown by fuzzing."
		build/vringer show -t "$name" "$file"
	} >"$kept/.new"
	mv "$kept/.new" "$kept/$short.vr"
	count=$((count + 1))
done
echo "$count new scripts in $kept"
