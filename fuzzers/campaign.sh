# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What a run needs that may go on for a month, with either engine: how long yet, what it has
# come to, a disk that fills up, and what a run that was killed left behind. Source it after
# findings.sh, whose variables it takes, and set besides
#
#   seconds    how long; 0: until it is stopped
#   corpus     the folder that it grows
#
# VRINGER_ROUND, VRINGER_STATUS and VRINGER_DISK_KIB change the numbers below, for tests.
# shellcheck disable=SC2034,SC2154

round=${VRINGER_ROUND:-1800}	      # seconds between two looks at the size of the corpus
status_every=${VRINGER_STATUS:-10}    # seconds between two lines of status
disk_kib=${VRINGER_DISK_KIB:-65536}   # what must be free on the disk
worth_it=64			      # a corpus of fewer new files is not minimised

# A terminal shows one line of status, in its place; a log shows them all.
on_terminal=
[ ! -t 1 ] || on_terminal=yes

# begin_time: the clock starts.
begin_time() {
	begun=$(date +%s)
	deadline=$((begun + seconds))
}

for_how_long() {
	[ "$seconds" = 0 ] && echo 'until it is stopped' || echo "for $seconds s"
}

# How long an engine may run now, in seconds, in $left: to the end of a round, or of the time.
time_left() {
	now=$(date +%s)
	[ "$now" -lt "${round_end:-0}" ] || round_end=$((now + round))
	left=$((round_end - now))
	[ "$seconds" != 0 ] || return 0
	[ "$((deadline - now))" -ge "$left" ] || left=$((deadline - now))
}

# Is the round over, in which an engine may have been started many times?
is_round_over() {
	[ "$(date +%s)" -ge "$round_end" ]
}

# wait_for PID...: until they have ended, whatever signals come.
wait_for() {
	for one; do
		while kill -s 0 "$one" 2>/dev/null; do
			wait "$one" || :
		done
	done
}

# Nothing is left to watch.  By a signal: on a full disk there is no room for a word.
end_monitor() {
	kill -s USR1 "$1" 2>/dev/null || :
	wait_for "$1"
}

# Is the process that was started first still there, which is to report?
is_watched() {
	kill -s 0 $$ 2>/dev/null
}

# So many seconds in words: 42 s, 17 min, 3 h, 5 d.
span() {
	if [ "$1" -lt 120 ]; then
		echo "$1 s"
	elif [ "$1" -lt 7200 ]; then
		echo "$(($1 / 60)) min"
	elif [ "$1" -lt 172800 ]; then
		echo "$(($1 / 3600)) h"
	else
		echo "$(($1 / 86400)) d"
	fi
}

# When the newest file of the corpus was made, in seconds since 1970; nothing of an empty one.
newest() {
	find "$corpus" -type f -newer "$logs/started" -printf '%T@\n' 2>/dev/null | sort -n | sed -n '$s/\..*//p'
}

# How many findings there are so far.
found() {
	sort -u "$logs/signatures" | wc -l
}

# show_status SPEED EDGES: one line of status, and of what both engines leave behind.
show_status() {
	now=$(date +%s)
	new=$(newest)
	line=$(printf '%s, %s: %d exec/s, %d edges, %d in corpus, %d findings, last new %s' \
		"$target" "$(span $((now - begun)))" "$1" "$2" "$(find "$corpus" -type f | wc -l)" \
		"$(found)" \
		"$([ -n "$new" ] && echo "$(span $((now - new))) ago" || echo never)")
	if [ -n "$on_terminal" ]; then
		printf '\r\033[K%s' "$line"
	else
		echo "$line"
	fi
	printf '%d %d %d %d %d\n' "$((now - begun))" "$1" "$2" "$(find "$corpus" -type f | wc -l)" \
		"$(found)" >>"$logs/status"
	page_now_and_then
}

# Is there room on the disk?  Before there is none: what is written then is cut.
has_room() {
	free=$(df -Pk "$corpus" | awk 'NR == 2 { print $4 }')
	[ "$free" -lt "$disk_kib" ] || return 0
	[ -f "$logs/full" ] || echo "== $target: less than $((disk_kib / 1024)) MiB are free on the disk of $corpus: it ends here"
	touch "$logs/full"
	return 1
}

# What minimises runs inputs that break rules: to it that is a crash, which ends it, or for which
# the input goes.
without_ledger() (
	export VRINGER_LEDGER=off
	"$@"
)

# Has the corpus grown by so much that it is worth it?  What there is is listed.
is_worth_minimising() {
	(cd "$corpus" && find . -type f) | sort >"$logs/before"
	files=$(wc -l <"$logs/before")
	[ "$files" -ge $((${kept:-0} + worth_it)) ]
}

# leave_only DIR: of the files listed before, those that are in DIR stay in the corpus. What came
# in meanwhile stays, and so does everything if there is nothing in DIR or no room on the disk.
leave_only() {
	has_room || return 0
	(cd "$1" && find . -maxdepth 1 -type f) | sort >"$logs/after"
	left_over=$(wc -l <"$logs/after")
	[ "$left_over" -gt 0 ] || return 0
	kept=$left_over
	comm -23 "$logs/before" "$logs/after" | (cd "$corpus" && xargs -r -d '\n' rm -f --)
	rm -rf "$1"
	echo "== $target: corpus of $files files minimised to $kept"
}

# monitor STATUS: until end_monitor, call STATUS every $status_every seconds, after ten
# minutes every minute; and end the engines when the disk is full or nobody waits for them.
monitor() {
	over=
	trap '' INT TERM HUP
	trap 'over=yes' USR1
	next=$status_every
	while [ -z "$over" ]; do
		sleep 1
		{ is_watched && has_room; } || end_engines
		elapsed=$(($(date +%s) - begun))
		[ "$elapsed" -ge "$next" ] || continue
		"$1"
		[ "$elapsed" -lt 600 ] || [ "$status_every" -ge 60 ] || status_every=60
		next=$((elapsed + status_every))
	done
	[ -z "$on_terminal" ] || echo
}
