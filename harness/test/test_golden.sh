#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Files of every version of the binary format mean what they meant, for ever:
# golden/NAME.bin shows as golden/NAME.vr does.  Never change such a pair; an
# operation that is new gets a new one.  A number that has got a name since is shown by it,
# so the text is shown too.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"
golden=${0%/*}/golden

for bin in "$golden"/*.bin; do
	name=$(basename "$bin" .bin)
	"$VRINGER" show "$golden/$name.vr" >"$work/shown" || : >"$work/shown"
	run "$VRINGER" show -t net-loopback "$bin"
	[ "$rc" = 0 ] && diff "$work/shown" "$out" >"$err"
	tap "$name shows as its script" $?
	run "$VRINGER" encode -o "$work/again" "$golden/$name.vr"
	run "$VRINGER" show "$work/again"
	diff "$work/shown" "$out" >"$err"
	tap "$name encodes and shows as its script" $?
	run "$VRINGER" replay --timeout 60 "$golden/$name.vr"
	[ "$rc" = 0 ]
	tap "$name runs and breaks nothing" $?
done

run "$VRINGER" ops
sed -n 's/^\([a-z_][a-z_]*\).*/\1/p' "$out" | while read -r op; do
	grep -qE "^ *$op( |\$)" "$golden"/*.vr || echo "$op is in no golden file"
done >"$err"
[ ! -s "$err" ]
tap 'every operation is in a golden file' $?

tap_end
