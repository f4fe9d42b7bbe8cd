#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make fuzz` does when it goes on for long: until it is stopped, with a corpus that
# is minimised, past a disk that fills up and being killed, with nothing lost that was found.
# In a tree of its own, with libFuzzer, and with what looks like AFL++.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

bug=$PWD/build/bugs/rule-fetch-walk well=$PWD/build/fuzz/fuzz_net_loopback
mkdir -p "$work/tree/build/fuzz" "$work/tree/build/seeds/net_loopback"
cp -R fuzzers "$work/tree/"
cd "$work/tree" || exit
ln -s "$well" build/fuzz/fuzz_net_loopback
ln -s "$bug/vringer" build/vringer
printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >send.vr
build/vringer encode --body -o build/seeds/net_loopback/send send.vr
corpus=build/fuzz-corpus/net_loopback findings=build/findings/net_loopback
logs=build/fuzz-logs/net_loopback
export VRINGER_STATUS=1

# begins ENGINE JOBS: a run without an end.
begins() {
	begin fuzzers/fuzz.sh run "$1" 0 "$2" net_loopback
}

has_grown() {
	[ "$(find "$corpus" -type f | wc -l)" -ge 150 ]
} 2>/dev/null

has_minimised() {
	grep -q '^== net_loopback: corpus of [0-9]* files minimised to [1-9]' "$out"
}

# edges DIR: how many the inputs there reach.
edges() {
	build/fuzz/fuzz_net_loopback -runs=0 "$1" 2>&1 | sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p'
}

# Until it is stopped.
begins libfuzzer 1
until_true has_grown
ended INT "-$pid"
[ "$rc" = 0 ]
tap 'SECONDS=0 ends by Ctrl-C: exit 0' $?
shows 'it says that it has no end' '^== net_loopback until it is stopped: '
shows 'and what it comes to, all the time' \
	'^net_loopback, [0-9]+ s: [0-9]+ exec/s, [1-9][0-9]* edges, [0-9]+ in corpus, 0 findings, last new ([0-9]+ s ago|never)$'
shows 'and in the end' '^== net_loopback: [1-9][0-9]* executions, .* 0 findings$'

xmllint --noout build/campaign/index.html && grep -q 'No finding</span> in 1 run' build/campaign/index.html &&
	grep -q 'Edges covered <b>[1-9]' build/campaign/index.html
tap 'and writes a page of it' $?

# It goes on from there, and what the corpus need not have goes.
reached=$(edges "$corpus")
export VRINGER_ROUND=2
begins libfuzzer 2
until_true has_minimised
ended TERM "$pid"
[ "$rc" = 0 ]
tap 'a corpus is minimised' $?
after=$(edges "$corpus")
[ "${after:-0}" -ge "${reached:-1}" ]
tap "and reaches what it reached: $reached edges, now $after" $?
unset VRINGER_ROUND

# Targets whose programs mean the same share what they have found; each writes its own alone.
others=build/fuzz-corpus/net_host copies=build/fuzz-in/net_loopback
mkdir -p "$others"
cp build/seeds/net_loopback/send "$others/before"
VRINGER_ROUND=2
export VRINGER_ROUND
begins libfuzzer 1
until_true test -f "$copies/before"
tap "another target's corpus is run too" $?
cp build/seeds/net_loopback/send "$others/later"
until_true test -f "$copies/later"
tap '... and what comes to it later' $?
ended TERM "$pid"
[ "$(ls "$others")" = "$(printf 'before\nlater')" ]
tap '... and stays as it is' $?
unset VRINGER_ROUND
rm -rf "$others"

# Many seeds are run once, and not by every process.  All of them: each may be a finding.
ln -sfn "$bug/fuzz" build/fuzz/fuzz_net_loopback
for n in 1 2 3 4 5 6 7 8; do
	printf 'device net-loopback\nstart driver_ok\nnotify %s\n' "$n" >"$n.vr"
	build/vringer encode --body -o "build/seeds/net_loopback/$n" "$n.vr"
done
VRINGER_MANY=9
export VRINGER_MANY
begins libfuzzer 2
until_true grep -q '^== finding' "$out"
ended TERM "$pid"
shows 'many seeds are minimised' '^== net_loopback: [1-8] of 9 seeds reach what all reach; the first process runs all$'
[ "$rc" = 1 ]
tap '... and those that fail are told of' $?
rm -rf "$findings"
VRINGER_FAILING=0
export VRINGER_FAILING
begins libfuzzer 2
until_true grep -q '^== finding' "$out"
ended TERM "$pid"
shows 'where many fail they are not' '^== net_loopback: of 9 seeds many fail: the first process alone runs them$'
[ "$rc" = 1 ]
tap '... and told of all the same' $?
unset VRINGER_MANY VRINGER_FAILING
ln -sfn "$well" build/fuzz/fuzz_net_loopback
rm -rf "$findings" build/seeds/net_loopback/[0-9]

# No room: it ends before a file is cut.
export VRINGER_DISK_KIB=1000000000000
begins libfuzzer 2
rc=0
wait "$pid" || rc=$?
[ "$rc" = 2 ]
tap 'a full disk: exit 2' $?
shows 'a full disk is told of, once' '^== net_loopback: less than [0-9]+ MiB are free on the disk of build/fuzz-corpus/net_loopback: it ends here$'
[ "$(grep -c 'are free on the disk' "$out")" = 1 ]
tap 'once' $?
unset VRINGER_DISK_KIB

# A real one, where a test may make one: with no room for a word in the end.
mkdir small
if mount -t tmpfs -o size=12m none small 2>/dev/null; then
	cp -R "$corpus" small/
	rm -rf "$corpus" build/fuzz-logs
	mkdir small/logs
	ln -s "$PWD/small/net_loopback" "$corpus"
	ln -s "$PWD/small/logs" build/fuzz-logs
	VRINGER_DISK_KIB=4096
	export VRINGER_DISK_KIB
	begins libfuzzer 2
	until_true test -s "$logs/1.pid"
	cat /dev/zero >small/other 2>/dev/null
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" = 2 ]
	tap 'a disk that fills up: exit 2' $?
	[ -z "$(find "$corpus/" -type f -size 0)" ]
	tap 'no file of the corpus is empty' $?
	rm -rf "$corpus" build/fuzz-logs
	umount small
	unset VRINGER_DISK_KIB
else
	echo '# no mount here: a disk that fills up is not tested'
fi

# Killed with a finding that it had not told of.
rm -rf "$corpus"
begins libfuzzer 1
until_true has_grown
cp build/seeds/net_loopback/send "$logs/new-0/crash-0123"
ended KILL "-$pid"
until_true sh -c "! flock -n $logs.lock true; [ \$? = 1 ] && flock -n $logs.lock true"
[ -n "$(find "$corpus" -type f | head -n 1)" ]
tap 'killed: the corpus is there' $?
begins libfuzzer 1
until_true test -f "$logs/started"
sleep 2
ended TERM "$pid"
[ "$rc" = 1 ]
tap 'the next run tells of what the killed one had found: exit 1' $?
shows 'by its signature' '^fetch.walk:send  # '
[ -f "$findings/crash-0123" ]
tap 'and keeps it' $?

# Found by several processes at once.  It shows two findings, one behind the other: by the time
# that the seventh is looked at, both are known, and stay on the list once.
rm -rf "$findings" "$logs"
VRINGER_ROUND=4
export VRINGER_ROUND
begins libfuzzer 1
until_true test -s "$logs/0.pid"
for n in 1 2 3 4 5 6 7 8 9; do
	cp build/seeds/net_loopback/send "$logs/new-0/crash-$n"
done
until_true test -f "$findings/crash-9"
ended TERM "$pid"
[ "$(sort "$logs/hidden" | uniq -c | tr -s ' \n' ' ')" = ' 3 fetch.walk:send ' ] &&
	[ "$(grep -c . "$logs/known")" = 2 ] &&
	[ "$(sort "$logs/signatures" | uniq -c | tr -s ' \n' ' ')" = ' 3 fetch.walk:liveness 3 fetch.walk:send ' ]
tap 'one that was found before it was known is kept, and counted apart' $?
unset VRINGER_ROUND

# AFL++, or what looks like it, killed with crashes in its folder.
rm -rf "$corpus" "$findings"
mkdir -p bin build/afl
ln -s "$bug/vringer" build/afl/fuzz_net_loopback
cat >bin/afl-fuzz <<'END'
#!/bin/sh
echo "$@" >>arguments
while [ $# -gt 0 ]; do
	case $1 in
	-i) in=$2 ;;
	-o) out=$2 ;;
	-S | -M) name=$2 ;;
	esac
	shift
done
mkdir -p "$out/$name/crashes" "$out/$name/queue"
printf 'execs_done : 7\nedges_found : 9\n' >"$out/$name/fuzzer_stats"
[ -f first ] || for file in "$in"/*; do
	cp "$file" "$out/$name/crashes/id:$(basename "$file")"
	cp "$file" "$out/$name/queue/id:$(basename "$file")"
done
touch first
exec sleep 3007
END
# It keeps the first, or takes its time in a process of its own.
cat >bin/afl-cmin <<'END'
#!/bin/sh
[ -z "${SLOW:-}" ] || sleep 3011
mkdir -p "$4/.traces"
ls "$2" | head -n 1 | xargs -I {} cp "$2/{}" "$4/"
ls "$2" | xargs -I {} touch "$4/.traces/{}"
END
chmod +x bin/afl-fuzz bin/afl-cmin
PATH=$PWD/bin:$PATH
has_crashed() {
	find build/afl-out -path '*/crashes/id*' | grep -q .
} 2>/dev/null
begins afl 1
until_true has_crashed
ended KILL "-$pid"
pkill -KILL -f 'sleep 3007' 2>/dev/null
[ ! -d "$findings" ] || [ -z "$(ls "$findings")" ]
tap 'AFL++, killed: nothing is told yet' $?
VRINGER_DISK_KIB=1000000000000
export VRINGER_DISK_KIB
begins afl 1
rc=0
wait "$pid" || rc=$?
[ "$rc" = 2 ] && has_crashed
tap 'AFL++: a full disk: exit 2, and what the killed one left stays' $?
unset VRINGER_DISK_KIB
rm -f arguments
begins afl 3
until_true grep -q '^net_loopback, ' "$out"
ended TERM "$pid"
[ "$rc" = 1 ]
tap 'AFL++: the next run tells of it: exit 1' $?
shows 'AFL++: by its signature' '^fetch.walk:send  # '
[ -n "$(ls "$corpus")" ]
tap 'AFL++: the queue is in the corpus' $?
grep -q -- '-M main -F build/fuzz-corpus/net_loopback .* -p explore' arguments &&
	grep -q -- '-S s1 .* -p fast' arguments && grep -q -- '-S s2 .* -p rare' arguments
tap 'AFL++: several have schedules of their own, and the first takes what others find' $?
! grep -q -- ' -V ' arguments
tap 'AFL++: SECONDS=0 has no end' $?

# What the corpus need not have goes.
for n in $(seq 70); do
	echo "$n" >"$corpus/$n"
done
VRINGER_ROUND=2
export VRINGER_ROUND
begins afl 1
until_true grep -q '^== net_loopback: corpus of 7[0-9] files minimised to 1$' "$out"
tap 'AFL++: a corpus is minimised' $?
ended TERM "$pid"
unset VRINGER_ROUND

# Many inputs are run once, and not by every process.
mkdir -p "$others"
cp build/seeds/net_loopback/send "$others/before"
VRINGER_MANY=2
export VRINGER_MANY
begins afl 2
until_true grep -q '^net_loopback, ' "$out"
ended TERM "$pid"
shows 'AFL++: many inputs are minimised' '^== net_loopback: 1 of [2-9] inputs reach what all reach$'

# Ended while it minimises what it begins from.
VRINGER_MANY=1 SLOW=yes
export VRINGER_MANY SLOW
begins afl 3
until_true pgrep -f '^sleep 3011$' >"$work/pid"
ended TERM "$pid"
! pgrep -f '^sleep 3011$' >"$work/pid"
tap 'AFL++: ended while inputs are minimised, it leaves nothing behind' $?
unset VRINGER_MANY SLOW
rm -f arguments
begins afl 2
until_true grep -q '^net_loopback, ' "$out"
ended TERM "$pid"
grep -q -- '-F build/fuzz-corpus/net_loopback -F build/fuzz-corpus/net_host ' arguments &&
	[ -f build/afl-in/net_loopback/before ]
tap "AFL++: another target's corpus is run too" $?

tap_end
