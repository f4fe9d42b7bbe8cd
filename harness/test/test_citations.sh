#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# .ci/citations, which lint runs over the tree: what it finds, and what it leaves be.
# shellcheck disable=SC1091,SC2034,SC2154
set -u
. "${0%/*}/tap.sh"
. "${0%/*}/checker.sh"
checker=.ci/citations

# wrong NAME FILE TEXT WHAT
wrong() {
	complains "$1" "$2" "$3" "$4 of VIRTIO 1.4"
}

wrong 'an id in a comment' a.c '/* dev.no.such.1, dev.reset.op.1 */\n' '1:4: dev.no.such.1 is not an id'
wrong 'an id in the code' a.c 'char *s =\n"dev.reset.op.11";\n' '2:2: dev.reset.op.11 is not an id'
wrong 'a section on the second line of a comment' a.c '/* VIRTIO,\n * 5.1.6.2.1 and 2.4 */\n' \
	'2:4: 5.1.6.2.1 is not a section'
wrong 'a section of two numbers' a.h '/* see 2.99 */\n' '1:8: 2.99 is not a section'
wrong 'a section behind another standard, then VIRTIO' a.c '/* Linux 6.17, VIRTIO 2.99 */\n' \
	'1:23: 2.99 is not a section'
wrong 'what is said of another standard ends with the comment' a.c '/* XML 3.3.3 */\n/* 3.3.3 */\n' \
	'2:4: 3.3.3 is not a section'
wrong 'a comment of a script' a.vr '# 5.1.6.2 says so\ndevice any\n' '1:3: 5.1.6.2 is not a section'
wrong 'the head of a patch' a.patch 'Bug: x\nOrigin: VIRTIO 5.1.6.2\n--- a\n+/* 5.1.6.2.1 */\n' \
	'2:16: 5.1.6.2 is not a section'
accepts 'sections that there are' a.c '/* 2.4, 4.2.2. (5.1.9.4.1) */\n'
accepts 'a chapter whose sections are not listed' a.c '/* 4.1.4.3.2 */\n'
accepts 'code' a.c 'double x = 2.99;\n'
accepts 'versions' a.c '/* afl-fuzz 4.04c, Apache-2.0, Linux 6.17, XML 1.0\n * 3.3.3 */\n'

tap_end
