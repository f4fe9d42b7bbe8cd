/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * QEMU's virtio-mmio devices, on its machine microvm.  See qemu.h for the words in braces.
 */
#include "harness/peers/qemu.h"

#include <stddef.h>

#define MACHINE                                                                                    \
	"-accel tcg -M microvm,memory-backend=ram,pic=off,pit=off,rtc=off,isa-serial=off,"         \
	"auto-kernel-cmdline=off -m {size} "                                                       \
	"-object memory-backend-file,id=ram,mem-path={memory},size={size},share=on -bios {bios} "  \
	"-nodefaults -no-user-config -display none -global virtio-mmio.force-legacy=false "        \
	"-global virtio-device.queue_reset=off -qtest-log none -chardev "                          \
	"socket,id=qtest,fd={qtest} -qtest chardev:qtest "                                         \
	"-chardev socket,id=qmp,fd={qmp} -mon chardev=qmp,mode=control -device i8042 "

#define QEMU                                                                                       \
	.program = "qemu-system-x86_64", .package = "qemu-system-x86", .link = &peer_qtest,        \
	.virtio = 0x0102

static const struct qemu_side asynchronous = { .asynchronous = true };

const struct peer peers_qemu[] = {
	{
		.name = "qemu-rng",
		.help = "QEMU's entropy device",
		QEMU,
		.kind = "rng",
		.arguments = MACHINE "-object rng-builtin,id=source "
				     "-device virtio-rng-device,id=vringer,rng=source,"
				     "period=4000000000",
	},
	{
		.name = "qemu-blk",
		.help = "QEMU's block device, over a file of 1 MiB",
		QEMU,
		.kind = "blk",
		.arguments = MACHINE "-blockdev file,node-name=disk,filename={disk},locking=off "
				     "-device virtio-blk-device,id=vringer,drive=disk",
		.host_side = &asynchronous,
	},
	{ .name = NULL },
};
