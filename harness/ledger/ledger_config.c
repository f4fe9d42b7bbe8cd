/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The contents of the configuration (VIRTIO 2.5 and each device's layout).  See
 * ledger.h.
 *
 * status.config-width: what the driver read in one access the harness reads again in
 * others, of single bytes or of the word around one, before anything else happens.  A
 * read changes nothing and nobody else acts, so a device that serves both has one
 * answer.  A driver may read a field in its own width only (4.2.2.2): a device that is
 * not ours may refuse the others, all of whose bytes then read 0 or 0xff.  Accesses
 * that pass the end are status.config's.
 *
 * status.config-count: a count of queues, or of what comes with queues, is a promise
 * that they are there: a driver sets up each of them.  Which there are the target
 * has said, and status.registers holds it to that.  Of fewer than there are nothing is
 * said, nor of a count that a feature brings which is not offered, or is not accepted.
 *
 * status.config-kept: a field by which the driver tells the device something reads as it was
 * written last, until the driver resets the device.  VIRTIO does not say so: our own models
 * promise it.  Of writes that they do not heed nothing is asked: in no width that a field
 * has, of a suspended device, of a feature that was not negotiated, or of no value that there is.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_net.h>
#include <stddef.h>

#define BIT(n) (1ULL << (n))

/* Of VIRTIO 1.4; <linux/virtio_fs.h> does not have it. */
#define FS_F_NOTIFICATION 0

static const struct config_count {
	const char *name;
	uint64_t features; /* any of them brings the field; 0: it is always there */
	uint64_t one_more; /* each of them comes with a queue of its own */
	uint32_t device_id;
	uint16_t offset;
	uint8_t width;
	uint8_t each, plus; /* so many queues for each, and so many beside them */
	uint8_t least;	    /* what it may be */
} counts[] = {
	{ .name = "max_virtqueue_pairs", /* 5.1.2, 5.1.4.1 */
	  .device_id = VIRTIO_ID_NET,
	  .features = BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_RSS),
	  .one_more = BIT(VIRTIO_NET_F_CTRL_VQ),
	  .offset = offsetof(struct virtio_net_config, max_virtqueue_pairs),
	  .width = 2,
	  .each = 2,
	  .least = 1 },
	{ .name = "num_queues", /* 5.2.2, 5.2.4 */
	  .device_id = VIRTIO_ID_BLOCK,
	  .features = BIT(VIRTIO_BLK_F_MQ),
	  .offset = offsetof(struct virtio_blk_config, num_queues),
	  .width = 2,
	  .each = 1,
	  .least = 1 },
	{ .name = "max_nr_ports", /* 5.3.2, 5.3.4; two queues for control */
	  .device_id = VIRTIO_ID_CONSOLE,
	  .features = BIT(VIRTIO_CONSOLE_F_MULTIPORT),
	  .offset = offsetof(struct virtio_console_config, max_nr_ports),
	  .width = 4,
	  .each = 2,
	  .plus = 2 },
	{ .name = "num_request_queues", /* 5.11.2, 5.11.4.2; one for what is urgent */
	  .device_id = VIRTIO_ID_FS,
	  .one_more = BIT(FS_F_NOTIFICATION),
	  .offset = offsetof(struct virtio_fs_config, num_request_queues),
	  .width = 4,
	  .each = 1,
	  .plus = 1,
	  .least = 1 },
};

static const struct config_count *count_of(const struct ledger *l)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (counts[i].device_id == l->target->device_id)
			return &counts[i];
	return NULL;
}

bool ledger_config_counts(const struct ledger *l, uint32_t at, uint32_t width, uint32_t *offset,
			  uint32_t *count_width)
{
	const struct config_count *count = count_of(l);

	if (!l->enabled || count == NULL || count->offset + count->width > l->target->config_len ||
	    at >= (uint32_t)count->offset + count->width || at + width <= count->offset)
		return false;
	*offset = count->offset;
	*count_width = count->width;
	return true;
}

/* Queues that the target has with the features that are offered. */
static uint64_t queues_there(const struct ledger *l)
{
	uint64_t there = 0;

	for (unsigned i = 0; i < l->target->queue_count; i++)
		there += (l->target->queues[i].features & ~l->offered) == 0;
	return there;
}

void ledger_config_count(struct ledger *l, uint64_t value)
{
	const struct config_count *count = count_of(l);
	bool chosen = (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
	uint64_t features = chosen ? l->session.driver_features : l->offered;
	uint64_t due;

	if (count == NULL || (chosen && !l->session.features_known) ||
	    (count->features != 0 && (count->features & features) == 0) ||
	    !ledger_judges(l, RULE_STATUS_CONFIG_COUNT))
		return;
	due = value * count->each + count->plus +
	      (uint64_t)__builtin_popcountll(count->one_more & l->offered);
	if (value < count->least)
		ledger_break(l, RULE_STATUS_CONFIG_COUNT, "%s reads %llu, expected at least %u",
			     count->name, (unsigned long long)value, count->least);
	else if (due > queues_there(l))
		ledger_break(l, RULE_STATUS_CONFIG_COUNT,
			     "%s reads %llu, which needs %llu queues, but there are %llu",
			     count->name, (unsigned long long)value, (unsigned long long)due,
			     (unsigned long long)queues_there(l));
}

/* What the driver tells the device there. */
static const struct config_told {
	uint64_t feature; /* that must be negotiated; or 0 */
	uint64_t max;
	uint32_t device_id;
	uint16_t offset;
	uint8_t width;
	const char *name;
} told[] = {
	{ .name = "writeback", /* 5.2.6.2 */
	  .device_id = VIRTIO_ID_BLOCK,
	  .feature = BIT(VIRTIO_BLK_F_CONFIG_WCE),
	  .max = 1,
	  .offset = offsetof(struct virtio_blk_config, wce),
	  .width = 1 },
	{ .name = "actual", /* 5.5.6 */
	  .device_id = VIRTIO_ID_BALLOON,
	  .max = UINT32_MAX,
	  .offset = offsetof(struct virtio_balloon_config, actual),
	  .width = 4 },
};

static const struct config_told *told_of(const struct ledger *l)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (told[i].device_id == l->target->device_id)
			return &told[i];
	return NULL;
}

static bool is_heeded(const struct ledger *l, const struct config_told *field, uint32_t width)
{
	if ((width & (width - 1)) != 0 || l->call.suspended || l->session.lost)
		return false;
	return field->feature == 0 || (l->session.features_known &&
				       (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
				       (l->session.driver_features & field->feature) != 0);
}

void ledger_config_written(struct ledger *l, uint64_t at, uint32_t width, uint64_t value)
{
	const struct config_told *field = told_of(l);
	uint64_t bytes = l->session.told;

	if (field == NULL || !is_heeded(l, field, width))
		return;
	for (uint64_t i = 0; i < width; i++) {
		uint64_t byte = at + i - field->offset;

		if (at + i < field->offset || byte >= field->width)
			continue;
		bytes = (bytes & ~(0xffULL << 8 * byte)) | (value >> 8 * i & 0xff) << 8 * byte;
		if (bytes <= field->max)
			l->session.told_mask |= 0xffULL << 8 * byte;
	}
	if (bytes <= field->max)
		l->session.told = bytes;
}

bool ledger_config_tells(const struct ledger *l, uint32_t at, uint32_t width, uint32_t *offset,
			 uint32_t *told_width)
{
	const struct config_told *field = told_of(l);

	/* A device that is not ours is not asked for what it is not judged by. */
	if (!l->enabled || !l->target->model || field == NULL || l->session.told_mask == 0 ||
	    at >= (uint32_t)field->offset + field->width || at + width <= field->offset)
		return false;
	*offset = field->offset;
	*told_width = field->width;
	return true;
}

void ledger_config_told(struct ledger *l, uint64_t value)
{
	const struct config_told *field = told_of(l);

	if (ledger_judges(l, RULE_STATUS_CONFIG_KEPT) &&
	    ((value ^ l->session.told) & l->session.told_mask) != 0)
		ledger_break(
			l, RULE_STATUS_CONFIG_KEPT,
			"%s reads 0x%llx; the driver wrote 0x%llx there (of which 0x%llx is known)",
			field->name, (unsigned long long)value, (unsigned long long)l->session.told,
			(unsigned long long)l->session.told_mask);
}

/* Of the field that has this byte, or "configuration" if nobody named one. */
static const char *field_name(const struct target *target, uint32_t at)
{
	for (unsigned i = 0; i < target->field_count; i++) {
		const struct target_field *field = &target->fields[i];

		if (at >= field->offset && at < target_field_end(field))
			return field->name;
	}
	return "configuration";
}

/* May it be that a device does not serve accesses of that width there? */
static bool is_refused(const struct ledger *l, const struct ledger_look *look)
{
	uint64_t ones = UINT64_MAX >> (64 - 8 * look->width);

	return !l->target->model && (look->value == 0 || look->value == ones);
}

/* The byte at `at`, which `look` has. */
static unsigned byte_of(const struct ledger_look *look, uint32_t at)
{
	return (unsigned)(look->value >> (8 * (at - look->at)) & 0xff);
}

bool ledger_config_differs(struct ledger *l, const struct ledger_look *driver,
			   const struct ledger_look *again)
{
	if (!l->enabled || is_refused(l, driver) || is_refused(l, again))
		return false;
	if (driver->at + driver->width > l->target->config_len ||
	    again->at + again->width > l->target->config_len)
		return false;
	if (!ledger_judges(l, RULE_STATUS_CONFIG_WIDTH))
		return false;
	for (uint32_t at = driver->at; at < driver->at + driver->width; at++)
		if (at >= again->at && at < again->at + again->width &&
		    byte_of(driver, at) != byte_of(again, at))
			return true;
	return false;
}

void ledger_config_differ(struct ledger *l, const struct ledger_look *driver,
			  const struct ledger_look *again)
{
	uint32_t at = driver->at > again->at ? driver->at : again->at;

	while (byte_of(driver, at) == byte_of(again, at))
		at++;
	ledger_break(
		l, RULE_STATUS_CONFIG_WIDTH,
		"the byte at offset %u (%s) is 0x%02x in an access of width %u at %u, and 0x%02x "
		"in one of width %u at %u",
		at, field_name(l->target, at), byte_of(driver, at), driver->width, driver->at,
		byte_of(again, at), again->width, again->at);
}
