#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# .ci/clauses, which lint runs over the map of VIRTIO's statements: a small tree with a true map,
# and each way in which that can be false.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

tree=$work/tree
mkdir -p "$tree/.ci" "$tree/conformance/a" "$tree/corpus" "$tree/fuzzers/bugs" "$tree/harness/rules" "$tree/harness/test/zoo"
cp .ci/clauses .ci/clauses.awk "$tree/.ci/"
cd "$tree" || exit

printf '# The sections.\n2.1\n2.1.1\n4.1.*\n' >conformance/sections.txt
printf '# x\ndevice any\nclause dev.a.b.1 drv.a.b.1 2.1\n' >conformance/a/one.vr
printf '# x\ndevice any\n  clause policy 4.1.7\n' >corpus/two.vr
printf '\tX(ONE, "one", MUST, 0, 0, "dev.a.b.1",  \\\n\t  "it is so")\n\tX(TWO, "two", MUST, LONG | 0, 0,  \\\n\t  "policy", "it is not")\n' \
	>harness/rules/rules.h
printf 'Bug: x\nRule: one\nScript: conformance/a/one.vr\n--- a\n+++ b\n' >fuzzers/bugs/bug.patch
printf 'Bug: x\nScript: corpus/two.vr\n--- a\n+++ b\n' >fuzzers/bugs/other.patch
printf 'MEMBER(late, "zoo-late", w->x = y)\n' >harness/test/zoo/zoo.c

true_map() {
	printf 'id\tparty\tkeyword\tsection\tsince\twords\thow\tby\n'
	printf 'dev.a.b.1\tdevice\tMUST\t2.1.1\t1.2\tit is so\tjudged\trule:one script:conformance/a/one.vr bug:bug\n'
	printf 'dev.a.b.2\tdevice\tMAY\t2.1.1\t1.4\tit may be\tpermits\tzoo:zoo-late\n'
	printf 'drv.a.b.1\tdriver\tMUST NOT\t2.1.1\t1.3\tit is not\tbroken\tscript:conformance/a/one.vr\n'
	printf 'drv.a.b.2\tdriver\tMUST\t2.1.1\t1.2\tit knows\tunbreakable\twhat it knows is within it\n'
}

# false NAME SED WHAT: so changed, that is all that is said of the map.
false() {
	true_map | sed "$2" >conformance/clauses.tsv
	gives 2 "$1" .ci/clauses check
	[ "$(cat "$out")" = "conformance/clauses.tsv:$3" ]
	tap "$1: it says where, and no more" $?
}

true_map >conformance/clauses.tsv
gives 0 'a map that is true' .ci/clauses
shows '... its rows are counted by area' '^a +device +2 +1 +\. +\. +\. +\. +1 +\.$'
shows '... and by keyword' '^MUST NOT +driver +1 +\. +\. +\. +1 '
shows '... and in all' '^rows: 4, not accounted for: 0, false: 0$'
gives 0 '... who cites what' .ci/clauses candidates
shows '... scripts, rules and bugs of a statement' '^dev.a.b.1	conformance/a/one.vr	one	bug$'
shows '... and nobody of another' '^dev.a.b.2			$'

false 'a column too few' '2s/	[^	]*$//' '2:1: 7 columns, expected 8 with a tab between each two'
false 'columns of another map' '1s/since/until/' \
	"1:1: the columns are not the map's, expected id, party, keyword, section, since, words, how, by"
false 'an id that is there twice' '5s/drv.a.b.2/drv.a.b.1/' '5:1: drv.a.b.1 is there twice, the first time in line 4'
false 'the other party' '3s/device/driver/' "3:11: 'driver' is not the party of dev.a.b.2"
false 'a section that there is not' '2s/2.1.1/2.1.9/' '2:23: there is no section 2.1.9, expected one of sections.txt'
false 'a version that there is not' '2s/1\.2/1.1/' "2:29: since '1.1', expected 1.2, 1.3 or 1.4"
false 'too many words' "2s/it is so/$(printf '%091d' 0)/" '2:33: 91 characters, expected at most 90'
false 'no words' '2s/it is so//' '2:33: no words, expected our own few words on dev.a.b.1'
false 'a way that there is not' '2s/judged/known/' \
	"2:42: 'known', expected judged, unoffered, unseen, permits, broken or unbreakable"
false 'a statement about the driver is not judged' '4s/broken	/judged	rule:one bug:bug /' \
	"4:47: 'judged' of a statement about the driver, expected broken, unbreakable, unoffered or permits"
false 'nobody can break a MAY' '3s/permits/judged/; 3s/zoo:zoo-late/rule:one bug:bug/' \
	"3:42: 'judged' of a MAY, which nobody can break, expected permits, unoffered or unseen"
false 'a MUST permits nothing' '2s/judged/permits/' "2:42: 'permits' of a MUST, expected that of a MAY only"
false 'a rule that there is not' '2s/rule:one/rule:none/' '2:49: there is no rule none, expected one of harness/rules/rules.h'
false 'a script that there is not' '4s/one.vr/none.vr/' \
	'4:54: there is no script conformance/a/none.vr, expected a .vr below conformance/ or corpus/'
false 'a script that does not cite it' '4s|conformance/a/one.vr|corpus/two.vr|' \
	'4:54: corpus/two.vr does not cite drv.a.b.1, expected it in its line clause'
false 'a bug that there is not' '2s/$/ bug:none/' '2:94: there is no bug none, expected fuzzers/bugs/none.patch'
false 'a bug that others catch' '2s/$/ bug:other/' \
	'2:49: the bug other is caught by nobody who is named here, expected the Script: or a Rule: of its patch'
false 'a device of the zoo that there is not' '3s/late/early/' \
	'3:50: there is no device zoo-early in harness/test/zoo/'
false 'no bug' '2s/ bug:bug//' '2:49: no planted bug, expected bug:NAME that breaks this statement'
false 'nobody judges' '2s/rule:one script:[^ ]* bug:bug/bug:none/' '2:49: there is no bug none, expected fuzzers/bugs/none.patch
conformance/clauses.tsv:2:49: nobody judges it, expected rule:NAME or script:PATH'
false 'no script breaks it' '4s/script:.*/so it is said/' '4:54: no script breaks it, expected script:PATH'
false 'no reason' '5s/what it.*/inner/' '5:54: no reason, expected why in a few words'
false 'reasons without a way' '5s/unbreakable//' \
	'5:42: nothing, expected judged, broken, ... since there is something behind it'

true_map >conformance/clauses.tsv
echo 'clause dev.a.b.1 dev.a.b.9' >conformance/a/three.vr
gives 2 'a script cites what there is not' .ci/clauses check
shows '... its line and column' "^conformance/a/three.vr:1:18: 'dev.a.b.9' is not in the map, "
rm conformance/a/three.vr
sed -i 's/"policy"/"dev.a.b.9"/' harness/rules/rules.h
gives 2 'a rule cites what there is not' .ci/clauses check
shows '... its line and column' "^harness/rules/rules.h:4:5: 'dev.a.b.9' is not in the map, "
sed -i 's/"dev.a.b.9"/"policy"/' harness/rules/rules.h

echo 'device any' >conformance/a/four.vr
gives 1 'a script without a clause' .ci/clauses
shows '... is named' '^conformance/a/four.vr:1:1: no clause, expected an id, a section, or policy$'
gives 0 '... and is no false claim' .ci/clauses check
rm conformance/a/four.vr
true_map | sed '5s/unbreakable.*/	/' >conformance/clauses.tsv
gives 1 'a row that nobody accounts for' .ci/clauses
shows '... is named' '^conformance/clauses.tsv:5:1: drv.a.b.2 is not accounted for, '
shows '... and counted' '^rows: 4, not accounted for: 1, false: 0$'
gives 0 '... and is no false claim' .ci/clauses check
gives 2 'an unknown word' .ci/clauses checks

tap_end
