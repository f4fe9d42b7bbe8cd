# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What feedback is worth that comes from what a device shows (feedback.h): libFuzzer on the
# examples of harness/examples/, from no input, for the same CPU time.  For measure.sh, which
# sources it and sets $work and $jobs.
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

# feedback_build EXAMPLE BUG
feedback_build() (
	cd "$fed/$1" || exit
	"$(echo "$1" | tr - _)" "$2" "$fed/run-$1${2:+-$2}"
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
}

# feedback_runs EXAMPLE BUG SECONDS RUNS
feedback_runs() {
	for run in $(seq "$4"); do
		for case in $cases; do
			echo "feedback_one $fed/run-$1${2:+-$2} $case $3 $run"
		done
	done
}

# The word $1 of the last line of each log.
words() {
	awk -v word="$1" '/^measured:/ { print $word }' "$fed/run-$2-$3"-*/log
}

feedback() {
	seconds=${1:-30} runs=${2:-5}
	prepare_feedback
	for example in entropy-c blk-rust; do
		feedback_build "$example" ''
		feedback_runs "$example" '' "$seconds" "$runs"
	done | xargs -P "$jobs" -L 1 "$0"
	feedback_table
}

feedback_table() {
	printf '%-10s %-9s %6s  %-20s %11s  %-25s %11s %6s\n' EXAMPLE FEEDBACK EDGES 'EACH RUN' \
		BEHAVIOURS 'EACH RUN' EXECUTIONS FILES
	for example in entropy-c blk-rust; do
		for case in $cases; do
			printf '%-10s %-9s %6s  %-20s %11s  %-25s %11s %6s\n' "$example" "$case" \
				"$(words 2 "$example" "$case" | median)" \
				"$(words 2 "$example" "$case" | tr '\n' ' ')" \
				"$(words 6 "$example" "$case" | median)" \
				"$(words 6 "$example" "$case" | tr '\n' ' ')" \
				"$(words 8 "$example" "$case" | median)" \
				"$(for out in "$fed/run-$example-$case"-*; do find "$out/corpus" -type f | wc -l; done | median)"
		done
	done
}

# Planted bugs of the examples.  A run ends with its first finding.
feedback_subjects="entropy-c/used-len entropy-c/ring-end-silent entropy-c/ack-both
	blk-rust/flush-after-error blk-rust/flushes-silent blk-rust/late-bounds"

feedback_bugs() {
	seconds=${1:-30} runs=${2:-5}
	prepare_feedback
	for bug in $feedback_subjects; do
		feedback_build "${bug%/*}" "${bug#*/}"
	done
	for bug in $feedback_subjects; do
		feedback_runs "${bug%/*}" "${bug#*/}" "$seconds" "$runs"
	done | xargs -P "$jobs" -L 1 "$0"
	feedback_bugs_table
}

feedback_bugs_table() {
	printf '%-28s' BUG
	for case in $cases; do
		printf ' %-14s' "$case"
	done
	echo
	for bug in $feedback_subjects; do
		printf '%-28s' "$bug"
		for case in $cases; do
			found=0
			for out in "$fed/run-${bug%/*}-${bug#*/}-$case"-*; do
				[ ! -e "$out/found" ] || found=$((found + 1))
				if [ -e "$out/found" ]; then
					awk '/^stat::number_of_executed_units/ { print $2 }' "$out/log"
				else
					echo -
				fi
			done >"$fed/executions"
			printf ' %4s %9s' "$(grep -vc '^-' "$fed/executions" || :)/$(wc -l <"$fed/executions")" "$(median <"$fed/executions")"
		done
		echo
	done
}
