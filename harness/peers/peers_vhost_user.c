/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The vhost-user backends that are known: what is started, and how it is treated.  See
 * vhost_user.h for the words in braces.
 */
#include "harness/peers/vhost_user.h"

#define QSD "qemu-storage-daemon"
#define QSD_PACKAGE "qemu-system-common"
#define QSD_EXPORT                                                                                 \
	"--export type=vhost-user-blk,id=export,node-name=disk,addr.type=fd,addr.str={fd}"

/* An export of one thread; null-co completes a request where it is asked. */
static const struct vhost_side qsd_null = { .rest = VHOST_REST_LOOP, .reconnects = true };
/* Files are read and written by threads of a pool. */
static const struct vhost_side qsd_file = { .rest = VHOST_REST_THREADS,
					    .reconnects = true,
					    .disk_len = 64 << 10 };
/* The worst that is known of a backend that nobody described. */
static const struct vhost_side stranger = { .rest = VHOST_REST_THREADS, .reconnects = true };

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
	{ .name = "vhost-user-rng",
	  .help = "an entropy device's vhost-user backend",
	  .program = "vhost-device-rng",
	  .package = "vhost-device-rng",
	  .link = &peer_vhost_user,
	  .kind = "rng",
	  .arguments = "--socket-path {socket}",
	  .host_side = &stranger },
	{ .name = NULL },
};
