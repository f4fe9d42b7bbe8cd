#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The machinery behind `make bugs`, with programs that only pretend: what it
# refuses, what it builds again, what it makes of what they print.  At the end
# the real thing: a broken rule is no finding for a session with the ledger off.
# shellcheck disable=SC1091,SC2016,SC2154
set -u
. "${0%/*}/tap.sh"
here=$PWD

holds() {
	name=$1
	shift
	"$@"
	tap "$name" $?
}

# ---- what it refuses, before anything is built ------------------------------

check() {
	name=$1 pattern=$2
	shift 2
	refuses "$name" "^make bugs: $pattern" fuzzers/bugs.sh check "$@"
}
check 'unknown bug' 'there is no fuzzers/bugs/c.patch' libfuzzer 60 10 2 all 'a c' 'a b'
check 'unknown column' "COLUMNS=seeds,dice: there is no 'dice'" libfuzzer 60 10 2 seeds,dice a 'a b'
check 'no column' 'COLUMNS is empty' libfuzzer 60 10 2 '' a 'a b'
check 'unknown engine' 'ENGINE=steam is unknown' steam 60 10 2 all a 'a b'
for bad in 0 -1 1s '' 1.5; do
	check "SECONDS=$bad" "SECONDS=$bad is not" libfuzzer "$bad" 10 2 all a a
	check "CRASH_SECONDS=$bad" "CRASH_SECONDS=$bad is not" libfuzzer 60 "$bad" 2 all a a
	check "JOBS=$bad" "JOBS=$bad is not" libfuzzer 60 10 "$bad" all a a
done
refuses 'RUNS=0' '^make bugs: RUNS=0 is not' env RUNS=0 fuzzers/bugs.sh check libfuzzer 60 10 2 all a a
gives 0 'what there is' fuzzers/bugs.sh check afl 1 1 1 'scripts,crash' 'unpatched b' 'a b'
gives 0 'flavours of all' fuzzers/bugs.sh flavours libfuzzer all
holds 'scripts and fuzzing need two builds' [ "$(tr '\n' ' ' <"$out")" = 'gcc fuzz ' ]
run fuzzers/bugs.sh flavours afl crash-nothing
holds 'AFL++ alone needs one' [ "$(cat "$out")" = afl ]
run fuzzers/bugs.sh flavours libfuzzer scripts,corpus
holds 'scripts need no fuzzer' [ "$(cat "$out")" = gcc ]

# ---- a tree of its own ------------------------------------------------------

mkdir -p "$work/tree/fuzzers/bugs" "$work/tree/conformance" "$work/tree/build/obj/gcc"
ln -s "$here"/fuzzers/*.sh "$here"/fuzzers/*.awk "$here"/fuzzers/fuzz_net_loopback.* "$work/tree/fuzzers"
cd "$work/tree" || exit
mkdir devices build/bugs
printf 'one\ntwo\nthree\n' >devices/a.c
echo 'two' >devices/a.h
echo '# a script' >conformance/a.vr

# patch NAME FILE [HEADER]
patch_file() {
	printf 'Bug: x\n%s\n--- a/%s\n+++ b/%s\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n' \
		"${3:-Script: conformance/a.vr}" "$2" "$2" >"fuzzers/bugs/$1.patch"
}
cat >cc <<'END'
#!/bin/sh
echo compile >>calls
while [ $# -gt 1 ]; do
	[ "$1" != -o ] || cat "$3" "$4" "$5" >"$2" 2>/dev/null
	shift
done
exit 0
END
cat >ld <<'END'
#!/bin/sh
echo '#!/bin/sh' >"$2" && chmod +x "$2"
END
chmod +x cc ld
export COMPILE="$PWD/cc" LINK="$PWD/ld"

compiled() {
	grep -c compile calls
}
patch_file one devices/a.c
gives 0 'build' fuzzers/bugs.sh build gcc one
holds 'it is built' [ -x build/bugs/one/vringer ]
fuzzers/bugs.sh build gcc one
holds 'what has not changed is not compiled again' [ "$(compiled)" = 1 ]
echo 'four' >>devices/a.h
fuzzers/bugs.sh build gcc one
holds 'a header that changed: it is' [ "$(compiled)" = 2 ]
patch_file one devices/a.c 'Script: other'
fuzzers/bugs.sh build gcc one
holds 'a patch that changed: it is' [ "$(compiled)" = 3 ]
patch_file one devices/a.c
fuzzers/bugs.sh build gcc one

# A header that files share: each that includes it, and no other.
mkdir -p devices
printf 'one\ntwo\nthree\n' >devices/a_private.h
printf '#include "a_private.h"\n' >devices/b.c
printf '#include "a_private.h"\n' >devices/c.c
patch_file shared devices/a_private.h
before=$(compiled)
gives 0 'a patch of a private header' fuzzers/bugs.sh build gcc shared
holds 'what includes it is compiled' [ "$(compiled)" = $((before + 2)) ]
holds '... with it' grep -q '^2$' build/bugs/shared/gcc.obj/devices/a_private.h
holds '... and is built' [ -x build/bugs/shared/vringer ]
rm devices/b.c devices/c.c devices/a_private.h fuzzers/bugs/shared.patch

for file in devices/a.h devices/test/a.c harness/a.c harness/a_private.h; do
	patch_file bad "$file"
	gives 0 "a patch of $file is no error of the build" fuzzers/bugs.sh build gcc bad
	holds 'but there is no program' [ ! -e build/bugs/bad/vringer ]
	holds 'and no mark that it is built' [ ! -e build/bugs/bad/built-gcc ]
	holds 'and its log says why' grep -q "touches $file: only devices" build/bugs/bad/gcc.log
	run fuzzers/bugs_cell.sh judge bad gcc
	shows 'which is what is said of its script' 'does not apply or build: build/bugs/bad/gcc.log'
done
patch_file bad devices/a.c
sed -i 's/^-two/-zwei/' fuzzers/bugs/bad.patch
fuzzers/bugs.sh build gcc bad
holds 'a patch that does not apply makes no program' [ ! -e build/bugs/bad/vringer ]

# What was built once, and does not link any more.
holds 'what is built is marked' [ -e build/bugs/one/built-gcc ]
LINK=false fuzzers/bugs.sh build gcc one
holds 'what does not link is no longer marked' [ ! -e build/bugs/one/built-gcc ]
holds 'nor is the old program left' [ ! -e build/bugs/one/vringer ]
fuzzers/bugs.sh build gcc one
holds 'it is, once it does' [ -e build/bugs/one/built-gcc ]

# ---- what its script shows --------------------------------------------------

# program FILE STATUS LINE...: prints these, and how often it was run is known.
program() {
	file=$1 status=$2
	shift 2
	mkdir -p "${file%/*}"
	{
		echo '#!/bin/sh'
		echo "echo $file >>$PWD/runs"
		for line; do
			echo "echo '$line'"
		done
		echo "exit $status"
	} >"$file"
	chmod +x "$file"
	: >runs
}
ran() {
	grep -c "$1" runs
}
judge() {
	run fuzzers/bugs_cell.sh judge one gcc
	shows "$1" "$2"
}
judge_as_asked() {
	run fuzzers/bugs_cell.sh judge one
	shows "$1" "$2"
}
program build/obj/gcc/vringer 0 'ok 1 - conformance/a.vr'
program build/bugs/one/vringer 1 'not ok 1 - conformance/a.vr' '# finding: completion.len:send'
judge 'a red script catches it' '^caught$'
patch_file one devices/a.c "$(printf 'Rule: memory.write\nScript: conformance/a.vr')"
judge 'another rule than it says does not' 'does not name memory.write'
patch_file one devices/a.c 'Rule: completion.len'
judge 'no script' 'names no Script:'
patch_file one devices/a.c
program build/bugs/one/vringer 0
judge 'a green script does not' 'exits 0 with the bug'
program build/bugs/one/vringer 2
judge 'a script that cannot be run does not' 'exits 2 with the bug'
program build/obj/gcc/vringer 1
judge 'a script that is red without the bug does not' 'exits 1 without the bug'
program build/obj/gcc/vringer 0
mkdir -p build/obj/release
program build/obj/release/vringer 0
program build/bugs/one/vringer 0
judge_as_asked 'a build that its header does not ask for is not there' 'does not apply or build'
program build/bugs/one/release 1
judge_as_asked 'without sanitizers, by itself' '^caught$'
patch_file one devices/a.c "$(printf 'Build: gcc\nScript: conformance/a.vr')"
judge_as_asked 'with them where its header says so' 'exits 0 with the bug'
patch_file one devices/a.c

# ---- places of the table ----------------------------------------------------

export ENGINE=libfuzzer BOUND=5 CRASH_BOUND=3 PLACES=1
tab=$(printf '\t')
measure() {
	run fuzzers/bugs_cell.sh measure one "$1" net-loopback
}
# place NAME FILE LINE: what is kept
place() {
	[ "$(tail -n 1 "build/bugs/one/results/$2")" = "$(echo "$3" | tr ' ' '\t')" ]
	tap "$1" $?
}
program build/bugs/one/vringer 1 'ok 1 - a' 'not ok 2 - b' '# b.vr:3: completion.len:send' \
	'# finding: completion.len:send' 'not ok 3 - c' '# c.vr:3: the index is 2, expected 1' \
	'not ok 4 - d' '# finding: completion.len:settle'
measure scripts
place 'scripts: how many, and by what' scripts "3 4 - - completion.len  -"
shows 'progress says so' '1/1  one, scripts: found by 3 of 4, completion.len$'
holds 'it was run for the column and for the verdict' [ "$(ran one/vringer)" = 2 ]
measure scripts
holds 'what was measured is not measured again' [ "$(ran one/vringer)" = 2 ]
echo >>conformance/a.vr
measure scripts
holds 'unless a script changed' [ "$(ran one/vringer)" = 4 ]
program build/bugs/one/vringer 0 'ok 1 - a'
measure crash-scripts
place 'with the ledger off nothing is found' crash-scripts '0 1 - - -  -'
program build/bugs/one/vringer 2
measure scripts
shows 'vringer that cannot run is told' 'exits 2 with the bug'

program build/bugs/one/fuzz 0 'stat::number_of_executed_units: 900'
measure nothing
place 'two runs that find nothing settle it' nothing-libfuzzer '0 2 - - -  -'
holds 'there is no third' [ "$(ran one/fuzz)" = 2 ]
RUNS=1 measure nothing
place 'where one is to settle it, one does' nothing-libfuzzer '0 1 - - -  -'
program build/bugs/one/fuzz 77 'finding: order.entry:send' 'stat::number_of_executed_units: 42'
measure nothing
shows 'three that do, too' 'one, nothing: found by 3 of 3, order.entry$'
holds 'the median is theirs' grep -q "^3${tab}3${tab}42${tab}0\\.[0-9]${tab}order.entry${tab}" \
	build/bugs/one/results/nothing-libfuzzer
# shellcheck disable=SC2016  # the program's own
program build/bugs/one/fuzz 77 'stat::number_of_executed_units: 1' \
	'SUMMARY: AddressSanitizer: heap-use-after-free (x+1)'
sed -i '/stat/d; /exit/i n=${1#-seed=}\necho "stat::number_of_executed_units: ${n}00"\n[ $n != 2 ] || exit 0' \
	build/bugs/one/fuzz
measure nothing
holds 'one that does not is the last of three' \
	grep -q "^2${tab}3${tab}300${tab}.*${tab}asan:heap-use-after-free${tab}" \
	build/bugs/one/results/nothing-libfuzzer
program build/bugs/one/fuzz 77 'a.c:1:2: runtime error: index 12 out of bounds for type' \
	'SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior' 'stat::number_of_executed_units: 1'
sed -i "2a env | grep -o 'VRINGER_LEDGER=.*' >>$PWD/runs" build/bugs/one/fuzz
measure crash-nothing
shows 'undefined behaviour has a name' 'ubsan:index-out'
holds 'the ledger is off' grep -q 'VRINGER_LEDGER=off' runs
rm build/bugs/one/fuzz
measure nothing
shows 'no program, no result' 'one, nothing: found by 0 of 0; does not apply or build: build/bugs/one/fuzz.log'

# ---- the table --------------------------------------------------------------

table() {
	name=$1 status=$2
	shift 2
	printf '%s\n' "$@" | tr ' ' '\t' >rows
	gives "$status" "$name" awk -v seconds=60 -f fuzzers/bugs_table.awk rows
}
good='a scripts 2 9 - - script '
clean='unpatched-net-loopback scripts 0 9 - - - '
table 'all is caught' 0 "$clean" "$good" 'a nothing 3 3 120 0.4 order.entry '
shows 'a row' '^a  *2 of 9  *120 in 0.4 s  *order.entry$'
shows 'sums' '^1 bugs; caught in scripts 1, nothing 1$'
shows 'nothing is left' '^not found from nothing in 60 s: none$'
table 'what fuzzing alone misses is told' 0 "$clean" "$good" 'a nothing 1 3 - - order.entry '
shows 'by name' '^not found from nothing in 60 s: a$'
shows 'with what did find it' '^a .* 1 of 3 runs'
table 'what scripts and corpus miss fails' 1 "$clean" 'a scripts 0 9 - - - ' 'a corpus 0 9 - - - '
shows 'by name, too' '^missed by scripts and corpus: a$'
table 'what is found in the tree as it is fails' 1 'unpatched-net-loopback scripts 1 9 - - script ' "$good"

# ---- how soon ----------------------------------------------------------------

# bug NAME COLUMN MS: found then; `-`: not.
bug() {
	[ "$3" = - ] && echo "$1 $2 0 1 - - -  -" || echo "$1 $2 1 1 100 0.2 order.entry  $3"
}
soon() {
	name=$1
	shift
	printf '%s\n' "$@" | tr ' ' '\t' >rows
	gives 0 "$name" awk -f fuzzers/bugs_time.awk rows
}
soon 'times of ten bugs' "$(bug a nothing 30)" "$(bug b nothing 9.6)" "$(bug c nothing 1000)" \
	"$(bug d nothing 1001)" "$(bug e nothing 20)" "$(bug f nothing -)" "$(bug g nothing 10001)" \
	"$(bug h nothing 700)" "$(bug i nothing 60001)" "$(bug j nothing 90)" "$(bug a crash-nothing 5)" \
	"$(bug b crash-nothing -)" "$clean" 'a scripts 2 9 - - script  -'
shows 'the fifth and the ninth, and who is in time' \
	'^\| `nothing` \| 10 \| 9 \| 700 \| 60001 \| 60 % \| 70 % \| 80 % \|$'
shows 'a column of its own' '^\| `crash-nothing` \| 2 \| 1 \| 5 \| - \| 50 % \| 50 % \| 50 % \|$'
shows 'what is left' '^Not found, `nothing`: f$'
holds 'no other column' [ "$(grep -c '^| `' "$out")" = 2 ]
soon 'seconds stand for what was not measured' 'a nothing 1 1 100 0.2 order.entry  -'
shows '... in ms' '^\| `nothing` \| 1 \| 1 \| 200 \| 200 \| 100 %'
soon 'without fuzzing' "$good"
holds 'nothing is said' [ ! -s "$out" ]

# ---- the ledger off, for real -----------------------------------------------

cd "$here" || exit
# A session of a device that returns chains with the wrong length.
gcc -fsanitize=address,undefined -o "$work/session" "$BUILD"/bugs/rule-completion-len/gcc.obj/*.o \
	"$BUILD"/obj/gcc/fuzzers/fuzz_net_loopback.o "$BUILD"/obj/gcc/fuzzers/engine.o \
	"$BUILD"/obj/gcc/fuzzers/session.o "$BUILD"/obj/gcc/fuzzers/feedback.o \
	"$BUILD"/obj/gcc/fuzzers/meter.o \
	"$BUILD"/obj/gcc/fuzzers/standalone_main.o \
	"$BUILD"/obj/gcc/libvringer.a >"$out" 2>"$err"
tap 'a session with a bug links' $?
"$VRINGER" encode --body -o "$work/input" conformance/net/rx-frame-too-large.vr
gives 0 'nothing is judged with VRINGER_LEDGER=off' \
	env VRINGER_LEDGER=off "$work/session" "$work/input" "$work/input"
run "$work/session" "$work/input" "$work/input"
holds 'the same breaks a rule with it' grep -q 'finding: [a-z]*\.[a-z]' "$err"

tap_end
