/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The file system device, with no file system behind it: FUSE requests are
 * parsed, a session is started, and everything else is not implemented.
 *
 *   FUSE_INIT                  answered; its byte order is the session's
 *   FUSE_FORGET, BATCH_FORGET  returned with length 0: they have no reply
 *   anything else              -ENOSYS
 *
 * A request that is shorter than its header, than its header says, or than an
 * INIT's body, and one with no room for the reply header, is returned with length
 * 0 and counted.  Shared-memory region 0 is where a guest would map files; nothing
 * is ever mapped there.
 *
 * Not offered: VIRTIO_FS_F_NOTIFICATION.
 *
 * VIRTIO 1.4, 5.11; <linux/fuse.h>.
 */
#ifndef VRINGER_DEVICES_FS_H
#define VRINGER_DEVICES_FS_H

#include <linux/virtio_fs.h>

#include "device.h"

enum fs_queue { FS_HIPRIO, FS_REQUEST0, FS_REQUEST1, FS_QUEUE_COUNT };

#define FS_REQUEST_QUEUES 2u
#define FS_QUEUE_SIZE_MAX 128
#define FS_TAG "vringer"
/* Above anything that is memory, and too large for 32 bits. */
#define FS_SHM_BASE UINT64_C(0x1000000000)
#define FS_SHM_LEN UINT64_C(0x280000000)

extern const struct device_ops fs_ops;

#endif
