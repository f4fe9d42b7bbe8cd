/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a session has come to, as far as a further program has to start from it: see
 * recorder_internal.h.
 */
#include "harness/serve/recorder_internal.h"

#include <string.h>

/* The driver's steps that make the device what it is. */
static const bool sets_up[256] = {
	[OP_START] = true, [OP_STATUS] = true,	     [OP_NEGOTIATE] = true,   [OP_QUEUE] = true,
	[OP_READY] = true, [OP_CONFIG_WRITE] = true, [OP_RESET_QUEUE] = true,
};

/* The device is as after a reset. */
static void note_reset(struct recorder *r)
{
	recorder_part_clear(&r->setup, &r->header);
	recorder_part_clear(&r->dialogue, &r->header);
	r->unsplit = false;
	for (unsigned queue = 0; queue < PROGRAM_QUEUES; queue++) {
		struct recorder_queue *q = &r->queue[queue];

		q->out_count = 0;
		q->used = q->used_now = 0;
		q->asked = q->has_event = false;
		q->flags = 0;
	}
	recorder_forget_descs(r);
}

/* Its rings are new. */
static void note_queue(struct recorder *r, unsigned queue)
{
	struct recorder_queue *q = &r->queue[queue];

	q->out_count = 0;
	q->used = q->used_now = 0;
	q->has_event = false;
	memset(q->known, 0, sizeof(q->known));
}

static void note_published(struct recorder *r, unsigned queue, uint16_t head)
{
	struct recorder_queue *q = &r->queue[queue];
	bool dialogue = recorder_is_dialogue(r, queue, head);

	if (dialogue) {
		q->asked = true;
		r->unsplit = !recorder_chain(&r->dialogue, r, queue, head) || r->unsplit;
	}
	if (q->out_count < GUEST_QUEUE_SIZE_MAX)
		q->out[q->out_count++] =
			(struct recorder_out){ head, recorder_chain_entries(r, queue, head),
					       dialogue };
}

/* A device that works in later calls has done so before what comes next. */
static void note_notified(struct recorder *r, unsigned queue, const struct program *prog,
			  const struct op *op)
{
	const struct op settle = { .code = OP_SETTLE };

	if (!r->queue[queue].asked)
		return;
	r->queue[queue].asked = false;
	r->unsplit = !recorder_part_op(&r->dialogue, prog, op) || r->unsplit;
	if (r->run->guest.target->work != NULL)
		r->unsplit = !recorder_part_op(&r->dialogue, prog, &settle) || r->unsplit;
}

typedef void note_fn(struct recorder *r, const struct program *prog, const struct op *op);

static void on_reset(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	note_reset(r);
}

static void on_status(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	if (op->value[STATUS_VALUE] == 0)
		note_reset(r);
}

SAME_FIELD(RESET_QUEUE_QUEUE, QUEUE_QUEUE);

static void on_queue(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	note_queue(r, (unsigned)op->value[QUEUE_QUEUE]);
}

static void on_publish(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	note_published(r, (unsigned)op->value[PUBLISH_QUEUE], (uint16_t)op->value[PUBLISH_HEAD]);
}

static void on_notify(struct recorder *r, const struct program *prog, const struct op *op)
{
	if (op->value[NOTIFY_QUEUE] < PROGRAM_QUEUES)
		note_notified(r, (unsigned)op->value[NOTIFY_QUEUE], prog, op);
}

/* Of a packed ring flags and event are one structure (VIRTIO 2.8.14): the last one counts. */
static void on_avail_flags(struct recorder *r, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[AVAIL_FLAGS_QUEUE];
	struct recorder_queue *q = &r->queue[queue];

	(void)prog;
	q->flags = (uint16_t)op->value[AVAIL_FLAGS_VALUE];
	q->has_event = q->has_event && !r->run->guest.queues[queue].packed;
}

static void on_used_event(struct recorder *r, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[USED_EVENT_QUEUE];
	struct recorder_queue *q = &r->queue[queue];

	(void)prog;
	if (r->run->guest.queues[queue].packed)
		q->flags = 0;
	q->has_event = true;
	q->event = (uint16_t)op->value[USED_EVENT_VALUE];
}

static void on_other_desc(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	recorder_forget_descs(r);
}

static void on_num_pages(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	r->num_pages = (struct recorder_host){ true, op->value[SET_NUM_PAGES_VALUE] };
}

static void on_config(struct recorder *r, const struct program *prog, const struct op *op)
{
	(void)prog;
	r->config = (struct recorder_host){ true, op->value[CHANGE_CONFIG_VALUE] };
}

static note_fn *const notes[256] = {
	[OP_RESET] = on_reset,
	[OP_START] = on_reset,
	[OP_STATUS] = on_status,
	[OP_QUEUE] = on_queue,
	[OP_RESET_QUEUE] = on_queue,
	[OP_PUBLISH] = on_publish,
	[OP_NOTIFY] = on_notify,
	[OP_AVAIL_FLAGS] = on_avail_flags,
	[OP_USED_EVENT] = on_used_event,
	[OP_SET_DESC] = on_other_desc,
	[OP_CHAIN] = on_other_desc,
	[OP_OFFER] = on_other_desc,
	[OP_SEND] = on_other_desc,
	[OP_CHAIN_REQUEST] = on_other_desc,
	[OP_OFFER_REQUEST] = on_other_desc,
	[OP_SEND_REQUEST] = on_other_desc,
	[OP_SET_NUM_PAGES] = on_num_pages,
	[OP_CHANGE_CONFIG] = on_config,
};

void recorder_note(struct recorder *r, const struct program *prog, const struct op *op)
{
	struct op out = recorder_named(r, op);

	if (notes[op->code] != NULL)
		notes[op->code](r, prog, op);
	if (sets_up[op->code])
		r->unsplit = !recorder_part_op(&r->setup, prog, &out) || r->unsplit;
}

static void take_out(struct recorder_queue *q, unsigned i)
{
	q->out_count--;
	memmove(&q->out[i], &q->out[i + 1], (q->out_count - i) * sizeof(q->out[0]));
}

void recorder_count_used(const struct recorder *r, unsigned queue, uint16_t *used, uint16_t entries)
{
	const struct guest_queue *q = &r->run->guest.queues[queue];

	*used = (uint16_t)(*used + entries);
	if (q->packed && q->size > 0)
		*used = (uint16_t)(*used % (2 * q->size));
}

uint16_t recorder_note_used(struct recorder *r, unsigned queue, uint32_t id, uint32_t len)
{
	struct recorder_demand demand = {
		.queue = (uint16_t)queue, .entries = 1, .id = id, .len = len
	};
	struct recorder_queue *q = &r->queue[queue];
	unsigned i = 0;

	while (i < q->out_count && q->out[i].head != id)
		i++;
	if (i < q->out_count) {
		demand.entries = q->out[i].entries;
		if (q->out[i].dialogue)
			r->unsplit = !recorder_part_demand(&r->dialogue, &demand) || r->unsplit;
		take_out(q, i);
	}
	recorder_count_used(r, queue, &q->used, demand.entries);
	recorder_count_used(r, queue, &q->used_now, demand.entries);
	return demand.entries;
}
