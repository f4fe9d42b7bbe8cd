# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What feedback is worth that comes from what a device shows (feedback.h): libFuzzer on the
# examples of harness/examples/, from no input, for the same CPU time.  For measure.sh, which
# sources it and sets $work and $jobs.  A run with a planted bug ends with its first finding.
#
#   nothing     the engine does not see the device's code, and nothing is observed
#   observed    ... and it is
#   code        the engine sees the code
#   both        ... and the device is observed
#
# Edges and behaviours are those that all executed inputs reached, kept or not
# (measure_edges.c).
# shellcheck disable=SC2154

fed=$work/feedback
cases="nothing observed code both"
edges=-fsanitize-coverage=edge,inline-8bit-counters,pc-table
wrap=-Wl,--wrap=LLVMFuzzerTestOneInput,--wrap=__sanitizer_cov_8bit_counters_init,--wrap=__sanitizer_cov_pcs_init

prepare_feedback() {
	.ci/deps gcc fuzz rust pkg-config patch
	make -s -j"$(nproc)" install PREFIX="$PWD/build/installed" DESTDIR= >&2
	PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
	export PKG_CONFIG_PATH
	libs=$(pkg-config --libs vringer) cflags=$(pkg-config --cflags vringer)
	mkdir -p "$fed"
	clang -g -O1 -c -o "$fed/edges.o" fuzzers/measure_edges.c
	for example in entropy-c blk-rust; do
		rm -rf "${fed:?}/$example"
		cp -R "harness/examples/$example" "$fed/$example"
		rm -rf "$fed/$example/build"
	done
}

# entropy_c BUG OUT
# shellcheck disable=SC2086  # flags
entropy_c() {
	at=build${1:+/$1}
	make -s BUG="$1" "$at/src/stamp"
	out=$2
	set -- -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-fno-omit-frame-pointer $cflags
	clang "$@" -c -o "$at/target.o" "$at/src/target.c"
	clang "$@" $edges -c -o "$at/entropy.o" "$at/src/entropy.c"
	clang "$@" -fsanitize=fuzzer $wrap -o "$out" "$at/entropy.o" "$at/target.o" "$fed/edges.o" $libs
}

# blk_rust BUG OUT
# shellcheck disable=SC2086  # flags
blk_rust() {
	at=build${1:+/$1}
	make -s BUG="$1" "$at/lib-libfuzzer/debug/libblk_rust.a"
	clang -g -fsanitize=address,fuzzer $wrap -o "$2" "$fed/edges.o" \
		"$at/lib-libfuzzer/debug/libblk_rust.a" $libs -lpthread -ldl -lm
}

# A target of this tree.
# shellcheck disable=SC2046,SC2086  # lists
model() {
	make -s -j"$(nproc)" "build/fuzz/fuzz_$1" ${2:+"build/bugs/$2/built-fuzz"} >&2
	clang -fsanitize=address,undefined,fuzzer $wrap -o "$3" "build/obj/fuzz/fuzzers/fuzz_$1.o" \
		$([ -z "$2" ] || ls "build/bugs/$2/fuzz.obj"/*.o) build/obj/fuzz/fuzzers/engine.o \
		build/obj/fuzz/fuzzers/session.o build/obj/fuzz/fuzzers/feedback.o build/obj/fuzz/fuzzers/meter.o \
		build/obj/fuzz/fuzzers/sanitizers.o build/obj/fuzz/fuzzers/mutat*.o \
		build/obj/fuzz/libvringer.a "$fed/edges.o"
}

# feedback_build NAME BUG: of an example or of a target.
feedback_build() (
	program=$fed/run-$1${2:+-$2}
	case $1 in
	entropy-c | blk-rust)
		cd "$fed/$1" || exit
		"$(echo "$1" | tr - _)" "$2" "$program"
		;;
	*) model "$1" "$2" "$program" ;;
	esac
)

# feedback_one PROGRAM CASE SECONDS SEED
feedback_one() {
	out=$1-$2-$4
	rm -rf "$out"
	mkdir -p "$out/corpus"
	export MEASURE_CPU="$3" VRINGER_FEEDBACK=off
	case $2 in
	observed | both) VRINGER_FEEDBACK=observed ;;
	esac
	case $2 in
	code | both) export MEASURE_CODE=yes ;;
	esac
	"$1" -seed="$4" -timeout=20 -max_len=4096 -print_final_stats=1 -artifact_prefix="$out/" \
		"$out/corpus" >"$out/log" 2>&1 || touch "$out/found"
	times >"$out/times"
}

# feedback_runs EXAMPLE BUG SECONDS RUNS
feedback_runs() {
	for run in $(seq "$4"); do
		for case in $cases; do
			echo "feedback_one $fed/run-$1${2:+-$2} $case $3 $run"
		done
	done
}

# run_all SUBJECT...: EXAMPLE/BUG, or EXAMPLE/
run_all() {
	seconds=$1 runs=$2
	shift 2
	for subject; do
		feedback_build "${subject%/*}" "${subject#*/}" || exit
	done
	for subject; do
		feedback_runs "${subject%/*}" "${subject#*/}" "$seconds" "$runs"
	done | xargs -P "$jobs" -L 1 "$0"
}

# words WORD PROGRAM CASE: of the last line of each log.
words() {
	awk -v word="$1" '/^measured:/ { print $word }' "$fed/run-$2-$3"-[0-9]*/log
}

# reached NAME...: a line for each of them and case.
reached() {
	printf '%-12s %-9s %6s  %-20s %10s  %-25s %11s %6s\n' '' FEEDBACK EDGES 'EACH RUN' \
		BEHAVIOURS 'EACH RUN' EXECUTIONS FILES
	for name; do
		for case in $cases; do
			printf '%-12s %-9s %6s  %-20s %10s  %-25s %11s %6s\n' "$name" "$case" \
				"$(words 2 "$name" "$case" | median)" \
				"$(words 2 "$name" "$case" | tr '\n' ' ')" \
				"$(words 6 "$name" "$case" | median)" \
				"$(words 6 "$name" "$case" | tr '\n' ' ')" \
				"$(words 8 "$name" "$case" | median)" \
				"$(for out in "$fed/run-$name-$case"-[0-9]*; do find "$out/corpus" -type f | wc -l; done | median)"
		done
	done
}

# so_far OUT: executions and seconds of CPU time until the finding; `-`: there was none.
so_far() {
	if [ -e "$1/found" ]; then
		awk '/^stat::number_of_executed_units/ { print $2 }' "$1/log"
		awk 'NR == 2 { split($1, user, "[ms]"); split($2, sys, "[ms]")
			printf "%.1f\n", 60 * (user[1] + sys[1]) + user[2] + sys[2] }' "$1/times"
	else
		printf -- '-\n-\n'
	fi
}

# found SUBJECT...: how many runs found the bug, and the medians.
found() {
	printf '%-40s' ''
	for case in $cases; do
		printf '  %-19s' "$case"
	done
	echo
	for subject; do
		printf '%-40s' "$subject"
		for case in $cases; do
			for out in "$fed/run-${subject%/*}-${subject#*/}-$case"-[0-9]*; do
				so_far "$out"
			done >"$fed/figures"
			awk 'NR % 2' "$fed/figures" >"$fed/executions"
			printf '  %3s %8s %6s' "$(grep -c '^[0-9]' "$fed/executions" || :)/$(wc -l <"$fed/executions")" \
				"$(median <"$fed/executions")" "$(awk 'NR % 2 == 0' "$fed/figures" | median)"
		done
		echo
	done
}

# Planted, in the examples and in a model of ours.
example_bugs="entropy-c/used-len entropy-c/ring-end-silent entropy-c/ack-both
	blk-rust/flush-after-error blk-rust/flushes-silent blk-rust/late-bounds"
model_bugs="net_loopback/n1-header-slots net_loopback/rule-memory-not-live-refused
	net_loopback/rule-status-ladder"

# shellcheck disable=SC2086  # lists
feedback() {
	prepare_feedback
	run_all "${1:-10}" "${2:-5}" entropy-c/ blk-rust/ $example_bugs
	reached entropy-c blk-rust
	found $example_bugs
}

# Of a model; and where there is coverage, is it better with what is observed?
# shellcheck disable=SC2086  # lists
feedback_model() {
	prepare_feedback
	run_all "${1:-30}" "${2:-3}" net_loopback/
	reached net_loopback
	cases="code both"
	run_all "${1:-30}" "${2:-3}" $model_bugs
	found $model_bugs
}
