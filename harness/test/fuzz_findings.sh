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
refuses 'a list that is wrong' '^known:1:16: the line ends, expected' \
	fuzzers/fuzz.sh run libfuzzer 3 1 net_loopback
unset KNOWN

# A process group of its own, as of a terminal.
setsid env --default-signal=INT fuzzers/fuzz.sh run libfuzzer 300 2 net_loopback >"$out" 2>"$err" &
pid=$!
waited=0
until grep -q '^== finding: fetch.walk' "$out" || [ "$waited" = 60 ]; do
	sleep 1
	waited=$((waited + 1))
done
kill -s INT -- "-$pid"
wait "$pid"
[ $? = 1 ]
tap 'Ctrl-C: exit 1' $?
shows 'Ctrl-C: findings are told' "^fetch.walk:[a-z]+  # .* build/vringer replay -v $findings/fetch.walk-"
cat /proc/[0-9]*/stat 2>/dev/null | awk -v p="$pid" '$5 == p && $3 != "Z"' >"$err"
[ ! -s "$err" ]
tap 'Ctrl-C: no process is left' $?

# Others send these to the script alone.
for signal in TERM HUP; do
	rm -rf "$findings" "$logs"
	setsid env --default-signal=INT fuzzers/fuzz.sh run libfuzzer 300 2 net_loopback >"$out" 2>"$err" &
	pid=$!
	waited=0
	until grep -q '^== finding: fetch.walk' "$out" || [ "$waited" = 60 ]; do
		sleep 1
		waited=$((waited + 1))
	done
	kill -s $signal "$pid"
	(sleep 100 && kill -KILL -- "-$pid") 2>/dev/null &
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
