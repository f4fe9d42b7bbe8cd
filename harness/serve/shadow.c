/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A shadow queue.  See shadow.h.
 */
#include "harness/serve/shadow.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Buffers of one chain: those in the ring's table, and those in an indirect one. */
#define BUFFERS_MAX (GUEST_QUEUE_SIZE_MAX + DRIVER_RING_MAX)

int shadow_set_up(struct shadow *sh, unsigned queue, uint16_t size)
{
	if (sh->buffers == NULL)
		sh->buffers = calloc((size_t)SHADOW_CHAINS_MAX * BUFFERS_MAX, sizeof(*sh->buffers));
	if (sh->buffers == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		sh->chains[i].buffers = sh->buffers + (size_t)i * BUFFERS_MAX;
	sh->queue = queue;
	sh->size = size;
	sh->set_up = true;
	return 0;
}

static void give_room(struct shadow_chain *chain, struct room *room)
{
	for (unsigned i = 0; i < chain->count; i++)
		room_give(room, &chain->buffers[i].place);
	chain->count = 0;
}

/* The chain is not in the arena any more. */
static void drop(struct shadow *sh, struct shadow_chain *chain, struct room *room)
{
	for (unsigned i = 0; i < chain->count; i++) {
		uint16_t desc = chain->buffers[i].desc;

		if (desc != SHADOW_NO_DESC)
			sh->descs[desc / 64] &= ~(1ULL << desc % 64);
	}
	give_room(chain, room);
	chain->held = false;
	sh->chain_count--;
	sh->bytes -= chain->cost;
}

void shadow_reset(struct shadow *sh, struct shadow_world *world)
{
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		if (sh->chains[i].held)
			drop(sh, &sh->chains[i], &world->room);
	sh->set_up = sh->running = sh->notified = sh->owed = sh->fresh = false;
	sh->flags_told = sh->event_told = 0;
}

void shadow_close(struct shadow *sh)
{
	free(sh->buffers);
	sh->buffers = NULL;
}

int shadow_begin(struct shadow *sh, struct shadow_world *world,
		 const struct driver_ring_setup *setup)
{
	int err = driver_ring_open(&sh->ring, world->memory, setup, world->why);

	if (err != 0)
		return err;
	sh->event_from =
		(uint16_t)(sh->ring.next_used - world->steps.run->guest.queues[sh->queue].used_idx);
	sh->running = true;
	return 0;
}

uint16_t shadow_stop(struct shadow *sh)
{
	uint16_t taken = sh->ring.next_avail, out = 0;
	bool tail = true;

	sh->running = false;
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		out = (uint16_t)(out + (sh->chains[i].held && !sh->chains[i].forgotten));
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++) {
		struct shadow_chain *chain = &sh->chains[i];

		if (!chain->held || chain->forgotten)
			continue;
		tail = tail && (uint16_t)(taken - chain->entry) <= out;
		chain->forgotten = true;
	}
	/* What is out goes back to the driver as if it had not been taken; unless something
	 * taken later is done with, which would be served twice. */
	return tail ? (uint16_t)(taken - out) : taken;
}

/* ---- from the driver to the device ---------------------------------------------------- */

static int never_fits(const struct shadow *sh, struct shadow_world *world, uint32_t bytes,
		      uint32_t room)
{
	snprintf(world->why, sizeof(world->why),
		 "a chain of ring %u has %u bytes, or a buffer of it, expected at most %u",
		 sh->queue, bytes, room);
	return -EPROTO;
}

/* Bytes of room that the chain takes.  0; or -EPROTO: it never fits. */
static int chain_cost(const struct shadow *sh, struct shadow_world *world, uint32_t *cost)
{
	const struct driver_chain *chain = &world->chain;
	uint64_t sum = 0;

	if (chain->direct > sh->size) {
		snprintf(world->why, sizeof(world->why),
			 "a chain of ring %u has %u descriptors, the device's queue %u", sh->queue,
			 chain->direct, sh->size);
		return -EPROTO;
	}
	for (unsigned i = 0; i < chain->count; i++) {
		if (chain->buffers[i].len > room_largest(&world->room))
			return never_fits(sh, world, chain->buffers[i].len,
					  room_largest(&world->room));
		sum += room_cost(chain->buffers[i].len);
	}
	if (sum > room_size(&world->room))
		return never_fits(sh, world, (uint32_t)sum, room_size(&world->room));
	*cost = (uint32_t)sum;
	return 0;
}

static bool is_free(const struct shadow *sh, uint32_t desc)
{
	return desc < sh->size && (sh->descs[desc / 64] >> desc % 64 & 1) == 0;
}

static unsigned free_descs(const struct shadow *sh)
{
	unsigned used = 0;

	for (unsigned i = 0; i < GUEST_QUEUE_SIZE_MAX / 64; i++)
		used += (unsigned)__builtin_popcountll(sh->descs[i]);
	return sh->size - used;
}

/* The number that it has in the driver's ring, or another one.  There is one that is free. */
static uint16_t take_desc(struct shadow *sh, uint16_t wanted)
{
	uint32_t desc = wanted;

	if (!is_free(sh, desc))
		for (desc = 0; !is_free(sh, desc);)
			desc++;
	sh->descs[desc / 64] |= 1ULL << desc % 64;
	return (uint16_t)desc;
}

static struct shadow_chain *free_chain(struct shadow *sh)
{
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		if (!sh->chains[i].held)
			return &sh->chains[i];
	return NULL;
}

/* Room for each buffer, and a descriptor in the arena's ring; false: not now. */
static bool place_chain(struct shadow *sh, struct shadow_world *world, struct shadow_chain *to)
{
	const struct driver_chain *chain = &world->chain;

	to->count = 0;
	for (unsigned i = 0; i < chain->count; i++) {
		const struct driver_buffer *from = &chain->buffers[i];
		struct shadow_buffer *buffer = &to->buffers[i];

		*buffer =
			(struct shadow_buffer){ .addr = from->addr,
						.len = from->len,
						.desc = SHADOW_NO_DESC,
						.write = (from->flags & VRING_DESC_F_WRITE) != 0 };
		if (!room_take(&world->room, from->len, &buffer->place)) {
			give_room(to, &world->room);
			return false;
		}
		to->count++;
	}
	for (unsigned i = 0; i < chain->direct; i++)
		to->buffers[i].desc = take_desc(sh, chain->buffers[i].index);
	return true;
}

/* A store to a place, of any length. */
static bool store(struct steps *steps, const struct room_place *place, uint32_t at,
		  const void *bytes, uint32_t len)
{
	struct op *op = step_begin(steps, OP_STORE);

	op->base[STORE_ADDR] = place->base;
	op->value[STORE_ADDR] = place->offset + at;
	step_bytes(steps, bytes, len);
	return step_run(steps);
}

/* What the device is to read.  0; -ECANCELED: the session is over; -EPROTO. */
static int copy_in(struct shadow_world *world, const struct shadow_buffer *buffer)
{
	uint8_t bytes[OP_BYTES_MAX];

	for (uint32_t at = 0; at < buffer->len; at += OP_BYTES_MAX) {
		uint32_t len = buffer->len - at;

		if (len > OP_BYTES_MAX)
			len = OP_BYTES_MAX;
		if (!driver_memory_read(world->memory, buffer->addr + at, bytes, len)) {
			snprintf(world->why, sizeof(world->why), "%u bytes at 0x%llx went away",
				 len, (unsigned long long)(buffer->addr + at));
			return -EPROTO;
		}
		if (!store(&world->steps, &buffer->place, at, bytes, len))
			return -ECANCELED;
	}
	return 0;
}

/* The descriptors of an indirect table, as the driver has them: those that follow each other
 * in one store. */
static int store_table(struct shadow_world *world, const struct shadow_chain *to)
{
	const struct driver_chain *chain = &world->chain;
	const struct room_place *table = &to->buffers[chain->direct - 1].place;
	const struct arena *arena = &world->steps.run->guest.arena;
	struct vring_desc descs[OP_BYTES_MAX / sizeof(struct vring_desc)];
	unsigned count = 0, first = chain->buffers[chain->direct].index;

	for (unsigned i = chain->direct; i < chain->count; i++) {
		const struct driver_buffer *from = &chain->buffers[i];
		const struct room_place *place = &to->buffers[i].place;
		bool last = i + 1 == chain->count;

		descs[count++] = (struct vring_desc){
			.addr = htole64(arena->place[place->base] + place->offset),
			.len = htole32(from->len),
			.flags = htole16(from->flags),
			.next = htole16(last ? 0 : from[1].index),
		};
		if (!last && from[1].index == first + count &&
		    count < sizeof(descs) / sizeof(descs[0]))
			continue;
		if (!store(&world->steps, table, first * (uint32_t)sizeof(descs[0]), descs,
			   count * (uint32_t)sizeof(descs[0])))
			return -ECANCELED;
		count = 0;
		first = last ? 0 : from[1].index;
	}
	return 0;
}

static bool write_desc(const struct shadow *sh, struct shadow_world *world,
		       const struct shadow_chain *to, unsigned i)
{
	const struct driver_buffer *from = &world->chain.buffers[i];
	struct op *op = step_begin(&world->steps, OP_DESC);

	op->value[DESC_QUEUE] = sh->queue;
	op->value[DESC_INDEX] = to->buffers[i].desc;
	op->base[DESC_ADDR] = to->buffers[i].place.base;
	op->value[DESC_ADDR] = to->buffers[i].place.offset;
	op->value[DESC_LEN] = from->len;
	op->value[DESC_FLAGS] = from->flags;
	op->value[DESC_NEXT] = (from->flags & VRING_DESC_F_NEXT) != 0 ? to->buffers[i + 1].desc : 0;
	return step_run(&world->steps);
}

static int publish_chain(const struct shadow *sh, struct shadow_world *world,
			 const struct shadow_chain *to)
{
	const struct driver_chain *chain = &world->chain;
	struct op *op;
	int err = 0;

	for (unsigned i = 0; i < chain->count && err == 0; i++)
		if (!to->buffers[i].write && (chain->buffers[i].flags & VRING_DESC_F_INDIRECT) == 0)
			err = copy_in(world, &to->buffers[i]);
	if (err == 0 && chain->indirect)
		err = store_table(world, to);
	for (unsigned i = 0; i < chain->direct && err == 0; i++)
		if (!write_desc(sh, world, to, i))
			err = -ECANCELED;
	if (err != 0)
		return err;
	op = step_begin(&world->steps, OP_PUBLISH);
	op->value[PUBLISH_QUEUE] = sh->queue;
	op->value[PUBLISH_HEAD] = to->head;
	return step_run(&world->steps) ? 0 : -ECANCELED;
}

/* The next chain of the driver's.  1: it is published; 0: there is none, or no room. */
static int publish_next(struct shadow *sh, struct shadow_world *world)
{
	struct shadow_chain *to = free_chain(sh);
	uint32_t cost = 0;
	int err = 0;

	/* It does not notify of what it adds before the event index that it was given last. */
	if (!driver_ring_waits(&sh->ring) && sh->ring.setup.event_idx)
		err = driver_ring_look(&sh->ring, world->why);
	if (err == 0)
		err = driver_ring_peek(&sh->ring, world->memory, &world->chain, world->why);
	if (err <= 0)
		return err;
	err = chain_cost(sh, world, &cost);
	if (err != 0)
		return err;
	if (to == NULL || free_descs(sh) < world->chain.direct ||
	    (sh->chain_count > 0 && sh->bytes + cost > world->share) || !place_chain(sh, world, to))
		return 0;
	to->held = true;
	to->forgotten = false;
	to->head = to->buffers[0].desc;
	to->driver_head = world->chain.head;
	to->entry = sh->ring.next_avail;
	to->cost = cost;
	sh->chain_count++;
	sh->bytes += cost;
	driver_ring_take(&sh->ring);
	err = publish_chain(sh, world, to);
	return err != 0 ? err : 1;
}

/* What the driver says of interrupts, if that is not what the device was told. */
static bool tell_events(struct shadow *sh, struct shadow_world *world)
{
	bool event_idx = sh->ring.setup.event_idx;
	uint16_t value = event_idx ? (uint16_t)(driver_ring_used_event(&sh->ring) - sh->event_from)
				   : driver_ring_flags(&sh->ring);
	uint16_t *told = event_idx ? &sh->event_told : &sh->flags_told;
	struct op *op;

	if (value == *told)
		return true;
	*told = value;
	op = step_begin(&world->steps, event_idx ? OP_USED_EVENT : OP_AVAIL_FLAGS);
	op->value[AVAIL_FLAGS_QUEUE] = sh->queue;
	op->value[AVAIL_FLAGS_VALUE] = value;
	return step_run(&world->steps);
}

SAME_FIELD(AVAIL_FLAGS_QUEUE, USED_EVENT_QUEUE);
SAME_FIELD(AVAIL_FLAGS_VALUE, USED_EVENT_VALUE);

int shadow_publish(struct shadow *sh, struct shadow_world *world, bool look)
{
	int err = 0;

	if (!sh->running || !sh->set_up)
		return 0;
	if (look)
		err = driver_ring_look(&sh->ring, world->why);
	if (err != 0 || !driver_ring_waits(&sh->ring))
		return err;
	if (!tell_events(sh, world))
		return -ECANCELED;
	do {
		err = publish_next(sh, world);
		sh->fresh = sh->fresh || err == 1;
	} while (err == 1);
	return err;
}

int shadow_notify(struct shadow *sh, struct shadow_world *world)
{
	bool due = sh->notified || (sh->owed && sh->fresh);

	if (!due || !sh->running || !sh->set_up)
		return 0;
	/* What there was no room for the driver has notified of as well. */
	sh->owed = driver_ring_waits(&sh->ring);
	sh->notified = sh->fresh = false;
	return step_run_simple(&world->steps, OP_NOTIFY, sh->queue) ? 0 : -ECANCELED;
}

/* ---- and back -------------------------------------------------------------------------- */

/* What the device wrote: the first `len` bytes of the buffers that are its to write. */
static int copy_out(struct shadow_world *world, const struct shadow_chain *chain, uint32_t len)
{
	struct arena *arena = &world->steps.run->guest.arena;
	uint8_t bytes[OP_BYTES_MAX];

	for (unsigned i = 0; i < chain->count && len > 0; i++) {
		const struct shadow_buffer *buffer = &chain->buffers[i];
		uint32_t left = buffer->len < len ? buffer->len : len;

		if (!buffer->write)
			continue;
		len -= left;
		for (uint32_t at = 0, part; at < left; at += part) {
			part = left - at < OP_BYTES_MAX ? left - at : OP_BYTES_MAX;
			arena_load(arena,
				   arena->place[buffer->place.base] + buffer->place.offset + at,
				   bytes, part);
			if (driver_memory_write(world->memory, buffer->addr + at, bytes, part))
				continue;
			snprintf(world->why, sizeof(world->why), "%u bytes at 0x%llx went away",
				 part, (unsigned long long)(buffer->addr + at));
			return -EPROTO;
		}
	}
	return 0;
}

static struct shadow_chain *find_chain(struct shadow *sh, uint32_t head)
{
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		if (sh->chains[i].held && sh->chains[i].head == head)
			return &sh->chains[i];
	return NULL;
}

/* One entry of the arena's used ring; the ledger has judged it. */
static int give_back(struct shadow *sh, struct shadow_world *world, uint32_t id, uint32_t len)
{
	struct shadow_chain *chain = find_chain(sh, id);
	int err = 0;

	step_used(&world->steps, sh->queue, id, len);
	if (chain == NULL)
		return 0;
	if (!chain->forgotten) {
		err = copy_out(world, chain, len);
		if (err == 0)
			driver_ring_put(&sh->ring, chain->driver_head, len);
		world->chains++;
	}
	drop(sh, chain, &world->room);
	return err;
}

struct used {
	uint32_t id, len;
};

/* What `take` is going to take: at most as many as are out, whatever the index says. */
static unsigned look_at_used(struct shadow *sh, struct shadow_world *world,
			     struct used used[SHADOW_CHAINS_MAX])
{
	struct guest *g = &world->steps.run->guest;
	const struct guest_queue *q = &g->queues[sh->queue];
	unsigned count = (uint16_t)(guest_used_idx(g, sh->queue) - q->used_idx);

	if (count > sh->chain_count)
		count = sh->chain_count;
	for (unsigned i = 0; i < count; i++) {
		struct vring_used_elem entry;

		arena_load(&g->arena,
			   q->ring[VIRTQUEUE_DEVICE] +
				   ring_at(&ring_split, GUEST_USED_ENTRY, q->size,
					   (uint16_t)(q->used_idx + i) % q->size),
			   &entry, sizeof(entry));
		used[i] = (struct used){ le32toh(entry.id), le32toh(entry.len) };
	}
	return count;
}

/* A ring that the driver disabled, and did not stop, keeps what comes back for later. */
static bool is_paused(const struct shadow *sh)
{
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX && !sh->running; i++)
		if (sh->chains[i].held && !sh->chains[i].forgotten)
			return true;
	return false;
}

int shadow_collect(struct shadow *sh, struct shadow_world *world)
{
	struct used used[SHADOW_CHAINS_MAX];
	unsigned count = sh->set_up && !is_paused(sh) ? look_at_used(sh, world, used) : 0;
	struct op *op;
	int err = 0;

	if (count == 0)
		return 0;
	op = step_begin(&world->steps, OP_TAKE);
	op->value[TAKE_QUEUE] = sh->queue;
	op->value[TAKE_COUNT] = count;
	if (!step_run(&world->steps))
		return -ECANCELED;
	for (unsigned i = 0; i < count && err == 0; i++)
		err = give_back(sh, world, used[i].id, used[i].len);
	if (err != 0)
		return err;
	return sh->running && driver_ring_show(&sh->ring) ? 1 : 0;
}
