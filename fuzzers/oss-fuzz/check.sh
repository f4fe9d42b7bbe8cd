#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# check.sh [-p PROJECT] SANITIZER/ENGINE...: build a project as OSS-Fuzz and ClusterFuzzLite
# do, without docker, and make the checks that they make of what it builds, and a few more.
# Prints TAP.
#
#   PROJECT     vringer (this tree), or an example of a user's own target: entropy-c,
#               blk-rust, whose build installs vringer first, from a clone beside it
#   SANITIZER   address, undefined, memory, coverage, or none
#   ENGINE      libfuzzer, afl; honggfuzz, centipede: their flags, with a library in their
#               place that runs files and counts edges; standalone: no engine, gcc
#
# The tree that it was built in is gone by the time that the products run, as it is on the
# machines that fuzz.  What is checked of each target: instrumented, with that sanitizer
# and no other; it starts; it runs its seeds; its files have the right names and the
# options name files that are there; it needs no library that is not on every machine, and no
# path of the tree.
set -eu -o pipefail

root=$PWD
self=$(realpath "$0")
project=vringer
bare=
[ "${1:-}" != --bare ] || { bare=yes; shift; }
[ "${1:-}" != -p ] || { project=$2; shift 2; }
[ $# -gt 0 ] || { sed -n '4,6s/^# //p' "$0" >&2 && exit 2; }

work=$(realpath -m "$root/build/oss-fuzz")
number=0 failed=0
unset OUT SRC CC CXX CFLAGS CXXFLAGS LIB_FUZZING_ENGINE LDFLAGS RUSTFLAGS SANITIZER FUZZING_ENGINE
export LC_ALL=C

# As base-runner sets them.
export ASAN_OPTIONS=alloc_dealloc_mismatch=0:allocator_may_return_null=1:allocator_release_to_os_interval_ms=500:detect_container_overflow=1:detect_odr_violation=0:detect_stack_use_after_return=0:exitcode=77:handle_abort=1:handle_segv=1:handle_sigill=1:max_uar_stack_size_log=16:print_scariness=1:strict_memcmp=1:symbolize=1:use_sigaltstack=1
export MSAN_OPTIONS=exit_code=77:print_stats=0:symbolize=1
export UBSAN_OPTIONS=print_stacktrace=1:silence_unsigned_overflow=1:symbolize=1

# As base-builder sets them.
common='-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION'
undefined=array-bounds,bool,builtin,enum,float-divide-by-zero,function,integer-divide-by-zero
undefined=$undefined,null,object-size,return,returns-nonnull-attribute,shift
undefined=$undefined,signed-integer-overflow,unreachable,vla-bound
declare -A flags=(
	[address]='-fsanitize=address -fsanitize-address-use-after-scope'
	[undefined]="-fsanitize=$undefined,unsigned-integer-overflow -fno-sanitize-recover=$undefined"
	[memory]='-fsanitize=memory -fsanitize-memory-track-origins'
	[coverage]='-fprofile-instr-generate -fcoverage-mapping -pthread -Wl,--no-as-needed -Wl,-ldl -Wl,-lm -Wno-unused-command-line-argument'
	[none]=''
)
# Of the engines that are libraries.  Centipede has weak functions of coverage in each
# program that it builds, for those that are no targets.
declare -A edges=(
	[honggfuzz]='-fsanitize-coverage=trace-pc-guard,indirect-calls,trace-cmp'
	[centipede]="-fno-builtin -fsanitize-coverage=trace-pc-guard,pc-table,trace-cmp -O2 -gline-tables-only -Wno-unused-command-line-argument -Wl,-ldl -Wl,-lrt -Wl,-lpthread -Wl,$work/src/weak.o"
)

# result NAME COMMAND...: what the command says is shown if it fails.
result() {
	local name=$1 rc=0
	shift
	number=$((number + 1))
	"$@" >"$work/said" 2>&1 || rc=$?
	if [ "$rc" = 0 ]; then
		echo "ok $number - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $name"
	echo "# exit $rc: $*"
	tail -n 20 "$work/said" | sed 's/^/# /'
}

wrong() {
	echo "$*"
	return 1
}

# environment SANITIZER ENGINE: what the builder gives a build, VARIABLE=VALUE each.
environment() {
	local cflags="$common ${flags[$1]}" coverage=-fsanitize=fuzzer-no-link
	[ "$1" != coverage ] || coverage=
	case $2 in
	libfuzzer)
		printf '%s\n' CC=clang CXX=clang++ "CFLAGS=$cflags $coverage" \
			"CXXFLAGS=$cflags $coverage" LIB_FUZZING_ENGINE=-fsanitize=fuzzer
		;;
	afl)
		printf '%s\n' CC=afl-clang-fast CXX=afl-clang-fast++ AFL_QUIET=1 "CFLAGS=$cflags" \
			"CXXFLAGS=$cflags" "LIB_FUZZING_ENGINE=$(afl_driver)"
		;;
	honggfuzz | centipede)
		printf '%s\n' CC=clang CXX=clang++ "CFLAGS=$cflags ${edges[$2]}" \
			"CXXFLAGS=$cflags ${edges[$2]}" "LIB_FUZZING_ENGINE=$work/src/libFuzzingEngine.a"
		;;
	standalone) printf '%s\n' CC=gcc CXX=g++ CFLAGS=-O1 CXXFLAGS=-O1 ;;
	esac
	printf '%s\n' "SANITIZER=$1" "FUZZING_ENGINE=$2"
}

# Where Debian's AFL++ has the main that calls LLVMFuzzerTestOneInput.
afl_driver() {
	find /usr/lib/afl /usr/local/lib/afl -name libAFLDriver.a 2>/dev/null | head -n 1
}

# What takes the place of an engine that is a library, and Centipede's weak functions.
engine_made() {
	local into=$work/src name
	clang -O2 -D_GNU_SOURCE -I. -c fuzzers/standalone_main.c -o "$into/main.o" || return
	clang -O2 -c fuzzers/oss-fuzz/edges.c -o "$into/edges.o" || return
	# One object: what main needs brings the counters, before a sanitizer's own are taken.
	ld -r -o "$into/engine.o" "$into/main.o" "$into/edges.o" || return
	ar rcs "$into/libFuzzingEngine.a" "$into/engine.o" || return
	nm "$into/edges.o" | sed -n 's/.* T //p' | while read -r name; do
		echo "__attribute__((weak)) void $name(void) {}"
	done | clang -w -x c -c - -o "$into/weak.o"
}

# What a fresh clone has: of vringer, and of the project beside it.
source_of() {
	mkdir -p "$work/src/vringer" || return
	cp -R Makefile .ci devices harness fuzzers conformance corpus "$work/src/vringer/" || return
	[ "$project" = vringer ] ||
		{ cp -R "harness/examples/$project/." "$tree/" && rm -rf "$tree/build"; }
}

# own_of TARGET: where the sources that it is about begin, in its tree.
own_of() {
	case $project:$1 in
	vringer:fuzz_text | vringer:fuzz_binary) echo harness/ ;;
	vringer:*) echo devices/ ;;
	blk-rust:*) echo src/ ;;
	esac
}

script_of() {
	case $project in
	vringer) echo fuzzers/oss-fuzz/build.sh ;;
	*) echo oss-fuzz/build.sh ;;
	esac
}

# built SANITIZER ENGINE: into $out, in a copy of the tree, $tree.
built() {
	rm -rf "$work/src" "$out"
	mkdir -p "$tree" "$out" "$work/src/work"
	source_of || return
	engine_made || return
	local -a given
	mapfile -t given < <(environment "$1" "$2")
	cp "$tree/$(script_of)" "$work/src/build.sh" || return
	(
		cd "$tree" &&
			env "OUT=$out" "SRC=$work/src" "WORK=$work/src/work" "${given[@]}" \
				bash -eu "$work/src/build.sh"
	)
}

# targets: the programs in $out that an engine is to find, one a line.
targets() {
	find "$out" -maxdepth 1 -type f -perm -u+x ! -name '*.*' -printf '%f\n' | sort |
		while read -r name; do
			! grep -q LLVMFuzzerTestOneInput "$out/$name" || echo "$name"
		done
}

# Every file beside the targets belongs to one: OSS-Fuzz finds them by these names.
names_are_right() {
	local file name
	for file in "$out"/*; do
		name=${file##*/}
		case $name in
		*_seed_corpus.zip) name=${name%_seed_corpus.zip} ;;
		*.dict) name=${name%.dict} ;;
		*.options) name=${name%.options} ;;
		esac
		[ -x "$out/$name" ] || wrong "$file belongs to no target" || return
	done
}

# How many calls of each sanitizer's functions are in the code.  The bounds are those of
# OSS-Fuzz's bad_build_check.  What AFL++ links into each target has 18 calls of ASan's
# functions of its own.
sanitizer_is_right() {
	local asan msan ubsan few=0
	[ "$3" != afl ] || few=40
	read -r asan msan ubsan < <(objdump -d --no-show-raw-insn "$out/$1" | awk '
		$2 == "call" && match($4, /^<__(asan|msan|ubsan)/) { n[substr($4, 4, RLENGTH - 3)]++ }
		END { print n["asan"] + 0, n["msan"] + 0, n["ubsan"] + 0 }')
	case $2 in
	address) [ "$asan" -ge 1000 ] && [ "$msan" -le 3 ] && [ "$ubsan" -le 200 ] ;;
	memory) [ "$asan" -le $few ] && [ "$msan" -ge 1000 ] && [ "$ubsan" -le 200 ] ;;
	undefined) [ "$asan" -le $few ] && [ "$msan" -le 3 ] && [ "$ubsan" -ge 168 ] ;;
	esac || wrong "calls: $asan of ASan, $msan of MSan, $ubsan of UBSan"
}

# in_bare COMMAND...: in an empty folder, with nothing in the environment but what the runner sets.
in_bare() {
	rm -rf "$work/bare"
	mkdir -p "$work/bare"
	(
		cd "$work/bare" &&
			timeout -k 5 600 env -i PATH=/usr/bin:/bin TMPDIR="$work/bare" HOME="$work/bare" \
				ASAN_OPTIONS="$ASAN_OPTIONS" MSAN_OPTIONS="$MSAN_OPTIONS" \
				UBSAN_OPTIONS="$UBSAN_OPTIONS" LLVM_PROFILE_FILE="${profile:-/dev/null}" "$@"
	)
}

starts_libfuzzer() {
	local edges
	in_bare "$out/$1" -seed=1337 -runs=4 >"$work/start" 2>&1 || { cat "$work/start" && return 1; }
	grep -q 'Done 4 runs' "$work/start" || { cat "$work/start" && return 1; }
	edges=$(sed -n 's/.*INFO: Loaded .*counters): *\([0-9]*\)\|.*INFO: Loaded .*(\([0-9]*\) inline.*/\1\2/p' "$work/start" | head -n 1)
	[ "${edges:-0}" -ge 100 ] || wrong "$edges edges are instrumented: fewer than 100"
}

starts_afl() {
	rm -rf "$work/afl"
	mkdir -p "$work/afl/in"
	echo input >"$work/afl/in/input"
	in_bare AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_FORKSRV_INIT_TMOUT=30000 \
		AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_IGNORE_PROBLEMS=1 \
		ASAN_OPTIONS="$ASAN_OPTIONS:abort_on_error=1:symbolize=0:detect_leaks=0" \
		MSAN_OPTIONS="exit_code=86:abort_on_error=1:symbolize=0" \
		afl-fuzz -V 2 -m none -t 5000+ -i "$work/afl/in" -o "$work/afl/out" -- "$out/$1" \
		>"$work/start" 2>&1 || { cat "$work/start" && return 1; }
	grep -q 'All set and ready to roll' "$work/start" || { cat "$work/start" && return 1; }
	! grep -Eq 'target binary \(?(crashed|terminated)' "$work/start" || { cat "$work/start" && return 1; }
	grep -Eq '^execs_done *: *[1-9]' "$work/afl/out/default/fuzzer_stats" || wrong 'no execution'
}

# Its library counts the edges.
starts_library() {
	local edges
	echo input >"$work/input"
	in_bare "$out/$1" "$work/input" >"$work/start" 2>&1 || { cat "$work/start" && return 1; }
	edges=$(sed -n 's/.* of \([0-9]*\) edges$/\1/p' "$work/start")
	[ "${edges:-0}" -ge 100 ] || wrong "$edges edges are instrumented: fewer than 100"
}
starts_honggfuzz() { starts_library "$1"; }
starts_centipede() { starts_library "$1"; }

seeds_of() {
	rm -rf "$work/seeds"
	mkdir -p "$work/seeds"
	unzip -q -o "$out/$1_seed_corpus.zip" -d "$work/seeds" || return
	[ -n "$(find "$work/seeds" -type f -print -quit)" ] || wrong "$1_seed_corpus.zip is empty"
}

# All seeds, with the target's options and dictionary as the runner gives them.
runs_seeds() {
	local -a options=()
	seeds_of "$1" || return
	case $2 in
	libfuzzer)
		mapfile -t options < <(options_of "$1")
		in_bare "$out/$1" -runs=0 -rss_limit_mb=2560 -timeout=25 "${options[@]}" "$work/seeds"
		;;
	*)
		find "$work/seeds" -type f -print0 |
			xargs -0 -n 2000 "$self" --bare "$out/$1"
		;;
	esac
}

# The [libfuzzer] part of its options, as arguments.
options_of() {
	[ ! -f "$out/$1.dict" ] || echo "-dict=$out/$1.dict"
	[ ! -f "$out/$1.options" ] || awk -F ' *= *' -v out="$out" '
		/^\[/ { on = $0 == "[libfuzzer]"; next }
		on && NF == 2 && $1 != "dict" { print "-" $1 "=" $2 }' "$out/$1.options"
}

# A dictionary that the options name is there; and no unknown part of theirs.
options_are_right() {
	local named
	[ -f "$out/$1.options" ] || return 0
	! grep -nEv '^($|#|\[(libfuzzer|asan|msan|ubsan|afl|env)\]$|[a-z_]+ *= *[^ ])' "$out/$1.options" || return
	named=$(sed -n 's/^dict *= *//p' "$out/$1.options")
	[ -z "$named" ] || [ -f "$out/$named" ] || wrong "$1.options names $named, which is not there"
}

# What a machine that fuzzes has: the C library, the compiler's, and nothing else.
links_little() {
	local more
	more=$(objdump -p "$out/$1" | awk '/NEEDED/ { print $2 }' |
		grep -Ev '^(lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+)\.so\.[0-9]+|ld-linux.*)$' || [ $? = 1 ])
	[ -z "$more" ] || wrong "it needs $more"
}

# A path that it could want to open: those for debuggers are not looked at, nor where the
# commands of an installed vringer find its scripts.
knows_no_tree() {
	objcopy --strip-debug "$out/$1" "$work/stripped" || return
	! grep -ao "$work/src[[:print:]]*" "$work/stripped" | grep -v '/share/vringer/' ||
		wrong "it has paths of the tree that it was built in"
}

# As OSS-Fuzz reports: what was built is copied to where it was, below $OUT, and gone from
# where it was.  Each file that the report names is there, and the lines of the target's own
# sources are in it with their counts.
coverage_is_right() {
	local profile=$work/cov.profraw missing own
	own=$tree/$(own_of "$1")
	local -a common=("-instr-profile=$work/cov.profdata" "-path-equivalence=/,$out")
	rm -f "$work"/cov.*
	seeds_of "$1" || return
	profile=$profile in_bare "$out/$1" -runs=0 "$work/seeds" >"$work/start" 2>&1 || { cat "$work/start" && return 1; }
	llvm-profdata merge -sparse -o "$work/cov.profdata" "$profile" || return
	llvm-cov export -summary-only "$out/$1" "${common[@]}" >"$work/cov.json" || return
	missing=$(jq -r '.data[0].files[].filename' "$work/cov.json" |
		while read -r file; do [ -f "$out$file" ] || echo "$file"; done)
	[ -z "$missing" ] || wrong "it names files that are not there: $missing" || return
	jq -e --arg own "$own" 'any(.data[0].files[];
		(.filename | startswith($own)) and .summary.lines.covered >= 20)' "$work/cov.json" >/dev/null ||
		wrong "no lines of $own are covered" || return
	llvm-cov show "$out/$1" "${common[@]}" >"$work/cov.lines" || return
	grep -q "^$own" "$work/cov.lines" || grep -q "^$out$own" "$work/cov.lines" ||
		wrong "the lines of $own are not shown"
}

# replayed TARGET: a program without an engine runs its seeds.
replayed() {
	seeds_of "$1" && find "$work/seeds" -type f -print0 | xargs -0 -n 2000 "$self" --bare "$out/$1"
}

# Apart, for xargs.
if [ -n "$bare" ]; then
	in_bare "$@" >/dev/null
	exit
fi

mkdir -p "$work"
for kind in "$@"; do
	sanitizer=${kind%/*} engine=${kind#*/}
	if [ -z "${flags[$sanitizer]+is}" ] || ! environment "$sanitizer" "$engine" | grep -q ^CC=; then
		echo "check.sh: $kind: no such build; expected SANITIZER/ENGINE" >&2
		exit 2
	fi
	out=$work/out-$project-$sanitizer-$engine tree=$work/src/$project
	result "$project, $kind: it builds" built "$sanitizer" "$engine"
	all=$(targets)
	result "$project, $kind: there are targets" test -n "$all"
	if [ "$sanitizer" = coverage ]; then
		mkdir -p "$out$work"
		mv "$work/src" "$out$work/"
		for target in $all; do
			result "$project, $kind: $target: the report finds the sources" coverage_is_right "$target"
		done
		rm -rf "$out"
		continue
	fi
	rm -rf "$work/src"
	result "$project, $kind: names of files" names_are_right
	for target in $all; do
		name="$project, $kind: $target"
		[ "$sanitizer" = none ] || result "$name: that sanitizer, no other" sanitizer_is_right "$target" "$sanitizer" "$engine"
		result "$name: options" options_are_right "$target"
		result "$name: libraries" links_little "$target"
		result "$name: no path of the tree" knows_no_tree "$target"
		[ "$engine" = standalone ] || result "$name: starts, is instrumented" "starts_$engine" "$target"
		result "$name: runs its seeds" runs_seeds "$target" "$engine"
	done
	rm -rf "$out"
done
rm -rf "$work"/{bare,seeds,said,start,input,stripped,afl,src} "$work"/cov.*
echo "1..$number"
[ "$failed" = 0 ]
