#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# seeds.sh VRINGER TARGET DIR: fill DIR, made anew, with what fuzzing TARGET
# starts from: its corpus and the conformance scripts, flat, named after where
# they come from (seeds-tx-small, conformance-ring-avail-idx-jump).
#
#   text      its input is text: every script of the tree, as it stands
#   binary    its input is binary for any target: every script, encoded
#   mmds      its input is a frame: what corpus/mmds has
#   snapshot  its input is a snapshot: those of its corpus
#   others    a device: the scripts for that device, encoded
#
# A file of corpus/TARGET/ that is not a script (*.vr) is input as it stands.
set -eu

vringer=$1 target=$2 dir=$3
name=$(echo "$target" | tr _ -)
own=corpus/$name

rm -rf "$dir" "$dir.scripts"
mkdir -p "$dir" "$dir.scripts"

# Copy the files listed on standard input into $1, their names flattened.
gather() {
	while read -r file; do
		flat=$(echo "${file#"$own/"}" | tr / -)
		[ ! -e "$1/$flat" ] || { echo "seeds: two files would be $flat" >&2 && exit 1; }
		cp "$file" "$1/$flat"
	done
}

all_scripts() {
	find corpus conformance -name '*.vr' | sort
}

case $name in
text)
	all_scripts | gather "$dir"
	;;
binary)
	all_scripts | gather "$dir.scripts"
	;;
mmds) ;;
snapshot)
	;;
*)
	all_scripts | while read -r file; do
		grep -qE "^[[:space:]]*device[[:space:]]+($name|any)([[:space:]]|\$)" "$file" || continue
		# Long sessions are for conformance: an engine would only be slow.
		! grep -qE '^[[:space:]]*device.*budget=' "$file" || continue
		echo "$file"
	done | gather "$dir.scripts"
	# Mutations of a magic would be wasted: a body is all that an engine needs.
	body="--body -t $name"
	;;
esac

if [ -d "$own" ]; then
	find "$own" -type f ! -name '*.vr' ! -name '.*' ! -name 'README*' | sort | gather "$dir"
fi
# shellcheck disable=SC2086  # two words or none
find "$dir.scripts" -type f -print0 | xargs -0 -r "$vringer" encode ${body:-} -o "$dir"
rm -rf "$dir.scripts"
