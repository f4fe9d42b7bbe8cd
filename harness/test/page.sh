#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The page of results of fuzzing (fuzzers/page.sh), from logs made here: with nothing found,
# one finding and forty, hostile text, very much of everything, and logs that are cut.  A real
# run writes it in campaign.sh and user_fuzz.sh.
# shellcheck disable=SC1091,SC2034,SC2154
set -u
. "${0%/*}/tap.sh"

mkdir -p "$work/tree/build" "$work/tree/conformance"
cp -R fuzzers "$work/tree/"
cp conformance/clauses.tsv "$work/tree/conformance/"
cd "$work/tree" || exit

# What it asks of the command.
cat >build/vringer <<'END_OF_COMMAND'
#!/bin/sh
case $1 in
rules) echo 'memory.write   must   dev.split.desc-table.1a   every byte written lies there' ;;
show) printf 'device net-loopback\nstart driver_ok\n# as found: %s\n' "$4" ;;
esac
END_OF_COMMAND
chmod +x build/vringer
vringer=build/vringer
page=build/campaign/index.html

is_parser() {
	[ "$1" = text ]
}

VRINGER_PAGE=0
. fuzzers/page.sh

# logs_of TARGET ENGINE BEGUN: a run without anything in its logs.
logs_of() {
	target=$1 binary=build/fuzz/fuzz_$1 logs=build/fuzz-logs/$1
	[ "$2" = libfuzzer ] || binary=build/afl/fuzz_$1 logs=build/afl-logs/$1
	begun=$3 seconds=600 jobs=2 executions=123456 peak=77
	device=$(echo "$1" | tr _ -)
	findings=build/findings/$1
	rm -rf "$logs"
	mkdir -p "$logs" "$findings"
	: >"$logs/findings"
}

# status LINES: that many, every ten seconds.
status() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++)
			printf "%d %d %d %d %d\n", i * 10, 2000 + i * 37 % 100, 300 + int(90 * i / (i + 20)), 10 + i, 0
	}' >"$logs/status"
}

# found NAME: with a script, by triage.
found() {
	printf 'device net-loopback\nstart driver_ok\nsend 1 b3\n' >"$findings/memory.write-$1.vr"
	echo "memory.write:$1  # memory.write (must, dev.split.desc-table.1a), 2 files, shrunk to 2 operations: build/vringer replay -v $findings/memory.write-$1.vr" >>"$logs/findings"
}

many_found() {
	count=1
	while [ "$count" -le "$1" ]; do
		found "op$count"
		count=$((count + 1))
	done
}

# xpath EXPRESSION: of the page; /x/ stands for an element of that name.
xpath() {
	xmllint --xpath "$(echo "$1" | sed 's|/\([a-z][a-z]*\)|/*[local-name()="\1"]|g')" "$page" 2>>"$err"
}

# is NAME EXPRESSION VALUE
is() {
	[ "$(xpath "$2")" = "$3" ]
	tap "$1" $?
}

# says NAME TEXT: somewhere in its text.
says() {
	xpath 'normalize-space(string(//body))' | grep -qF -- "$2"
	tap "$1" $?
}

# written NAME: it is, and well-formed; in the browser's eyes too.
written() {
	: >"$err"
	page_at_end >"$out" 2>"$err" && xmllint --noout "$page" 2>>"$err" && [ ! -s "$err" ]
	tap "$1: well-formed" $?
	! grep -qiE '<script|<link|<img|<iframe|@import|url\(| src=| href="[^#]| on[a-z]+=' "$page" &&
		[ "$(grep -c 'http' "$page")" = 2 ] # the namespace, and http-equiv
	tap "$1: no script, nothing from elsewhere" $?
}

points() {
	xpath "string(//figure[@class=\"edges\"]//path[@class=\"line\"]/@d)" | tr ML '\n' | grep -c ' '
}

# Nothing found, for long.
logs_of net_loopback libfuzzer 1000000
status 5000
written 'nothing found'
shows 'it says where it is' '^   page: build/campaign/index.html$'
says 'nothing found: it says so' 'No finding in 1 run, 13 h 53 min fuzzed.'
says '... and shows no finding' 'Nothing was found so far.'
is '... with three curves' 'count(//figure//path[@class="line"])' 3
[ "$(points)" -le 310 ] && [ "$(points)" -ge 250 ]
tap "5000 lines of status are $(points) points" $?
[ "$(find build/campaign/runs -name status -exec cat {} + | wc -l)" -le 302 ]
tap '... and are kept as few' $?
is '... that go to the last' 'string(//figure[@class="edges"]/figcaption/b)' 389
is 'it is dated' 'string(//table[last()]/tbody/tr/td[1])' net_loopback
says '... by when it was begun' '1970-01-12 13:46'

# Short and cut logs.
logs_of rng libfuzzer 1100000
written 'no status'
says 'no status: it says so' 'It has told of nothing yet.'
: >"$logs/status"
written 'an empty status'
printf '10 1 5 1 0\n20 2 6' >"$logs/status"
written 'a status that is cut'
is '... ends where it was whole' 'string(//section[2]//figure[@class="edges"]/figcaption/b)' 5
printf '10 1 0 1 0\n<b> 2 3 4 5\n' >"$logs/status"
written 'a status without coverage'
says '... says so' 'The engine told of none.'
printf '10 999999999 2147483647 99999999 0\n' >"$logs/status"
written 'a status with large numbers'
says '... in numbers that are read' '2,147,483,647'

# One finding, while it runs and at the end.
logs_of net_loopback libfuzzer 2000000
status 30
echo input >"$findings/crash-0123"
echo "memory.write:send $findings/crash-0123" >"$logs/taken"
page_now_and_then >"$out" 2>"$err"
[ ! -s "$out" ] && [ ! -s "$err" ] && xmllint --noout "$page"
tap 'while it runs: well-formed' $?
says '... a finding has its script as it was found' '# as found: build/findings/net_loopback/crash-0123'
says '... and its clause' 'dev.split.desc-table.1a, VIRTIO 1.4, section 2.7.5'
rm -rf "$findings"/crash-*
found send
written 'one finding'
is 'one finding' 'count(//details[@class="finding"])' 1
is '... is open' 'string(//details[@class="finding"]/@open)' open
says '... in the summary' '1 finding in 3 runs'
says '... with its rule' 'memory.write (must, dev.split.desc-table.1a)'
grep -q "^dev.split.desc-table.1a	.*	2.7.5" conformance/clauses.tsv
tap '... its section, as the table has it' $?
says '... how often' '2 files, shrunk to 2 operations'
says '... the command that replays it' 'build/vringer replay -v build/findings/net_loopback/memory.write-send.vr'
is '... and its shrunk script' 'string(//pre)' "device net-loopback
start driver_ok
send 1 b3"
is 'two runs of a target: one curve with a break' 'count(//section[1]//path[@class="break"])' 3

# Hostile text: as it is, and never as markup.
logs_of net_loopback libfuzzer 2100000
status 3
printf '</pre><script>alert(1)</script>\n# &amp; "quoted" '\''too'\'' ]]> <!--\n# \001\033[31m \177 caf\303\251 \303( \342\200\256 \357\277\277 \377\n' >"$findings/memory.write-bad.vr"
printf '%s\n' 'a<b>&"c"'\'':send  # memory.write (must, <i>), 1 file, shrunk to 1 operation: build/vringer replay -v '"'$findings/memory.write-bad.vr'" \
	'# no finding when run alone, 1 file: build/vringer replay -v <x>' '#   run <there>' \
	'# known: fetch.walk:<u>  # why & when' '# 3 files, 2 findings; known 1, without a finding 1' >"$logs/findings"
written 'hostile text'
is 'hostile text is text' 'string(//details[contains(string(.), "a<b>")]//pre)' \
	'</pre><script>alert(1)</script>
# &amp; "quoted" '\''too'\'' ]]> <!--
# \x01\x1b[31m \x7f café \xc3( \xe2\x80\xae \xef\xbf\xbf \xff'
is '... in a signature' "string(//details//code[starts-with(., \"a<b>\")])" 'a<b>&"c"'\'':send'
says '... of what shows nothing alone' 'run <there>'
says '... of what is known' 'fetch.walk:<u> # why & when'
[ "$(xpath 'contains(string(//body), "2 findings; known")')" = false ]
tap '... and no other line' $?
is '... and a curve of few points' 'count(//section[1]//path[@class="break"])' 3

# Forty, of another engine, and one of them is old.
logs_of net_loopback afl 2200000
status 100
many_found 39
found send
written 'forty findings'
is 'forty findings and two of before' 'count(//details[@class="finding"])' 42
is '... none is open' 'count(//details[@class="finding"][@open])' 0
is '... one of each engine and target' 'count(//section)' 3
is '... in the table' 'count((//table)[1]//td[. = "AFL++"])' 1

# More than a page has room for.
logs_of blk libfuzzer 2300000
many_found 250
yes '# a long line of a long script, which nobody reads to its end' | head -n 100000 >"$findings/memory.write-op17.vr"
printf '#%0100000d\n' 1 >"$findings/memory.write-op18.vr"
rm "$findings/memory.write-op19.vr"
written 'very many findings'
is 'very many findings: 200 are shown' 'count(//details[@class="finding"])' 200
says '... and told where the others are' '92 findings more: build/campaign/found lists them, and their scripts are in build/findings'
says '... a long script is cut' 'The rest of it is in build/findings/blk/memory.write-op17.vr'
says '... one that is gone is missed' 'The script is not there any more: build/findings/blk/memory.write-op19.vr'
[ "$(wc -c <"$page")" -lt 400000 ]
tap "the page has $(wc -c <"$page") bytes" $?

# Many runs.
run=1
while [ "$run" -le 13 ]; do
	logs_of rng libfuzzer $((2400000 + run * 1000))
	status 2
	page_at_end >"$out"
	run=$((run + 1))
done
written 'many runs'
[ "$(find build/campaign/runs -name about -exec grep -l 'target rng' {} + | wc -l)" = 10 ]
tap '10 runs of each are kept' $?

# A parser's findings are inputs.
logs_of text libfuzzer 2500000
echo "heap-buffer-overflow:harness/program/text.c:7 $findings/crash-9" >"$logs/taken"
echo 'heap-buffer-overflow:harness/program/text.c:7  # 3 files: run build/fuzz/fuzz_text build/findings/text/crash-9' >"$logs/findings"
page_now_and_then
written 'a parser'
says '... has the command' 'run build/fuzz/fuzz_text build/findings/text/crash-9'

# How it ends, as the table says it.
logs_of text libfuzzer 2600000
touch "$logs/interrupted" "$logs/full"
echo 1 >"$logs/0.died"
written 'a full disk'
says 'a full disk is told of' 'ended: the disk was full, 1 died, see build/fuzz-logs/text'
logs_of text libfuzzer 2700000
write_page running
sed -i 's/^updated .*/updated 2700100/' build/campaign/runs/2700000.*/about
logs_of blk libfuzzer 2800000
written 'a run that was killed'
says '... is not heard of' 'not heard of since 1970-02-01 06:01'

# It is there whole, or the last one is.
cp "$page" "$work/before"
(ulimit -f 8 && page_at_end >"$out" 2>"$err")
shows 'a page that cannot be written is told of' 'cannot be written'
cmp -s "$page" "$work/before"
tap '... and the last one stays' $?

# A user's, in a folder of the user's.
pages=user/campaign installed=$PWD/conformance parts=$PWD/fuzzers page=user/campaign/index.html
written "a user's"
is '... has what ran there' 'count(//section)' 1

tap_end
