/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The traditional memory balloon: the host says how many pages it wants, the
 * driver hands pages over and takes them back by number, 4096 bytes each.
 *
 * A chain of the inflate or deflate queue is a run of little-endian 32-bit page
 * numbers.  One whose length is no multiple of 4 is ignored whole; a page that is
 * not all guest memory is ignored; what is beyond BALLOON_CHAIN_PAGES is not read.
 * All of it is counted, and the chain returned with length 0.
 *
 * This device keeps account and no pages: what is done with the memory behind
 * them is the host's affair.  Not offered: statistics, free page hints, poison,
 * reporting, MUST_TELL_HOST and DEFLATE_ON_OOM.
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

/* The host wants the driver to give up `pages` pages in all.  A change is shown in
 * the configuration and, to a live driver, by an interrupt; the same again is no
 * change.  `dev` is an instance of balloon_ops and in no other call.  Did it
 * change? */
bool balloon_set_num_pages(struct device *dev, uint32_t pages);

#endif
