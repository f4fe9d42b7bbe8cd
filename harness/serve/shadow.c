/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A shadow queue.  See shadow.h.
 */
#include "harness/serve/shadow_internal.h"

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
	sh->used_at = 0;
	sh->set_up = true;
	return 0;
}

void shadow_give_room(struct shadow_chain *chain, struct room *room)
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
	shadow_give_room(chain, room);
	chain->held = false;
	sh->chain_count--;
	sh->bytes -= chain->cost;
}

void shadow_reset(struct shadow *sh, struct shadow_world *world)
{
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		if (sh->chains[i].held)
			drop(sh, &sh->chains[i], &world->room);
	sh->set_up = sh->begun = sh->running = sh->notified = sh->owed = sh->fresh =
		sh->event_told = false;
	sh->value_told = 0;
	sh->doubt[0] = '\0';
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

	sh->doubt[0] = '\0';
	sh->begun = true;
	sh->running = sh->running || err == 0;
	return err;
}

/* What is out goes back to the driver as if it had not been taken; unless something taken later
 * is done with, which would be served twice. */
static uint16_t untake(const struct shadow *sh)
{
	uint16_t out = 0, place = sh->ring.next_avail;

	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		out = (uint16_t)(out + (sh->chains[i].held && !sh->chains[i].forgotten));
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++) {
		const struct shadow_chain *chain = &sh->chains[i];
		uint16_t ago = (uint16_t)(sh->taken - chain->number);

		if (!chain->held || chain->forgotten)
			continue;
		if (ago > out)
			return sh->ring.next_avail;
		if (ago == out)
			place = chain->place;
	}
	return place;
}

uint32_t shadow_stop(struct shadow *sh)
{
	sh->running = false;
	sh->ring.next_avail = untake(sh);
	for (unsigned i = 0; i < SHADOW_CHAINS_MAX; i++)
		sh->chains[i].forgotten = sh->chains[i].forgotten || sh->chains[i].held;
	return driver_ring_base(&sh->ring, sh->ring.next_avail);
}

int shadow_went_away(struct shadow_world *world, const struct shadow_buffer *buffer, uint32_t at,
		     uint32_t len)
{
	uint64_t addr = buffer->addr + at;

	snprintf(world->why, sizeof(world->why), "%u bytes at 0x%llx went away", len,
		 (unsigned long long)addr);
	return -EPROTO;
}

/* ---- from the device to the driver
 * -------------------------------------------------------------------------- */

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
			if (!driver_memory_write(world->memory, buffer->addr + at, bytes, part))
				return shadow_went_away(world, buffer, at, part);
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
	sh->used_at = (uint16_t)((sh->used_at + chain->direct) % (2u * sh->size));
	if (!chain->forgotten) {
		err = copy_out(world, chain, len);
		if (err == 0)
			driver_ring_put(&sh->ring, chain->driver_head, len, chain->direct);
		world->chains++;
	}
	drop(sh, chain, &world->room);
	return err;
}

/* What `take` is going to take: at most as many as are out, whatever the index says. */
static unsigned look_at_used(struct shadow *sh, struct shadow_world *world,
			     struct guest_used used[SHADOW_CHAINS_MAX])
{
	struct guest *g = &world->steps.run->guest;
	const struct guest_queue *q = &g->queues[sh->queue];
	unsigned count = (uint16_t)(guest_used_idx(g, sh->queue) - q->used_idx);

	if (count > sh->chain_count)
		count = sh->chain_count;
	for (unsigned i = 0; i < count; i++)
		used[i] = guest_used_entry(g, sh->queue, (uint16_t)(q->used_idx + i));
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
	struct guest_used used[SHADOW_CHAINS_MAX];
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
