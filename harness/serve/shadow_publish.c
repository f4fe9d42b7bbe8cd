/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A shadow queue, from the driver to the device: chains are placed, copied and published.
 * See shadow.h.
 */
#include "harness/serve/shadow_internal.h"

#include "devices/ring.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>

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
		/* Of a table that flag says nothing (VIRTIO 2.7.5.3.2). */
		uint16_t kind = from->flags & (VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT);
		struct shadow_buffer *buffer = &to->buffers[i];

		*buffer = (struct shadow_buffer){ .addr = from->addr,
						  .len = from->len,
						  .desc = SHADOW_NO_DESC,
						  .write = kind == VRING_DESC_F_WRITE };
		if (!room_take(&world->room, from->len, &buffer->place)) {
			shadow_give_room(to, &world->room);
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
		if (!driver_memory_read(world->memory, buffer->addr + at, bytes, len))
			return shadow_went_away(world, buffer, at, len);
		if (!store(&world->steps, &buffer->place, at, bytes, len))
			return -ECANCELED;
	}
	return 0;
}

/* A descriptor of an indirect table, in the format of the ring; `next` is the packed one's
 * nothing.  What else the driver wrote there counts for no device (2.8.7). */
static struct vring_desc table_desc(const struct shadow_world *world, const struct shadow_chain *to,
				    unsigned i, bool packed)
{
	const struct arena *arena = &world->steps.run->guest.arena;
	const struct room_place *place = &to->buffers[i].place;
	const struct driver_buffer *from = &world->chain.buffers[i];
	bool last = i + 1 == world->chain.count;
	struct vring_desc desc = {
		.addr = htole64(arena->place[place->base] + place->offset),
		.len = htole32(from->len),
	};

	/* The last two fields stand the other way round. */
	if (packed) {
		desc.next = htole16(from->flags);
	} else {
		desc.flags = htole16(from->flags);
		desc.next = htole16(last ? 0 : from[1].index);
	}
	return desc;
}

/* The descriptors of an indirect table, as the driver has them: those that follow each other
 * in one store. */
static int store_table(struct shadow_world *world, const struct shadow_chain *to, bool packed)
{
	const struct driver_chain *chain = &world->chain;
	const struct room_place *table = &to->buffers[chain->direct - 1].place;
	struct vring_desc descs[OP_BYTES_MAX / sizeof(struct vring_desc)];
	unsigned count = 0, first = chain->buffers[chain->direct].index;

	for (unsigned i = chain->direct; i < chain->count; i++) {
		const struct driver_buffer *from = &chain->buffers[i];
		bool last = i + 1 == chain->count;

		descs[count++] = table_desc(world, to, i, packed);
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
		err = store_table(world, to, sh->ring.setup.packed);
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

/* The next chain of the driver's, into world->chain.  1: there is one; 0; or -EPROTO. */
static int next_chain(struct shadow *sh, struct shadow_world *world, uint32_t *cost)
{
	int err = 0;

	/* It does not notify of what it adds before the event index that it was given last. */
	if (!driver_ring_waits(&sh->ring) && sh->ring.setup.event_idx)
		err = driver_ring_look(&sh->ring, world->why);
	if (err == 0)
		err = driver_ring_peek(&sh->ring, world->memory, &world->chain, world->why);
	if (err <= 0)
		return err;
	err = chain_cost(sh, world, cost);
	return err != 0 ? err : 1;
}

/* A driver that has no way to say that it resets the device frees what a ring leads to before the
 * ring stops, and a packed ring does not show that it was taken back.  What is wrong there is
 * held against the driver if it notifies once more, or closes the connection. */
static int doubt(struct shadow *sh, const struct shadow_world *world)
{
	if (!sh->ring.setup.packed || !sh->ring.setup.takes_back ||
	    (sh->doubt[0] != '\0' && sh->notified))
		return -EPROTO;
	snprintf(sh->doubt, sizeof(sh->doubt), "%s", world->why);
	return 0;
}

/* The next chain of the driver's.  1: it is published; 0: there is none, or no room. */
static int publish_next(struct shadow *sh, struct shadow_world *world)
{
	struct shadow_chain *to = free_chain(sh);
	uint32_t cost = 0;
	int err = next_chain(sh, world, &cost);

	if (err == -EPROTO)
		return doubt(sh, world);
	sh->doubt[0] = '\0';
	if (err <= 0)
		return err;
	if (to == NULL || free_descs(sh) < world->chain.direct ||
	    (sh->chain_count > 0 && sh->bytes + cost > world->share) || !place_chain(sh, world, to))
		return 0;
	to->held = true;
	to->forgotten = false;
	to->head = to->buffers[0].desc;
	to->driver_head = world->chain.head;
	to->number = sh->taken++;
	to->place = sh->ring.next_avail;
	to->direct = world->chain.direct;
	to->cost = cost;
	sh->chain_count++;
	sh->bytes += cost;
	driver_ring_take(&sh->ring, to->direct);
	err = publish_chain(sh, world, to);
	return err != 0 ? err : 1;
}

/* The event of the arena's ring that is so far ahead.  Rings may be of two sizes: what is further
 * away than the arena's is long comes early, or stays behind. */
static uint16_t event_at(const struct shadow *sh, struct shadow_world *world, int32_t ahead)
{
	uint16_t at;

	if (!sh->ring.setup.packed)
		return (uint16_t)(world->steps.run->guest.queues[sh->queue].used_idx + ahead);
	if (ahead > sh->size)
		ahead = sh->size;
	else if (ahead <= -(int32_t)sh->size)
		ahead = 1 - (int32_t)sh->size;
	at = (uint16_t)((sh->used_at + 2 * sh->size + ahead) % (2 * sh->size));
	return (uint16_t)(at % sh->size | (at < sh->size ? RING_EVENT_WRAP : 0));
}

/* What the driver says of interrupts, if that is not what the device was told. */
static bool tell_events(struct shadow *sh, struct shadow_world *world)
{
	const struct driver_ring_wish wish = driver_ring_wish(&sh->ring);
	uint16_t value = wish.event ? event_at(sh, world, wish.value) : (uint16_t)wish.value;
	struct op *op;

	if (wish.event == sh->event_told && value == sh->value_told)
		return true;
	sh->event_told = wish.event;
	sh->value_told = value;
	op = step_begin(&world->steps, wish.event ? OP_USED_EVENT : OP_AVAIL_FLAGS);
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
