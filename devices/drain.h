/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Queues of requests: each chain is taken, served and returned in one call.  What
 * is common to models whose queues all work so.
 *
 * A drain takes at most one queue-full of chains, because a guest can make the
 * available ring grow while it is being drained; what may be left is work.  Used
 * indices that moved are signalled once, at the end of the call, unless the driver
 * wants no interrupt; a queue that was found poisoned is told after that, so that
 * a driver which resets has heard of what was done.
 *
 * VIRTIO 1.4, 2.7.13, 2.7.14 (receiving and supplying buffers).
 */
#ifndef VRINGER_DEVICES_DRAIN_H
#define VRINGER_DEVICES_DRAIN_H

#include "snapshot_codec.h"
#include "virtqueue.h"

struct drain {
	uint32_t left;	   /* queues whose last drain ended at its bound, a bit each */
	bool poisoned_now; /* a queue was poisoned in this call: not signalled yet */
};

/* What a model says of itself: constant. */
struct drain_ops {
	/* Serve a chain that was just popped; how many bytes were written to its
	 * start.  The chain is the drain's to return.  For drain_notify and drain_work. */
	uint32_t (*serve)(struct device *dev, struct virtqueue_chain *chain);
	/* Counters, indices in dev->counters. */
	unsigned add_used_failures;
	unsigned invalid_avail_idx; /* a queue became poisoned */
};

/* The driver notified `queue`. */
void drain_notify(struct drain *drain, const struct drain_ops *ops, struct device *dev,
		  unsigned queue);
/* Go on with every queue that has work left, in their order, once. */
void drain_work(struct drain *drain, const struct drain_ops *ops, struct device *dev);
/* The parts of it, for a model that may keep the chain which it took last.  Pop: is
 * there one?  A queue that became poisoned is counted.  Push: was it returned?  What failed is
 * counted.  End: the last of a call. */
bool drain_pop(struct drain *drain, const struct drain_ops *ops, struct device *dev, unsigned queue,
	       struct virtqueue_chain *chain);
bool drain_push(const struct drain_ops *ops, struct device *dev,
		const struct virtqueue_chain *chain, uint32_t len);
void drain_end(struct drain *drain, struct device *dev);
/* `queue` is reset: it has no work left. */
void drain_queue_reset(struct drain *drain, unsigned queue);
/* Its part of a model's snapshot; queues that have work left are live. */
void drain_save(const struct drain *drain, struct snapshot_out *out);
void drain_restore(struct drain *drain, const struct device *dev, const struct snapshot_view *view,
		   struct snapshot_in *in);
/* DEVICE_WORK where there is any to go on with. */
enum device_state drain_state(const struct drain *drain, const struct device *dev);

#endif
