# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the inputs of a fuzz target are.  Source it in the tree's root.
#
# Nothing is listed here: each fuzzers/fuzz_TARGET.c says it in its struct fuzz_target
# (engine.h), and it is read from there.

# Is it fed to a parser, and not driven as a device?
is_parser() {
	source=fuzzers/fuzz_$(echo "$1" | tr - _).c
	[ -f "$source" ] && ! grep -q '\.one = session_one' "$source"
}

# Are its inputs guest programs in the binary form, which the mutator is for?
takes_programs() {
	[ "$1" = peer ] || grep -q '\.programs = true' "fuzzers/fuzz_$(echo "$1" | tr - _).c"
}

# All that is fed to a parser.
parsers() {
	for parser in fuzzers/fuzz_*.c; do
		parser=${parser#fuzzers/fuzz_}
		! is_parser "${parser%.c}" || echo "${parser%.c}"
	done
}
