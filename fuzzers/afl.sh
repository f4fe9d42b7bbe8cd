#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make fuzz ENGINE=afl` does for one target.  KNOWN is the list of known
# findings.
#
#   afl.sh TARGET SECONDS JOBS
#
# Exit 0: nothing found; 1: something was found; 2: afl-fuzz cannot run, one
# line says why.
#
# It starts from build/seeds/TARGET, from build/fuzz-corpus/TARGET, the corpus that either
# engine has grown, and from those of other targets of the same device, and works in
# build/afl-out/TARGET (aflplusplus.sh). VRINGER_MUTATOR=off: mutate only bytes.
# shellcheck disable=SC1091,SC2034,SC2154
set -eu

target=${1#peer:} seconds=$2 jobs=$3
device=$(echo "$target" | tr _ -)
# What it is called in fuzzers/: of all peers there is one.
kind=$target
[ "$target" = "$1" ] || kind=peer
binary=build/afl/fuzz_$kind plain=build/afl-plain/fuzz_$kind vringer=build/vringer
corpus=build/fuzz-corpus/$target given=build/seeds/$target findings=build/findings/$target
out=build/afl-out/$target in=build/afl-in/$target logs=build/afl-logs/$target
known=${KNOWN:-} mutator=
. fuzzers/inputs.sh
. fuzzers/findings.sh
. fuzzers/campaign.sh
. fuzzers/page.sh
. fuzzers/aflplusplus.sh
shared=$(grown_by_others "$1")

option() {
	awk -F '[ \t]*=[ \t]*' -v n="$1" '$1 == n { print $2 }' "fuzzers/fuzz_$kind.options"
}

if takes_programs "$kind" && [ "${VRINGER_MUTATOR:-on}" != off ]; then
	mutator=$PWD/build/afl/vringer_mutator.so
	VRINGER_TARGET=$(echo "$device" | tr _ - | sed 's/^binary$/any/')
	VRINGER_MAX_LEN=$(option max_len)
	export VRINGER_TARGET VRINGER_MAX_LEN
fi
set -- -G "$(option max_len)"
dict=$(option dict)
[ -z "$dict" ] || set -- "$@" -x "fuzzers/$dict"
fuzz_with_afl "$@"
[ ! -f "$logs/full" ] || exit 2
[ "$count" = 0 ] || exit 1
