#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The page of `vringer run --html`: with nothing failed, one failure and forty, a crash, hostile
# text, the results of another run beside it, and where it cannot be written.  Devices that are
# broken (harness/test/broken/) fail.
# shellcheck disable=SC1091,SC2034,SC2154
set -u
. "${0%/*}/tap.sh"

good=${VRINGER:-$PWD/build/vringer}
broken=$PWD/build/test/run-broken
page=$work/page.html
ring=conformance/ring
steps=conformance/status

# xpath EXPRESSION: of the page; /x and ::x stand for an element of that name.
xpath() {
	xmllint --xpath "$(echo "$1" | sed -E ':again
		s#(/|::)([a-z][a-z0-9]*)([^a-z0-9:-]|$)#\1*[local-name()="\2"]\3#
		t again')" "$page" 2>>"$err"
}

# is NAME EXPRESSION VALUE
is() {
	value=$(xpath "$2")
	[ "$value" = "$3" ] || echo "found $value, expected $3" >>"$err"
	[ "$value" = "$3" ]
	tap "$1" $?
}

# says NAME TEXT: somewhere in its text.
says() {
	xpath 'normalize-space(string(//body))' | grep -qF -- "$2"
	tap "$1" $?
}

# says_not NAME TEXT
says_not() {
	! xpath 'normalize-space(string(//body))' | grep -qF -- "$2"
	tap "$1" $?
}

# Of a link, an element that has the name.
links_lead_somewhere() {
	grep -o ' href="[^"]*"' "$page" | sed 's/.*"#\(.*\)".*/\1/' | sort -u >"$work/links"
	grep -o ' id="[^"]*"' "$page" | sed 's/.*"\(.*\)".*/\1/' | sort >"$work/ids"
	[ -z "$(uniq -d "$work/ids")" ] && [ -z "$(comm -23 "$work/links" "$work/ids")" ]
}

# The digest that the page allows is of the script that it has.
script_is_ours() {
	xpath 'string(//script)' | head -c -1 | sha256sum | cut -c 1-64 >"$work/sum"
	sha256sum <harness/page/page.js | cut -c 1-64 | cmp -s - "$work/sum" &&
		sha256sum harness/page/page.js |
		LC_ALL=C awk -f harness/page/page_assets.awk - harness/page/page.css harness/page/page.js |
			sed -n 's/.*script_hash.. = "\(.*\)".*/\1/p' >"$work/hash" &&
		xpath 'string(//meta[@http-equiv]/@content)' | grep -qF "default-src 'none'; style-src 'unsafe-inline'; script-src '$(cat "$work/hash")'"
}

# written NAME: well-formed, alone, and in order for who hears or tabs through it.
written() {
	: >"$err"
	xmllint --noout "$page" 2>>"$err"
	tap "$1: well-formed" $?
	is '... nothing from elsewhere, one script' "concat(count(//link) + count(//img) + count(//iframe) + count(//b), ' ',
		count(//@src | //@*[starts-with(name(), 'on')] | //@href[not(starts-with(., '#'))]), ' ', count(//script))" '0 0 1'
	is '... headings, landmarks, labels, headers of tables' "concat(count(//th[not(@scope)]), ' ',
		count(//select[not(@id = parent::label/@for)]), ' ', count(//h1), count(//main), count(//nav[@aria-label]), ' ',
		count(//section) - count(//section/h2), ' ', count(//h3[not(preceding-sibling::h2)]), ' ',
		count(//table[not(./caption) and not(ancestor::details)]))" '0 0 111 0 0 0'
	links_lead_somewhere
	tap "... each link leads somewhere, each id is there once" $?
}

# page_of NAME STATUS COMMAND ARGUMENT...: a run that writes the page.
page_of() {
	name=$1 expected=$2 command=$3
	shift 3
	rm -f "$page"
	gives "$expected" "$name" "$command" run --html "$page" "$@"
	[ "$expected" = 2 ] || written "$name"
}

# Nothing failed.
"$good" run -t rng --split $steps/driver-*.vr conformance/mmio/notify-other-queue.vr >"$work/tap"
page_of 'no failure' 0 "$good" -t rng --split $steps/driver-*.vr conformance/mmio/notify-other-queue.vr
cmp -s "$work/tap" "$out"
tap 'TAP is as without the page' $?
script_is_ours && ! xpath 'string(//style)' | grep -qE '@import|url\(|http'
tap 'no script but ours is let run, the style takes nothing from elsewhere' $?
is 'the verdict comes first' 'string(//main/section[1]/@id)' verdict
xpath 'string(//p[@class="verdict good"])' | grep -qE '^No failure in [0-9]+ results\.$'
tap '... and is good' $?
is '... in the order that one reads' 'count(//section[@id="verdict"]/following::section)' 4
says 'no failure: none is shown' 'Failures None.'
is '... and none can be filtered' 'count(//form)' 0
says 'skipped scripts have a reason' 'needs another queue with a request'
is 'an area has its share' 'string(//a[@href="#area-status"]/ancestor::tr/td[1])' 33%
xpath 'string(//details[@id="area-status"])' | grep -q 'kept, in [0-9]* result'
tap 'a statement was kept' $?
grep -P '^dev.status.field.1\t' conformance/clauses.tsv | cut -f 6 >"$work/words"
says '... with our words for it' "$(cat "$work/words")"
says 'areas that it was not about are named' 'Nothing of this run was about: '
cp "$page" "$work/first"
page_of 'the same again' 0 "$good" -t rng --split $steps/driver-*.vr conformance/mmio/notify-other-queue.vr
cmp -s "$page" "$work/first"
tap 'the same results give the same bytes' $?

# Nothing ran.
page_of 'all skipped' 0 "$good" -t rng --split conformance/mmio/notify-other-queue.vr
says 'nothing was judged, and it says so' 'Nothing was judged: no script ran.'

# One failure.
device=broken-wrong-data-purposes script=$steps/acknowledge-after-failed.vr
page_of 'one failure' 1 "$broken" -t $device --brief $script
is 'one failure: its verdict' 'string(//p[@class="verdict bad"])' '1 of 1 result fails: 1 by a MUST of VIRTIO.'
is '... is shown, and open' 'count(//details[@class="finding" and @open])' 1
is '... needs no filter' 'count(//form)' 0
says '... with what was wrong' 'byte 0 of the answer is'
says '... the guest' 'op 3 (line 11): send_request 0'
says '... the rule' 'request.answered (must): a well-formed request is returned'
says '... the claim' 'The driver sets FAILED and then takes the step to ACKNOWLEDGE all the same.'
says '... the clause' "drv.status.field.3 (the driver MUST, VIRTIO 1.4, section 2.1.1): $(grep -P '^drv.status.field.3\t' conformance/clauses.tsv | cut -f 6)"
is '... the line of the script' 'string(//mark)' 'send_request q'
says '... the trace' 'driver writes QueueNotify = 0x0'
is '... closed until asked for' 'count(//details[@class="finding"]//details[@open])' 0
says '... and its section is broken' 'broken, by rule request.answered'
again=$(xpath 'string(//dt[.="Again"]/following-sibling::dd[1])')
gives 1 '... the command that it shows shows it again' sh -c "$again"
shows '... as it was' '^finding: request.answered:send_request'

# A crash, whose report has addresses; its trace is there up to the crash.
crash='-t broken-head-unchecked-plain --brief'
# shellcheck disable=SC2086
page_of 'a crash' 1 "$broken" $crash $ring/head-65535.vr
cp "$page" "$work/first"
says 'a crash: its verdict' '1 by a crash, a hang, a leak or the like.'
is '... its severity' 'string(//details[@class="finding"]/@data-severity)' crash
is '... has a trace and a report' 'count(//details[@class="finding"]//details)' 3
# shellcheck disable=SC2086
page_of 'a crash, again' 1 "$broken" $crash $ring/head-65535.vr
cmp -s "$page" "$work/first" && ! grep -qE '0x[0-9a-f]{9}|==[0-9]+==' "$page"
tap '... gives the same bytes: no address, no number of a process' $?

# Forty, with everything that is about them.
# shellcheck disable=SC2046
set -- $(grep -l '^device *any' $steps/*.vr | head -n 20)
page_of 'forty failures' 1 "$broken" -t $device --split "$@"
is 'forty failures are shown' 'count(//details[@class="finding"])' 40
is '... none of them open' 'count(//details[@class="finding" and @open])' 0
is '... each with a trace' 'count(//summary[starts-with(., "Trace")])' 40
is '... by one cause' 'string(//section[@id="failures"]/p[1])' 'By request.answered in 80.'
is '... with filters' 'count(//form[@id="filter" and @hidden]//label/select)' 5
is '... by device' "string(//select[@name='device']/option[2])" $device
is '... by queue' "string(//select[@name='queue']/option[2])" 0
is '... by severity' "string(//select[@name='severity']/option[2])" must
is '... each has all that is filtered by' 'count(//details[@class="finding" and @data-device and @data-queue and @data-area and @data-severity and @data-cause])' 40
[ "$(wc -c <"$page")" -lt 1000000 ]
tap '... in less than 1 MB' $?

# A device that is not judged strictly: `>` lines by severity, and what they say of statements.
cat >"$work/lines.vr" <<'END_OF_SCRIPT'
# Not met, by severity.
device any
clause dev.status.field.1 dev.status.field.2 drv.status.field.1
start driver_ok
> should status +FAILED
> must status +NEEDS_RESET
END_OF_SCRIPT
odd=$work/odd
# What became of a statement.
of() {
	echo "normalize-space(string(//th[./code='$1']/following-sibling::td[2]))"
}
sed 's/ODD(prints, "odd-print",/& .virtio = 0x0102,/' harness/test/foreign/odd.c >"$work/odd.c"
gives 0 'devices that are not ours' gcc -std=gnu11 -g -fsanitize=address,undefined -Iharness/target \
	-o "$odd" "$work/odd.c" build/libvringer.a
page_of 'lines that are not met' 1 "$odd" -t odd-well "$work/lines.vr"
is '... the MUST that the script cites is broken' "$(of dev.status.field.1)" 'broken: failure 1'
is '... and the SHOULD, which fails nothing' "$(of dev.status.field.2)" 'broken'
is '... the driver broke its part' "$(of drv.status.field.1)" 'tried: 1 result failed, 0 passed'
says '... the line that fails nothing is a warning' "should $work/lines.vr:5"
sed -i '/> must/d' "$work/lines.vr"
page_of 'a warning' 0 "$odd" -t odd-well "$work/lines.vr"
says '... is in the verdict' '1 shows something that fails nothing in this run.'
page_of 'strict' 1 "$odd" -t odd-well --strict "$work/lines.vr"
says '... fails by it' '1 by a SHOULD of VIRTIO.'
printf 'device any\nclause 4.2.2 dev.mmio.regs.3\nstart driver_ok\nsend 0 b1\n' >"$work/session.vr"
page_of 'a device on our transport' 0 "$odd" -t odd-well "$work/session.vr"
is '... is not judged by what that keeps' "$(of dev.mmio.regs.3)" "not judged: $(printf 'vringer\342\200\231s') own transport keeps it, not the device"
page_of 'a rule that warns' 0 "$odd" -t odd-flat "$work/session.vr"
is '... is told, with its rule' 'string(//section[@id="notes"]//li/code)' stuck.available:send
{ cat "$work/session.vr" && echo '> must used 0 id=9'; } >"$work/wrong.vr"
page_of 'a device that prints' 1 "$odd" -t odd-print "$work/wrong.vr"
is '... what that is is shown, and no element' 'count(//pre[contains(., "<failure>")])' 1
printf 'device any\nclause dev.init.suspend.1\nstart driver_ok\n> must status +FAILED\n' >"$work/newer.vr"
page_of 'a device of an older VIRTIO' 0 "$odd" -t odd-print "$work/newer.vr"
is '... is told what is newer' 'string(//section[@id="notes"]//li/span[1])' newer
says '... in the verdict too' '1 breaks something that is newer than the device.'
page_of 'one that exits' 1 "$odd" -t odd-exit "$work/session.vr"
is '... has a trace as far as it came' 'count(//pre[contains(., "driver writes QueueNotify")])' 1
page_of 'one that hangs' 1 "$odd" -t odd-loop --timeout 1 "$work/session.vr"
is '... has one too' 'count(//pre[contains(., "driver writes QueueNotify")])' 1
says '... and its finding' 'hang'

echo 'request.answered:* # a <known> one' >"$work/known"
page_of 'a known finding' 0 "$broken" -t $device --known "$work/known" --brief $script
says '... does not count' '1 met a known finding, which does not count.'
says '... and has its reason' 'known: a <known> one'

# Hostile text: in a name, a comment, a line, a header; long lines and scripts.
hostile="$work/<b onclick=\"x\">&'"
mkdir "$hostile"
{
	printf '# </pre></script><script>alert(1)</script> <img src=x onerror=alert(1)> & "\303\251\n'
	echo 'device any'
	awk 'BEGIN { for (i = 0; i < 300; i++) print "# line", i, "<i>"; while (i++ < 900) printf "#x"; print "" }'
	echo 'start driver_ok'
	awk 'BEGIN { for (i = 0; i < 90; i++) print "send_request q" }'
	echo '> must status +FAILED'
} >"$hostile/a b.vr"
page_of 'hostile text' 1 "$good" -t rng --brief "$hostile/a b.vr"
says '... is shown as it is' '</pre></script><script>alert(1)</script>'
says '... a long script is cut, which is said' ' lines left out ...'
says '... and a long trace' ' bytes left out ...'
is '... but not the line that failed' 'string(//mark)' '> must status +FAILED'
[ "$(wc -c <"$page")" -lt 150000 ]
tap '... on a page that stays small' $?

# Compared with another run.
"$broken" run --json -t $device --split "$1" "$2" >"$work/bad.json"
sed 's/"result":"fail"/"result":"pass"/' "$work/bad.json" >"$work/was-good.json"
page_of 'compared with itself' 1 "$broken" -t $device --split --against "$work/bad.json" "$1" "$2"
says '... nothing changed' 'Nothing changed in 8 results.'
page_of 'compared with a better one' 1 "$broken" -t $device --split --against "$work/was-good.json" "$1" "$2"
says '... what broke' '8 broke, 0 healed, of 8 results.'
says '... by what' "$1 [$device q0 ask direct]: request.answered:send_request"
"$good" run --json -t rng --split "$1" "$2" | sed 's/"result":"pass"/"result":"fail"/' >"$work/rng.json"
page_of 'compared with a worse one' 0 "$good" -t rng --split --against "$work/rng.json" "$1" "$3"
says '... what healed' '0 broke, 4 healed, of 8 results.'
says '... what is new' 'New: 4'
says '... what is gone' 'Gone: 4'
sed 's/request.answered:send_request/completion.len:send_request/g; s/[{,]"/\n&/g' "$work/bad.json" >"$work/other.json"
page_of 'compared with other failures, on many lines' 1 "$broken" -t $device --split --against "$work/other.json" "$1" "$2"
says '... fail otherwise' 'Fail otherwise: 4'
says '... and by what they did' 'request.answered:send_request, was completion.len:send_request'

# What is no such file: one line, and nothing runs or is lost.
echo old >"$page"
# bad NAME PATTERN TEXT
bad() {
	printf '%s' "$3" >"$work/x.json"
	refuses "--against $1" "^$work/x.json:$2\$" "$good" run --html "$page" --against "$work/x.json" -t rng $script
}
bad 'nothing' "1:1: found the end, expected an object" ''
bad 'a list' "1:1: found '\\[', expected an object" '[]'
bad 'no results' '1:8: found an object without "results", expected the output of run --json' '{"a": 1}'
bad 'the end too soon' "2:1: found the end, expected an object" '{"results":[
'
bad 'a result without a name' '1:13: found a result without file, target or result, expected one of run --json' '{"results":[{}]}'
bad 'an unknown result' '2:10: found "?great"?, expected pass, fail, skip or known' '{"results":[{"file":"a","target":"b",
"result":"great"}]}'
bad 'a number for a name' "1:21: found '5', expected a string" '{"results":[{"file":5}]}'
bad 'a string without an end' "1:7: found '.x0a', expected '\"' at the end of a string" '{"file
":1}'
bad 'an escape that there is not' "1:7: found 'q', expected an escape of JSON" '{"fil\q":1}'
bad 'no value' "1:6: found '\\]', expected a value" '{"a":]}'
bad 'more behind it' "1:15: found '\\{', expected the end" '{"results":[]}{}'
bad 'what is too deep' "1:38: found '\\[', expected values that are not so deep inside each other" '{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[['
refuses '--against what is not there' "^/nonexistent: No such file" "$good" run --html "$page" --against /nonexistent -t rng $script
refuses '--against without --html' 'run: --against was given without --html' "$good" run --against "$work/bad.json" -t rng $script
refuses '--html -' 'run: --html -: expected a file' "$good" run --html - -t rng $script
refuses '--html without a name' "run: no argument for option '--html'" "$good" run --html
refuses '--html where nothing can be' '^/nonexistent/x: cannot be written' "$good" run --html /nonexistent/x -t rng $script
refuses '--html is --against' 'is the input, expected another output' "$good" run --html "$work/bad.json" --against "$work/bad.json" -t rng $script
refuses '--html is -o' "^$page: " "$good" run --html "$page" -o "$page" -t rng $script
cp $script "$work/script.vr"
refuses '--html is a script' 'is the input, expected another output' "$good" run --html "$work/script.vr" -t rng "$work/script.vr"
cmp -s $script "$work/script.vr" && [ "$(cat "$page")" = old ]
tap 'nothing was written' $?

# A disk that is full leaves the page that was there, and the results are told all the same.
"$good" run -t rng --split $script >"$work/tap"
(
	trap '' XFSZ
	ulimit -f 8
	exec "$good" run --html "$page" -t rng --split $script >"$out" 2>"$err"
)
[ $? = 2 ] && [ "$(cat "$page")" = old ] && cmp -s "$out" "$work/tap" && [ "$(wc -l <"$err")" = 1 ] &&
	grep -q 'cannot be written' "$err" && [ -z "$(find "$work" -name '.vringer-*')" ]
tap 'a full disk: exit 2, one line, the old page' $?

# Beside other formats.
gives 0 '--html and --json' "$good" run --json --html "$page" -t rng --split $script
jq -e '.passed > 0' "$out" >/dev/null 2>>"$err"
tap '... JSON is as it is' $?
gives 1 '--html and --junit' "$broken" run --junit --html "$page" -t $device --split $script
xmllint --noout --schema harness/test/junit.xsd "$out" 2>>"$err"
tap '... JUnit is as its schema asks' $?
gives 0 '--html and -o' "$good" run -o "$work/o.tap" --html "$page" -t rng --split $script
cmp -s "$work/o.tap" "$work/tap" && xmllint --noout "$page" 2>>"$err"
tap '... both are there' $?

tap_end
