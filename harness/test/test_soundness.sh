#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Every rule of the ledger has a script in conformance/soundness/, named by its
# id, that puts a correct device into the nastiest corners for that rule and
# demands silence, and a planted bug, or a broken device (broken/), that breaks it.  RULE-any.vr beside it is the same
# for any device, and RULE-packed.vr on packed rings.  That the scripts pass is the affair of `run conformance`.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

scripts=conformance/soundness
bugs=fuzzers/bugs
seen='answered|used|used_idx|value|status|interrupts|counter|counters'
silence='^ *> silent'

# has NAME FILE PATTERN...: FILE has a line like each of them.
has() {
	name=$1 file=$2 result=0
	shift 2
	: >"$err"
	for pattern; do
		grep -qE -- "$pattern" "$file" 2>>"$err" && continue
		echo "no line like $pattern" >>"$err"
		result=1
	done
	tap "$name" "$result"
}

gives 0 'rules' "$VRINGER" rules
cp "$out" "$work/rules"
: >"$out"
[ -s "$work/rules" ]
tap 'there are rules' $?
cut -d ' ' -f 1 "$work/rules" >"$work/ids"
cat "$bugs"/*.patch >"$work/bugs"

while read -r rule _ clause _; do
	script=$scripts/$rule.vr
	has "$rule: a script" "$script" .
	has "$rule: it demands silence, and that something was done" "$script" "$silence" \
		"^ *> ($seen)( |\$)"
	[ "$clause" = policy ] ||
		has "$rule: the rule's clause" "$script" "^clause (.* )?$clause( |\$)"
	# Of what none of our models says, a broken device of somebody else's is the proof.
	if grep -q "^[^#	]*	$rule	" harness/test/broken/expected.tsv; then
		tap "$rule: a broken device" 0
		continue
	fi
	has "$rule: a planted bug" "$work/bugs" "^Rule:(.*[[:space:]])?$rule([[:space:]]|\$)"
done <"$work/rules"

for script in "$scripts"/*.vr; do
	rule=$(basename "$script" .vr)
	has "$script: there is that rule" "$work/ids" "^$(echo "$rule" | sed 's/-any$//; s/-packed$//')\$"
	[ "$(head -c 2 "$script")" = '# ' ]
	tap "$script: the argument comes first" $?
done

for script in "$scripts"/*-any.vr "$scripts"/*-packed.vr; do
	has "$script: for any device, silence, and something was done" "$script" '^device any' \
		"$silence" "^ *> (must )?($seen)( |\$)"
done

tap_end
