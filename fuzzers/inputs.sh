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

# The device whose programs a model takes, where that is not its name.
device_of() {
	case $1 in
	blk_ro) echo blk ;;
	net_*) echo net ;;
	*) echo "$1" ;;
	esac
}

# Of what kind a peer is.
kind_of_peer() {
	build/vringer peers --json --peer "$1" | jq -r '.peers[0].kind'
}

# grown_by_others TARGET: the folders of what has been grown for other models, and peers, of
# the same device.  Their inputs name no device, so they mean the same here.
grown_by_others() (
	! is_parser "$1" || exit 0
	case $1 in
	peer:*) wanted=$(kind_of_peer "${1#peer:}") ;;
	*) wanted=$(device_of "$1") ;;
	esac
	{
		for other in fuzzers/fuzz_*.c; do
			other=${other#fuzzers/fuzz_}
			other=${other%.c}
			is_parser "$other" || [ "$(device_of "$other")" != "$wanted" ] || echo "$other"
		done
		build/vringer peers --json | jq -r --arg wanted "$wanted" '.peers[] | select(.kind == $wanted).peer'
	} | grep -vx -- "${1#peer:}" | sed 's,^,build/fuzz-corpus/,'
)
