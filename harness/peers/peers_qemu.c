/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * QEMU's virtio-mmio devices, on its machine microvm.  See qemu.h for the words in braces.
 */
#include "harness/peers/qemu.h"

#include <linux/virtio_console.h>
#include <stddef.h>

#define MACHINE                                                                                    \
	"-accel tcg -M microvm,memory-backend=ram,pic=off,pit=off,rtc=off,isa-serial=off,"         \
	"auto-kernel-cmdline=off -m {size} "                                                       \
	"-object memory-backend-file,id=ram,mem-path={memory},size={size},share=on -bios {bios} "  \
	"-nodefaults -no-user-config -display none -global virtio-mmio.force-legacy=false "        \
	"-global virtio-device.queue_reset=off -global virtio-device.packed=on -qtest-log none "   \
	"-chardev socket,id=qtest,fd={qtest} -qtest chardev:qtest "                                \
	"-chardev socket,id=qmp,fd={qmp} -mon chardev=qmp,mode=control -device i8042 "

#define QEMU                                                                                       \
	.program = "qemu-system-x86_64", .package = "qemu-system-x86", .link = &peer_qtest,        \
	.virtio = 0x0102

static const struct qemu_side asynchronous = { .asynchronous = true };
static const struct qemu_side keeps_none = { .keeps_none = true };

const struct peer peers_qemu[] = {
	{
		.name = "qemu-rng",
		.help = "QEMU's entropy device, over zero bytes: the same each time",
		QEMU,
		.kind = "rng",
		.arguments = MACHINE "-object rng-random,id=source,filename=/dev/zero "
				     "-device virtio-rng-device,id=vringer,rng=source,"
				     "period=4000000000",
		.host_side = &keeps_none,
	},
	{
		.name = "qemu-blk",
		.help = "QEMU's block device, over a file of 1 MiB",
		QEMU,
		.kind = "blk",
		.arguments = MACHINE
		"-blockdev file,node-name=disk,filename={disk},locking=off "
		"-device virtio-blk-device,id=vringer,drive=disk,serial=twenty-bytes-of-text",
		.host_side = &qemu_side_blk,
		.backend = &qemu_backend_blk,
	},
	{
		.name = "qemu-net",
		.help = "QEMU's network device, on a wire",
		QEMU,
		.kind = "net",
		.arguments =
			MACHINE "-netdev dgram,id=wire,local.type=fd,local.str={line0} -device "
				"virtio-net-device,id=vringer,netdev=wire,mac=52:54:00:12:34:56",
		.host_side = &qemu_side_net,
		.backend = &qemu_backend_net,
		.requests = qemu_requests_net,
	},
	{
		.name = "qemu-console",
		.help = "QEMU's console, with a console and a port",
		QEMU,
		.kind = "console",
		.arguments = MACHINE
		"-device virtio-serial-device,id=vringer,max_ports=2 -chardev "
		"socket,id=port0,fd={line0} -device virtconsole,chardev=port0,nr=0 -chardev "
		"socket,id=port1,fd={line1} -device virtserialport,chardev=port1,nr=1,name=one",
		.host_side = &qemu_side_console,
		.backend = &qemu_backend_console,
		.requests = qemu_requests_console,
	},
	{
		.name = "qemu-console-alone",
		.help = "QEMU's console without ports, which it does not offer then",
		QEMU,
		.kind = "console",
		.features_off = 1ull << VIRTIO_CONSOLE_F_MULTIPORT,
		.arguments =
			MACHINE "-device virtio-serial-device,id=vringer,max_ports=1 -chardev "
				"socket,id=port0,fd={line0} -device virtconsole,chardev=port0,nr=0",
		.host_side = &qemu_side_console_alone,
		.backend = &qemu_backend_console_alone,
		.requests = qemu_requests_console,
	},
	{
		.name = "qemu-balloon",
		.help = "QEMU's memory balloon",
		QEMU,
		.kind = "balloon",
		.arguments =
			MACHINE "-device virtio-balloon-device,id=vringer,free-page-reporting=on",
		.host_side = &qemu_side_balloon,
		.backend = &qemu_backend_balloon,
	},
	{
		.name = "qemu-scsi",
		.help = "QEMU's SCSI host, without a disk",
		QEMU,
		.kind = "scsi",
		.arguments = MACHINE "-device virtio-scsi-device,id=vringer,num_queues=1",
	},
	{
		.name = "qemu-crypto",
		.help = "QEMU's crypto device",
		QEMU,
		.kind = "crypto",
		.arguments = MACHINE "-object cryptodev-backend-builtin,id=engine -device "
				     "virtio-crypto-device,id=vringer,cryptodev=engine",
		.host_side = &asynchronous,
	},
	{
		.name = "qemu-keyboard",
		.help = "QEMU's keyboard",
		QEMU,
		.kind = "input",
		.arguments = MACHINE "-device virtio-keyboard-device,id=vringer",
	},
	{
		.name = "qemu-mouse",
		.help = "QEMU's mouse",
		QEMU,
		.kind = "input",
		.arguments = MACHINE "-device virtio-mouse-device,id=vringer",
	},
	{
		.name = "qemu-tablet",
		.help = "QEMU's tablet",
		QEMU,
		.kind = "input",
		.arguments = MACHINE "-device virtio-tablet-device,id=vringer",
	},
	{
		.name = "qemu-gpu",
		.help = "QEMU's graphics device, with one output",
		QEMU,
		.kind = "gpu",
		.arguments = MACHINE "-device virtio-gpu-device,id=vringer,max_outputs=1",
	},
	{
		.name = "qemu-pmem",
		.help = "QEMU's persistent memory",
		QEMU,
		.kind = "pmem",
		.arguments = MACHINE "-object memory-backend-memfd,id=m,size=2M,share=on -device "
				     "virtio-pmem,id=vringer,memdev=m",
		.host_side = &asynchronous, /* it flushes in a thread */
	},
	{ .name = NULL },
};
