/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The traditional memory balloon: the host says how many pages it wants, the
 * driver hands pages over and takes them back by number, 4096 bytes each.
 *
 * A chain of the inflate or deflate queue is a run of little-endian 32-bit page
 * numbers.  A chain whose length is not a multiple of 4 is ignored; a page that is not
 *           wholly guest memory is ignored; page numbers beyond BALLOON_CHAIN_PAGES are
 *           not read.  All of these are counted, and the chain is returned with length
 *           0.
 *
 * This device only counts pages; it does nothing with their memory.  Not offered: statistics, free
 * page hints, poison, reporting, MUST_TELL_HOST and DEFLATE_ON_OOM.
 *
 * VIRTIO 1.4, 5.5.
 */
#ifndef VRINGER_DEVICES_BALLOON_H
#define VRINGER_DEVICES_BALLOON_H

#include <linux/virtio_balloon.h>

#include "device.h"

enum balloon_queue { BALLOON_INFLATE, BALLOON_DEFLATE, BALLOON_QUEUE_COUNT };

#define BALLOON_QUEUE_SIZE_MAX 128
#define BALLOON_CHAIN_PAGES 4096u /* of one chain that are looked at */

extern const struct device_ops balloon_ops;

/* Set num_pages, the number of pages that the host wants in the balloon.  A new value is
 * shown in the configuration and, on a live device, by an interrupt.  `dev` is an
 * instance of balloon_ops and in no other call.  Returns whether the value changed. */
bool balloon_set_num_pages(struct device *dev, uint32_t pages);

#endif
