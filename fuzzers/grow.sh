#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make corpus` does: keep in corpus/TARGET/coverage a small set of inputs
# that reach edges which the other committed ones do not reach.
#
#   grow.sh TARGET
#
# It chooses from that folder and from build/fuzz-corpus/TARGET (cover.h), so what
# reaches nothing any more goes, and running it again changes nothing.  Inputs of a
# device are kept as scripts.  KEEP is how many there may be.
# shellcheck disable=SC1091
set -eu

target=$1
name=$(echo "$target" | tr _ -)
seeds=build/seeds/$target
grown=build/fuzz-corpus/$target
work=build/cover/$target
kept=corpus/$name/coverage

rm -rf "$work"
mkdir -p "$work/set"
# The folder of this target alone: others' scripts may be seeds of it too.
find "$seeds" -type f ! -name 'coverage-*' | sort | sed 's/^/base /' >"$work/list"
find "$seeds" -type f -name 'coverage-*' | sort |
	sed 's,\(.*/coverage-\)\(.*\),kept \1\2 \2,' | sed 's/\.vr$//' >>"$work/list"
[ ! -d "$grown" ] || find "$grown" -type f | sort | sed 's/^/new /' >>"$work/list"
"build/cover/cover_$target" -n "${KEEP:-60}" -o "$work/set" <"$work/list" >"$work/said" 2>"$work/log" || {
	cat "$work/said"
	tail -5 "$work/log" >&2
	exit 1
}
mkdir -p "${kept%/*}"
rm -rf "$kept"
[ -z "$(ls "$work/set")" ] || mv "$work/set" "$kept"
printf '== %s: ' "$name"
tail -n 1 "$work/said"
sed '$d' "$work/said"
