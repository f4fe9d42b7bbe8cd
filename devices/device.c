/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What every device model does in the same way: say which queues there are,
 * present an event, change configuration, and ask for a reset.
 *
 * Nothing here decides when; that is policy of the models.  VIRTIO 1.4, 2.1.2,
 * 2.2, 2.3 and 2.5.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "device.h"

bool device_queue_exists(const struct device *dev, unsigned queue)
{
	uint64_t there = dev->status & VIRTIO_CONFIG_S_FEATURES_OK ? dev->features : dev->offered;

	return queue < dev->ops->queue_count && !(dev->ops->queues[queue].features & ~there);
}

void device_interrupt(struct device *dev, uint32_t bits)
{
	dev->interrupt_status |= bits;
	dev->host->interrupt(dev->host->ctx, bits);
}

void device_config_changing(struct device *dev)
{
	dev->config_generation++;
}

/* A driver that is not there yet reads configuration when it starts; one that suspended the
 * device hears of it when the device resumes (VIRTIO 3.4.2). */
static void tell_driver(struct device *dev)
{
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		device_interrupt(dev, VIRTIO_MMIO_INT_CONFIG);
	else
		dev->config_owed = device_started(dev->status);
}

void device_config_changed(struct device *dev)
{
	tell_driver(dev);
}

void device_needs_reset(struct device *dev)
{
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	tell_driver(dev);
}
