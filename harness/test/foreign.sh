#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# foreign.sh: devices that are not ours, built against build/installed, which
# `make test` has made: vringer.h in C and in C++; our net model behind it passes
# what it passes itself, however it reaches memory; what a device may do passes,
# what it must not is a finding; a wrong description is refused.  Prints TAP.
# shellcheck disable=SC1091,SC2016,SC2154
set -eu

. harness/test/tap.sh

PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
export PKG_CONFIG_PATH
cflags=$(pkg-config --cflags vringer)
libs=$(pkg-config --libs vringer)
scripts=$(pkg-config --variable=scripts vringer)

# What each device runs: all scripts that it can, or, without FULL in the environment, every
# sixth of those that are not long: for any device, and for our network card.
portable=$scripts cards=$scripts
if [ -z "${FULL:-}" ]; then
	portable=$work/some/any cards=$work/some
	mkdir -p "$work/some/any" "$work/some/net"
	for device in any net-loopback; do
		(cd "$scripts" && grep -rlE --include='*.vr' "^device +$device( |$)" . |
			xargs grep -LE '^device .*budget=' | sort | sed -n '1~6p' |
			xargs cp --parents -t "$work/some/${device%-*}")
	done
fi

# Flags are split into words on purpose.
# shellcheck disable=SC2086
builds() {
	name=$1 output=$2
	shift 2
	gives 0 "$name builds" gcc -std=gnu11 -g -O1 -fsanitize=address,undefined $cflags \
		-o "$work/$output" "$@" $libs
}

# shellcheck disable=SC2086
header() {
	for language in "c -std=c99" "c -std=c11" "c++ -std=c++11" "c++ -std=c++17"; do
		gives 0 "vringer.h: $language" "${CLANG:-clang}" -x $language -Wall -Wextra -Werror \
			-pedantic -fsyntax-only $cflags harness/test/foreign/header.c
	done
}

# Our models as this tree has them compiled already, with the same flags; only net.c
# differs from one to the next.
models=$(for source in devices/*.c; do echo "build/obj/gcc/${source%.c}.o"; done)

# builds_net NAME FLAGS...
# shellcheck disable=SC2086
builds_net() {
	name=$1
	shift
	builds "$name" net -I. -Wl,--wrap=virtqueue_wants_interrupt "$@" harness/test/foreign/net.c $models
}

# net LEVEL MEMORY FLAGS: how many of 1 to 3 enum vringer_flag.
net() {
	builds_net "net, level $1, memory $2" "-DLEVEL=$1" "-DMEMORY=$2" "-DFLAGS=$3"
	# What failed, before all that did not; a busy machine is no hang.
	run "$work/net" run --timeout 60 "$cards" corpus/net-loopback
	grep -A 6 '^not ok' "$out" >"$err" || :
	tap "net, level $1, memory $2: passes" "$rc"
	shows "... some of it" '^# [1-9][0-9]* passed, 0 failed'
	run "$work/net" run --transport activated --timeout 60 "$cards" corpus/net-loopback
	grep -A 6 '^not ok' "$out" >"$err" || :
	tap "net, level $1, memory $2: without registers, passes" "$rc"
	if [ "$1" = 2 ]; then
		shows "... some of it" '^# [1-9][0-9]* passed, 0 failed'
	else
		shows "... or is reached by registers only" \
			'# SKIP the device is reached by registers only$'
		shows "... all of it" '^# 0 passed, 0 failed'
	fi
}

# bug MEMORY BUG RULE
bug() {
	builds_net "net, memory $1, bug $2" -DLEVEL=1 "-DMEMORY=$1" "-DFLAGS=0" "-DBUG=$2"
	run "$work/net" replay -t net-loopback corpus/net-loopback/seeds/full-frames.vr
	shows "... is found" "^finding: $3"
}

# does TARGET STATUS PATTERN [SESSION]: that session, on that target.
does() {
	gives "$2" "$1" "$work/odd" replay --timeout 2 -t "$1" "$work/${4:-session}.vr"
	shows "$1: $3" "$3"
}

refused() {
	refuses "a wrong $1" "$2" env SPOIL="$1" "$work/odd" targets
}

# harness/examples/README.md shows what the rules declare; its skeleton builds.
build/obj/gcc/vringer rules --levels >"$work/levels"
sed -n '/^| rule | severity/,/^$/p' harness/examples/README.md | sed '$d' >"$work/readme"
run diff "$work/levels" "$work/readme"
tap "README.md has the table of vringer rules --levels" "$rc"
sed -n '/^```c$/,/^```$/p' harness/examples/README.md | sed '1d;$d' >"$work/skeleton.c"
builds "README.md's skeleton" skeleton "$work/skeleton.c"
gives 0 "README.md's skeleton: targets" "$work/skeleton" targets

header
net 1 1 7
net 2 1 3
net 1 2 3
net 1 3 3
net 2 3 3
for memory in 1 2 3; do
	bug "$memory" 1 completion.len
	bug "$memory" 2 memory
done

# A queue that the driver resets is forgotten, and begins anew where it is set up again.
cat >"$work/renewed.vr" <<'S'
device any
start driver_ok ring=split accept=RING_RESET
send_request 1
reset_queue 1
queue 1 size=16 used=b12
send_request 1
> answered 1 2
S
builds_net "net, without registers" -DLEVEL=2 -DFLAGS=3
gives 0 "net, without registers: the reset of a queue" "$work/net" replay "$work/renewed.vr"
shows "... is done" ' 2 chains returned: nothing found$'
for bug in '3 stuck.available' '4 memory.ring'; do
	builds_net "net, without registers, bug ${bug% *}" -DLEVEL=2 -DFLAGS=3 "-DBUG=${bug% *}"
	gives 1 "net, without registers, bug ${bug% *}" "$work/net" replay "$work/renewed.vr"
	shows "... is found" "^finding: ${bug#* }"
done

# A level that is up tells of more: where the device says so.
cat >"$work/line.vr" <<'S'
device any
start driver_ok
send 1 b1
send 1 b1
S
builds_net "net, a level line" -DFLAGS=2051 -DLINE=1
run "$work/net" run --timeout 60 corpus/net-loopback
grep -A 6 '^not ok' "$out" >"$err" || :
tap "net, a level line: passes" "$rc"
gives 0 "... and a second event" "$work/net" replay "$work/line.vr"
builds_net "net, a level line that is not told" -DFLAGS=3 -DLINE=1
gives 1 "net, a level line that is not told" "$work/net" replay "$work/line.vr"
shows "... is found" '^finding: wakeup.missing'

cat >"$work/session.vr" <<'S'
device any
start driver_ok
send 0 b1
send 0 b1:w b2
config_write 0 5 width=1
settle
S
builds "odd devices" odd harness/test/foreign/odd.c
gives 0 "odd devices: targets, and none leaks" "$work/odd" targets
does odd-well 0 '5 operations, 2 chains returned: nothing found'
does odd-exit 1 '^finding: exit'
does odd-loop 1 '^finding: hang'
does odd-hold 0 '2 chains returned: nothing found'
does odd-thread 0 '2 chains returned: nothing found'
does odd-restless 1 '^finding: hang'
does odd-late 0 '2 chains returned: nothing found'
does odd-forever 0 '2 chains returned: nothing found'
does odd-below 0 '^warning: finding: stuck.available'
does odd-flat 0 '^warning: finding: stuck.available'
does odd-plain 0 '2 chains returned: nothing found'
does odd-miscount 1 '^finding: counters.sum'
# Of two queues served in one call, each has an interrupt of its own, or one has none.
cat >"$work/both.vr" <<'S'
device any
start driver_ok
offer 1 b1
send 0 b2
S
does odd-both 0 '2 chains returned: nothing found' both
does odd-first 1 '^finding: wakeup.missing' both
does odd-both-plain 0 '2 chains returned: nothing found' both
does odd-first-plain 1 '^finding: wakeup.missing' both
gives 0 "an interrupt's queue is shown" "$work/odd" replay -v -t odd-both "$work/both.vr"
shows "... as text" '^    device interrupts: used, of queue 1$'
run "$work/odd" replay -v --json -t odd-both "$work/both.vr"
shows "... as JSON" '"event":"interrupt","queue":1,'
does odd-quiet 0 '2 chains returned: nothing found'
does odd-mute 1 '^finding: stuck.suppressed'
does odd-polls 0 '2 chains returned: nothing found'
does odd-plain-quiet 0 '2 chains returned: nothing found'
does odd-plain-mute 1 '^finding: stuck.suppressed'
does odd-asks 0 '2 chains returned: nothing found'
does odd-asks-more 1 '^finding: work.backend'
does odd-sleep 1 '^finding: hang'
does odd-close 1 '^finding: hang'
does odd-print 0 '^device prints: not ok 1 - .*<failure>$'

# 64 queues: each moves a chain where a ring of 16 entries is by itself, and elsewhere.
{
	echo "device any"
	echo "start driver_ok"
	for queue in $(seq 0 63); do
		printf 'send %s b1 b2\n> used %s id=0 len=0\n> interrupts used=1\n' "$queue" "$queue"
	done
	printf 'ready 63 0\nqueue 63 size=64 desc=seam+0x8000 avail=top-0x8000 used=q63.used+0\n'
	printf 'reset\nstart driver_ok size=64\noffer 62 head=15 b1\nsend 63 head=15 b1\n'
	printf '> used 63 id=15 len=0\nnotify 62\n> used 62 id=15 len=0\n'
} >"$work/wide.vr"
builds "a device of 64 queues" wide harness/test/foreign/wide.c
for target in wide wide-plain; do
	gives 0 "$target: each queue moves a chain" "$work/wide" replay -t "$target" "$work/wide.vr"
	shows "... 66 of them" '66 chains returned: nothing found'
	gives 0 "$target: scripts for any device" "$work/wide" run --timeout 60 -t "$target" "$portable"
	shows "... some of it" '^# [1-9][0-9]* passed, 0 failed'
	gives 1 "$target-lost: queue 63 is judged" "$work/wide" replay -t "$target-lost" "$work/wide.vr"
	shows "... by its name" '^finding: completion.not-held:send'
	gives 0 "$target: encoded" "$work/wide" encode -t "$target" "$work/wide.vr" -o "$work/wide.bin"
	gives 0 "$target: decoded" "$work/wide" replay -t "$target" "$work/wide.bin"
	shows "... it is the same" '66 chains returned: nothing found'
done
gives 0 "wide-lost: minimize" "$work/wide" minimize -t wide-lost "$work/wide.vr" -o "$work/least.vr"
grep -q '^send 63' "$work/least.vr" && [ "$(grep -c . "$work/least.vr")" -le 8 ] && result=0 || result=1
tap "... to a chain of queue 63" "$result"

# Feature bit 70.  Accepted where it is offered; held back; not accepted by `features=`
# alone; and bit 71, which is not offered.
builds "devices with feature bit 70" high harness/test/foreign/high.c
cat >"$work/accepts.vr" <<'S'
device any
needs features_high=0x40
start driver_ok
write DeviceFeaturesSel 2
read DeviceFeatures
> value 0x40
> status ACKNOWLEDGE|DRIVER|FEATURES_OK|DRIVER_OK
write DeviceFeaturesSel 3
read DeviceFeatures
> value 0
write DeviceFeaturesSel 4
read DeviceFeatures
> value 0
S
cat >"$work/withheld.vr" <<'S'
device any features_high=0
start driver
write DeviceFeaturesSel 2
read DeviceFeatures
> value 0
negotiate VERSION_1 features_high=0x40
status ACKNOWLEDGE|DRIVER|FEATURES_OK
> status -FEATURES_OK
S
cat >"$work/more.vr" <<'S'
device any
start driver
negotiate VERSION_1 features_high=0xc0
status ACKNOWLEDGE|DRIVER|FEATURES_OK
S
cat >"$work/shown.vr" <<'S'
device high-activated
start driver_ok
config_read 0 width=8
> value 0x40
start driver_ok features=VERSION_1
config_read 0 width=8
> value 0
start driver_ok features_high=0x40
config_read 0 width=8
> value 0x40
start driver_ok features=VERSION_1 features_high=0x40
config_read 0 width=8
> value 0x40
S
for target in high-mmio high-activated; do
	for script in accepts withheld more; do
		gives 0 "$target: $script" "$work/high" replay -t "$target" "$work/$script.vr"
	done
	gives 0 "$target: scripts for any device" "$work/high" run --timeout 60 -t "$target" "$portable"
	shows "... some of it" '^# [1-9][0-9]* passed, 0 failed'
done
gives 0 "high-activated learns of it" "$work/high" replay "$work/shown.vr"
gives 0 "... by calls" "$work/high" replay --transport activated "$work/shown.vr"
gives 1 "high-lax: too much is accepted" "$work/high" replay -t high-lax "$work/more.vr"
shows "... by its name" '^finding: status.features:status'
gives 1 "high-lax: what is held back is accepted" "$work/high" replay -t high-lax "$work/withheld.vr"
shows "... by its name" '^finding: status.features:status'
gives 0 "high-lax: minimize" "$work/high" minimize -t high-lax "$work/more.vr" -o "$work/least.vr"
grep -q '^negotiate VERSION_1 features_high=128$' "$work/least.vr" ||
	grep -q '^negotiate 0 features_high=128$' "$work/least.vr" && result=0 || result=1
tap "... to bit 71" "$result"
gives 1 "high-hidden: page 2 reads 0" "$work/high" replay -t high-hidden "$work/accepts.vr"
shows "... by its name" '^finding: status.registers:start'
gives 0 "a device without it: skipped" "$work/wide" run -t wide "$work/accepts.vr"
shows "... for want of it" 'SKIP needs features that the device does not offer'
gives 0 "bit 70 is listed" "$work/high" targets
shows "... and shown" 'features_high 0x40'

# What a device prints is among no results.
gives 0 "one that prints: TAP" "$work/odd" run -t odd-print "$work/session.vr"
shows "... as its own" '^# device prints: not ok 1'
[ "$(grep -cE '^(not )?ok|^1\.\.' "$out")" = 2 ] && result=0 || result=1
tap "... a plan and one result" "$result"
gives 0 "one that prints: JUnit" "$work/odd" run --junit -t odd-print "$work/session.vr"
xmllint --noout --schema harness/test/junit.xsd - <"$out" 2>>"$err" && result=0 || result=1
tap "... is as its schema asks" "$result"
shows "... as its own" '<system-out>not ok 1'
gives 0 "one that prints: JSON" "$work/odd" run --json -t odd-print "$work/session.vr"
jq -e '.results[0].printed | test("^not ok 1 - {")' "$out" >/dev/null 2>>"$err" && result=0 || result=1
tap "... as its own" "$result"
gives 0 "one that prints: JSON of a replay" "$work/odd" replay -v --json -t odd-print \
	"$work/session.vr"
jq -es 'last.printed | test("^not ok 1 - {")' "$out" >/dev/null 2>>"$err" && result=0 || result=1
tap "... as its own" "$result"

# Without sanitizers memory can be as short as one likes: then it is said so, in a
# line, or there is enough.  The device is told nothing, and blamed for nothing.
# shellcheck disable=SC2086
gives 0 "odd devices, plain, build" gcc -std=gnu11 -g -O1 $cflags -o "$work/odd-plain" \
	harness/test/foreign/odd.c $libs
wrong=0 short=0
for room in $(seq 3000 3000 200000); do
	run sh -c 'ulimit -v "$1"; shift; exec "$@"' - "$room" \
		"$work/odd-plain" replay -t odd-hungry "$work/session.vr"
	case $rc in
	0) break ;;
	2) [ "$(wc -l <"$err")" = 1 ] || break; short=$((short + 1)) ;;
	# The loader, or before it the kernel, had no room for the program itself.
	127) ;;
	139) [ "$short" = 0 ] || break ;;
	*) break ;;
	esac
done
[ "$rc" = 0 ] && [ "$short" -gt 5 ] || wrong=1
tap "however little memory there is ($short times too little) it is nobody's fault" "$wrong"

# Of the installed scripts those for others are left out, however the path is spelled.
gives 0 "a relative path" "$work/odd" run -t odd-well \
	"$(realpath --relative-to=. "$scripts")/reset"
ln -s "$scripts" "$work/link"
gives 0 "a link" "$work/odd" run -t odd-well "$work/link/reset"
gives 0 "one for ever, in one process" "$work/odd" run -t odd-forever
builds "odd devices, as AFL++ runs them" forks harness/test/foreign/odd.c \
	harness/test/foreign/forks.c
gives 0 "a session for AFL++" "$work/odd" encode --body -t odd-lasting "$work/session.vr" \
	-o "$work/session.bin"
gives 0 "threads are not from before the fork" env __AFL_SHM_ID=1 VRINGER_TARGET=odd-lasting \
	FORKS_INPUT="$work/session.bin" "$work/forks"
run "$work/odd" encode --body -t odd-flat "$work/session.vr" -o "$work/flat.bin"
gives 0 "fuzzing goes on past a warning" env __AFL_SHM_ID=1 VRINGER_TARGET=odd-flat \
	FORKS_INPUT="$work/flat.bin" "$work/forks"
grep -q '^vringer: warning: stuck.available:send  # ' "$err" && result=0 || result=1
tap "... and shows it" "$result"

# What an outside device can say of itself, it is judged by.
cp harness/test/foreign/said/*.vr "$work"
builds "devices that say all" said harness/test/foreign/said.c
gives 0 "devices that say all: targets, and none leaks" "$work/said" targets
# says TARGET SCRIPT [BUG RULE]: nothing is found; with the bug, that.
says() {
	if [ $# = 2 ]; then
		gives 0 "$1: $2" "$work/said" replay -t "$1" "$work/$2.vr"
		shows "... nothing found" 'nothing found$'
	else
		gives 1 "$1: $2, bug $3" env BUG="$3" "$work/said" replay -t "$1" "$work/$2.vr"
		shows "... $4" "^finding: $4"
	fi
}
says said-port port
says said-port port port stream.bytes
says said-port port sum counters.sum
says said-port port refuse snapshot.refused
says said-port port cursor snapshot.same
says said-saved saved
says said-saved saved trust snapshot.possible
says said-port config
gives 1 "said-port: config, bug silent" env BUG=silent "$work/said" replay -t said-port "$work/config.vr"
shows "... the driver does not hear of it" 'expected config$'
says said-port without-feature
says said-port with-feature
says said-fixed fixed
says said-falls falls none counters.fall
says said-echo echo
says said-echo echo stream stream.frames
says said-away away
says said-away away page memory.write
says said-away-plain away
says said-away-plain away page memory.write
says said-away-told away
says said-away-told away page memory.write
says said-keeps away none memory.write
says said-later later
says said-file later

refused version 'a different vringer.h'
refused size 'a different vringer.h'
refused sum "'sevred', which is not one of its counters"
refused sum-right "'used.0', which is not one of its counters"
refused sum-queue "'used.10', .* nor used.N"
refused level 'has no level'
refused kick 'expected activate, kick and reset'
refused memory memory
refused layout layout
refused name 'registered twice'
refused queues 'more than 64 queues'
refused rule 'no.such'
refused request "has a request 'again' with an invalid operation: 1:1: sends a request that"
refused liveness '2:1'

# wrong WHAT PATTERN: of the devices that say all.
wrong() {
	refuses "a wrong $1" "$2" env SPOIL="$1" "$work/said" targets
}
wrong flag 'unknown flags'
wrong reserved 'reserved member'
wrong queue-flag 'queue with unknown flags'
wrong need 'a feature which it does not offer'
wrong need-reserved 'a feature which it does not offer'
wrong field 'a field without a name, of no width'
wrong shm 'region whose id is above 255'
wrong shm-reserved 'reserved member'
wrong gauge "gauges with 'nonsense'"
wrong equal "'used.0', which is not one of its counters"
wrong acts 'unknown acts'
wrong act 'acts without act'
wrong socket-port 'socket_port, which is for socket devices'
wrong pages 'for memory balloons'
wrong dialogue 'not in its dialogue'
wrong stream 'neither one of its queues'
wrong stream-reserved 'reserved member'
wrong backend-size 'the size of its backend is 8'
wrong save 'expected save, restore and destroy'
wrong snapshots-reserved 'reserved member'
wrong destroy 'expected save, restore and destroy'
wrong calls 'VRINGER_LEVEL_MMIO'
wrong kept 'more than 65535 chains'
wrong kind 'for memory balloons'
wrong line 'VRINGER_LEVEL_MMIO'
wrong settles 'settle and settle_queues'
wrong offset 'for VRINGER_MEMORY_PLAIN'
wrong version 'no version'
tap_end
