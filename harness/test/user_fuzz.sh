#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# user_fuzz.sh: a user's own program fuzzes as `make fuzz` does: past findings, from the
# user's scripts too, with a line for each at the end, until it is stopped, with either
# engine; what it cannot do it says in a line.
# A rule's finding is the last that an engine's output shows.  Built against
# build/installed.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
export PKG_CONFIG_PATH
source=$PWD/harness/test/foreign/plain.c
cflags=$(pkg-config --cflags vringer)
libs=$(pkg-config --libs vringer)
unset ASAN_OPTIONS UBSAN_OPTIONS KNOWN

# links COMPILER OUTPUT FLAGS FILE.  Flags are split into words on purpose.
# shellcheck disable=SC2086
links() {
	gives 0 "$2 builds" "$1" -std=gnu11 -g -O1 $3 $cflags "$4" -o "$work/my own/$2" $libs
}

mkdir "$work/my own"
links gcc mine -fsanitize=address,undefined "$source"
cd "$work/my own"

# Without an engine.
refuses 'without an engine' \
	'^./mine fuzz: ./fuzz-mine: No such file or directory; link .* -fsanitize=fuzzer.* -o ./fuzz-mine ' \
	./mine fuzz -t plain-well
refuses '... that is named' '^./mine fuzz: other: No such file' ./mine fuzz -t plain-well --engine other
refuses 'an engine that is none' '^./mine fuzz: ./mine is not linked with libFuzzer' \
	./mine fuzz -t plain-well --engine ./mine
links clang fuzz-mine -fsanitize=address,undefined,fuzzer "$source"
refuses 'several targets' '^./mine fuzz: several targets are registered' ./mine fuzz 5
refuses 'no time' "^./mine fuzz: '00': expected a number of seconds$" ./mine fuzz -t plain-well 00
refuses 'no processes' "'0': expected a number of processes" ./mine fuzz -t plain-well 5 0
refuses 'a folder with a blank' "'a b' has a blank" ./mine fuzz -t plain-well -o 'a b' 5
refuses 'a script that is not there' 'none.vr: No such file' ./mine fuzz -t plain-well 5 none.vr

# begins TARGET OPTION...: it fuzzes for as long as it takes, which is told on the way.
begins() {
	begin env VRINGER_STATUS=1 ./mine fuzz -t "$@"
}

# has_crash FOLDER: AFL++ has kept one there.
has_crash() {
	[ -n "$(find "$1" -path '*/crashes/id*' 2>/dev/null)" ]
}

# What is sound stays silent.
gives 0 'nothing is found' ./mine fuzz -t plain-well 1
shows '... and said so' '^== plain-well: [1-9][0-9]* executions, .* 0 findings$'
[ -n "$(ls fuzzing/plain-well/corpus)" ] && result=0 || result=1
tap '... a corpus is grown' "$result"

# The user's own scripts are seeds: this one shows the finding at once.
mkdir scripts
cat >scripts/'stray byte.vr' <<'S'
device plain-stray
start driver_ok
buffer b2 at=b2 len=13
send 0 b2:w
S
begins plain-stray 0 2
until_true grep -qs '^== finding: memory\.' fuzzing/plain-stray/logs/0.log fuzzing/plain-stray/logs/1.log || :
ended INT "-$pid"
[ "$rc" = 1 ] && result=0 || result=1
tap 'something is found: exit 1' "$result"
# By whichever of the two: the first one's words are shown.
cat fuzzing/plain-stray/logs/*.log | grep -q '^== finding: memory\.' && result=0 || result=1
tap '... and gone past' "$result"
shows '... and told of in a page' '^   page: fuzzing/plain-stray/campaign/index.html$'
xmllint --noout fuzzing/plain-stray/campaign/index.html 2>"$err" &&
	grep -q '<dt>Rule</dt><dd>memory\.[a-z]* (must, dev\.' fuzzing/plain-stray/campaign/index.html &&
	grep -q 'VIRTIO 1.4, section 2' fuzzing/plain-stray/campaign/index.html && result=0 || result=1
tap '... which has it with its clause' "$result"
shows '... and counted' '^== plain-stray: [1-9][0-9]* executions, .* [1-9] findings$'
line='memory.[a-z]+:send  # memory.[a-z]+ \(must, .*\), [0-9]+ files?, shrunk to [0-9]+ operations: \./fuzz-mine replay -v '
shows '... with a line for each' "^$line"
[ -f 'fuzzing/plain-stray/given/scripts-stray byte' ] && result=0 || result=1
tap '... from scripts of the folder' "$result"
next=$(sed -n 's/^memory.*operations: //p' "$out" | head -n 1)
run sh -c "$next"
shows '... which can be replayed' '^finding: memory\.'
gives 1 'scripts that are given' ./mine fuzz -t plain-stray -o elsewhere 1 1 scripts
[ -f 'elsewhere/given/scripts-stray byte' ] && result=0 || result=1
tap '... are seeds, and the folder is another' "$result"
echo 'device plain-stray
nonsense' >scripts/wrong.vr
run ./mine fuzz -t plain-stray 2
[ "$rc" = 2 ] && grep -q 'wrong.vr:2:1: ' "$err" && result=0 || result=1
tap 'a wrong script is told with its place' "$result"
rm scripts/wrong.vr
printf 'memory.write:*  # as it is\nmemory.ring:*  # as it is\n' >known
gives 0 'known findings are none' ./mine fuzz -t plain-stray --known known 1
shows '... and named' '^# known: memory\.'

is_free() {
	[ ! -f "$1" ] || flock -n "$1" true
}

begins plain-well -o long 0 2
until_within 600 grep -q '^plain-well, [0-9]* s: [0-9]* exec/s, ' "$out" || :
ended INT "-$pid"
[ "$rc" = 0 ] && result=0 || result=1
tap 'no seconds: until it is stopped, exit 0' "$result"
shows '... as it says' '^== plain-well until it is stopped: corpus long/corpus, findings long/findings'
shows '... with its status' '^plain-well, [0-9]+ s: [0-9]+ exec/s, [0-9]+ edges, [0-9]+ in corpus, 0 findings, last new '
run env VRINGER_DISK_KIB=1000000000000 ./mine fuzz -t plain-well -o long 0 2
[ "$rc" = 2 ] && result=0 || result=1
tap 'a full disk: exit 2' "$result"
shows '... and a line' '^== plain-well: less than [0-9]+ MiB are free on the disk of long/corpus: it ends here$'

# Killed with a finding that it had not told of.
begins plain-stray -o long 0 1
until_within 600 test -d long/logs/new-0 || :
./mine encode --body -t plain-stray scripts/*.vr -o long/logs/new-0/crash-0123 2>"$err"
ended KILL "-$pid"
until_within 600 is_free long/logs.lock || :
printf 'memory.write:*  # as it is\nmemory.ring:*  # as it is\n' >known
gives 0 'the run after one that was killed' ./mine fuzz -t plain-stray -o long --known known 1
[ -f long/findings/crash-0123 ] && result=0 || result=1
tap '... keeps what that one had found' "$result"
shows '... and tells of it' '^# known: memory\.'

# AFL++, on the same corpus.
links afl-clang-fast afl-mine -fsanitize=address,undefined "$source"
links afl-clang-fast afl-mine-plain '' "$source"
export AFL_QUIET=1
begins plain-stray --engine ./afl-mine 0 2
until_true has_crash fuzzing/plain-stray/afl/out || :
# The second process begins later, and says what it is when it has begun.
until_within 600 test -s fuzzing/plain-stray/afl/out/s1/fuzzer_stats || :
ended INT "-$pid"
[ "$rc" = 1 ] && result=0 || result=1
tap 'AFL++: something is found: exit 1' "$result"
shows '... with a line for each' '^memory.[a-z]+:send  # .*, shrunk to [0-9]+ operations: \./afl-mine replay -v '
grep -q -- '-- ./afl-mine-plain$' fuzzing/plain-stray/afl/out/s1/fuzzer_stats && result=0 || result=1
tap '... the second process has no sanitizers' "$result"
grep -q 'Custom mutator .*vringer_mutator.so' fuzzing/plain-stray/afl/logs/0.log && result=0 || result=1
tap "... and mutates by vringer's mutator" "$result"
begins plain-well --engine ./afl-mine -o long 0 1
until_within 600 grep -q '^plain-well, ' "$out" || :
ended TERM "$pid"
[ "$rc" = 0 ] && result=0 || result=1
tap 'AFL++: no seconds: until it is stopped, exit 0' "$result"
[ -n "$(ls long/corpus)" ] && result=0 || result=1
tap '... and grows the corpus' "$result"

begins plain-well --engine ./afl-mine -o long 0 1
until_within 600 grep -q '^plain-well, ' "$out" || :
ended KILL "-$pid"
until_within 60 is_free long/afl/logs.lock && result=0 || result=1
tap 'AFL++: killed, it leaves no process that a next run would wait for' "$result"

# The last that a person sees is the finding.
./mine encode --body -t plain-stray scripts/*.vr -o stray.bin 2>"$err" >"$out"
mkdir seeds
cp stray.bin seeds/
run env VRINGER_TARGET=plain-stray ./fuzz-mine -runs=1 -artifact_prefix=./ seeds
[ "$rc" != 0 ] && tail -n 6 "$err" >"$out" && result=0 || result=1
tap 'an engine ends at a finding' "$result"
shows '... whose rule and clause are in its last lines' '^  rule: memory.write \(must, dev\.'
shows '... and the next command' '^next: ./fuzz-mine replay -v -t plain-stray FILE'
grep -q 'Test unit written to ./crash-' "$err" && ls crash-* >"$out" 2>>"$err" && result=0 || result=1
tap '... and the input is kept' "$result"
grep -q 'in vringer_rule_MEMORY_WRITE' "$err" && result=0 || result=1
tap '... and the stack names the rule, for those who sort by it' "$result"

# What this build does not show the engine's may.
cat >well.vr <<'S'
device plain-well
start driver_ok
S
./mine encode well.vr -o crash-well >"$out" 2>"$err"
gives 0 'a crash file without a finding' ./mine replay crash-well
shows '... names the program of the engine' \
	'^note: .* run the engine.s program: ./fuzz-mine crash-well$'

# A program that registers nothing.
echo 'int nothing;' >none.c
line='^vringer: no device is registered, expected VRINGER_TARGETS'
links gcc none '' none.c
refuses 'no VRINGER_TARGETS: run' "$line" ./none run
links clang fuzz-none -fsanitize=fuzzer none.c
run ./fuzz-none -runs=1
[ "$rc" = 2 ] && [ "$(grep -vc ^INFO "$err")" = 1 ] && grep -qE "$line" "$err" && result=0 || result=1
tap 'no VRINGER_TARGETS: an engine' "$result"
refuses 'no VRINGER_TARGETS: fuzz' "$line" ./none fuzz
tap_end
