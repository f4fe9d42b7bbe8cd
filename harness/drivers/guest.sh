#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# guest.sh FOLDER COMMAND...: run a guest of guest_init.sh, whose terminal is the command's
# stdout, for at most SECONDS_MAX=60.
#
# FOLDER/log gets all that it prints.  What it wants of its device's host goes to stdout at
# once, one operation a line; its `driver:` lines go to stderr at the end.  Exit 0: it said
# `ok` and nothing else; 1: it did not.
set -eu

log=$1/log
shift

# A terminal ends lines with a carriage return as well.
timeout -k 2 "${SECONDS_MAX:-60}" "$@" </dev/null 2>&1 | tee "$log" |
	sed -u -n 's/\r*$//; s/^host: //p' || true
grep -q '^driver: [of]' "$log" || echo 'driver: failed: it said nothing' >>"$log"
tr -d '\r' <"$log" | grep '^driver: ' >&2
grep -q '^driver: ok' "$log" && ! grep -q '^driver: failed' "$log"
