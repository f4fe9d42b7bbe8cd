/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An activated device as a transport: the driver's acts are calls of the device
 * (target->calls), judged and traced; there are no registers and no selectors.  See
 * transport.h; VIRTIO 1.4, 2 (what every transport has).
 *
 * virtio-mmio's registers are the ledger's vocabulary for a driver's acts, so tell_*()
 * say each act as the register access that it is there: what features and queue calls
 * are about is said first, as selectors are written, and calls nothing.  The device's
 * answers are what the calls returned.
 *
 * A notification names a queue and no more: NOTIFICATION_DATA, whose form is a register's
 * (4.2.3.3), is hidden.
 *
 * Features and addresses go in words of 32 bits, the low one first, as they do over
 * other transports: what a device refuses of them, and counts, is the same by each.
 */
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/guest/guest_internal.h"

#include <endian.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#define WORDS 2u /* of 32 bits, of an address */

static const struct target_calls *calls_of(const struct guest *g)
{
	return g->target->calls;
}

static uint32_t look_status(const struct guest *g)
{
	return calls_of(g)->status(g->device);
}

static uint32_t look_interrupt_status(const struct guest *g)
{
	return calls_of(g)->interrupt_status(g->device);
}

static uint32_t look_generation(const struct guest *g)
{
	return calls_of(g)->generation(g->device);
}

static struct features look_features(const struct guest *g)
{
	struct features features = { 0 };

	for (uint32_t word = 0; word < target_feature_pages(g->target); word++)
		features_set(&features, word, calls_of(g)->offered(g->device, word));
	return features;
}

static uint32_t look_queue_max(const struct guest *g)
{
	return calls_of(g)->queue_max(g->device, g->selected);
}

static uint32_t look_queue_ready(const struct guest *g)
{
	return calls_of(g)->queue_ready(g->device, g->selected);
}

static uint32_t look_queue_reset(const struct guest *g)
{
	return calls_of(g)->queue_reset(g->device, g->selected);
}

static uint64_t value_of(const uint8_t bytes[8], uint32_t width)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

static uint64_t look_config(const struct guest *g, uint32_t offset, uint32_t width)
{
	uint8_t bytes[8] = { 0 };

	calls_of(g)->config_read(g->device, offset, bytes, width);
	return value_of(bytes, width);
}

static void aim(struct guest *g, uint32_t queue)
{
	g->selected = queue;
}

static void aim_at_first(struct guest *g)
{
	g->selected = 0;
}

/* An act, and the register access that the ledger knows it as. */
struct act {
	const char *name;
	uint32_t offset, width;
	uint64_t value;
	bool read;
	bool selected; /* it is about the selected queue */
	bool quiet;    /* the ledger need not be shown the status after it */
};

static void trace_act(const struct guest *g, const struct act *act)
{
	struct trace_event event = {
		.kind = TRACE_ACT,
		.name = act->name,
		.index = act->selected ? 1 + g->selected : 0,
		.addr = act->offset >= VIRTIO_MMIO_CONFIG ? act->offset - VIRTIO_MMIO_CONFIG : 0,
		.len = act->width,
		.value = act->value,
	};

	if (g->trace != NULL)
		g->trace->event(g->trace->ctx, &event);
}

static void tell_begin(struct guest *g, const struct act *act)
{
	g->entered = true;
	if (!act->read)
		trace_act(g, act);
	ledger_access_begin(&g->ledger, !act->read, act->offset, act->width,
			    act->read ? 0 : act->value);
}

/* The call returned, and of a read act->value is what it gave. */
static void tell_end(struct guest *g, const struct act *act)
{
	struct ledger_probe after;

	guest_returned(g);
	if (act->read) {
		g->last_read = act->value;
		guest_note_read(g, act->offset, act->value);
	} else if (act->value == 0 && act->offset == VIRTIO_MMIO_STATUS) {
		guest_poll(g, look_status);
	} else if (act->value == 0 && act->offset == VIRTIO_MMIO_QUEUE_READY) {
		guest_poll(g, look_queue_ready);
	} else if (act->value == 1 && act->offset == VIRTIO_MMIO_QUEUE_RESET) {
		guest_poll(g, look_queue_reset);
	}
	if (!act->quiet)
		guest_look(g, !act->read && ledger_wants_queue(act->offset), &after);
	ledger_access_end(&g->ledger, !act->read, act->offset, act->width, act->value,
			  act->quiet ? NULL : &after);
	if (act->read && act->offset >= VIRTIO_MMIO_CONFIG && (act->width & (act->width - 1)) == 0)
		guest_look_at_config(g, act->offset - VIRTIO_MMIO_CONFIG, act->width, act->value,
				     look_generation(g));
	else if (!act->read && act->offset >= VIRTIO_MMIO_CONFIG)
		guest_look_at_told(g, act->offset - VIRTIO_MMIO_CONFIG, act->width);
	if (act->read)
		trace_act(g, act);
}

/* What the next act is about: the device is told with that. */
static void tell_selected(struct guest *g, uint32_t selector, uint32_t value)
{
	ledger_access_begin(&g->ledger, true, selector, 4, value);
	ledger_access_end(&g->ledger, true, selector, 4, value, NULL);
}

static void write_status(struct guest *g, uint32_t status)
{
	const struct act act = {
		.name = "set_status", .offset = VIRTIO_MMIO_STATUS, .width = 4, .value = status
	};

	tell_begin(g, &act);
	calls_of(g)->set_status(g->device, status);
	tell_end(g, &act);
}

static struct features read_features(struct guest *g)
{
	struct features features = { 0 };

	for (uint32_t word = 0; word < target_feature_pages(g->target); word++) {
		struct act act = { .name = "offered",
				   .offset = VIRTIO_MMIO_DEVICE_FEATURES,
				   .width = 4,
				   .read = true,
				   .quiet = true };

		tell_selected(g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
		tell_begin(g, &act);
		act.value = calls_of(g)->offered(g->device, word);
		tell_end(g, &act);
		features_set(&features, word, (uint32_t)act.value);
	}
	features.low &= ~transport_activated.features_hidden;
	return features;
}

static void write_features(struct guest *g, struct features features)
{
	for (uint32_t word = 0; word < features_pages(g->target, features); word++) {
		const struct act act = { .name = "accept",
					 .offset = VIRTIO_MMIO_DRIVER_FEATURES,
					 .width = 4,
					 .value = features_get(features, word),
					 .quiet = true };

		tell_selected(g, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
		tell_begin(g, &act);
		calls_of(g)->accept(g->device, word, (uint32_t)act.value);
		tell_end(g, &act);
	}
}

static void select_queue(struct guest *g, uint64_t queue)
{
	g->selected = (uint32_t)queue;
	tell_selected(g, VIRTIO_MMIO_QUEUE_SEL, g->selected);
}

static uint32_t read_queue_max(struct guest *g)
{
	struct act act = { .name = "queue_max",
			   .offset = VIRTIO_MMIO_QUEUE_NUM_MAX,
			   .width = 4,
			   .selected = true,
			   .read = true,
			   .quiet = true };

	tell_begin(g, &act);
	act.value = look_queue_max(g);
	tell_end(g, &act);
	return (uint32_t)act.value;
}

static void write_queue_size(struct guest *g, uint16_t size)
{
	const struct act act = { .name = "set_queue_size",
				 .offset = VIRTIO_MMIO_QUEUE_NUM,
				 .width = 4,
				 .selected = true,
				 .value = size,
				 .quiet = true };

	tell_begin(g, &act);
	calls_of(g)->set_queue_size(g->device, g->selected, size);
	tell_end(g, &act);
}

static void write_queue(struct guest *g, uint16_t size, const uint64_t area[VIRTQUEUE_AREA_COUNT])
{
	struct part {
		const char *name;
		uint32_t low;
	};
	TABLE(static const struct part, parts, VIRTQUEUE_AREA_COUNT, 2,
	      [VIRTQUEUE_DESC] = { "set_queue_area desc", VIRTIO_MMIO_QUEUE_DESC_LOW },
	      [VIRTQUEUE_DRIVER] = { "set_queue_area driver", VIRTIO_MMIO_QUEUE_AVAIL_LOW },
	      [VIRTQUEUE_DEVICE] = { "set_queue_area device", VIRTIO_MMIO_QUEUE_USED_LOW });

	write_queue_size(g, size);
	for (int i = 0; i < VIRTQUEUE_AREA_COUNT; i++) {
		for (uint32_t word = 0; word < WORDS; word++) {
			const struct act act = { .name = parts[i].name,
						 .offset = parts[i].low + 4 * word,
						 .width = 4,
						 .selected = true,
						 .value = (uint32_t)(area[i] >> (32 * word)),
						 .quiet = true };

			tell_begin(g, &act);
			calls_of(g)->set_queue_area(g->device, g->selected, (enum virtqueue_area)i,
						    word, (uint32_t)act.value);
			tell_end(g, &act);
		}
	}
}

static void write_queue_ready(struct guest *g, uint64_t ready)
{
	const struct act act = { .name = "set_queue_ready",
				 .offset = VIRTIO_MMIO_QUEUE_READY,
				 .width = 4,
				 .selected = true,
				 .value = (uint32_t)ready };

	tell_begin(g, &act);
	calls_of(g)->set_queue_ready(g->device, g->selected, (uint32_t)ready);
	tell_end(g, &act);
}

static void write_queue_reset(struct guest *g, uint64_t reset)
{
	const struct act act = { .name = "set_queue_reset",
				 .offset = VIRTIO_MMIO_QUEUE_RESET,
				 .width = 4,
				 .selected = true,
				 .value = (uint32_t)reset };

	tell_begin(g, &act);
	calls_of(g)->set_queue_reset(g->device, g->selected, (uint32_t)reset);
	tell_end(g, &act);
}

static void notify(struct guest *g, uint64_t queue, uint16_t flip)
{
	const struct act act = { .name = "notify",
				 .offset = VIRTIO_MMIO_QUEUE_NOTIFY,
				 .width = 4,
				 .value = (uint32_t)queue };

	(void)flip;
	tell_begin(g, &act);
	calls_of(g)->notify(g->device, (uint32_t)queue);
	tell_end(g, &act);
}

static void ack_interrupt(struct guest *g, uint64_t bits)
{
	const struct act act = { .name = "acknowledge",
				 .offset = VIRTIO_MMIO_INTERRUPT_ACK,
				 .width = 4,
				 .value = (uint32_t)bits };

	tell_begin(g, &act);
	calls_of(g)->acknowledge(g->device, (uint32_t)bits);
	tell_end(g, &act);
}

static void read_config(struct guest *g, uint64_t offset, uint32_t width)
{
	struct act act = { .name = "config_read",
			   .offset = VIRTIO_MMIO_CONFIG + (uint32_t)offset,
			   .width = width,
			   .read = true };
	uint8_t bytes[8];

	/* Bytes that the device does not fill are seen, as a host's would be. */
	memset(bytes, 0xa5, sizeof(bytes));
	tell_begin(g, &act);
	calls_of(g)->config_read(g->device, offset, bytes, width);
	act.value = value_of(bytes, width);
	tell_end(g, &act);
}

static void write_config(struct guest *g, uint64_t offset, uint32_t width, uint64_t value)
{
	const struct act act = { .name = "config_write",
				 .offset = VIRTIO_MMIO_CONFIG + (uint32_t)offset,
				 .width = width,
				 .value = width < 8 ? value & ((1ULL << (8 * width)) - 1) : value };
	const uint64_t bytes = htole64(value);

	tell_begin(g, &act);
	calls_of(g)->config_write(g->device, offset, &bytes, width);
	tell_end(g, &act);
}

const struct transport transport_activated = {
	.name = "activated",
	.features_hidden = 1ULL << VIRTIO_F_NOTIFICATION_DATA,
	.write_status = write_status,
	.read_features = read_features,
	.write_features = write_features,
	.select_queue = select_queue,
	.read_queue_max = read_queue_max,
	.write_queue = write_queue,
	.write_queue_ready = write_queue_ready,
	.write_queue_reset = write_queue_reset,
	.notify = notify,
	.ack_interrupt = ack_interrupt,
	.read_config = read_config,
	.write_config = write_config,
	.aim = aim,
	.aim_at_first = aim_at_first,
	.look_status = look_status,
	.look_interrupt_status = look_interrupt_status,
	.look_generation = look_generation,
	.look_features = look_features,
	.look_queue_max = look_queue_max,
	.look_queue_ready = look_queue_ready,
	.look_queue_reset = look_queue_reset,
	.look_config = look_config,
};
