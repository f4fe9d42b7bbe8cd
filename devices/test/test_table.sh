#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# devices/table.h: a table that lacks a value, has one twice or one too many, or a
# structure without all of its fields, is not compiled, by gcc or clang.  And every
# table of an enumeration in the tree is one of these.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/../../harness/test/tap.sh"

compiler=gcc
[ "${FLAVOUR:-gcc}" = gcc ] || compiler=${CLANG:-clang}

# compiles STATUS NAME ROWS: as a table of pairs.
compiles() {
	cat >"$work/table.c" <<END
#include "devices/table.h"

enum colour { RED, GREEN, BLUE, COLOUR_COUNT };
struct pair {
	int a, b;
};
#define SOME [RED] = { 1, 2 }, [GREEN] = { 3, 4 }
TABLE(const struct pair, pairs, COLOUR_COUNT, 2, $3);
END
	run "$compiler" -std=gnu11 -Wall -Wextra -Werror -I. -fsyntax-only "$work/table.c"
	[ "$rc" = 0 ] && was=0 || was=1
	[ "$was" = "$1" ] && result=0 || result=1
	tap "$2" "$result"
}

compiles 0 'whole' '[RED] = { 1, 2 }, [GREEN] = { 3, 4 }, [BLUE] = { 5, 6 }'
compiles 0 'whole, in another order' '[BLUE] = { 5, 6 }, [RED] = { 1, 2 }, [GREEN] = { 3, 4 }'
compiles 0 'whole, by a macro' 'SOME, [BLUE] = { 5, 6 }'
compiles 1 'the last is missing' '[RED] = { 1, 2 }, [GREEN] = { 3, 4 }'
compiles 1 'one in the middle is missing' '[RED] = { 1, 2 }, [BLUE] = { 5, 6 }'
compiles 1 'one twice, another missing' '[RED] = { 1, 2 }, [RED] = { 3, 4 }, [BLUE] = { 5, 6 }'
compiles 1 'one too many' 'SOME, [BLUE] = { 5, 6 }, [COLOUR_COUNT] = { 7, 8 }'
compiles 1 'a field is missing' 'SOME, [BLUE] = { 5 }'

# An array of so many as an enumeration has, written out: but for a single value, and
# for what a list of macros gives.
grep -rnE '[A-Za-z_]\[[A-Z_]+_(COUNT|PARTS|COUNTERS|PORTS)( \+ 1)?\]\)?(\([^)]*\))? = \{' --include='*.[ch]' \
	devices harness fuzzers | grep -vE '= \{ (0|false|NULL|[0-9]+) \}|rule_table\[RULE_COUNT\]' >"$out"
[ ! -s "$out" ] && result=0 || result=1
: >"$err"
tap 'tables of enumerations are made by TABLE' "$result"
tap_end
