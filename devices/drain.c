/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The drain of request queues; drain.h has the contract.
 *
 * A device has at most 32 queues of this kind.  VIRTIO 1.4, 2.7.13, 2.7.14.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "drain.h"

bool drain_pop(struct drain *drain, const struct drain_ops *ops, struct device *dev, unsigned queue,
	       struct virtqueue_chain *chain)
{
	int ret = virtqueue_pop(&dev->queues[queue], chain);

	if (ret < 0) {
		dev->counters[ops->invalid_avail_idx]++;
		drain->poisoned_now = true;
	}
	return ret > 0;
}

bool drain_push(const struct drain_ops *ops, struct device *dev,
		const struct virtqueue_chain *chain, uint32_t len)
{
	if (virtqueue_push(chain->vq, chain, len) == 0)
		return true;
	dev->counters[ops->add_used_failures]++;
	return false;
}

static void drain_queue(struct drain *drain, const struct drain_ops *ops, struct device *dev,
			unsigned queue)
{
	struct virtqueue_chain chain;
	unsigned left = dev->queues[queue].size;

	for (; left > 0; left--) {
		if (!drain_pop(drain, ops, dev, queue, &chain))
			break;
		(void)drain_push(ops, dev, &chain, ops->serve(dev, &chain));
	}
	drain->left &= ~(1u << queue);
	if (left == 0)
		drain->left |= 1u << queue;
}

void drain_end(struct drain *drain, struct device *dev)
{
	bool wanted = false;
	unsigned i;

	for (i = 0; i < dev->ops->queue_count; i++)
		if (virtqueue_wants_interrupt(&dev->queues[i]))
			wanted = true;
	if (wanted)
		device_interrupt(dev, VIRTIO_MMIO_INT_VRING);
	if (drain->poisoned_now)
		device_needs_reset(dev);
	drain->poisoned_now = false;
}

static bool goes_on(const struct drain *drain, const struct device *dev, unsigned queue)
{
	return (drain->left >> queue & 1) && virtqueue_usable(&dev->queues[queue]);
}

void drain_notify(struct drain *drain, const struct drain_ops *ops, struct device *dev,
		  unsigned queue)
{
	drain_queue(drain, ops, dev, queue);
	drain_end(drain, dev);
}

void drain_work(struct drain *drain, const struct drain_ops *ops, struct device *dev)
{
	unsigned i;

	for (i = 0; i < dev->ops->queue_count; i++)
		if (goes_on(drain, dev, i))
			drain_queue(drain, ops, dev, i);
	drain_end(drain, dev);
}

void drain_queue_reset(struct drain *drain, unsigned queue)
{
	drain->left &= ~(1u << queue);
}

void drain_save(const struct drain *drain, struct snapshot_out *out)
{
	snapshot_put(out, 4, drain->left);
}

void drain_restore(struct drain *drain, const struct device *dev, const struct snapshot_view *view,
		   struct snapshot_in *in)
{
	bool live = device_started(view->status);
	uint32_t queues = live ? (uint32_t)((UINT64_C(1) << dev->ops->queue_count) - 1) : 0;
	uint32_t left =
		(uint32_t)snapshot_get_max(in, 4, queues, "work left of queues that are none");

	snapshot_check_none_held(in, view, dev->ops->queue_count);
	if (in->commit)
		drain->left = left;
}

enum device_state drain_state(const struct drain *drain, const struct device *dev)
{
	unsigned i;

	for (i = 0; i < dev->ops->queue_count; i++)
		if (goes_on(drain, dev, i))
			return DEVICE_WORK;
	return DEVICE_IDLE;
}
