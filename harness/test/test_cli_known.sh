#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# --known FILE: what is on the list fails nothing and is named; what is not on
# it fails as before.  Bugs of the net model are planted for that.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

rule=$BUILD/bugs/rule-fetch-walk/vringer
crash=$BUILD/bugs/n1-header-slots/vringer

printf 'device net-loopback\nstart driver_ok\noffer 0 b7:w*13 b9:w\nsend 1 b3\n' >"$work/crash.vr"
printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >"$work/rule.vr"
{
	cat "$work/rule.vr"
	echo '> used 1 none'
} >"$work/demand.vr"
# The same when notified and not when sent: another operation.
{
	cat "$work/rule.vr"
	printf 'offer 1 head=4 b3\nnotify 1\n'
} >"$work/another.vr"
printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n> used 1 id=0 len=0\n' >"$work/good.vr"

printf '\n# a comment\n  fetch.walk:send \t#  read twice  \nfetch.walk:liveness # likewise\n' >"$work/known"
gives 0 'a list, and nothing to meet' "$VRINGER" run --split --known "$work/known" "$work/good.vr"
shows 'nothing was known' '^# 1 passed, 0 failed, 0 skipped, 0 known$'

gives 1 'a finding without the list' "$rule" run --split "$work/rule.vr"
gives 0 'run --known' "$rule" run --split --known "$work/known" "$work/rule.vr" "$work/demand.vr"
shows 'TAP: not ok, and to be so' '^not ok 1 - .*/rule.vr # TODO known: fetch.walk:send: read twice$'
shows 'TAP: a demand after it, too' '^not ok 2 - .*/demand.vr # TODO known: fetch.walk:send'
shows 'TAP: the list is named' '^# known: fetch.walk:send  # read twice \(met 2 times\)$'
shows 'TAP: it is counted apart' '^# 0 passed, 0 failed, 0 skipped, 2 known$'
gives 1 'the program goes on to what is not known' \
	"$rule" run --split --known "$work/known" "$work/another.vr"
shows 'which fails' '^# .*another.vr:5: fetch.walk:notify$'
printf 'fetch.walk:* # read twice\n' >"$work/known-all"
gives 0 'whichever the operation' "$rule" run --split --known "$work/known-all" "$work/another.vr"
shows 'is known' '^# known: fetch.walk:\*  # read twice \(met 3 times\)$'
gives 0 'run --known --json' "$rule" run --split --known "$work/known" --json "$work/rule.vr"
jq -e '.failed == 0 and .results[0].result == "known" and
	.results[0].findings[0].known == "read twice" and
	.known[0] == {signature: "fetch.walk:send", reason: "read twice", hits: 1}' \
	"$out" >/dev/null 2>"$err"
tap 'JSON says so' $?
gives 0 'run --known --junit' "$rule" run --split --known "$work/known" --junit "$work/rule.vr"
xmllint --noout --schema harness/test/junit.xsd "$out" 2>"$err"
tap 'it is as its schema asks' $?
shows 'JUnit: skipped, and why' '<skipped message="known: fetch.walk:send: read twice"/>'

gives 0 'replay --known' "$rule" replay --known "$work/known" "$work/demand.vr"
shows 'replay names it' '^known: finding: fetch.walk:send$'
shows 'and the reason' '^  known: read twice$'
shows 'and says that there is nothing else' ': only known findings$'
gives 1 'replay --known of another' "$rule" replay --known "$work/known" "$work/another.vr"
gives 0 'replay --known --json' "$rule" replay --json --known "$work/known" "$work/rule.vr"
jq -e '.passed and .findings[0].known == "read twice"' "$out" >/dev/null 2>"$err"
tap 'JSON of replay says so' $?
refuses 'minimize --known' 'no finding that is not known on net-loopback' \
	"$rule" minimize --known "$work/known" "$work/rule.vr"
gives 0 'minimize --known of another' "$rule" minimize --known "$work/known" "$work/another.vr"
shows 'keeps the other one' '^# fetch.walk:notify '

# A crash: nothing goes on, and its signature is the build's.
gives 1 'a crash without the list' "$crash" replay "$work/crash.vr"
echo "$(sed -n 's/^finding: //p' "$out") # header slots" >"$work/known-crash"
gives 0 'replay --known of a crash' "$crash" replay --known "$work/known-crash" "$work/crash.vr"
gives 0 'run --known of a crash' "$crash" run --known "$work/known-crash" "$work/crash.vr"
shows 'TAP: it is known' '^not ok 1 - .* # TODO known: .*: header slots$'

# bad NAME LINE COLUMN PATTERN: what $work/bad holds is refused there.
bad() {
	refuses "$1" "^$work/bad:$2:$3: $4" "$VRINGER" run --known "$work/bad" "$work/rule.vr"
}
refuses 'no such list' "^$work/none: No such file" "$VRINGER" replay --known "$work/none" "$work/rule.vr"
printf 'fetch.walk:send # a\nfetch.walk:send # b\n' >"$work/bad"
bad 'twice' 2 1 "'fetch.walk:send' is already on line 1, expected it once"
printf '# x\n\n fetch.walk:send\n' >"$work/bad"
bad 'no reason' 3 17 "the line ends here, expected '#'"
printf 'fetch.walk:send #  \n' >"$work/bad"
bad 'an empty reason' 1 20 'no reason, expected'
printf 'fetch.walk:send because\n' >"$work/bad"
bad 'no #' 1 17 "'b', expected '#'"
printf 'fetch.wlk:send # x\n' >"$work/bad"
bad 'no such rule' 1 1 "no signature begins with 'fetch.wlk', expected a rule"
printf 'fetch.walk # x\n' >"$work/bad"
bad 'no operation' 1 11 'the signature ends here, expected'
printf 'hang:\001 # x\n' >"$work/bad"
bad 'a control character' 1 6 'byte 0x01, expected'
printf 'hang:send # x\000y\n' >"$work/bad"
bad 'a NUL' 1 14 'byte 0x00, expected text'
printf 'fetch.walk: # x\n' >"$work/bad"
bad 'an empty operation' 1 12 "the signature ends here, expected the operation, or '\*'"
printf '\357\273\277fetch.walk:send # x\n' >"$work/bad"
bad 'a byte-order mark' 1 1 'a byte-order mark \(UTF-8\), expected'
head -c 1000000 /dev/zero | tr '\0' a >"$work/bad"
bad 'a megabyte' 1 1 "no signature begins with 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"
[ "$(wc -c <"$err")" -lt 1000 ]
tap 'is not all shown' $?
{ printf 'hang:' && head -c 1000 /dev/zero | tr '\0' a && echo ' # x'; } >"$work/bad"
bad 'what no signature is as long as' 1 1 'the signature is too long, expected at most [0-9]+ bytes'

# A demand that is not met has a signature too: folder, script, line.
mkdir "$work/demands"
printf 'device net-loopback\nreset\n> status DRIVER\n' >"$work/demands/d.vr"
gives 1 'a demand' "$VRINGER" run "$work/demands/d.vr"
shows 'a demand: its signature' '^# signature: demand:demands/d.vr:3$'
for line in 3 '*'; do
	printf 'demand:demands/d.vr:%s # why\n' "$line" >"$work/list"
	gives 0 "a known demand, $line" "$VRINGER" run --known "$work/list" "$work/demands/d.vr"
	shows "a known demand, $line: is told" '^not ok 1 - .* # TODO known: demand:demands/d.vr:3: why$'
	shows "a known demand, $line: is counted" '^# known: demand:demands/d.vr:.*  # why \(met 1 time\)$'
	gives 0 "a known demand, $line: replay" "$VRINGER" replay --known "$work/list" "$work/demands/d.vr"
done
printf 'demand:demands/d.vr:4 # why\n' >"$work/list"
gives 1 'another demand is known' "$VRINGER" run --known "$work/list" "$work/demands/d.vr"
gives 1 'a demand in JSON' "$VRINGER" run --json "$work/demands/d.vr"
jq -e '.results[0].signature == "demand:demands/d.vr:3"' "$out" >/dev/null
tap 'a demand in JSON: its signature' $?

tap_end
