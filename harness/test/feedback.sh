#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Every fuzzing binary of both engines sees what it is for: over its seeds the
# engine counts at least so many edges, and the code that its target is about is
# checked by AddressSanitizer and UBSan, not linked with them alone.
#
# feedback.sh ENGINE...: libfuzzer, afl
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

# target | edges of its seeds, about two thirds of what there are | functions that it is about
subjects='balloon|260|balloon_notify virtqueue_pop
binary|250|binary_decode binary_encode
blk|400|blk_notify virtqueue_pop
blk_ro|350|blk_notify virtqueue_pop
console|430|console_notify virtqueue_pop
fs|250|fs_notify virtqueue_pop
mmds|30|mmds_judge
net_host|360|net_notify virtqueue_pop
net_loopback|280|net_notify virtqueue_pop
rng|380|rng_notify virtqueue_pop
snapshot|450|snapshot_restore net_uplink_restore console_restore
text|250|text_parse text_print
vsock|480|vsock_notify virtqueue_pop'

# Each engine has its own way to be asked for the edges that the seeds reach.
edges_libfuzzer() {
	run "$1" -runs=0 "build/seeds/$2"
	edges=$(sed -n 's/.*INITED cov: \([0-9]*\) .*/\1/p' "$err")
}

edges_afl() {
	AFL_QUIET=1 ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 \
		UBSAN_OPTIONS=abort_on_error=1:symbolize=0:halt_on_error=1 \
		run afl-showmap -C -q -m none -t 20000 -i "build/seeds/$2" -o "$work/map" -- "$1"
	edges=$(wc -l <"$work/map")
}

binary_of() {
	case $1 in
	libfuzzer) echo "build/fuzz/fuzz_$2" ;;
	afl) echo "build/afl/fuzz_$2" ;;
	esac
}

for source in fuzzers/fuzz_*.c; do
	target=$(basename "$source" .c)
	target=${target#fuzz_}
	line=$(echo "$subjects" | grep "^$target|")
	floor=$(echo "$line" | cut -d '|' -f 2)
	for engine; do
		binary=$(binary_of "$engine" "$target")
		"edges_$engine" "$binary" "$target"
		[ "${edges:-0}" -ge "${floor:-1000000}" ]
		result=$?
		: >"$out"
		tap "$engine $target: ${edges:-0} edges, of ${floor:-(no floor)} at least" "$result"
		for function in $(echo "$line" | cut -d '|' -f 3); do
			objdump -d --no-show-raw-insn "--disassemble=$function" "$binary"
		done >"$work/code" 2>"$err"
		for checker in __asan_report __ubsan_handle; do
			grep -q "$checker" "$work/code"
			tap "$engine $target: $checker in its code" $?
		done
	done
done

tap_end
