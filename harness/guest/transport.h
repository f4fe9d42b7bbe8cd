/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A transport: how a driver reaches a device, as one table of calls.  The
 * operations of a guest program are written over it and know no register.
 *
 * The driver's accesses are judged and traced.  Looks change nothing and are neither
 * judged nor traced.  Select a queue first; the calls that follow are about it.
 *
 * virtio-mmio is transport_mmio.c; a device that is reached by target->calls, without
 * registers, transport_activated.c.
 *
 * VIRTIO 1.4, 2.1 (status), 2.2 (features), 2.5 (configuration), 3.1
 * (initialisation), 4 (transports).
 */
#ifndef VRINGER_HARNESS_TRANSPORT_H
#define VRINGER_HARNESS_TRANSPORT_H

#include "harness/program/program.h"
#include "harness/target/target.h"

struct guest;
struct script;

struct transport {
	const char *name;
	/* Features that it cannot carry: a device is not told to offer them, nor does a driver
	 * accept them. */
	uint64_t features_hidden;

	/* status 0 resets the device. */
	void (*write_status)(struct guest *g, uint32_t status);
	/* What the device offers; what the driver accepts.  A driver asks for bits 64 to 127
	 * of targets that have some, and writes them there, or where it accepts any. */
	struct features (*read_features)(struct guest *g);
	void (*write_features)(struct guest *g, struct features features);
	/* queue: any number.  max: entries, 0 if there is no such queue. */
	void (*select_queue)(struct guest *g, uint64_t queue);
	uint32_t (*read_queue_max)(struct guest *g);
	void (*write_queue)(struct guest *g, uint16_t size,
			    const uint64_t area[VIRTQUEUE_AREA_COUNT]);
	void (*write_queue_ready)(struct guest *g, uint64_t ready);
	/* 1 resets it alone, where that was negotiated (2.6.1). */
	void (*write_queue_reset)(struct guest *g, uint64_t reset);
	/* queue: any number.  A driver that accepted NOTIFICATION_DATA adds where it is in the
	 * ring, with the bits of `flip` flipped. */
	void (*notify)(struct guest *g, uint64_t queue, uint16_t flip);
	void (*ack_interrupt)(struct guest *g, uint64_t bits);
	/* Any offset and width; what lies past the end is for the device to answer. */
	void (*read_config)(struct guest *g, uint64_t offset, uint32_t width);
	void (*write_config)(struct guest *g, uint64_t offset, uint32_t width, uint64_t value);
	/* A register by its offset, of any width; NULL, all three: it has no registers. */
	void (*read_register)(struct guest *g, uint32_t offset, uint32_t width);
	void (*write_register)(struct guest *g, uint32_t offset, uint32_t width, uint64_t value);
	uint64_t (*look_register)(const struct guest *g, uint32_t offset, uint32_t width);

	/* Looks, and what they are at: a queue, and selectors as they are at first.  Of
	 * the features some transports show only those that are selected. */
	void (*aim)(struct guest *g, uint32_t queue);
	void (*aim_at_first)(struct guest *g);
	uint32_t (*look_status)(const struct guest *g);
	uint32_t (*look_interrupt_status)(const struct guest *g);
	uint32_t (*look_generation)(const struct guest *g);
	struct features (*look_features)(const struct guest *g);
	uint32_t (*look_queue_max)(const struct guest *g);
	uint32_t (*look_queue_ready)(const struct guest *g);
	uint32_t (*look_queue_reset)(const struct guest *g);
	uint64_t (*look_config)(const struct guest *g, uint32_t offset, uint32_t width);
};

extern const struct transport transport_mmio, transport_activated;

/* All of them, the one that is used by itself first, NULL-terminated. */
extern const struct transport *const transport_all[];
/* The one of that name; NULL: there is none. */
const struct transport *transport_find(const char *name);
/* `transport`, or where it is NULL the one that is used by itself. */
const struct transport *transport_or_first(const struct transport *transport);
/* Its name where it is not the one that is used by itself, else NULL: results name it
 * then. */
const char *transport_to_name(const struct transport *transport);
/* Why the script cannot be run by it on that target, and the operation or `>` line
 * that asks for registers is at *line, if there is one; NULL: it can. */
const char *transport_unmet(const struct transport *transport, const struct target *target,
			    const struct script *script, uint32_t *line);

#endif
