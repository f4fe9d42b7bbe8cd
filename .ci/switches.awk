# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# switches.awk: a switch over an enumeration has no `default`.
#
#   awk -f .ci/switches.awk FILE...     a line for each `default` of one
#
# It is one if a case of it has a name: a number has none, a character neither, and what
# the kernel's headers call FUSE_ and VIRTIO_ are numbers that somebody sends.  What
# stands for most values of an enumeration is a table with holes.

FNR == 1 { depth = 0 }

/^[ \t]*switch[ \t]*\(/ {
	indent = match($0, /[^ \t]/)
	depth++
	at[depth] = indent
	named[depth] = 0
}

/^[ \t]*case / && depth > 0 && $2 !~ /^(FUSE_|VIRTIO_)/ && $2 ~ /^[A-Z]/ {
	named[depth] = 1
}

/^[ \t]*default[ \t]*:/ && depth > 0 {
	if (named[depth]) {
		print FILENAME ":" FNR ": default in a switch over an enumeration, expected a case for each"
		failed = 1
	}
}

/^[ \t]*}/ && depth > 0 && match($0, /[^ \t]/) == at[depth] { depth-- }

END { exit failed }
