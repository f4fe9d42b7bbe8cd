# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Scripts as seeds for fuzzing a device. For seeds.sh and a user's own program (user.sh);
# source it.

# flatten DIR [BEFORE]: copy the files listed on standard input into DIR, each under its path,
# without BEFORE, as a name.  By one program: there are a thousand of them.
flatten() {
	tar -chPf - --hard-dereference --no-recursion --verbatim-files-from -T - \
		--transform='s,^\./,,' --transform="s,^${2:-//},," --transform='s,/,-,g' |
		tar -xPmf - -C "$1"
}

# encode_scripts VRINGER DEVICE DIR [BEFORE]: those of the scripts listed on standard input
# that are for that device or for any, encoded into DIR, each under its path, without BEFORE,
# as a name.  With $brief each for one request of the device, not for all.
encode_scripts() {
	programs=$3.programs
	rm -rf "$programs"
	mkdir -p "$programs"
	# Long sessions are for conformance: an engine would only be slow.
	tr '\n' '\0' | xargs -0 -r grep -lE "^[[:space:]]*device[[:space:]]+($2|any)([[:space:]]|\$)" |
		tr '\n' '\0' | xargs -0 -r grep -LE '^[[:space:]]*device.*budget=' |
		flatten "$programs" "${4:-}" || return
	# Mutations of a magic would be wasted: a body is all that an engine needs.
	find "$programs" -type f -print0 | xargs -0 -r "$1" encode --body ${brief:+--brief} -t "$2" -o "$3" &&
		rm -rf "$programs"
}
