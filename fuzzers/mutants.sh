#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Mutants of devices/*.c (fuzzers/mutants/source.h says which): what kills them?
#
#   mutants.sh check JOBS SECONDS SAMPLE COLUMNS FILES...   can that be?
#   mutants.sh columns COLUMNS                              those of them, in order
#   mutants.sh table JOBS SECONDS SAMPLE SEED COLUMNS FILES...
#   mutants.sh fuzz NUMBER TARGET BOUND RESULT              one place of the column `fuzz`
#   mutants.sh verdict LIST EQUIVALENTS RESULTS             print survivors and the table
#
# BUDGET in the environment: seconds of CPU that scripts have for a mutant, after which it counts as
# a survivor; 0, which it is by itself: all that reach it are run.
#
# Columns: `scripts` (conformance/, then corpus/), `corpus` (alone), `fuzz` (SECONDS of CPU
# from the seeds, with libFuzzer).
#
# table: exit 1 if a mutant survives that fuzzers/mutants.tsv does not argue to be equivalent, or
# if one that it argues so is killed or is no more.
set -eu

all_columns='scripts corpus fuzz'
work=build/mutants

fail() {
	echo "make mutants: $1" >&2
	exit 2
}

is_count() {
	case $1 in
	'' | *[!0-9]* | 0*) return 1 ;;
	esac
}

columns() {
	for word in $(echo "$1" | tr , ' '); do
		case " $all_columns " in
		*" $word "*) ;;
		*) fail "COLUMNS=$1: there is no '$word'; there are: $all_columns" ;;
		esac
	done
	for column in $all_columns; do
		case " $(echo "$1" | tr , ' ') " in
		*" $column "*) printf '%s ' "$column" ;;
		esac
	done
}

check() {
	jobs=$1 seconds=$2 sample=$3 picked=$(columns "$4")
	shift 4
	if ! is_count "$jobs" || [ "$jobs" -gt 64 ]; then
		fail "JOBS=$jobs is not a number of processes from 1 to 64"
	fi
	is_count "$seconds" || fail "SECONDS=$seconds is not a number of seconds above 0"
	[ "$sample" = 0 ] || is_count "$sample" || fail "SAMPLE=$sample is not a number of mutants"
	[ -n "$picked" ] || fail "COLUMNS is empty"
	for file; do
		case $file in
		devices/*/* | devices/*.[!c] | [!d]*) fail "FILES: $file is no source of devices/" ;;
		esac
		[ -f "$file" ] || fail "FILES: there is no $file"
	done
}

# Which device is fuzzed: the one on which a script killed it; or whose file it is.
target_for() {
	file=${1#devices/} killed_on=$2
	[ "$killed_on" = - ] || { echo "$killed_on" && return; }
	case $file in
	blk* | fs* | balloon* | rng* | console* | vsock*) echo "${file%%[._]*}" ;;
	fifo*) echo console ;;
	*) echo net-host ;;
	esac
}

fuzz() {
	number=$1 target=$2 bound=$3 result=$4
	slug=$(echo "$target" | tr - _)
	out=$work/runs/$number
	[ ! -s "$result" ] || exit 0
	VRINGER_MUTANT=$number fuzzers/bugs_run.sh libfuzzer 1 "$bound" "$work/fuzz/fuzz_$slug" \
		"$target" "build/seeds/$slug" \
		"$(fuzzers/fuzz.sh options "$slug" | sed -n 's/^-dict=//p')" "$out"
	if [ -s "$out/found" ]; then
		head -n 1 "$out/found" >"$result.new"
	else
		echo - >"$result.new"
	fi
	mv "$result.new" "$result"
	rm -rf "$out"
	echo "$number" >>"$work/fuzzed"
	echo "mutants: fuzzed $(wc -l <"$work/fuzzed") of $FUZZ: $number on $target: $(cat "$result")" >&2
}

# Results of fuzzing are those of this program and bound.
fuzz_all() {
	jobs=$1 bound=$2
	key=$(cat "$work"/fuzz/fuzz_* | sha1sum | cut -c -12)-$bound
	mkdir -p "$work/found/$key"
	: >"$work/fuzzed"
	while IFS="$(printf '\t')" read -r number file _ _ _ _ _ _ target; do
		echo "$number $(target_for "$file" "$target") $bound $work/found/$key/$number"
	done <"$work/scripts.tsv" >"$work/places"
	FUZZ=$(wc -l <"$work/places")
	export FUZZ
	xargs -P "$jobs" -L 1 "$0" fuzz <"$work/places"
	while read -r number _ _ result; do
		printf '%s\t%s\n' "$number" "$(cat "$result")"
	done <"$work/places" >"$work/fuzz.tsv"
}

# merge SANITIZED RESULTS: the results, with what sanitizers killed in its place.  The first may
# have no line.
merge() {
	awk -F '\t' 'FILENAME == ARGV[1] { if ($7 !~ /^(survived|unreached)$/) row[$1] = $0; next }
		{ print $1 in row ? row[$1] : $0 }' "$1" "$2"
}

verdict() {
	list=$1 equivalents=$2 results=$3
	awk -v list="$list" -v equivalents="$equivalents" -v work="$(dirname "$results")" \
		-f fuzzers/mutants.awk "$results"
}

table() {
	jobs=$1 seconds=$2 sample=$3 seed=$4 picked=$(columns "$5")
	shift 5
	mkdir -p "$work/known"
	rm -f "$work/corpus.tsv" "$work/fuzz.tsv"
	# Without scripts, there is nothing to say of which device a mutant is.
	"$work/run" "$work/list.tsv" "$work/known" "$jobs" scripts "${BUDGET:-0}" "$sample" "$seed" "$@" \
		>"$work/scripts.tsv"
	# What only AddressSanitizer sees; of a crash it says no more than that.
	"$work/run-gcc" "$work/list.tsv" "$work/known" "$jobs" sanitizers "${BUDGET:-0}" "$sample" "$seed" "$@" \
		>"$work/sanitized.tsv"
	merge "$work/sanitized.tsv" "$work/scripts.tsv" >"$work/all.tsv"
	mv "$work/all.tsv" "$work/scripts.tsv"
	case " $picked" in *' corpus '*)
		"$work/run" "$work/list.tsv" "$work/known" "$jobs" corpus "${BUDGET:-0}" "$sample" "$seed" "$@" \
			>"$work/corpus.tsv"
		;;
	esac
	case " $picked" in *' fuzz '*) fuzz_all "$jobs" "$seconds" ;; esac
	verdict "$work/list.tsv" fuzzers/mutants.tsv "$work/scripts.tsv"
}

"$@"
