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

# And every field by its name, and every word that a field may hold.
awk '
	/^[a-z]/ {
		op = $1
		for (i = 2; i <= NF; i++)
			if (match($i, /^\[[a-z_]+=\]$/)) print op, substr($i, 2, length($i) - 2)
	}
	/^        [a-z_]+: / {
		for (i = 2; i <= NF; i++)
			if ($i != "|") print op, $i
	}' "$out" >"$work/words"
cat "$golden"/*.vr | awk '
	NR == FNR { wanted[$0]; next }
	{
		n = split($0, word, /[ |]+/)
		first = word[1] == "" ? 2 : 1
		for (i = first + 1; i <= n; i++) {
			value = word[i]
			if (match(value, /^[a-z_]+=/)) {
				seen[word[first] " " substr(value, 1, RLENGTH)]
				value = substr(value, RLENGTH + 1)
			}
			seen[word[first] " " value]
		}
	}
	END {
		for (want in wanted)
			if (!(want in seen)) print want ": in no golden file"
	}' "$work/words" - >"$err" 2>&1
[ -s "$work/words" ] && [ ! -s "$err" ]
tap 'every field, and every word of one, is in a golden file' $?

tap_end
