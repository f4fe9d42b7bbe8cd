#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Every fuzzing binary of both engines sees what it is for: over its seeds the
# engine counts at least so many edges, and the code that its target is about is
# checked by AddressSanitizer and UBSan, not linked with them alone.  Of a device
# that is not instrumented both engines see what it shows (fuzzers/feedback.h): of one
# that is they do only where they are told to.
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

# A device of somebody's by what is installed.  seen: no engine's flags, those of all its
# code, and those of what tells vringer of it alone.
example=$PWD/harness/examples/entropy-c
PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
export PKG_CONFIG_PATH
flags="-std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined $(pkg-config --cflags vringer)"
code=-fsanitize-coverage=edge,inline-8bit-counters,pc-table
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0
export UBSAN_OPTIONS=abort_on_error=1:symbolize=0:halt_on_error=1
export AFL_QUIET=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

# compile NAME COMPILER FLAGS FILE.  Flags are split into words on purpose.
# shellcheck disable=SC2086
compile() {
	"$2" $flags $3 -c -o "$work/$1.o" "$example/$4"
}

# link_example ENGINE NAME OBJECT...
# shellcheck disable=SC2046
link_example() {
	engine=$1 name=$2
	shift 2
	case $engine in
	libfuzzer) clang -fsanitize=address,undefined,fuzzer -o "$work/$name" "$@" $(pkg-config --libs vringer) ;;
	afl) afl-clang-fast -fsanitize=address,undefined -o "$work/$name" "$@" $(pkg-config --libs vringer) ;;
	esac
}

build_examples() {
	compile device clang '' entropy.c
	compile glue clang '' target.c
	compile device-libfuzzer clang "$code" entropy.c
	compile glue-libfuzzer clang "$code" target.c
	compile device-afl afl-clang-fast '' entropy.c
	compile glue-afl afl-clang-fast '' target.c
	for engine in libfuzzer afl; do
		link_example "$engine" "blind-$engine" "$work/device.o" "$work/glue.o"
		link_example "$engine" "code-$engine" "$work/device-$engine.o" "$work/glue-$engine.o"
		link_example "$engine" "glue-$engine" "$work/device.o" "$work/glue-$engine.o"
	done
}

# count_libfuzzer HOW PROGRAM INPUT, count_afl: how much the engine counts of one input.
count_libfuzzer() {
	rm -rf "$work/one"
	mkdir "$work/one"
	cp "$3" "$work/one"
	VRINGER_FEEDBACK=$1 "$2" -runs=0 "$work/one" 2>&1 | sed -n 's/.*INITED .*ft: \([0-9]*\) .*/\1/p'
}

# map_of HOW PROGRAM INPUT MAP
map_of() {
	rm -rf "$4" "$work/one"
	mkdir "$work/one"
	cp "$3" "$work/one"
	VRINGER_FEEDBACK=$1 afl-showmap -C -q -m none -t 20000 -i "$work/one" -o "$4" -- "$2" >/dev/null 2>&1
	[ -f "$4" ]
}

count_afl() {
	map_of "$1" "$2" "$3" "$work/map" && wc -l <"$work/map"
}

# observes ENGINE: who counts what is observed, unless told otherwise.
observes() {
	for name in blind code glue; do
		for how in '' observed off; do
			counted=$("count_$1" "$how" "$work/$name-$1" "$work/fill")
			eval "${name}_${how:-unset}=${counted:-0}"
		done
	done
	echo "blind $blind_unset $blind_observed $blind_off, code $code_unset $code_observed $code_off, glue $glue_unset $glue_observed $glue_off" >"$out"
	: >"$err"
	[ "$blind_off" -le 1 ] && [ "$blind_unset" -ge 20 ] && [ "$blind_unset" = "$blind_observed" ]
	tap "$1: a device that is not instrumented is observed" $?
	[ "$code_off" -ge 40 ] && [ "$code_unset" = "$code_off" ] && [ "$code_observed" -ge $((code_off + 20)) ]
	tap "$1: one that is, where that is asked for" $?
	[ "$glue_unset" = "$glue_observed" ] && [ "$glue_observed" -ge $((glue_off + 20)) ]
	tap "$1: its description alone is not its code" $?
}

if build_examples >"$out" 2>"$err"; then result=0; else result=1; fi
tap 'an example, instrumented in part' "$result"
for script in fill jump; do
	"$work/blind-libfuzzer" encode --body -t entropy "$example/scripts/$script.vr" -o "$work/$script" >"$out" 2>"$err"
done
for engine; do
	observes "$engine"
done

# The engine goes on from it.
grow() {
	mkdir "$work/corpus-$1"
	VRINGER_FEEDBACK=$1 run "$work/blind-libfuzzer" -seed=1 -runs=2000 -max_len=4096 "$work/corpus-$1"
	files=$(find "$work/corpus-$1" -type f | wc -l)
}
grow off
[ "$files" = 0 ]
tap "libfuzzer: what is not observed grows no corpus: $files files" $?
grow observed
[ "$files" -ge 40 ]
tap "libfuzzer: what is observed does: $files files" $?

mkdir "$work/in"
cp "$work/fill" "$work/in"
AFL_CUSTOM_MUTATOR_LIBRARY=$(pkg-config --variable=mutator vringer) VRINGER_TARGET=entropy \
	run afl-fuzz -E 2000 -V 60 -m none -t 5000 -i "$work/in" -o "$work/afl" -- "$work/blind-afl"
files=$(find "$work/afl/default/queue" -type f -name 'id*' | wc -l)
[ "$files" -ge 20 ]
tap "afl: what is observed grows a queue: $files files" $?

# The same again is no news, and another answer is.
map_of observed "$work/blind-afl" "$work/fill" "$work/map-1" &&
	map_of observed "$work/blind-afl" "$work/fill" "$work/map-2" && cmp -s "$work/map-1" "$work/map-2"
tap 'afl: the same program reaches the same' $?
map_of observed "$work/blind-afl" "$work/jump" "$work/map-3" &&
	[ "$(sort "$work/map-1" "$work/map-1" "$work/map-3" | uniq -u | wc -l)" -ge 2 ]
tap 'afl: a device that asks for a reset is another thing' $?

tap_end
