#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# `vringer serve` on the command line: what is wrong with its options, its socket, signals,
# and the host's side.  The driver is our own vhost-user front-end.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

socket=$work/s served=$work/served

# The program that a front-end starts: it serves $MODEL, and says what it does in $served.  With
# $SWAP the signal for a snapshot is there before the driver can be.
cat >"$work/serve" <<'END'
#!/bin/sh
socket=$1 said=$SERVED.$$
: >"$said"
[ -z "$SWAP" ] || {
	socket=$SWAP.$$
	(
		until grep -q ' listening on ' "$said"; do sleep 0.05; done
		kill -USR1 $$
		ln "$socket" "$1"
	) &
}
# Whether it rests is seen of the process that was started.
exec "$SERVER" serve "$MODEL" --socket "$socket" $SERVE_OPTIONS <"$LINES" >"$said" 2>&1
END
chmod +x "$work/serve"
export SERVED="$served" SERVER="$VRINGER" MODEL='' SERVE_OPTIONS='' SWAP='' LINES=/dev/null

# through MODEL KIND SCRIPT: the script on the served model.
through() {
	MODEL=$1
	rm -f "$served".*
	run timeout 60 "$VRINGER" run --peer "vhost-user-$2" --command "$work/serve {socket}" "$3"
	cat "$served".* >"$served"
}

# passed NAME
passed() {
	result=0
	[ "$rc" = 0 ] || result=1
	grep -qE '^# 2 passed, 0 failed' "$out" || result=1
	! grep -qE 'finding:|at fault' "$served" || result=1
	tap "$1" "$result"
}

script() {
	{
		echo "# $1: what a driver does that is well."
		echo 'device any'
		cat
	} >"$work/$1.vr"
}

# ---- what is wrong -------------------------------------------------------------------------

refuses 'serve: no socket' "^vringer serve: no --socket, see 'vringer serve --help'\$" \
	"$VRINGER" serve net-loopback
refuses 'serve: no target' '^vringer serve: no target' "$VRINGER" serve --socket "$socket"
refuses 'serve: an unknown target' "^vringer serve: unknown target 'nono'" \
	"$VRINGER" serve nono --socket "$socket"
refuses 'serve: of two mistakes one is told' '^vringer serve: --record-max and --note need' \
	"$VRINGER" serve nono --socket "$socket" --note x
refuses 'serve: two targets' '^vringer serve: several targets' \
	"$VRINGER" serve console fs --socket "$socket"
refuses 'serve: no number' "^vringer serve: --features 'x': expected" \
	"$VRINGER" serve console --socket "$socket" --features=x

# One line on stderr, and the line for programs.
cannot_listen() {
	run "$VRINGER" serve net-loopback --socket "$2"
	result=0
	[ "$rc" = 2 ] || result=1
	[ "$(wc -l <"$err")" = 1 ] || result=1
	grep -qE "^serve: net-loopback: .*: $3" "$err" || result=1
	tap "serve: $1" "$result"
}
echo mine >"$work/file"
cannot_listen 'a file is there' "$work/file" 'Address already in use'
grep -q mine "$work/file"
tap 'serve: and stays' $?
cannot_listen 'no such folder' "$work/nono/s" 'No such file or directory'
cannot_listen 'a path that is too long' "$work/$(printf '%0110d' 0)" 'File name too long'

# ---- signals ------------------------------------------------------------------------------

# begin MODEL OPTIONS...: serve in the background until it listens; its number is $server.
begin() {
	model=$1
	shift
	: >"$work/out" && : >"$work/err"
	"$VRINGER" serve "$model" --socket "$socket" "$@" >"$work/out" 2>"$work/err" <"${lines:-/dev/null}" &
	server=$!
	for _ in $(seq 6000); do
		! grep -q listening "$work/err" || return 0
		sleep 0.05
	done
	return 1
}

# ended NAME STATUS: it has ended so, and left nothing; $out and $err are what it said.
ended() {
	rc=0
	wait "$server" || rc=$?
	cp "$work/out" "$out" && cp "$work/err" "$err"
	result=0
	[ "$rc" = "$2" ] || result=1
	[ ! -e "$socket" ] || result=1
	[ "$(grep -c '^served: ' "$out")" = 1 ] || result=1
	tap "$1: exit $2, and nothing is left" "$result"
}

begin net-loopback && kill -TERM "$server"
ended 'SIGTERM before a driver' 0
shows 'SIGTERM: says what came of it' '^served: net-loopback features=0x0 chains=0 interrupts=0 findings=0'
begin net-loopback && kill -KILL "$server"
wait "$server" 2>/dev/null
[ -S "$socket" ]
tap 'a socket that nobody listens at' $?
begin net-loopback && kill -TERM "$server"
ended '... is taken over' 0

# ---- the host's side -------------------------------------------------------------------------

# What the host takes it types again: a frame that goes out comes back in.
script echo <<'END'
start driver_ok size=16
offer 0 b9:w
notify 0
pattern b3 len=76
send 1 b3
settle
> used 1 id=0 len=0
> used 0 id=0 len=76
> mem_equal b9+12 b3+12 len=64
END
SERVE_OPTIONS=--echo
through net-host net "$work/echo.vr"
passed 'net-host --echo: a frame comes back'
SWAP=$work/first
through net-host net "$work/echo.vr"
passed 'net-host --echo: SIGUSR1'
grep -qE '^serve: net-host: saved, and restored into a new device$' "$served"
tap 'SIGUSR1: a new device goes on' $?
SERVE_OPTIONS='' SWAP=''
through net-host net "$work/echo.vr"
[ "$rc" = 1 ]
tap 'net-host: and without --echo no frame does' $?

# Lines are what the host does, as soon as there is a live device.
script typed <<'END'
start driver_ok size=16
offer 0 b9:w
notify 0
settle
> used 0 id=0 len=26
> mem b9+12 ffffffffffff52540012345688b5
END
LINES=$work/lines
{
	echo 'start driver_ok'
	echo 'type 0 nono'
	echo 'type 0 ffffffffffff52540012345688b5 # a frame'
} >"$LINES"
through net-host net "$work/typed.vr"
passed 'host: a frame that was typed comes in'
[ "$(grep -c "^serve: host: " "$served")" -ge 2 ] &&
	grep -q '^serve: host: start is no operation of the host' "$served" &&
	grep -q '^serve: host: type 0 nono: ' "$served"
tap 'host: what is none of its operations is refused, in a line' $?

tap_end
