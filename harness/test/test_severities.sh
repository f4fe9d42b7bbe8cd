#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# .ci/severities, which lint runs over the scripts: what it finds, and what it leaves be.
# shellcheck disable=SC1091,SC2034,SC2154
set -u
. "${0%/*}/tap.sh"
. "${0%/*}/checker.sh"
checker=.ci/severities

# wrong NAME TEXT WHAT
wrong() {
	complains "$1" a.vr "$2" "$3"
}

# clean NAME TEXT
clean() {
	accepts "$1" a.vr "$2"
}

should='device any\nclause dev.status.field.2\nreset\n'
rests='expected its severity before it, or the clause that it rests on'
limit='is about a restored device, of which VIRTIO says nothing, expected limit before it'

wrong 'a SHOULD alone' "$should> status 0\n" "4:3: the demand status rests on no MUST (dev.status.field.2), $rests"
wrong '... within a loop' "${should}repeat 2\nreset\n  >  raised none\nend\n" \
	"6:6: the demand raised rests on no MUST (dev.status.field.2), $rests"
wrong 'a MAY alone' 'device any\nclause dev.resfeat.bits.2\nreset\n> status 0\n' \
	"4:3: the demand status rests on no MUST (dev.resfeat.bits.2), $rests"
wrong 'what a driver must not' 'device any\nclause drv.status.field.2 policy\nreset\n> value 0\n' \
	"4:3: the demand value rests on no MUST (drv.status.field.2, policy), $rests"
wrong 'no clause' 'device any\nreset\n> value 0\n' "3:3: the demand value rests on no MUST (no clause), $rests"
wrong 'a restored device' 'device any\nclause dev.reset.op.1\nsave\nrestore\n> restored\n> answered q 1\n' \
	"6:3: the demand answered $limit"
clean '... that was reset' 'device any\nclause dev.reset.op.1\nsave\nrestore\nreset\n> status 0\n'
clean 'a severity' "$should> should status 0\n> limit value 1\n"
clean 'a severity for all' "severity should\n$should> status 0\n"
clean 'a MUST beside it' 'device any\nclause dev.status.field.2 dev.reset.op.1\nreset\n> status 0\n'
clean 'a section' 'device any\nclause policy 2.4\nreset\n> status 0 # so\n'
clean 'kinds with a severity of their own' "$should> counters none\n> counter a=1\n> silent\n> answered q 1\n> outstanding q 0\n"
clean 'a script about its device' 'device blk\nclause policy\nreset\n> status 0\n'
clean 'a script for models' 'device any\nclause policy\nneeds driven model\nreset\n> status 0\n'

tap_end
