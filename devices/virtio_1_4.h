/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Constants of VIRTIO 1.4 that the kernel's headers of Debian 12 do not have: feature bits
 * (6.3), a status bit (2.1), a register (4.2.2).  Newer headers' own are used where they exist.
 */
#ifndef VRINGER_DEVICES_VIRTIO_1_4_H
#define VRINGER_DEVICES_VIRTIO_1_4_H

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER 35
#endif
#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA 38
#endif
#ifndef VIRTIO_F_NOTIF_CONFIG_DATA
#define VIRTIO_F_NOTIF_CONFIG_DATA 39
#endif
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif
#ifndef VIRTIO_F_SUSPEND
#define VIRTIO_F_SUSPEND 43
#endif
#ifndef VIRTIO_CONFIG_S_SUSPEND
#define VIRTIO_CONFIG_S_SUSPEND 0x10
#endif
#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET 0x0c0
#endif

#endif
