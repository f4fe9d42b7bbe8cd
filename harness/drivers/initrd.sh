#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# initrd.sh MODULES FOLDER MODULE...: make FOLDER/initrd, the initial file system of a guest
# that loads each MODULE in turn and does what guest_init.sh says.
#
# MODULES is a kernel's folder of modules, with its modules.dep.  Only those that are needed
# are in the file.  Exit 3: this kernel does not have one of them.
#
# TRAFFIC=FILE is what was built of traffic.c.
set -eu

here=$(dirname "$0")
modules=$1 root=$2/root
shift 2

# The files of a module: its own, and those that it needs.
files() {
	awk -v name="/$1.ko:" 'substr($1, length($1) - length(name) + 1) == name {
		sub(/:/, "", $1)
		print
	}' "$modules/modules.dep"
}

mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/lib/modules/${modules##*/}"
for module; do
	[ -n "$(files "$module")" ] || {
		echo "this kernel has no module $module" >&2
		exit 3
	}
	for file in $(files "$module"); do
		mkdir -p "$root/lib/modules/${modules##*/}/${file%/*}"
		cp "$modules/$file" "$root/lib/modules/${modules##*/}/$file"
	done
	echo "$module"
done >"$root/modules"
cp "$modules/modules.dep" "$root/lib/modules/${modules##*/}/"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $(busybox --list | grep -vx busybox); do
	ln -s busybox "$root/bin/$applet"
done
cp "$TRAFFIC" "$root/bin/traffic"
cp "$here/guest_init.sh" "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc >../initrd)
