#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Names and words that mean something to the programs that read results: each is
# one test, in the state that it is in, to a TAP parser, an XML and a JSON reader
# and a shell.
# shellcheck disable=SC1091,SC2016,SC2154
set -u
. "${0%/*}/tap.sh"
export LC_ALL=C # bytes

rule=$BUILD/bugs/rule-fetch-walk/vringer
awk=$PWD/harness/test/tap.awk
scripts="$work/it's a \"folder\""
mkdir "$scripts"

# Bytes that are no UTF-8 (Latin 1, cut short, overlong, half a pair), what XML has no
# room for, and what is fine.
printf '%b' 'a # SKIP me\nb # TODO me\n# skip\nends in \\\\\n\\\\# SKIP\n<&> "q"\ntab\there\n' \
	'latin \0351\ncut \0342\0202\noverlong \0300\0200\nhalf \0355\0240\0200\n' \
	'noncharacter \0357\0277\0276 \0357\0277\0277\ncontrol \0001\0033[31m\0177\n' \
	'next \0302\0205 \0342\0200\0250\nfine \0303\0251 \0342\0202\0254 \0360\0220\0215\0210\n' \
	'-dash\n$(touch pwned)\n`x`;x|x\n[a] {b} *\n#\n' >"$work/names"
while IFS= read -r name; do
	{
		# A script is text: no control character but a tab is in one.
		printf '# claim: %s\n' "$name" | tr -d '\001-\010\013-\037\177'
		printf 'device net-loopback\nreset\n> status DRIVER\n'
	} >"$scripts/$name.vr"
done <"$work/names"
line_break=$(printf 'two\nok 99 - lines')
printf 'device net-loopback\nreset\n> status DRIVER\n' >"$scripts/$line_break.vr"
count=$(find "$scripts" -name '*.vr' -print0 | tr -dc '\0' | wc -c)
[ "$count" = "$(($(wc -l <"$work/names") + 1))" ]
tap 'there are scripts' $?

utf8() {
	iconv -f UTF-8 -t UTF-8 "$out" >/dev/null 2>"$err"
	tap "$1: it is UTF-8" $?
}

# all NAME COUNT: so many as there are scripts.
all() {
	[ "$2" = "$count" ]
	tap "$1: $2 of $count" $?
}

gives 1 'TAP' "$VRINGER" run "$scripts"
cp "$out" "$work/tap"
utf8 TAP
all 'TAP: a line of its own for each, which fails' "$(grep -cE '^not ok [0-9]+ - ' "$work/tap")"
all 'tap.awk: they fail' "$(awk -v rc=1 -f "$awk" "$work/tap" | awk 'NR == 1 { print $2 }')"
LC_ALL=C tr -d '\n\t -~\200-\377' <"$work/tap" >"$err"
[ ! -s "$err" ]
tap 'TAP: no control character' $?
if command -v prove >/dev/null; then
	run prove -v --exec cat "$work/tap"
	[ "$(sed -n 's/.*Failed: \([0-9]*\)).*/\1/p' "$out")" = "$count" ]
	tap 'prove: all of them fail' $?
	grep -qi 'todo passed\|skipped:\|parse errors' "$out" && result=1 || result=0
	tap 'prove: and none is skipped, or in error' "$result"
fi

gives 1 'JUnit' "$VRINGER" run --junit "$scripts"
cp "$out" "$work/xml"
utf8 JUnit
run xmllint --noout --schema harness/test/junit.xsd "$work/xml"
tap 'JUnit: it is XML' "$rc"
run xmllint --xpath 'count(//testcase/failure)' "$work/xml"
all 'JUnit: they fail' "$(cat "$out")"
run xmllint --xpath "count(//testcase[contains(@name, '
ok 99')])" "$work/xml"
[ "$(cat "$out")" = 1 ]
tap 'JUnit: a name keeps its line break' $?

for format in 'run --json' 'replay --json' 'replay -v --json'; do
	# shellcheck disable=SC2086
	find "$scripts" -name '*.vr' -exec "$VRINGER" $format {} + >"$out" 2>"$err"
	cp "$out" "$work/json"
	utf8 "$format"
	run jq -r '(.results? // [select(.event == "result")])[] | .file' "$work/json"
	all "$format: it is JSON, with each name" "$(grep -c '\.vr$' "$out")"
	grep -q 'fine é € 𐍈\.vr$' "$out" && grep -qF 'latin \xe9.vr' "$out"
	tap "$format: what is UTF-8 stays, what is not is shown" $?
done

# A reason, of whoever wrote the list.
printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >"$scripts/known.vr"
printf 'fetch.walk:* # \351 # SKIP \357\277\276\n' >"$work/known"
run "$rule" run --known "$work/known" "$scripts/known.vr"
utf8 'a reason in TAP'
run "$rule" run --junit --known "$work/known" "$scripts/known.vr"
cp "$out" "$work/xml"
utf8 'a reason in JUnit'
run xmllint --noout --schema harness/test/junit.xsd "$work/xml"
tap 'a reason in JUnit: it is XML' "$rc"
run "$rule" run --json --known "$work/known" "$scripts/known.vr"
utf8 'a reason in JSON'

# The next commands, as a shell takes them.
cd "$scripts" || exit
find . ! -name known.vr -type f -exec rm -f {} +
while IFS= read -r name; do
	cp known.vr "./$name"
	run "$rule" replay -t net-loopback -- "$name"
	sed -n 's/^next: vringer \(.*\)   (every operation and access)$/"$rule" \1/p' "$out" >"$work/next"
	(eval "$(cat "$work/next")") >"$out" 2>"$err"
	grep -q '^finding: fetch.walk:send$' "$out" && [ -s "$work/next" ]
	tap "next: replays what is named $(printf '%s' "$name" | tr -cd 'a-zA-Z -')" $?
done <"$work/names"
[ ! -e pwned ]
tap 'next: and a name is no command' $?
cd - >/dev/null || exit

# Of several folders that are named after targets, the nearest to the file.
mkdir -p "$work/fs/findings/net_loopback/x" "$work/net-loopback/fs"
printf 'start driver_ok\n' | sed '1i device any' >"$work/any.vr"
"$VRINGER" encode --body -t net-loopback -o "$work/any" "$work/any.vr"
for place in fs/findings/net_loopback/x:net-loopback net-loopback/fs:fs; do
	cp "$work/any" "$work/${place%:*}/crash-1"
	run "$VRINGER" replay "$work/${place%:*}/crash-1"
	shows "$place: the nearest folder names the target" "crash-1: ${place#*:}: "
done

tap_end
