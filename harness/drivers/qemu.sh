#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# qemu.sh SOCKET FOLDER DEVICE MODULE CHECK [NAME=VALUE]...: boot Linux in QEMU, without KVM,
# with QEMU's own vhost-user front-end DEVICE (net, blk, fs, rng, vsock) connected to SOCKET; the
# rest is as uml.sh has it.
#
# KERNEL=FOLDER is what a Debian package of a kernel unpacks to: boot/vmlinuz-* and
# lib/modules/*.
set -eu

here=$(dirname "$0")
socket=$1 folder=$2 device=$3 module=$4 check=$5
shift 5

# QEMU 7.2 accepts for its entropy device what the back-end does not offer, if it is not told.
# Its network card without MSI-X: with it and without KVM, QEMU 7.2 dies of a null pointer when
# the driver begins.
case $device in
net) device="-netdev vhost-user,id=card,chardev=it -device virtio-net-pci,netdev=card,romfile=,vectors=0" ;;
fs) device="-device vhost-user-fs-pci,chardev=it,tag=vringer" ;;
rng) device="-device vhost-user-rng-pci,chardev=it,indirect_desc=off,event_idx=off" ;;
*) device="-device vhost-user-$device-pci,chardev=it" ;;
esac

modules=$(find "$KERNEL/lib/modules" -mindepth 1 -maxdepth 1 | head -n 1)
[ -e "$modules/modules.dep" ] || busybox depmod -b "$KERNEL" "${modules##*/}"
"$here/initrd.sh" "$modules" "$folder" virtio_pci "$module"

# shellcheck disable=SC2086  # words
exec "$here/guest.sh" "$folder" qemu-system-x86_64 -accel tcg -M q35,memory-backend=ram -m 128 \
	-object memory-backend-memfd,id=ram,size=128M,share=on \
	-nodefaults -no-user-config -display none -serial stdio -no-reboot \
	-kernel "$(find "$KERNEL/boot" -name 'vmlinuz-*' | head -n 1)" -initrd "$folder/initrd" \
	-append "console=ttyS0 quiet panic=-1 rdinit=/init CHECK=$check $*" \
	-chardev "socket,id=it,path=$socket" $device
