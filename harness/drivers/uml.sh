#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# uml.sh SOCKET FOLDER ID MODULE CHECK [NAME=VALUE]...: boot Linux in user mode with the
# vhost-user device at SOCKET, of VIRTIO's ID, load the driver MODULE and do what CHECK of
# guest_init.sh says.  NAME=VALUE is in the environment of guest_init.sh.
#
# FOLDER gets the initial file system and the log.  guest.sh says what is printed, and what
# the exit status means.
set -eu

here=$(dirname "$0")
socket=$1 folder=$2 id=$3 module=$4 check=$5
shift 5

modules=$(find /usr/lib/uml/modules -name modules.dep | head -n 1)
"$here/initrd.sh" "${modules%/*}" "$folder" "$module"

# It writes what its first terminal shows to fd 1, and reads none.  Its files in memory are
# in TMPDIR, and it needs to run programs there.
TMPDIR=$folder exec "$here/guest.sh" "$folder" linux mem=64M umid=vringer uml_dir="$folder" \
	initrd="$folder/initrd" con=null con0=null,fd:1 rdinit=/init "CHECK=$check" "$@" \
	"virtio_uml.device=$socket:$id"
