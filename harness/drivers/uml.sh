#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# uml.sh SOCKET ID MODULE CHECK FOLDER [NAME=VALUE]...: boot Linux in user mode with the
# vhost-user device at SOCKET, of VIRTIO's ID, load the driver MODULE and do what CHECK of
# guest_init.sh says.  NAME=VALUE is in the environment of guest_init.sh.
#
# FOLDER gets the log and the initial file system, and may be removed afterwards.  What the
# guest wants of its host is passed on to stdout, one operation a line, and `driver:` lines
# to stderr.  Exit 0: the guest said `ok` and nothing else; 1: it did not; 3: this
# kernel has no MODULE.
#
# TRAFFIC=FILE is what was built of traffic.c.  SECONDS_MAX=60
set -eu

here=$(dirname "$0")
socket=$1 id=$2 module=$3 check=$4 folder=$5
shift 5

modules=$(find /usr/lib/uml/modules -name modules.dep | head -n 1)
[ -n "$modules" ] || {
	echo "uml: /usr/lib/uml/modules has no modules" >&2
	exit 3
}

# The module's file and those that it needs, in the order to load them: modules.dep has
# the last that is to be loaded first.
files() {
	awk -v name="/$module.ko:" '
		substr($1, length($1) - length(name) + 1) == name {
			sub(/:/, "", $1)
			for (i = NF; i > 0; i--) print $i
		}' "$modules"
}

[ -n "$(files)" ] || {
	echo "uml: this kernel has no module $module" >&2
	exit 3
}

root=$folder/root
mkdir -p "$root/bin" "$root/lib/modules" "$root/proc" "$root/sys" "$root/dev"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh $("$root/bin/busybox" --list | grep -vxE 'busybox|sh'); do
	ln -s busybox "$root/bin/$applet"
done
cp "$TRAFFIC" "$root/bin/traffic"
cp "$here/guest_init.sh" "$root/init"
for file in $(files); do
	cp "${modules%/*}/$file" "$root/lib/modules/"
	echo "${file##*/}"
done >"$root/modules"
(cd "$root" && find . | cpio --quiet -o -H newc >../initrd)

# Processes of the guest that outlive it, if it was killed: they have its command line.
sweep() {
	for process in /proc/[0-9]*; do
		tr '\0' '\n' <"$process/cmdline" 2>/dev/null | grep -qxF "uml_dir=$folder" &&
			kill -9 "${process#/proc/}" 2>/dev/null
	done
	return 0
}
trap sweep EXIT
trap 'exit 1' INT TERM HUP

# It writes what its first terminal shows to fd 1, and reads none.
log=$folder/log
TMPDIR=$folder timeout -k 2 "${SECONDS_MAX:-60}" linux mem=64M umid=vringer uml_dir="$folder" \
	initrd="$folder/initrd" con=null con0=null,fd:1 rdinit=/init "CHECK=$check" "$@" \
	"virtio_uml.device=$socket:$id" </dev/null 2>&1 | tee "$log.cr" |
	sed -u -n 's/\r*$//; s/^host: //p' || true
tr -d '\r' <"$log.cr" >"$log"

grep '^driver: ' "$log" >&2 || echo "driver: failed: it said nothing; see $log" >&2
grep -q '^driver: ok' "$log" && ! grep -q '^driver: failed' "$log"
