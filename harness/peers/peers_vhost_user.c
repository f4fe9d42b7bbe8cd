/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The vhost-user backends that are known: what is started, and how it is treated.  See
 * vhost_user.h for the words in braces.
 */
#include "harness/peers/vhost_user.h"

#include <linux/virtio_net.h>

/* What a backend offers of a network card for the front-end to carry out: it has neither a
 * control queue nor the configuration. */
#define BIT(n) (UINT64_C(1) << (n))
#define FRONT_END                                                                                  \
	(BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_STATUS) |        \
	 BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_MTU) |         \
	 BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_CTRL_VLAN) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |   \
	 BIT(VIRTIO_NET_F_CTRL_MAC_ADDR))

#define QSD "qemu-storage-daemon"
#define QSD_PACKAGE "qemu-system-common"
#define QSD_EXPORT                                                                                 \
	"--export type=vhost-user-blk,id=export,node-name=disk,addr.type=fd,addr.str={fd}"

/* An export of one thread; null-co completes a request where it is asked. */
static const struct vhost_side qsd_null = { .rest = VHOST_REST_LOOP, .reconnects = true };
static const struct vhost_side qsd_log = { .logs = true,
					   .rest = VHOST_REST_LOOP,
					   .reconnects = true };
/* Files are read and written by threads of a pool. */
static const struct vhost_side qsd_file = { .rest = VHOST_REST_THREADS,
					    .reconnects = true,
					    .disk_len = 64 << 10 };
/* It serves one connection, with a thread for each queue. */
static const struct vhost_side one_connection = { .rest = VHOST_REST_THREADS };
static const struct vhost_side one_connection_gpu = { .rest = VHOST_REST_THREADS,
						      .displays = true };
static const struct vhost_side one_connection_log = { .rest = VHOST_REST_THREADS, .logs = true };

/* A port that sends back what it receives: a thread that polls and nothing else, on one CPU
 * with the thread that started it, which sleeps. It serves no ring before it has both. */
static const struct vhost_side testpmd = {
	.rest = VHOST_REST_PAUSED, .poller = "rte-worker", .reconnects = true, .pairs = true
};

/* A backend that nobody described: the user's command line starts it, and each program that
 * uses it gets a new process. */
#define STRANGER(called, of, what)                                                                 \
	{                                                                                          \
		.name = (called), .help = (what), .program = (called), .link = &peer_vhost_user,   \
		.kind = (of), .arguments = "--socket-path {socket}", .host_side = &one_connection  \
	}

const struct peer peers_vhost_user[] = {
	{ .name = "qsd-blk",
	  .help = "qemu-storage-daemon's vhost-user-blk export of a file in memory",
	  .program = QSD,
	  .package = QSD_PACKAGE,
	  .link = &peer_vhost_user,
	  .kind = "blk",
	  .arguments =
		  "--blockdev driver=file,node-name=disk,filename={disk},locking=off " QSD_EXPORT
		  ",writable=on",
	  .host_side = &qsd_file },
	{ .name = "qsd-null",
	  .help = "qemu-storage-daemon's vhost-user-blk export, read-only, of zeroes",
	  .program = QSD,
	  .package = QSD_PACKAGE,
	  .link = &peer_vhost_user,
	  .kind = "blk",
	  .arguments =
		  "--blockdev driver=null-co,node-name=disk,size=1048576,read-zeroes=on " QSD_EXPORT
		  ",writable=off",
	  .host_side = &qsd_null },
	{ .name = "qsd-log",
	  .help = "qemu-storage-daemon's vhost-user-blk export of zeroes, with a log of dirty "
		  "pages",
	  .program = QSD,
	  .package = QSD_PACKAGE,
	  .link = &peer_vhost_user_log,
	  .kind = "blk",
	  .arguments =
		  "--blockdev driver=null-co,node-name=disk,size=1048576,read-zeroes=on " QSD_EXPORT
		  ",writable=off",
	  .host_side = &qsd_log },
	/* The folder that it shares is empty and deleted: a guest changes nothing. */
	{ .name = "virtiofsd",
	  .help = "QEMU's virtiofsd, which shares an empty folder",
	  .program = "/usr/lib/qemu/virtiofsd",
	  .package = "qemu-system-common",
	  .link = &peer_vhost_user,
	  .kind = "fs",
	  .arguments = "--fd={fd} -f -o source={folder} -o sandbox=chroot -o log_level=err "
		       "--rlimit-nofile=0",
	  .host_side = &one_connection },
	{ .name = "qemu-vhost-gpu",
	  .help = "QEMU's vhost-user-gpu, with a display that nobody looks at",
	  .program = "/usr/lib/qemu/vhost-user-gpu",
	  .package = "qemu-system-gui",
	  .version = "",
	  .link = &peer_vhost_user,
	  .kind = "gpu",
	  .arguments = "--fd={connection}",
	  .host_side = &one_connection_gpu },
	/* Without huge pages, files that another process uses, and a line for each message.  With a
	 * period for its statistics it does not end with its standard input. */
	{ .name = "dpdk-net",
	  .help = "DPDK's testpmd, a network card that polls and sends frames back",
	  .program = "dpdk-testpmd",
	  .package = "dpdk-dev",
	  .version = "-v",
	  .link = &peer_vhost_user,
	  .kind = "net",
	  .arguments =
		  "--no-huge --no-pci --no-shconf --no-telemetry --log-level=*:critical -m 64 "
		  "--lcores (0,1)@0 --main-lcore 0 --vdev net_vhost0,iface={socket},queues=1 -- "
		  "--disable-link-check --total-num-mbufs=2048 --nb-cores=1 --stats-period=65535",
	  .features_off = FRONT_END,
	  .flags = VRINGER_POLLS,
	  .host_side = &testpmd },
	STRANGER("vhost-user-blk", "blk", "a vhost-user backend of a block device"),
	STRANGER("vhost-user-net", "net", "a vhost-user backend of a network card"),
	STRANGER("vhost-user-fs", "fs", "a vhost-user backend of a file system"),
	STRANGER("vhost-user-rng", "rng", "a vhost-user backend of an entropy device"),
	STRANGER("vhost-user-console", "console", "a vhost-user backend of a console"),
	STRANGER("vhost-user-balloon", "balloon", "a vhost-user backend of a memory balloon"),
	STRANGER("vhost-user-scsi", "scsi", "a vhost-user backend of a SCSI host"),
	STRANGER("vhost-user-input", "input", "a vhost-user backend of an input device"),
	{ .name = "vhost-user-gpu",
	  .help = "a vhost-user backend of a GPU",
	  .program = "vhost-user-gpu",
	  .link = &peer_vhost_user,
	  .kind = "gpu",
	  .arguments = "--socket-path {socket}",
	  .host_side = &one_connection_gpu },
	STRANGER("vhost-user-crypto", "crypto", "a vhost-user backend of a crypto device"),
	STRANGER("vhost-user-vsock", "vsock", "a vhost-user backend of a socket device"),
	STRANGER("vhost-user-i2c", "i2c", "a vhost-user backend of an I2C adapter"),
	STRANGER("vhost-user-gpio", "gpio", "a vhost-user backend of a GPIO device"),
	STRANGER("vhost-user-sound", "sound", "a vhost-user backend of a sound device"),
	{ .name = "vhost-user-rng-log",
	  .help = "a vhost-user backend of an entropy device, with a log of dirty pages",
	  .program = "vhost-user-rng-log",
	  .link = &peer_vhost_user_log,
	  .kind = "rng",
	  .arguments = "--socket-path {socket}",
	  .host_side = &one_connection_log },
	{ .name = NULL },
};
