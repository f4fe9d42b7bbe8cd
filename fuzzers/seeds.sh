#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# seeds.sh VRINGER TARGET DIR: fill DIR, made anew, with the seeds for fuzzing
# TARGET: its corpus and the conformance scripts, in one folder, named after
# their origin (seeds-batch, conformance-ring-avail-idx-wraps).
#
#   text      its input is text: every script of the tree, as it stands
#   binary    its input is binary for any target: every script, encoded
#   mmds      its input is a frame: what corpus/mmds has
#   snapshot  its input is a snapshot: those of its corpus
#   peer:NAME a device in another process: the scripts for it, encoded
#   others    a device: the scripts for that device, encoded
#
# A script for any device becomes one seed for each request that the device knows; with
# BRIEF=yes it becomes one, which is enough where the seeds are read at every start.
# A file of corpus/TARGET/ that is not a script (*.vr) is input as it stands.
# DIR is not touched if it would stay the same: a fuzzer may be reading it.  A file beside it, whose
# name begins with a dot, says what it was made of: where that is as it was, nothing is encoded.
# shellcheck disable=SC1091,SC2034  # brief is for encode.sh
set -eu
. fuzzers/encode.sh

vringer=$1 target=$2 dir=$3
name=$(echo "$target" | tr _ -)
own=corpus/$name
brief=${BRIEF:-}
case $target in
peer:*)
	name=${target#peer:}
	# It runs a hundred times fewer programs in a second.
	brief=yes
	own=corpus/peers/$name
	;;
esac

# made_of: all that the seeds depend on, and which there are.
made_of() {
	{
		echo "$name $brief"
		cat "$vringer" fuzzers/*.sh
		find corpus conformance -type f ! -name 'README*' -print0 | sort -z | xargs -0 sha1sum
		find "$dir" -type f -printf '%f %s\n' | sort
	} | sha1sum
}
stamp=${dir%/*}/.${dir##*/}
if [ -d "$dir" ] && [ -f "$stamp" ] && [ "$(made_of)" = "$(cat "$stamp")" ]; then
	exit 0
fi

# What one that was killed left; one that is at work is left alone.
for old in "$dir".[0-9]*; do
	pid=${old#"$dir."}
	[ ! -d "$old" ] || kill -0 "${pid%%.*}" 2>/dev/null || rm -rf "$old"
done
seeds=$dir.$$ scripts=$dir.$$.scripts
trap 'rm -rf "$seeds" "$seeds.programs" "$scripts"' EXIT
mkdir -p "$seeds" "$scripts"

# Copy the files listed on standard input into $1, their names flattened.
gather() {
	list=$(cat)
	[ -n "$list" ] || return 0
	twice=$(printf '%s\n' "$list" | sed "s,^$own/,,; s,/,-,g" | sort | uniq -d)
	[ -z "$twice" ] || { echo "seeds: two files would be $twice" >&2 && exit 1; }
	printf '%s\n' "$list" | flatten "$1" "$own/"
}

all_scripts() {
	find corpus conformance -name '*.vr' | sort
}

case $name in
text)
	all_scripts | gather "$seeds"
	;;
binary)
	all_scripts | gather "$scripts"
	;;
mmds) ;;
snapshot)
	;;
*)
	all_scripts | encode_scripts "$vringer" "$name" "$seeds" "$own/"
	;;
esac

if [ -d "$own" ]; then
	find "$own" -type f ! -name '*.vr' ! -name '.*' ! -name 'README*' ! -name known | sort | gather "$seeds"
fi
find "$scripts" -type f -print0 | xargs -0 -r "$vringer" encode -o "$seeds"
if ! diff -rq "$seeds" "$dir" >/dev/null 2>&1; then
	rm -rf "$dir"
	mv -T "$seeds" "$dir"
fi
made_of >"$stamp"
