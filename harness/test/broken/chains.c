/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The small device of ../zoo, wrong inside a chain: what it reads of it, what it writes
 * to it, how much it says it wrote.
 */
#include "flaws.h"

#include <string.h>

static struct vringer_why why_payload(const struct queue *q, const struct chain *c)
{
	return (struct vringer_why){ .purpose = VRINGER_PAYLOAD,
				     .queue = q->index,
				     .walk = c->taken.walk };
}

/* ---- the length ------------------------------------------------------------ */

static uint32_t answer_all_ones(struct device *d, struct queue *q, const struct chain *c)
{
	usual.answer(d, q, c);
	return UINT32_MAX;
}

MEMBER(len_all_ones, "broken-len-all-ones", w->answer = answer_all_ones, USUALLY)

static uint32_t answer_plus_one(struct device *d, struct queue *q, const struct chain *c)
{
	return usual.answer(d, q, c) + 1;
}

MEMBER(len_plus_one, "broken-len-plus-one", w->answer = answer_plus_one, USUALLY)

static uint32_t answer_0(struct device *d, struct queue *q, const struct chain *c)
{
	usual.answer(d, q, c);
	return 0;
}

MEMBER(len_0, "broken-len-0", w->answer = answer_0, USUALLY)

/* ---- the bytes ------------------------------------------------------------- */

/* What comes back is what was there before. */
static uint32_t answer_nothing(struct device *d, struct queue *q, const struct chain *c)
{
	uint32_t room = 0;

	(void)d;
	(void)q;
	for (uint32_t i = 0; i < c->count && room < ANSWER_BYTES; i++)
		if ((c->desc[i].flags & VRING_DESC_F_WRITE) != 0)
			room += c->desc[i].len < ANSWER_BYTES ? c->desc[i].len : ANSWER_BYTES;
	return room;
}

MEMBER(unwritten, "broken-unwritten", w->answer = answer_nothing, USUALLY)

/* Every buffer of a chain is answered as if it were the first. */
static uint32_t answer_each(struct device *d, struct queue *q, const struct chain *c)
{
	struct chain one = { .taken = c->taken, .count = 1 };
	uint32_t written = 0;

	for (uint32_t i = 0; i < c->count && written < ANSWER_BYTES; i++) {
		uint32_t part;

		one.desc[0] = c->desc[i];
		if ((one.desc[0].flags & VRING_DESC_F_WRITE) == 0)
			continue;
		if (one.desc[0].len > ANSWER_BYTES - written)
			one.desc[0].len = ANSWER_BYTES - written;
		part = usual.answer(d, q, &one);
		written += part;
		if (part < one.desc[0].len)
			break;
	}
	return written;
}

MEMBER(wrong_data, "broken-wrong-data", w->answer = answer_each, USUALLY)

/* A byte more than the buffer has. */
static uint32_t answer_past(struct device *d, struct queue *q, const struct chain *c)
{
	uint32_t written = usual.answer(d, q, c);

	for (uint32_t i = 0; i < c->count; i++)
		if ((c->desc[i].flags & VRING_DESC_F_WRITE) != 0)
			memory_write(d, why_payload(q, c), c->desc[i].addr + c->desc[i].len, "", 1);
	return written;
}

MEMBER(past_the_end, "broken-past-the-end", w->answer = answer_past, USUALLY)

static uint32_t answer_everywhere(struct device *d, struct queue *q, const struct chain *c)
{
	struct chain all = *c;

	for (uint32_t i = 0; i < all.count; i++)
		all.desc[i].flags |= VRING_DESC_F_WRITE;
	return usual.answer(d, q, &all);
}

MEMBER(writes_readable, "broken-writes-input", w->answer = answer_everywhere, USUALLY)

/* Takes the descriptors of a chain that is done out of the table. */
static uint32_t answer_and_clear(struct device *d, struct queue *q, const struct chain *c)
{
	struct vringer_why why = { .purpose = VRINGER_DESC, .queue = q->index };
	static const struct vring_desc none;
	uint32_t written = usual.answer(d, q, c);

	why.walk = c->taken.walk;
	memory_write(d, why, q->area[DESC] + 16 * (uint64_t)c->taken.head, &none, sizeof(none));
	return written;
}

MEMBER(clears_desc, "broken-clears-desc", w->answer = answer_and_clear, USUALLY)

/* ---- addresses ------------------------------------------------------------- */

static bool walk_32_bits(struct device *d, struct queue *q, struct chain *c)
{
	if (!usual.walk(d, q, c))
		return false;
	for (uint32_t i = 0; i < c->count; i++)
		c->desc[i].addr = (uint32_t)c->desc[i].addr;
	return true;
}

MEMBER(addr_32, "broken-addr-32", w->walk = walk_32_bits, USUALLY)

/* A buffer past 2^64 goes on at 0. */
static bool allow_wrap(struct device *d, const struct vring_desc *desc)
{
	(void)d;
	(void)desc;
	return true;
}

static uint32_t answer_wrapped(struct device *d, struct queue *q, const struct chain *c)
{
	struct chain parts = { .taken = c->taken };

	for (uint32_t i = 0; i < c->count && parts.count + 1 < QUEUE_SIZE; i++) {
		struct vring_desc *part = &parts.desc[parts.count++];
		uint64_t to_end = -c->desc[i].addr;

		*part = c->desc[i];
		if (to_end == 0 || part->len <= to_end)
			continue;
		part[1] = *part;
		part[1].addr = 0;
		part[1].len = part->len - (uint32_t)to_end;
		part->len = (uint32_t)to_end;
		parts.count++;
	}
	return usual.answer(d, q, &parts);
}

MEMBER(addr_wraps, "broken-addr-wraps", (w->allows = allow_wrap, w->answer = answer_wrapped),
       USUALLY)

/* ---- descriptors ----------------------------------------------------------- */

static bool walk_first(struct device *d, struct queue *q, struct chain *c)
{
	if (!usual.walk(d, q, c))
		return false;
	c->count = 1;
	return true;
}

MEMBER(first_desc, "broken-first-desc", w->walk = walk_first, USUALLY)

/* The answer goes to one buffer. */
static uint32_t answer_first(struct device *d, struct queue *q, const struct chain *c)
{
	struct chain cut = *c;

	for (uint32_t i = 0; i < cut.count; i++)
		if ((cut.desc[i].flags & VRING_DESC_F_WRITE) != 0) {
			cut.count = i + 1;
			break;
		}
	return usual.answer(d, q, &cut);
}

MEMBER(framing, "broken-framing", w->answer = answer_first, USUALLY)

/* Follows `next` as long as it is told to, and uses the last few of what it finds. */
#define WALK_WITHOUT_BOUND (1u << 16)

static bool walk_without_bound(struct device *d, struct queue *q, struct chain *c)
{
	struct vringer_why why = { .purpose = VRINGER_DESC,
				   .queue = q->index,
				   .walk = c->taken.walk };
	uint32_t next = c->taken.head;

	c->count = 0;
	for (uint32_t i = 0; i < WALK_WITHOUT_BOUND; i++) {
		struct vring_desc *desc = &c->desc[i % QUEUE_SIZE];

		if (next >= q->size ||
		    !d->ways.read_desc(d, why, q->area[DESC] + 16 * (uint64_t)next, desc) ||
		    !usual.allows(d, desc))
			return false;
		if (c->count < QUEUE_SIZE)
			c->count++;
		if ((desc->flags & VRING_DESC_F_NEXT) == 0)
			return true;
		next = desc->next;
	}
	return false;
}

MEMBER(unbounded, "broken-unbounded", w->walk = walk_without_bound, ONE_QUEUE,
       .features = FEATURES & ~(1ULL << VIRTIO_RING_F_INDIRECT_DESC), FLAGS, .requests = requests)

/* Measures the chain, reads it again, and answers what it reads then. */
static uint32_t answer_twice_read(struct device *d, struct queue *q, const struct chain *c)
{
	uint32_t room = answer_nothing(d, q, c);
	struct chain again = { .taken = c->taken };

	if (!usual.walk(d, q, &again))
		return 0;
	usual.answer(d, q, &again);
	return room < ANSWER_BYTES ? room : ANSWER_BYTES;
}

MEMBER(double_fetch, "broken-double-fetch", w->answer = answer_twice_read, USUALLY)

static bool allow_full(struct device *d, const struct vring_desc *desc)
{
	return desc->len > 0 && usual.allows(d, desc);
}

MEMBER(refuses_empty, "broken-refuses-empty", w->allows = allow_full, USUALLY)

/* The WRITE flag of a descriptor that refers to a table means nothing (2.7.5.3.2). */
static bool allow_no_written_table(struct device *d, const struct vring_desc *desc)
{
	const uint16_t both = VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE;

	return (desc->flags & both) != both && usual.allows(d, desc);
}

MEMBER(table_write_flag, "broken-table-flag", w->allows = allow_no_written_table, USUALLY)

/* A table may follow other descriptors (2.7.5.3.2). */
static bool walk_table_first(struct device *d, struct queue *q, struct chain *c)
{
	d->own = 0;
	return usual.walk(d, q, c);
}

static bool allow_table_first(struct device *d, const struct vring_desc *desc)
{
	bool first = d->own++ == 0;

	return (first || (desc->flags & VRING_DESC_F_INDIRECT) == 0) && usual.allows(d, desc);
}

MEMBER(table_after, "broken-table-after",
       (w->walk = walk_table_first, w->allows = allow_table_first), USUALLY)

/* Knows requests by their head, as far as it expects heads to go. */
static bool walk_by_head(struct device *d, struct queue *q, struct chain *c)
{
	static uint8_t known[QUEUE_SIZE];

	known[c->taken.head]++;
	return usual.walk(d, q, c);
}

MEMBER(head_unchecked, "broken-head-unchecked", w->walk = walk_by_head, USUALLY)

/* Logs the page where a write begins, and not those that it goes on to. */
static void wrote_first_page(struct device *d, uint64_t addr, uint32_t len)
{
	(void)len;
	log_pages(d, addr, addr);
}

MEMBER(log_first_page, "broken-log-first-page", w->wrote = wrote_first_page, USUALLY,
       .logged = device_logged)

/* Logs what it writes to buffers, and forgets the used ring. */
static void wrote_buffers(struct device *d, uint64_t addr, uint32_t len)
{
	const struct queue *q = &d->queues[0];

	if (addr - q->area[USED] >= 6 + 8 * (uint64_t)q->size)
		log_pages(d, addr, addr + (len - 1));
}

MEMBER(log_no_ring, "broken-log-no-ring", w->wrote = wrote_buffers, USUALLY,
       .logged = device_logged)

/* Keeps a note of each answer, for ever. */
static uint32_t answer_with_note(struct device *d, struct queue *q, const struct chain *c)
{
	d->host->alloc(d->host->ctx, 64);
	return usual.answer(d, q, c);
}

MEMBER(leaks, "broken-leaks", w->answer = answer_with_note, USUALLY)
