#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The committed coverage sets are small and say what they are for; and what `make corpus`
# does with inputs that are needed, that are not, and that are too many: in a tree of its
# own, with the entropy device.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"
. fuzzers/inputs.sh
vringer=$PWD/build/obj/gcc/vringer

# Is each file of a set of scripts a program that says what it is for?
scripts_are_right() {
	for file in "$1"/*; do
		case $file in
		*.vr) ;;
		*) echo "$file: not a script" && continue ;;
		esac
		head -n 1 "$file" | grep -q '^# Reaches [a-z]' || echo "$file: does not say what it reaches"
	done
}

# As it prints, so it is read as it was written.
scripts_print_so() {
	for file in "$1"/*.vr; do
		"$vringer" show "$file" >"$work/shown" 2>&1
		grep -v '^#' "$file" | diff -q - "$work/shown" >/dev/null || echo "$file: prints otherwise"
	done
}

texts_are_right() {
	for file in "$1"/*; do
		head -n 1 "$file" | grep -aq '^# Reaches [a-z]' || echo "$file: does not say what it reaches"
	done
}

# What is no text has a README.md that shows each.
raw_files_are_right() {
	(cd "$1" && find . -type f ! -name README.md | sed 's,^\./,,' | sort) >"$work/files"
	sed -n 's/^## //p' "$1/README.md" | sort | diff "$work/files" -
	[ "$(grep -c '^Reaches [a-z]' "$1/README.md")" = "$(wc -l <"$work/files")" ] ||
		echo "$1/README.md: does not say what they reach"
}

for set in corpus/*/coverage; do
	name=${set#corpus/} && name=${name%/coverage}
	[ "$(find "$set" -type f ! -name README.md | wc -l)" -le 60 ]
	tap "$name: a small set" $?
	if [ "$name" = text ]; then
		texts_are_right "$set"
	elif is_parser "$name"; then
		raw_files_are_right "$set"
	else
		scripts_are_right "$set"
		scripts_print_so "$set"
	fi >"$err" 2>&1
	[ ! -s "$err" ]
	tap "$name: each says what it reaches" $?
done

cover=$PWD/build/cover/cover_rng
mkdir -p "$work/tree/build/cover" "$work/tree/build/seeds/rng" "$work/tree/build/fuzz-corpus/rng"
cp -R fuzzers "$work/tree/"
cd "$work/tree" || exit
ln -s "$cover" build/cover/cover_rng
kept=corpus/rng/coverage

# script NAME LINE...: an input as fuzzing leaves it.
script() {
	name=$1
	shift
	printf '%s\n' 'device rng' "$@" >"$work/$name.vr"
	"$vringer" encode --body -o "$work" "$work/$name.vr"
	mv "$work/$name" "build/$folder/rng/$name"
}

folder=seeds
script seeds-serves 'start driver_ok' 'send_request 0'
folder=fuzz-corpus
script redundant 'start driver_ok' 'nop 7' 'send_request 0' 'nop 8'
gives 0 'nothing new' fuzzers/grow.sh rng
shows 'is told' '^== rng: [0-9]+ edges by what is committed, [0-9]+ with 0 more inputs$'
[ ! -e "$kept" ]
tap 'and nothing is kept' $?

script needed 'start driver_ok' 'nop 7' 'send_request 0' 'fill b3 len=9 value=3' 'save' 'restore' 'nop 9'
gives 0 'one that is needed' fuzzers/grow.sh rng
shows 'is told too' ' with 1 more inputs$'
[ "$(find "$kept" -type f | wc -l)" = 1 ]
tap 'it alone is kept' $?
grep -q 'restore' "$kept"/*.vr && ! grep -q 'nop\|fill' "$kept"/*.vr
tap 'without what it does not need' $?
head -n 1 "$kept"/*.vr | grep -q '^# Reaches .*devices/'
tap 'it says what it reaches' $?
gives 0 'it is a script' "$vringer" run "$kept"

# again: what was kept is a seed from now on.
again() {
	for file in "$kept"/*.vr; do
		"$vringer" encode --body -o "$work" "$file"
		file=$(basename "$file" .vr)
		mv "$work/$file" "build/seeds/rng/coverage-$file"
	done
	cp -R "$kept" "$work/before"
	run fuzzers/grow.sh rng
}

again
diff -r "$work/before" "$kept" >"$err"
tap 'again: nothing changes' $?
rm build/fuzz-corpus/rng/*
run fuzzers/grow.sh rng
diff -r "$work/before" "$kept" >"$err"
tap 'nor where the fuzzer has forgotten it' $?

folder=seeds
script seeds-restores 'start driver_ok' 'send_request 0' 'save' 'restore'
run fuzzers/grow.sh rng
[ ! -e "$kept" ]
tap 'what another script reaches is kept no longer' $?

rm build/seeds/rng/coverage-*
folder=fuzz-corpus
script resets 'start driver_ok accept=RING_RESET' 'send_request 0' 'reset_queue 0'
script packed 'start driver_ok ring=packed' 'send_request 0'
KEEP=1 run fuzzers/grow.sh rng
shows 'more than there may be: how much is left out' ' with 1 more inputs, [1-9][0-9]* left out$'
[ "$(find "$kept" -type f | wc -l)" = 1 ] && grep -q 'ring=packed' "$kept"/*.vr
tap 'and what reaches most is kept' $?
run fuzzers/grow.sh rng
[ "$(find "$kept" -type f | wc -l)" = 2 ]
tap 'both where both may be' $?

echo 'new' >list
sh -c '"$0" -o . <list' "$cover" >"$out" 2>"$err"
[ $? = 2 ] && grep -q '^cover: standard input: ' "$err"
tap 'a list that is wrong' $?
tap_end
