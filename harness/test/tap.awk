# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Judge a TAP stream: tap.awk -v rc=EXIT FILE
#
# First line of output: passed, failed and skipped.  Then, indented, each
# failure with the diagnostics (# ...) that follow it, and what was skipped.
#
# A program may print several streams one after the other, as cmocka does for
# several groups; the plans add up.  A plan that is missing or short, a "Bail
# out!" or an exit code that no `not ok` explains counts as one failure.

# Of a matrix of scripts and devices much is skipped: the log has all of it.
BEGIN {
	SKIPS_TOLD = 5
}

# Does a test line have the directive SKIP?  A "\#" is in its description.
function skips(line) {
	gsub(/\\./, "", line)
	return line ~ /# *[Ss][Kk][Ii][Pp]/
}

function say(line) {
	text = text "    " line "\n"
}

/^1\.\.[0-9]+/ {
	plans++
	planned += substr($1, 4)
	if ($1 == "1..0" && /# *[Ss][Kk][Ii][Pp]/) {
		skipped++
		say($0)
	}
	showing = 0
	next
}

# cmocka spells a skipped test `not ok N # SKIP name`.
/^(not )?ok/ && skips($0) {
	seen++
	skipped++
	if (++told <= SKIPS_TOLD)
		say($0)
	showing = 0
	next
}

/^ok/ {
	seen++
	passed++
	showing = 0
	next
}

/^not ok/ {
	seen++
	failed++
	say($0)
	showing = 1
	next
}

/^Bail out!/ {
	bailed = 1
	say($0)
}

/^#/ && showing {
	say("  " $0)
}

END {
	if (told > SKIPS_TOLD)
		say("... and " told - SKIPS_TOLD " more are skipped")
	why = ""
	if (rc == 124 || rc == 137)
		why = "took too long, or was killed (exit " rc ")"
	else if (!plans)
		why = "no plan (exit " rc ")"
	else if (seen != planned)
		why = "planned " planned " tests, ran " seen + 0 " (exit " rc ")"
	else if (bailed)
		why = "bailed out"
	else if (rc && !failed)
		why = "exit " rc " without a test that failed"
	else if (!passed && !failed)
		why = "ran no test"
	if (why != "") {
		failed++
		say("not ok - " why)
	}
	printf "%d %d %d\n%s", passed, failed, skipped, text
}
