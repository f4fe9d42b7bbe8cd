#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# foreign_says.sh: what a run says of a device that is not ours, beside whether it
# failed: warnings and their sums, whose transport was judged.  Built against
# build/installed.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

PKG_CONFIG_PATH=$PWD/build/installed/lib/pkgconfig
export PKG_CONFIG_PATH

# Flags are split into words on purpose.
# shellcheck disable=SC2046
builds() {
	gives 0 "$1 builds" gcc -std=gnu11 -g -O1 -fsanitize=address,undefined \
		$(pkg-config --cflags vringer) -o "$work/$1" "harness/test/foreign/$1.c" \
		$(pkg-config --libs vringer)
}

json() {
	jq -e "$2" "$out" >/dev/null 2>>"$err" && result=0 || result=1
	tap "$1" "$result"
}

builds odd
cat >"$work/session.vr" <<'S'
device any
clause 2.7.13 4.2.2 drv.status.field.1
start driver_ok
send 0 b1
S
sed 's/^clause.*/clause 2.7.13/' "$work/session.vr" >"$work/rings.vr"
sed 's/^send.*/&\n> used 0 id=9/' "$work/session.vr" >"$work/wrong.vr"

# What fails nothing.
gives 0 "a warning" "$work/odd" run -t odd-flat "$work/session.vr" "$work/rings.vr"
shows "... is printed with its script" '^# warning: finding: stuck.available:send'
shows "... and counted by severity and rule" '^# warnings \(limit\): stuck.available in 2$'
shows "... and with the results" '^# 2 passed, 0 failed, 0 skipped, 2 with warnings'
run "$work/odd" run --json -t odd-flat "$work/session.vr" "$work/rings.vr"
json "... as JSON" '.warnings == [{"rule":"stuck.available","severity":"limit","results":2}]'
run "$work/odd" run --junit -t odd-flat "$work/session.vr"
shows "... in JUnit" 'warnings \(limit\): stuck.available in 1$'
run "$work/odd" run --limits -t odd-flat "$work/session.vr"
grep -q '^# warnings' "$out" && result=1 || result=0
tap "what fails is no warning" "$result"

# Whose transport.
own="vringer's own transport was judged, not the device"
run "$work/odd" run -t odd-well "$work/session.vr" "$work/rings.vr"
shows "vringer's transport: a script that passed says so, and of which clauses" \
	"^# note: 4.2.2, drv.status.field.1: $own\$"
shows "... and how many did" "^# note: 1 of those that passed judged vringer's own transport"
run "$work/odd" run --json -t odd-well "$work/session.vr" "$work/rings.vr"
json "... as JSON" '[.results[].vringer_transport] == [true, false] and .vringer_transport == 1'
run "$work/odd" run -t odd-well "$work/wrong.vr"
grep -q "$own" "$out" && result=1 || result=0
tap "... not one that failed" "$result"
run build/obj/gcc/vringer run -t net-host "$work/rings.vr" conformance/status
grep -q "$own" "$out" && result=1 || result=0
tap "... nor one of our models, whose transport is judged" "$result"
tap_end
