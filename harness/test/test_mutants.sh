#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The mutator of `make mutants`: which mutants it makes of a file, that each of them is the program
# that it says, and the unchanged one where none is chosen; what the judge says of some with few
# scripts; and what is said of survivors and of the list of equivalent ones.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

mutants=$BUILD/mutants tab=$(printf '\t')

# ---- which mutants -----------------------------------------------------------------

mkdir "$work/out"
cat >"$work/a.c" <<'END'
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#define TWICE(x) ((x) * 2 < 4 ? 1 : 2)
static const int table[2] = { 7, 0x10 }; /* 1 < 2 */
enum { FIVE = 4 + 1 };
typedef int number;

static int calls;

static bool called(bool value)
{
	calls++;
	return value;
}

static int pick(int a, int b)
{
	number *p = &a;
	int sizes[3] = { [1] = 5 };

	if (a < b && called(b != 3))
		calls = 0;
	switch (*p) {
	case 4:
		return 40 + TWICE(a);
	case 8:
		b = sizes[1];
		break;
	default:
		break;
	}
	while (!called(b > 2))
		b += sizeof(table) > 1 ? 1u : 2;
	for (; a == 9; a++)
		if (called(true) || b)
			continue;
	return b;
}

int main(void)
{
	printf("%d %d %d %d %d ", pick(1, 2), pick(2, 2), pick(4, 3), pick(8, 0), pick(9, 1));
	printf("%d\n", calls + FIVE);
	return 0;
}
END
run "$mutants/write" "$work/out" "$work/a.c"
cut -f 3- "$out" >"$work/list"
cat >"$work/wanted" <<'END'
13	called	delete	{ delete calls++; }
20	pick	constant	[3] = { [1] = { 5 -> 5 + 1 } };
22	pick	edge	a { < -> <= } b && called(b != 3))
22	pick	compare	a { < -> >= } b && called(b != 3))
22	pick	constant	a < b && called(b != { 3 -> 3 + 1 })) calls = 0;
22	pick	compare	a < b && called(b { != -> == } 3)) calls = 0;
22	pick	logic	a < b { && -> || } called(b != 3)) calls =
22	pick	negate	{ negate a < b && called(b != 3) }
23	pick	constant	calls = { 0 -> 1 };
23	pick	delete	{ delete calls = 0; }
26	pick	constant	return { 40 -> 40 + 1 } + TWICE(a);
26	pick	delete	{ delete return 40 + TWICE(a); }
28	pick	constant	b = sizes[ { 1 -> 0 }];
28	pick	delete	{ delete b = sizes[1]; }
29	pick	delete	{ delete break; }
33	pick	constant	!called(b > { 2 -> 2 + 1 })) b += sizeof(table) >
33	pick	edge	!called(b { > -> >= } 2)) b += sizeof(table)
33	pick	compare	!called(b { > -> <= } 2)) b += sizeof(table)
33	pick	negate	{ negate !called(b > 2) }
34	pick	constant	b += sizeof(table) > { 1 -> 0 } ? 1u : 2;
34	pick	edge	b += sizeof(table) { > -> >= } 1 ? 1u : 2;
34	pick	compare	b += sizeof(table) { > -> <= } 1 ? 1u : 2;
34	pick	constant	b += sizeof(table) > 1 ? { 1u -> 0u } : 2;
34	pick	constant	sizeof(table) > 1 ? 1u : { 2 -> 2 + 1 };
34	pick	delete	{ delete b += sizeof(table) > 1 ? 1u : 2; }
35	pick	constant	a == { 9 -> 9 + 1 };
35	pick	compare	a { == -> != } 9;
36	pick	constant	called( { true -> false }) || b) continue;
36	pick	logic	called(true) { || -> && } b) continue;
36	pick	negate	{ negate called(true) || b }
37	pick	delete	{ delete continue; }
END
# What is printed there is no concern of these.
grep -v "${tab}main$tab" "$work/list" | diff "$work/wanted" - >"$out"
tap 'a file with operators that are known has the mutants that are known' $?

cat >"$work/choose.c" <<'END'
#include <stdlib.h>
unsigned vringer_mutant;
unsigned char vringer_reached[65536];
static void choose(void) __attribute__((constructor));
static void choose(void)
{
	vringer_mutant = getenv("MUTANT") ? (unsigned)atoi(getenv("MUTANT")) : 0;
}
END
gcc -w -o "$work/plain" "$work/a.c" >"$out" 2>"$err" &&
	gcc -w -include fuzzers/mutants/select.h -o "$work/all" "$work/out/a.c" "$work/choose.c" >"$out" 2>"$err"
tap 'what it wrote compiles' $?
[ "$("$work/all")" = "$("$work/plain")" ]
tap 'without a mutant it is the same program' $?

# is NUMBER WHAT: mutant NUMBER is the program that sed makes of the file with WHAT.
is() {
	sed "$2" "$work/a.c" >"$work/b.c"
	! cmp -s "$work/a.c" "$work/b.c" && gcc -w -o "$work/b" "$work/b.c" &&
		[ "$(MUTANT=$1 timeout 10 "$work/all")" = "$(timeout 10 "$work/b")" ]
	tap "mutant $1 is $2" $?
}
is 1 's/calls++;//'
is 2 's/\[1\] = 5/[1] = 6/'
is 3 's/a < b/a <= b/'
is 4 's/a < b/a >= b/'
is 6 's/b != 3/b == 3/'
is 7 's/b && c/b || c/'
is 8 's/if (a < b && called(b != 3))/if (!(a < b \&\& called(b != 3)))/'
is 12 's/return 40 + TWICE(a);//'
is 15 '29s/break;//'
is 23 's/1u : 2/0u : 2/'
is 29 's/(true) || b/(true) \&\& b/'

# ---- what is said of them ----------------------------------------------------------

# A list of two mutants, the first of which survives.
mkdir "$work/say"
printf '1\tdevices/a.c\t7\tf\tedge\ta { < -> <= } b\n2\tdevices/a.c\t9\tg\tdelete\t{ delete x(); }\n' >"$work/say/list"
printf '1\tdevices/a.c\t7\tf\tedge\ta { < -> <= } b\tsurvived\t-\t-\n2\tdevices/a.c\t9\tg\tdelete\t{ delete x(); }\tkilled\tconformance/a.vr\trng\n' \
	>"$work/say/results"

# said STATUS NAME EQUIVALENTS [PATTERN]
said() {
	printf '%b' "$3" >"$work/say/equal"
	gives "$1" "$2" fuzzers/mutants.sh verdict "$work/say/list" "$work/say/equal" "$work/say/results"
	[ $# -lt 4 ] || grep -qE -- "$4" "$out"
	tap "$2: it says so" $?
}
said 1 'a survivor that nobody argues' '' '^devices/a.c:7: f: a \{ < -> <= \} b$'
said 0 'a survivor that is argued to be equivalent' 'devices/a.c\tf\ta { < -> <= } b\twhy\n' '^all +2 +1 +0 +1 +0 '
said 1 'one that is argued and is killed' 'devices/a.c\tf\ta { < -> <= } b\twhy\ndevices/a.c\tg\t{ delete x(); }\twhy\n' \
	':2: is killed, by conformance/a.vr on rng: devices/a.c:9: '
said 1 'one that is argued and is no more' 'devices/a.c\tf\ta { < -> <= } b\twhy\ndevices/a.c\tg\tgone\twhy\n' \
	':2: there is no such mutant: devices/a.c: g: gone$'
said 1 'one that is argued without a word' 'devices/a.c\tf\ta { < -> <= } b\t\n' ':1: expected file, function, change and why'
said 1 'one that is argued twice' 'devices/a.c\tf\ta { < -> <= } b\twhy\ndevices/a.c\tf\ta { < -> <= } b\twhy\n' ':2: is there twice'
# What sanitizers say of the survivors: nothing, and something.
: >"$work/say/none"
run fuzzers/mutants.sh merge "$work/say/none" "$work/say/results"
cmp -s "$out" "$work/say/results"
tap 'sanitizers that had nothing to look at leave the results as they were' $?
sed -n '1s/survived/crashed/p' "$work/say/results" >"$work/say/some"
run fuzzers/mutants.sh merge "$work/say/some" "$work/say/results"
[ "$(cut -f 7 "$out" | tr '\n' ' ')" = 'crashed killed ' ]
tap 'what sanitizers kill is killed' $?
refuses 'a file that is none of devices/' 'FILES: there is no devices/none.c' \
	fuzzers/mutants.sh check 1 20 0 scripts devices/none.c
refuses 'a column that is none' "COLUMNS=x: there is no 'x'; there are: scripts corpus fuzz" \
	fuzzers/mutants.sh check 1 20 0 x

# ---- the judge ---------------------------------------------------------------------

# With one script of one device most of its mutants survive, or are not reached.
mkdir -p "$work/tree/conformance" "$work/tree/corpus" "$work/known"
judge() {
	(cd "$work/tree" && "$mutants/run" "$mutants/list.tsv" "$work/known" 1 scripts 0 0 1 devices/rng.c)
}
cat >"$work/tree/conformance/a.vr" <<'END'
device rng
start driver_ok
type 0 len=64 seed=3
send 0 b9:w
> used 0 id=0 len=64
END
gives 0 'the judge' judge
cut -f 7 "$out" | sort | uniq -c >"$work/first"
grep -q survived "$out" && grep -q unreached "$out" && grep -q killed "$out"
tap 'the judge: some are killed, some survive, some are not reached' $?
cp "$out" "$work/before"
gives 0 'the judge, again' judge
cmp -s "$work/before" "$out"
tap 'the judge: what is known is the same' $?
tap_end
