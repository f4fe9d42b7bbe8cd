#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# No command waits for ever, or ends too soon: what is no file in a folder is named and
# not opened, what is waited for ends by a signal, standard input is taken by all that
# take files, and once; one bad file of many is named, and the rest is done.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

bug=$BUILD/bugs/rule-fetch-walk/vringer

# Whatever waits longer than this waits for ever, also on a loaded machine.
soon() {
	timeout -k 1 300 "$@"
}

# start FILE COMMAND...: in the background, as $pid, with FILE as its input and the signals
# as in the foreground (the shell would have it ignore SIGINT).
start() {
	input=$1
	shift
	env --default-signal=INT,TERM,HUP "$@" <"$input" >"$out" 2>"$err" &
	pid=$!
}

# state: of $pid, as a letter; Z also where the shell has looked after it.
state() {
	letter=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
	echo "${letter:-Z}"
}

has_state() {
	[ "$(state)" = "$1" ]
}

# until_true COMMAND...: wait for it, five minutes.
until_true() {
	until_within 300 "$@"
}

# blocked: $pid sleeps, in a call that waits for the file: nothing else lets it sleep.
blocked() {
	until_true has_state S
}

# ended: $pid has to end within five minutes; its exit status is left in $rc, "hangs" if it
# did not.
ended() {
	if until_true has_state Z; then
		wait "$pid"
		rc=$?
	else
		kill -s KILL "$pid"
		wait "$pid"
		rc=hangs
	fi
}

printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >"$work/a.vr"
mkdir "$work/run" "$work/triage" "$work/good"
cp "$work/a.vr" "$work/run"
cp "$work/a.vr" "$work/good"
mkfifo "$work/run/fifo.vr" "$work/triage/crash-fifo" "$work/fifo"
"$VRINGER" encode --body -o "$work/triage/crash-1" "$work/a.vr"

# What is in a folder is a file, or it is named.
refuses 'run: a FIFO in a folder' "^$work/run/fifo.vr: is a FIFO, expected a file\$" \
	soon "$VRINGER" run --split "$work/run"
rm "$work/run/fifo.vr"
ln -s nowhere "$work/run/dangling.vr"
refuses 'run: a bad link in a folder is named itself' "^$work/run/dangling.vr: No such file" \
	soon "$VRINGER" run --split "$work/run"
rm "$work/run/dangling.vr"
ln -s . "$work/run/round"
gives 0 'run: a link back to the folder' soon "$VRINGER" run --split "$work/run"
shows 'is not gone round' '^1\.\.1$'
gives 2 'triage: a FIFO in a folder' soon "$bug" triage -t net-loopback "$work/triage"
shows 'the rest is sorted' '^fetch.walk:send .*, 1 file: '
shows 'and it is counted' '^# 1 file, 1 finding; known 0, without a finding 0, invalid 1$'
grep -q "^$work/triage/crash-fifo: is a FIFO, expected a file\$" "$err"
tap 'and named' $?
rm "$work/triage/crash-fifo"

# One bad file of many.
head -c 5000000 /dev/zero >"$work/triage/crash-large"
printf 'VRNG\002\003netxx' >"$work/triage/crash-newer"
ln -s nowhere "$work/triage/crash-nowhere"
gives 2 'triage of bad files and a good one' soon "$bug" triage -t net-loopback -o "$work/s" \
	"$work/none" "$work/triage" "$work/none-too"
shows 'goes on' '^fetch.walk:send .*shrunk to 2 operations: '
shows 'and counts' '^# 1 file, 1 finding; known 0, without a finding 0, invalid 5$'
[ "$(grep -vc '^triage: ' "$err")" = 5 ] && grep -q "crash-large: too large" "$err" &&
	grep -q "crash-newer: .*newer" "$err" && grep -q "crash-nowhere: No such file" "$err"
tap 'a line for each' $?
gives 2 'triage --json of them' soon "$bug" triage --json -t net-loopback "$work/triage"
jq -e '.refused == 3 and .files == 1' "$out" >/dev/null
tap 'counts them' $?

# Outputs.
mkdir "$work/out"
mkfifo "$work/out/a" "$work/s/pipe"
refuses 'encode -o DIR: a FIFO has the name' "^$work/out/a: is a FIFO, expected a file" \
	soon "$VRINGER" encode -o "$work/out" "$work/a.vr"
for command in show encode 'run --json' minimize; do
	# shellcheck disable=SC2086
	refuses "$command -o a FIFO that nobody reads" "^$work/fifo: cannot be written: nobody reads it" \
		soon "$bug" $command -o "$work/fifo" "$work/a.vr"
done
soon cat "$work/fifo" >"$work/read" &
reader=$!
# Opening it ends when the reader is there.
exec 8>"$work/fifo"
gives 0 'show -o a FIFO that is read' soon "$VRINGER" show -o "$work/fifo" "$work/a.vr"
exec 8>&-
wait "$reader"
"$VRINGER" show "$work/a.vr" | cmp -s - "$work/read"
tap 'is whole there' $?
rm -r "$work/s"
mkdir "$work/s"
mkfifo "$work/s/fetch.walk-send.vr"
gives 2 'triage -o: a FIFO has the name' soon "$bug" triage -t net-loopback -o "$work/s" "$work/triage/crash-1"
grep -q 'fetch.walk-send.vr: is a FIFO' "$err"
tap 'which is named' $?
shows 'the finding is told' '^fetch.walk:send .* crash-1$|^fetch.walk:send .*/crash-1$'

# Standard input, once.
for command in run replay show encode minimize 'triage -t net-loopback'; do
	# shellcheck disable=SC2086
	soon "$bug" $command - <"$work/a.vr" >"$out" 2>"$err"
	rc=$?
	case $command in show | encode | minimize) [ "$rc" = 0 ] ;; *) [ "$rc" = 1 ] ;; esac
	tap "$command -: standard input" $?
	# shellcheck disable=SC2002,SC2086  # a pipe
	cat "$work/a.vr" | soon "$bug" $command /dev/stdin >"$out" 2>"$err"
	rc=$?
	case $command in encode | run | replay | show | minimize | triage*) [ "$rc" -le 1 ] ;; esac
	tap "$command /dev/stdin: a pipe is read once" $?
done
gives_stdin() {
	soon "$@" <"$work/a.vr" >"$out" 2>"$err"
}
gives_stdin "$bug" triage -t net-loopback -o "$work/from-stdin" -
[ $? = 1 ] && grep -q 'shrunk to 2 operations' "$out"
tap 'triage -o of standard input' $?
for command in run replay show; do
	gives_stdin "$VRINGER" $command - -
	[ $? = 2 ] && grep -q '^(standard input): was read already' "$err"
	tap "$command - -: exit 2" $?
done
gives_stdin "$VRINGER" run --known - -
[ $? = 2 ]
tap 'run --known - -: exit 2' $?
gives_stdin "$VRINGER" run --json -
grep -q '"file":"(standard input)"' "$out"
tap 'run - names it' $?

# Whatever waits for a FIFO or for standard input ends by each of the signals.
mkfifo "$work/never"
exec 9<>"$work/never"
for signal in INT:2 TERM:15 HUP:1; do
	killed=$((128 + ${signal#*:}))
	signal=${signal%:*}
	for command in run:$killed replay:$killed show:$killed minimize:$killed triage:1; do
		status=${command#*:}
		command=${command%:*}
		for file in "$work/fifo" -; do
			start "$work/never" "$bug" "$command" "$file"
			blocked
			kill -s "$signal" "$pid"
			ended
			echo "exit $rc, expected $status" >>"$out"
			[ "$rc" = "$status" ]
			tap "$command $([ "$file" = - ] && echo - || echo FIFO): SIG$signal ends it" $?
		done
	done
done

# A signal is not lost, whenever it comes: as soon as it is there, and later.
for command in minimize triage; do
	i=0 lost=0
	: >"$work/lost"
	while [ $i -lt 20 ]; do
		start /dev/null "$bug" $command "$work/fifo"
		sleep "$(printf '0.%03d' $((i * 3)))"
		kill -s TERM "$pid"
		ended
		if [ "$rc" = hangs ]; then
			echo "SIGTERM after $((i * 3)) ms: hangs" >>"$work/lost"
			lost=1
		fi
		i=$((i + 1))
	done
	cp "$work/lost" "$out"
	tap "$command: SIGTERM ends it whenever it comes" "$lost"
done

# The best so far is kept, also where the terminal goes away.  And what sends a signal to
# end a process, as timeout does, sends SIGCONT too, which may hold LeakSanitizer up for
# ever: it does not look for leaks then.
looked() {
	grep -q 'Processing thread' "$err"
}
export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}" LSAN_OPTIONS=log_threads=1
gives 0 'show' soon "$bug" show "$work/a.vr"
looked
tap 'LeakSanitizer says that it looks for leaks' $?
i=0
printf 'device net-loopback\nstart driver_ok\n' >"$work/long.vr"
while [ $i -lt 400 ]; do
	echo "write QueueNum $((i % 97))"
	echo "offer 0 b9:w*3 b7:w"
	i=$((i + 1))
done >>"$work/long.vr"
echo 'send 1 b3' >>"$work/long.vr"
# A finding that comes first: the best of both is kept.
printf 'device net-loopback\nread Status\n' >"$work/short.vr"

# The signal comes in the middle of it, however fast the machine is: its messages go to a
# pipe that is full but for so many bytes, and the line that does not fit holds it up.
mkfifo "$work/messages"

# start_held ROOM COMMAND...: as `start`; it ends by itself if the pipe is read.
start_held() {
	room=$1
	shift
	exec 7<>"$work/messages"
	head -c $((65536 - room)) /dev/zero >&7
	env --default-signal=INT,TERM,HUP "$@" </dev/null >"$out" 2>"$work/messages" 7<&- &
	pid=$!
}

childless() {
	! grep -qs "^[0-9]* (.*) . $pid " /proc/[0-9]*/stat
}

# It sleeps, and not because it waits for a process of its own.
is_held() {
	for _ in 1 2 3; do
		childless && has_state S && childless || return 1
	done
}

# end_held SIGNAL: its messages are in $err then.
end_held() {
	until_true is_held
	tap "... is in the middle of it" $?
	kill -s "$1" "$pid"
	exec 6<"$work/messages"
	tr -d '\000' <&6 >"$err" 7<&- &
	reader=$!
	exec 6<&- 7<&-
	ended
	wait "$reader"
}

for signal in INT TERM HUP; do
	rm -f "$work/best.vr"
	start_held 0 "$bug" minimize -o "$work/best.vr" "$work/long.vr"
	end_held $signal
	[ "$rc" = 0 ] && [ -s "$work/best.vr" ] && grep -q 'best result so far$' "$err"
	tap "minimize: SIG$signal keeps the best so far" $?
	! looked
	tap '... and looks for no leaks' $?
	rm -rf "$work/best"
	start_held 100 "$bug" triage -o "$work/best" "$work/short.vr" "$work/long.vr"
	end_held $signal
	[ "$rc" = 1 ] && grep -q '^fetch.walk:send .*shrunk so far to' "$out" &&
		[ -s "$work/best/fetch.walk-send.vr" ]
	tap "triage: SIG$signal keeps the best so far" $?
	! looked
	tap '... and looks for no leaks' $?
done
start /dev/null "$bug" triage "$work/fifo"
blocked
kill -s TERM "$pid"
i=0
while [ $i -lt 100 ] && ! has_state Z; do
	for _ in $(seq 500); do kill -s CONT "$pid"; done 2>/dev/null
	i=$((i + 1))
done
ended
[ "$rc" = 1 ]
tap 'SIGTERM and many SIGCONT end it' $?

tap_end
