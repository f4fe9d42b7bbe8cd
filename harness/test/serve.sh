#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# serve.sh [WORD]: `vringer serve` with both ends ours, or only the cases with WORD in them.
#
#   same verdict   scripts for any device, on each model directly and through the socket, by
#                  the vhost-user peers of this project: where both judge, both say the same
#   planted bugs   a bug in a served model is seen by serve, with its rule; what was recorded
#                  shows it again, and is silent on a model without it
#   recordings     a session of the peer's replays
#   bad drivers    one line, exit status 2, and nothing is left
#
# Another PART-th of the scripts on each model, and of the bad drivers; PART=1 all.  Prints
# TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

word=${1:-}
part=${PART:-24}
vringer=${VRINGER:-$PWD/build/obj/gcc/vringer}
bad_front=$PWD/build/test/peer/bad_front
bound=300 # seconds for one run: then it hangs

mkdir "$work/tmp"
export TMPDIR="$work/tmp"

wanted() {
	case $1 in *"$word"*) ;; *) return 1 ;; esac
}

# Processes of ours, by the folder in their command lines, and files.
left() {
	for process in /proc/[0-9]*; do
		pid=${process#/proc/}
		[ "$pid" = $$ ] || ! tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -F "$work/" | grep -F serve || true
	done
	find "$TMPDIR" "$work" -type s
	find "$TMPDIR" -mindepth 1
}

# nothing_left NAME.  Whoever is dying may take a moment: one that stays does for a minute.
nothing_left() {
	for _ in $(seq 300); do
		left >"$err" 2>/dev/null
		[ -s "$err" ] || break
		sleep 0.2
	done
	: >"$out"
	[ ! -s "$err" ] && result=0 || result=1
	tap "$1: nothing is left" "$result"
}

# ---- one session, or one after the other ------------------------------------------------

# listens FOLDER: waits until the serve there does, or has ended.
listens() {
	for _ in $(seq 6000); do
		! grep -qs 'listening on' "$1/err" || return 0
		kill -0 "$serve" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# serve VRINGER TARGET FOLDER OPTIONS...: in the background; its number is in $serve.
serve() {
	program=$1 target=$2 folder=$3
	shift 3
	timeout "$bound" "$program" serve "$target" --socket "$folder/socket" "$@" \
		</dev/null >"$folder/out" 2>"$folder/err" &
	serve=$!
	listens "$folder" || true
}

# served: its exit status is in $rc, what it said in $out and $err, but for "listening".
served() {
	rc=0
	wait "$serve" || rc=$?
	cp "$folder/out" "$out"
	grep -v ': listening on ' "$folder/err" >"$err" || :
}

# sessions VRINGER TARGET FOLDER: one serve after the other, each recorded, until there is
# FOLDER/stop; its exit status is in FOLDER/rc.N.
sessions() {
	n=0
	while [ ! -e "$3/stop" ]; do
		n=$((n + 1))
		rc=0
		timeout "$bound" "$1" serve "$2" --socket "$3/socket" --record "$3/r$n.vr" \
			</dev/null >"$3/out.$n" 2>"$3/err.$n" || rc=$?
		echo "$rc" >"$3/rc.$n"
	done
}

# through VRINGER TARGET KIND FOLDER SCRIPT...: the scripts by the peer of that kind, which
# is not a bug's, and served.  What the peer says is in $out.
through() {
	program=$1 target=$2 kind=$3 folder=$4
	shift 4
	sessions "$program" "$target" "$folder" &
	loop=$!
	for _ in $(seq 6000); do
		[ ! -S "$folder/socket" ] || break
		sleep 0.05
	done
	run timeout "$bound" "$vringer" run --peer "vhost-user-$kind" --command "unix:$folder/socket" "$@"
	touch "$folder/stop"
	# The last may be at its end yet.  One that waits for a driver gets one that is soon refused.
	while kill -0 "$loop" 2>/dev/null; do
		"$bad_front" "$folder/socket" GET_FEATURES-version >/dev/null 2>&1 || sleep 0.1
	done
	wait "$loop" || :
}

# Not rng: its host gives bytes when it is told, and nobody tells it here.
models='net-loopback net
net-host net
console console
fs fs
balloon balloon
blk blk
vsock vsock
net-loopback net --packed
console console --packed'

# ---- same verdict -------------------------------------------------------------------------

# A ring over two regions of memory has no address that the protocol could say.
grep -lrE --include='*.vr' '^device +any' conformance |
	grep -vE '/(avail-ring|desc-table|used-ring)-across-seam.vr$' | sort >"$work/all"
if [ "$part" = 1 ]; then
	cp "$work/all" "$work/short"
else
	xargs grep -LE '^device .*budget=' <"$work/all" >"$work/short"
fi

# verdicts TARGET: of each script that was judged on any queue, "SCRIPT ok" or "SCRIPT wrong";
# from $out.
verdicts() {
	awk -v target="$1" '
		/^(not )?ok / && !/# SKIP/ {
			at = index($0, " - ")
			split(substr($0, at + 3), words, " ")
			if (words[2] !~ "^\\[" target "]?$") next
			if (/^not/) wrong[words[1]] = 1
			judged[words[1]] = 1
		}
		END { for (name in judged) print name, name in wrong ? "wrong" : "ok" }' "$out" | sort
}

# both TARGET KIND FILE [--packed]: the scripts that FILE lists directly and through the socket; what differs
# is in $err, and why others are not judged in $work/skipped.
both() {
	# shellcheck disable=SC2046  # words
	run timeout "$bound" "$vringer" run ${4:+"$4"} --brief -t "$1" $(cat "$3")
	verdicts "$1" >"$work/direct"
	# shellcheck disable=SC2046  # words
	run timeout $((bound * (1 + 24 / part))) "$vringer" run ${4:+"$4"} --brief --strict --limits --peer "vhost-user-$2" \
		--command "$vringer serve $1 --socket {socket}" $(cat "$3")
	verdicts "vhost-user-$2" >"$work/served"
	join "$work/direct" "$work/served" >"$work/both"
	grep '^# skipped' "$out" >"$work/skipped" || :
	grep -A 6 '^not ok' "$out" >"$work/shown" || :
	mv "$work/shown" "$out"
	awk '$2 != $3 { print $1 ": directly " $2 ", through the socket " $3 }' "$work/both" >"$err"
}

same_verdict() {
	name="$1${3:+ $3}"
	wanted "same verdict $name" || return 0
	nth=$((nth + 1))
	# Two on each.  What is sent before a request, for it, raises what the request does not; and
	# a driver may stop a ring that was not looked at, since another was refused.
	awk -v part="$part" -v number="$nth" \
		'(NR + number) % part == 0 || /\/(wakeup.missing-any|desc-table-wraps).vr$/' \
		"$work/short" >"$work/scripts"
	both "$1" "$2" "$work/scripts" "$3"
	count=$(wc -l <"$work/both")
	! grep -q ' wrong wrong$' "$work/both" && wrong=0 || wrong=1
	cp "$work/skipped" "$work/skipped-all"
	# Another process is accused when it does so twice, the second time with nothing before.
	: >"$work/differ"
	cut -d : -f 1 "$err" >"$work/again"
	while read -r script; do
		echo "$script" >"$work/script"
		both "$1" "$2" "$work/script" "$3" </dev/null
		cat "$err" >>"$work/differ"
	done <"$work/again"
	cp "$work/differ" "$err"
	mv "$work/skipped-all" "$work/skipped"
	[ ! -s "$err" ] && [ "$wrong" = 0 ] && [ "$count" -ge 3 ] && result=0 || result=1
	tap "same verdict $name: $count scripts of $(wc -l <"$work/scripts"), directly and through the socket" "$result"
	# Why the others are not judged here.
	sed "s/^# /# $name, through the socket: /" "$work/skipped"
}

nth=0
while read -r model kind ring; do
	same_verdict "$model" "$kind" "$ring"
done <<-END
	$models
END
[ "$nth" = 0 ] || nothing_left 'same verdict'

# ---- planted bugs, and recordings -------------------------------------------------------------

# through_script FOLDER TARGET KIND SCRIPT: the script of a model as one for the peer, without
# what only a device in the same process shows.
through_script() {
	sed -E "s/^device $2/device vhost-user-$3/; /^needs model/d; /^ *> (counters?|output)/d; /^ *take_output/d" \
		"$4" >"$1/script.vr"
}

# serve_script VRINGER TARGET KIND SCRIPT: into the new folder $session; the number of the
# session that it was is in $last.
serve_script() {
	session=$(mktemp -d "$work/session-XXXXXX")
	through_script "$session" "$2" "$3" "$4"
	through "$1" "$2" "$3" "$session" "$session/script.vr"
	last=$(grep -lE 'chains=[1-9]|findings=[1-9]' "$session"/out.* | sed 's/.*out\.//' | sort -n | tail -n 1)
	cat "$session"/err.* >"$err"
}

# planted BUG TARGET KIND
planted() {
	patch=fuzzers/bugs/$1.patch
	rule=$(sed -n '/^---/q; s/^Rule:[[:space:]]*//p' "$patch")
	script=$(sed -n '/^---/q; s/^Script:[[:space:]]*//p' "$patch" | cut -d ' ' -f 1)
	with_bug=build/bugs/$1/release
	serve_script "$PWD/$with_bug" "$2" "$3" "$script"
	cat "$session"/out.* >"$out"
	[ -n "$last" ] && [ "$(cat "$session/rc.$last")" = 1 ] && grep -qF "$rule" "$session/out.$last" && result=0 || result=1
	tap "planted bugs: $1 is seen through the socket, by $rule" "$result"
	recorded=$session/r$last.vr
	run "$with_bug" run "$recorded"
	[ "$rc" = 1 ] && grep -qF "finding: $rule" "$out" && result=0 || result=1
	tap "planted bugs: $1 is seen in what was recorded" "$result"
	run "$vringer" run "$recorded"
	! grep -qF 'finding:' "$out" && [ -s "$out" ] && result=0 || result=1
	tap "planted bugs: $1: a model without it has no finding there" "$result"
}

# replays TARGET KIND SCRIPT
replays() {
	serve_script "$vringer" "$1" "$2" "$3"
	cat "$session"/out.* >"$out"
	[ -n "$last" ] && [ "$(cat "$session/rc.$last")" = 0 ] && grep -q '^> used' "$session/r$last.vr" &&
		grep -q 'programs=1$' "$session/out.$last" && result=0 || result=1
	tap "recordings: $1: one program of $3" "$result"
	run "$vringer" run --completes "$session/r$last.vr"
	[ "$rc" = 0 ] && result=0 || result=1
	tap "recordings: $1: it replays" "$result"
}

bugs=0
while read -r bug model kind; do
	! wanted "planted bugs $bug" || {
		bugs=$((bugs + 1))
		planted "$bug" "$model" "$kind"
	}
	! wanted "recordings $model" || {
		bugs=$((bugs + 1))
		replays "$model" "$kind" "$(sed -n '/^---/q; s/^Script:[[:space:]]*//p' "fuzzers/bugs/$bug.patch" | cut -d ' ' -f 1)"
	}
done <<-END
	net-third-part-refused net-loopback net
	host-mmds-reply-length net-host net
	console-chain-skipped console console
	fs-wrong-errno fs fs
	balloon-third-part-refused balloon balloon
END
[ "$bugs" = 0 ] || nothing_left 'planted bugs and recordings'

# ---- bad drivers ----------------------------------------------------------------------------

bad_driver() {
	mkdir "$work/bad"
	serve "$vringer" net-loopback "$work/bad" --record "$work/bad/r.vr"
	closed=0
	timeout "$bound" "$bad_front" "$work/bad/socket" "$1" 2>"$work/bad/front" || closed=$?
	served
	[ "$rc" = 2 ] && [ "$closed" = 0 ] && [ "$(wc -l <"$err")" = 1 ] && grep -q '^served: net-loopback ' "$out" &&
		[ ! -e "$work/bad/socket" ] && result=0 || result=1
	cat "$work/bad/front" >>"$err"
	tap "bad drivers: $1: one line and exit status 2" "$result"
	rm -r "$work/bad"
}

"$bad_front" --list | awk -v part="$part" 'part == 1 || NR % int(part / 6 + 1) == 0' >"$work/bad-list"
bad=0
while read -r name; do
	wanted "bad drivers $name" || continue
	bad=$((bad + 1))
	bad_driver "$name"
done <"$work/bad-list"
[ "$bad" = 0 ] || nothing_left 'bad drivers'

# The user's word is heard however busy a driver keeps it.
if wanted 'bad drivers kicks without end'; then
	mkdir "$work/bad"
	serve "$vringer" net-loopback "$work/bad"
	timeout "$bound" "$bad_front" "$work/bad/socket" kicks >"$work/bad/front" &
	front=$!
	for _ in $(seq 200); do
		! grep -q begun "$work/bad/front" || break
		sleep 0.05
	done
	kill "$serve" 2>/dev/null || :
	served
	wait "$front" && [ "$rc" = 0 ] && [ ! -s "$err" ] && grep -q begun "$work/bad/front" && result=0 || result=1
	tap 'bad drivers: kicks without end: SIGTERM ends it' "$result"
	rm -r "$work/bad"
fi

tap_end
