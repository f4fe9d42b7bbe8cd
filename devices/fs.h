/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The file system device, with next to no file system behind it: FUSE requests are
 * parsed, a session is started, the root is a file without a byte or room for one, and
 * mappings in the DAX window are recorded.
 *
 *   FUSE_INIT                  answered; its byte order is the session's
 *   FUSE_FORGET, BATCH_FORGET  returned with length 0: they have no reply
 *   FUSE_READ, FUSE_WRITE      of the root: no bytes, and -ENOSPC; else -ENOENT
 *   FUSE_SETUPMAPPING          of the root: into the window, over what was there
 *   FUSE_REMOVEMAPPING         whatever is mapped there
 *   anything else              -ENOSYS
 *
 * A request that is shorter than its header, than its header says, or than its
 * body is, and one with no room for the reply header, is returned with length
 * 0 and counted.  Shared-memory region 0 is the window, with nothing behind it: the
 * file has no contents that could be seen there.
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
