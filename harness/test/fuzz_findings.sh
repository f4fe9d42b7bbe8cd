#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make fuzz` does with findings: a planted bug that every frame sets off is
# gone past, told once for each signature, and told when Ctrl-C comes as well.
# In a tree of its own, with libFuzzer.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

bug=$PWD/build/bugs/rule-fetch-walk
mkdir -p "$work/tree/build/fuzz" "$work/tree/build/seeds/net_loopback"
cp -R fuzzers "$work/tree/"
cd "$work/tree" || exit
ln -s "$bug/fuzz" build/fuzz/fuzz_net_loopback
ln -s "$bug/vringer" build/vringer
# As many of each signature as a run keeps, so that it is past them without luck.
for count in 3 4 5; do
	printf 'device net-loopback\nstart driver_ok\nsend 1 b%d\n' "$count" >"send$count.vr"
	printf 'device net-loopback\nstart driver_ok\noffer 1 b%d\nnotify 1\n' "$count" >"notify$count.vr"
done
build/vringer encode --body -o build/seeds/net_loopback send?.vr notify?.vr
findings=build/findings/net_loopback logs=build/fuzz-logs/net_loopback

# Nothing here takes so many seconds, unless this test itself hangs: a run is ended once
# it shows what is waited for.
forever=3000

# begins ENGINE JOBS: such a run.
begins() {
	rm -rf build/fuzz-logs build/afl-logs build/afl-out
	begin fuzzers/fuzz.sh run "$1" "$forever" "$2" net_loopback
}

# What a run comes to.
has_found() {
	case $1 in
	afl) find build/afl-out -path '*/crashes/id*' | grep -q . ;;
	*) cat "$logs"/*.log | grep -q '^== finding: fetch.walk' ;;
	esac 2>/dev/null
}

is_past_them() {
	grep -q '^#[0-9]*	INITED' "$logs/0.log" &&
		grep -q '^fetch.walk:send ' "$logs/known" && grep -q '^fetch.walk:notify ' "$logs/known"
} 2>/dev/null

has_met_what_is_known() {
	[ -s "$logs/known-met" ]
}

begins libfuzzer 2
until_true is_past_them
ended INT "-$pid"
[ "$rc" = 1 ]
tap 'a run that finds something: exit 1' $?
shows 'it goes on past it' '^#[0-9]+	INITED'
shows 'and counts signatures' '^== net_loopback: [0-9]+ executions, .* [1-9][0-9]* findings$'
for verb in send notify; do
	shows "one line: $verb" \
		"^fetch.walk:$verb  # fetch.walk \(model, policy\), [0-9]+ files?, shrunk to [0-9]+ operations: build/vringer replay -v $findings/fetch.walk-$verb.vr\$"
	[ "$(grep -c "^fetch.walk:$verb " "$out")" = 1 ]
	tap "and no other: $verb" $?
done
sh -c "$(sed -n 's/^fetch.walk:send .*: //p' "$out")" | grep -q '^finding: fetch.walk:send$'
tap 'the command of the line replays it' $?
[ "$(sort "$logs/signatures" | uniq -c | sort -n | awk 'END { print $1 }')" -le 12 ]
tap 'what was found often enough is gone past' $?
[ "$(find "$findings" -name '*-*' ! -name '*.vr' -size +0 | wc -l)" -le 40 ]
tap 'and does not fill the disk' $?
[ "$(cd build/seeds/net_loopback && echo *)" = 'notify3 notify4 notify5 send3 send4 send5' ]
tap 'seeds that fail stay where they are' $?

echo 'fetch.walk:* # read twice' >known
KNOWN=known
export KNOWN
begins libfuzzer 1
until_true has_met_what_is_known
ended INT "-$pid"
shows 'what is known is named' '^# known: fetch.walk:[a-z]+  # read twice$'
grep -q '^fetch.walk:' "$out" && result=1 || result=0
tap 'and is no finding' "$result"
echo 'fetch.walk:send' >known
refuses 'a list that is wrong' '^known:1:16: the line ends here, expected' \
	fuzzers/fuzz.sh run libfuzzer 3 1 net_loopback
unset KNOWN

# left NAME: is a process of the group left?
left() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v p="$pid" '$5 == p && $3 != "Z"' >"$err"
	[ ! -s "$err" ]
	tap "$1: no process is left" $?
}

# ends NAME ENGINE SIGNAL WHOM: a long run that is ended once it has found something.
ends() {
	name=$1
	begins "$2" 2
	until_true has_found "$2"
	[ "$4" = all ] && whom=-$pid || whom=$pid
	ended "$3" "$whom"
	[ "$rc" = 1 ]
	tap "$name: exit 1" $?
	shows "$name: there is a summary" '^== net_loopback: [0-9]+ executions, .* [1-9][0-9]* findings$'
	shows "$name: findings are told" "^fetch.walk:[a-z]+  # .* build/vringer replay -v $findings/fetch.walk-"
	left "$name"
}

ends 'Ctrl-C' libfuzzer INT all
ends 'SIGTERM' libfuzzer TERM one
ends 'SIGHUP' libfuzzer HUP one
ends 'a terminal that closes' libfuzzer HUP all

# What only looks like AFL++: it finds its input a crash, and goes on.
rm -rf build/fuzz-corpus
mkdir bin build/afl
ln -s "$bug/vringer" build/afl/fuzz_net_loopback
cat >bin/afl-fuzz <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	-i) in=$2 ;;
	-o) out=$2 ;;
	-S | -M) name=$2 ;;
	esac
	shift
done
mkdir -p "$out/$name/crashes"
printf 'execs_done : 7\nstability : 100%%\n' >"$out/$name/fuzzer_stats"
for file in "$in"/*; do
	cp "$file" "$out/$name/crashes/id:$(basename "$file")"
done
exec sleep 3000
END
chmod +x bin/afl-fuzz
PATH=$PWD/bin:$PATH
ends 'AFL++, Ctrl-C' afl INT all
ends 'AFL++, SIGTERM' afl TERM one
ends 'AFL++, SIGHUP' afl HUP one

# Two runs of one target would share their logs: the second waits.
fuzzers/fuzz.sh run libfuzzer "$forever" 1 net_loopback >first 2>&1 &
first=$!
until_true grep -q '^== finding' first
fuzzers/fuzz.sh run libfuzzer "$forever" 1 net_loopback >"$out" 2>"$err" &
pid=$!
until_true grep -q '^== net_loopback: waiting' "$out"
kill -s TERM "$first"
wait "$first"
until_true grep -q '^== finding' "$out"
ended TERM "$pid"
[ "$rc" = 1 ]
tap 'a second run: exit 1' $?
shows 'it waits for the first, and says so' '^== net_loopback: waiting for another run of it in this tree$'
shows 'and has a result' '^== net_loopback: [1-9][0-9]* executions'
grep -q '^== net_loopback: [1-9][0-9]* executions' first
tap 'as the first has' $?

tap_end
