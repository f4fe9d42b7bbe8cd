/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of what configuration holds (VIRTIO 2.5, and the layout of
 * each device).  See ledger.h.
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
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_blk.h>
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
		ledger_break(l, RULE_STATUS_CONFIG_COUNT, "%s reads %llu, and is at least %u",
			     count->name, (unsigned long long)value, count->least);
	else if (due > queues_there(l))
		ledger_break(
			l, RULE_STATUS_CONFIG_COUNT,
			"%s reads %llu, for which there must be %llu queues, and there are %llu",
			count->name, (unsigned long long)value, (unsigned long long)due,
			(unsigned long long)queues_there(l));
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
