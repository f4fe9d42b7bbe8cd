#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What live fuzzing does for its CPU time, under both engines: as much as was asked for is
# counted, the seeds are not, and none of the time is lost, even that of processes that nobody
# waits for.  Then the tables that are made of it.
# shellcheck disable=SC1091,SC2154,SC2016
set -u
. "${0%/*}/tap.sh"

# rows of one target, as `make bench LIVE=` has them: number NAME.
number() {
	awk -v name="$1" '$1 == name { print $2 }' "$row"
}
is() {
	[ "$(number "$2")" -ge "$3" ] && [ "$(number "$2")" -le "$4" ]
	tap "$1: $(number "$2") $2" $?
}
counts() {
	engine=$1 row=build/bench/live-$1-rng/row
	gives 0 "$engine" timeout 300 fuzzers/bench_live.sh 300 "$engine" rng
	shows 'it has a row' '^\| rng \| [0-9,]+ \| [1-9][0-9,]* \| [1-9][0-9,]* \| [1-9]'
	is "$engine, as asked for" executions 300 "$2"
	is 'of them all' left 0 0
	is 'what came back was taken' completed 1 "$(number taken)"
	# More than came back to where the judge saw it: a program may write a used entry itself.
	is 'requests were answered' answered 1 "$(number operations)"
	is 'the target has its part' target 1000000 "$(number cpu)"
	is 'the seeds have theirs' skipped 1000000 "$(number cpu)"
}
refuses 'a word for a number' '^make bench: LIVE=yes is not' fuzzers/bench_live.sh yes libfuzzer rng
counts libfuzzer 300
# afl-fuzz looks from time to time whether it is over.
counts afl 2000

# ---- the tables -------------------------------------------------------------

cat >"$work/rows" <<'END'
row one
cpu 3000000000
executions 20000
given 500
operations 2469134
taken 4000
completed 3000
answered 2000
processes 1
start 0
target 1900000000
lost 0
left 0
skipped 1000000000
place 1 30 devices/blk.c
place 1 10 harness/ledger/ledger.c
place 0 10 harness/program/binary.c
place 1 5 harness/program/binary.c
place 0 20 ?
place 1 25 ?
row two
cpu 2000000000
executions 100
operations 1000
processes 12
start 100000000
target 900000000
left 0
skipped 0
place 1 1 harness/arena/arena.c
place 0 1 fuzzers/mutate.c
row three
cpu 5
executions 10
left 90
note exit 77
END
gives 0 'tables' awk -f fuzzers/bench_live.awk "$work/rows"
shows 'a second is one after the seeds' \
	'^\| one \| 2,000 \| 10,000 \| 1,234,567 \| 2,000 \| 1,500 \| 1,000 \| 123 \|$'
shows 'shares of one process' '^\| one \| 30 \| 10 \| 0 \| 5 \| 25 \| 10 \| 20 \|$'
shows 'an engine that is another process has the rest' \
	'^\| two \| 0 \| 0 \| 25 \| 0 \| 0 \| 25 \| 50 \|$'
shows 'one that ended among the seeds' '^\| three \| nothing was measured: exit 77 \|$'
tap_end
