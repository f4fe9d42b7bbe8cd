/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A split virtqueue that gives entropy.  See ring.h.
 */
#include "ring.h"

#include "luck.h"

#include <endian.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>

#define CHAIN_BYTES_MAX 65536u /* of one chain that are filled */
#define SERVE_MAX 65536u       /* chains at a time */

static const char *const names[] = {
	[HABIT_BACKWARDS] = "backwards", [HABIT_ONE_BYTE] = "one-byte",
	[HABIT_EAGER] = "eager",	 [HABIT_SHRUGS] = "shrugs",
	[HABIT_WRONG_LEN] = "wrong-len", [HABIT_WRONG_ID] = "wrong-id",
	[HABIT_TWICE] = "twice",	 [HABIT_BEYOND] = "beyond",
	[HABIT_READABLE] = "readable",	 [HABIT_FORGETS] = "forgets",
	[HABIT_SILENT] = "silent",	 [HABIT_NOISY] = "noisy",
	[HABIT_UNLOGGED] = "unlogged",	 [HABIT_SULKS] = "sulks",
	[HABIT_HAUNTS] = "haunts",	 [HABIT_INHERITS] = "inherits",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == HABITS, "a name for each habit");

bool ring_habit(struct ring *r, const char *name)
{
	for (unsigned i = 0; i < HABITS; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		r->habits[i] = true;
		return true;
	}
	return false;
}

void ring_help(void)
{
	fprintf(stderr, "habits:");
	for (unsigned i = 0; i < HABITS; i++)
		fprintf(stderr, " %s", names[i]);
	fprintf(stderr, "\n");
}

/* ---- started, stopped --------------------------------------------------------------- */

/* A used_event behind the last byte of memory says nothing, and the ring is one. */
static bool is_there(const struct ring *r)
{
	uint64_t event = r->event_idx ? 2 : 0;

	return r->size > 0 && r->size <= RING_SIZE_MAX && (r->size & (r->size - 1)) == 0 &&
	       r->desc % 16 == 0 && r->avail % 2 == 0 && r->used % 4 == 0 &&
	       memory_has(r->memory, r->desc, 16ull * r->size) &&
	       memory_has(r->memory, r->avail, 4 + 2ull * r->size) &&
	       memory_has(r->memory, r->used, 4 + 8ull * r->size + event);
}

static void mark_used(struct ring *r, uint64_t offset, uint64_t len)
{
	if (r->log_used)
		memory_mark(r->memory, r->used_log + offset, len);
}

void ring_start(struct ring *r, uint16_t base)
{
	static bool had_event_idx;

	had_event_idx = had_event_idx || r->event_idx;
	if (r->habits[HABIT_INHERITS])
		r->event_idx = had_event_idx;
	if (!r->habits[HABIT_SULKS])
		r->broken = false;
	r->live = true;
	r->held_count = 0;
	r->next_avail = base;
	if (!is_there(r) || !memory_read16(r->memory, r->used + 2, &r->next_used))
		r->broken = true;
	r->told = r->next_used;
}

static uint32_t fill(struct ring *r, const struct chain *c)
{
	uint8_t bytes[1024];
	uint32_t total = 0;
	uint32_t most = r->habits[HABIT_ONE_BYTE] ? 1 : CHAIN_BYTES_MAX;

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 0x31);
	for (uint16_t i = 0; i < c->count; i++) {
		const struct piece *p = &c->pieces[i];

		if (!p->writable && !r->habits[HABIT_READABLE])
			continue;
		for (uint32_t at = 0; at < p->len && total < most;) {
			uint32_t len = p->len - at;

			len = len > most - total ? most - total : len;
			len = len > sizeof(bytes) ? (uint32_t)sizeof(bytes) : len;
			if (!memory_write(r->memory, p->addr + at, bytes, len))
				return total;
			if (!r->habits[HABIT_UNLOGGED])
				memory_mark(r->memory, p->addr + at, len);
			at += len;
			total += len;
		}
		if (r->habits[HABIT_BEYOND] && p->writable)
			memory_write(r->memory, p->addr + p->len, "\x5a", 1);
	}
	return total;
}

void ring_stop(struct ring *r)
{
	r->live = false;
}

void ring_haunt(struct ring *r)
{
	/* held[0] is the last that was. */
	if (!r->habits[HABIT_HAUNTS] || r->served == 0)
		return;
	for (uint16_t i = 0; i < r->held[0].count; i++)
		if (r->held[0].pieces[i].writable)
			memory_write(r->memory, r->held[0].pieces[i].addr, "\xa5", 1);
}

/* ---- taken --------------------------------------------------------------------------- */

/* The descriptors from `index` on, of a table with `count`; false: that is no chain. */
static bool walk(struct ring *r, struct chain *c, uint64_t table, uint32_t count, uint16_t index,
		 bool is_inside)
{
	for (;;) {
		struct vring_desc d;
		uint16_t flags;

		if (index >= count || c->count == RING_SIZE_MAX ||
		    !memory_read(r->memory, table + 16ull * index, &d, sizeof(d)))
			return false;
		flags = le16toh(d.flags);
		if (r->indirect && (flags & VRING_DESC_F_INDIRECT) != 0) {
			uint32_t len = le32toh(d.len);

			if (is_inside || (flags & VRING_DESC_F_NEXT) != 0 || len % 16 != 0 ||
			    len == 0)
				return false;
			return walk(r, c, le64toh(d.addr), len / 16, 0, true);
		}
		if (le32toh(d.len) == 0)
			luck_strike(AT_ZERO);
		c->pieces[c->count++] = (struct piece){
			.addr = le64toh(d.addr),
			.len = le32toh(d.len),
			.writable = (flags & VRING_DESC_F_WRITE) != 0,
		};
		if ((flags & VRING_DESC_F_NEXT) == 0)
			return true;
		index = le16toh(d.next);
	}
}

static bool is_all_memory(const struct ring *r, const struct chain *c)
{
	for (uint16_t i = 0; i < c->count; i++)
		if (!memory_has(r->memory, c->pieces[i].addr, c->pieces[i].len))
			return false;
	return true;
}

/* Take the next one. */
static void take_one(struct ring *r)
{
	struct chain *c = &r->held[r->held_count];
	uint16_t slot = r->next_avail & (uint16_t)(r->size - 1);

	c->count = 0;
	if (!memory_read16(r->memory, r->avail + 4 + 2ull * slot, &c->head) || c->head >= r->size) {
		r->broken = true;
		return;
	}
	if (!walk(r, c, r->desc, r->size, c->head, false) || !is_all_memory(r, c)) {
		if (!r->habits[HABIT_SHRUGS]) {
			r->broken = true;
			return;
		}
		c->count = 0;
	}
	r->next_avail++;
	r->served++;
	if (!r->habits[HABIT_FORGETS] || r->served % 3 != 0)
		r->held_count++;
}

bool ring_take(struct ring *r)
{
	uint16_t idx, from = r->next_avail;

	if (!r->live || r->broken)
		return false;
	if (!memory_read16(r->memory, r->avail + 2, &idx) || (uint16_t)(idx - from) > r->size)
		r->broken = true;
	while (!r->broken && idx != r->next_avail && r->held_count < r->size)
		take_one(r);
	return r->next_avail != from;
}

/* ---- returned ------------------------------------------------------------------------ */

static void put_used(struct ring *r, uint16_t head, uint32_t len)
{
	uint64_t offset = 4 + 8ull * (r->next_used & (uint16_t)(r->size - 1));
	struct vring_used_elem e;

	if (r->habits[HABIT_WRONG_LEN])
		len++;
	if (r->habits[HABIT_WRONG_ID])
		head = (head + 1) & (uint16_t)(r->size - 1);
	e = (struct vring_used_elem){ htole32(head), htole32(len) };
	memory_write(r->memory, r->used + offset, &e, sizeof(e));
	mark_used(r, offset, sizeof(e));
	r->next_used++;
}

static bool is_wanted(struct ring *r)
{
	uint16_t event, flags, from = r->told;

	r->told = r->next_used;
	if (r->habits[HABIT_SILENT])
		return false;
	if (r->habits[HABIT_NOISY])
		return true;
	if (!r->event_idx)
		return memory_read16(r->memory, r->avail, &flags) &&
		       (flags & VRING_AVAIL_F_NO_INTERRUPT) == 0;
	if (!memory_read16(r->memory, r->avail + 4 + 2ull * r->size, &event))
		return true;
	return vring_need_event(event, r->next_used, from);
}

/* The index moves to where entries were put. */
static void publish(struct ring *r)
{
	memory_write16(r->memory, r->used + 2, r->next_used);
	mark_used(r, 2, 2);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_wanted(r))
		r->interrupt(r->ctx);
}

void ring_return(struct ring *r)
{
	unsigned count = r->held_count;

	for (unsigned i = 0; i < count; i++) {
		const struct chain *c = &r->held[r->habits[HABIT_BACKWARDS] ? count - 1 - i : i];
		uint32_t len = fill(r, c);

		put_used(r, c->head, len);
		if (r->habits[HABIT_TWICE])
			put_used(r, c->head, len);
		if (r->habits[HABIT_EAGER])
			publish(r);
	}
	r->held_count = 0;
	if (count > 0 && !r->habits[HABIT_EAGER])
		publish(r);
}

/* The driver is to notify of the next one. */
static void ask_for_kick(struct ring *r)
{
	uint64_t offset = 4 + 8ull * r->size;

	if (!r->event_idx || r->broken || !r->live)
		return;
	memory_write16(r->memory, r->used + offset, r->next_avail);
	mark_used(r, offset, 2);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void ring_serve(struct ring *r)
{
	for (unsigned i = 0; i < SERVE_MAX; i++) {
		if (!ring_take(r)) {
			ask_for_kick(r);
			if (!ring_take(r))
				return;
		}
		ring_return(r);
	}
}
