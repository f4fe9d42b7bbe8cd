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
printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >send.vr
printf 'device net-loopback\nstart driver_ok\noffer 1 b3\nnotify 1\n' >notify.vr
build/vringer encode --body -o build/seeds/net_loopback send.vr notify.vr
findings=build/findings/net_loopback logs=build/fuzz-logs/net_loopback

gives 1 'a run that finds something' fuzzers/fuzz.sh run libfuzzer 30 2 net_loopback
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
[ "$(ls build/seeds/net_loopback)" = "$(printf 'notify\nsend')" ]
tap 'seeds that fail stay where they are' $?

echo 'fetch.walk:* # read twice' >known
KNOWN=known
export KNOWN
run fuzzers/fuzz.sh run libfuzzer 3 1 net_loopback
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

# until_there FILE PATTERN: wait until it has such a line, four minutes at most.
until_there() {
	waited=0
	until grep -q "$2" "$1" || [ "$waited" = 480 ]; do
		sleep 0.5
		waited=$((waited + 1))
	done
}

# ends NAME ENGINE UNTIL SIGNAL WHOM: a long run that is ended once it shows a line
# like UNTIL; in a process group of its own, as of a terminal.
ends() {
	name=$1
	setsid env --default-signal=INT fuzzers/fuzz.sh run "$2" 300 2 net_loopback >"$out" 2>"$err" &
	pid=$!
	until_there "$out" "$3"
	begun=$(date +%s)
	[ "$5" = all ] && whom=-$pid || whom=$pid
	kill -s "$4" -- "$whom"
	wait "$pid"
	[ $? = 1 ] && [ "$(($(date +%s) - begun))" -lt 150 ]
	tap "$name: exit 1" $?
	shows "$name: there is a summary" '^== net_loopback: [0-9]+ executions, .* [1-9][0-9]* findings$'
	shows "$name: findings are told" "^fetch.walk:[a-z]+  # .* build/vringer replay -v $findings/fetch.walk-"
	left "$name"
}

ends 'Ctrl-C' libfuzzer '^== finding: fetch.walk' INT all
ends 'SIGTERM' libfuzzer '^== finding: fetch.walk' TERM one
ends 'SIGHUP' libfuzzer '^== finding: fetch.walk' HUP one
ends 'a terminal that closes' libfuzzer '^== finding: fetch.walk' HUP all

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
exec sleep 300
END
chmod +x bin/afl-fuzz
PATH=$PWD/bin:$PATH
ends 'AFL++, Ctrl-C' afl '[1-9] crashes' INT all
ends 'AFL++, SIGTERM' afl '[1-9] crashes' TERM one
ends 'AFL++, SIGHUP' afl '[1-9] crashes' HUP one

# Two runs of one target would share their logs: the second waits.
fuzzers/fuzz.sh run libfuzzer 300 1 net_loopback >first 2>&1 &
first=$!
until_there first '^== finding'
fuzzers/fuzz.sh run libfuzzer 2 1 net_loopback >"$out" 2>"$err" &
second=$!
until_there "$out" '^== net_loopback: waiting'
kill -s TERM "$first"
wait "$second"
[ $? = 1 ]
tap 'a second run: exit 1' $?
wait "$first"
shows 'it waits for the first, and says so' '^== net_loopback: waiting for another run of it in this tree$'
shows 'and has a result' '^== net_loopback: [1-9][0-9]* executions'
grep -q '^== net_loopback: [1-9][0-9]* executions' first
tap 'as the first has' $?

# Others send these to the script alone.
for signal in TERM HUP; do
	rm -rf "$findings" "$logs"
	setsid env --default-signal=INT fuzzers/fuzz.sh run libfuzzer 300 2 net_loopback >"$out" 2>"$err" &
	pid=$!
	until_there "$out" '^== finding: fetch.walk'
	kill -s $signal "$pid"
	(sleep 240 && kill -KILL -- "-$pid") 2>/dev/null &
	killer=$!
	wait "$pid"
	[ $? = 1 ]
	tap "SIG$signal: exit 1" $?
	kill "$killer" 2>/dev/null
	shows "SIG$signal: the summary is there" '^== net_loopback: [0-9]+ executions, .* [1-9][0-9]* findings$'
	shows "SIG$signal: findings are told" "^fetch.walk:[a-z]+  # .* build/vringer replay -v $findings/fetch.walk-"
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v p="$pid" '$5 == p && $3 != "Z"' >"$err"
	[ ! -s "$err" ]
	tap "SIG$signal: no process is left" $?
done

tap_end
