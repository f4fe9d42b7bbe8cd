/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Whether requests are answered.  See requests.h; guest_requests.c sends them, and
 * requests_note.c knows what excuses a device.
 *
 * request.answered, request.resumed: the device is live, every queue lies in memory that
 * is there, no access or allocation was made to fail, no memory changes under the device,
 * the driver has only published chains in descriptors that were free, and the host did
 * what the request needs and nothing else.  A request that the target declares as
 * well-formed then has no cause to be refused or left alone.  At rest means that the
 * device has said that it has nothing to do: one that answers later says that it has work
 * left, or holds chains, or settles.  Where the driver has sent other chains to that queue
 * before, whatever they hold, it is request.resumed: VIRTIO lets a device give up after a
 * driver's mistake, but then it has to set DEVICE_NEEDS_RESET (dev.status.field.2), and a
 * device that did is not judged.
 */
#include "devices/virtio_1_4.h"
#include "harness/files/hash.h"
#include "harness/guest/guest_internal.h"
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIVE (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)
#define GONE (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED)

int requests_open(struct requests *r, const struct target *target)
{
	int err = 0;

	r->scripts = NULL;
	r->script_count = target->request_count;
	if (target->request_count == 0)
		return 0;
	r->scripts = calloc(target->request_count, sizeof(*r->scripts));
	if (r->scripts == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < target->request_count && err == 0; i++) {
		const struct target_request *request = &target->requests[i];

		err = target_request_ops(target, request, request->before, &r->scripts[i].before,
					 NULL, 0);
		if (err == 0)
			err = target_request_ops(target, request, request->after,
						 &r->scripts[i].after, NULL, 0);
	}
	if (err != 0)
		requests_close(r);
	return err;
}

void requests_close(struct requests *r)
{
	for (unsigned i = 0; r->scripts != NULL && i < r->script_count; i++) {
		free(r->scripts[i].before);
		free(r->scripts[i].after);
	}
	free(r->scripts);
	r->scripts = NULL;
}

/* Of queues that were used, and of what is on its way. */
static void forget(struct requests *r)
{
	for (unsigned i = 0; r->queues != 0; i++, r->queues >>= 1)
		if ((r->queues & 1) != 0)
			r->queue[i] = (struct request_queue){ .ready = false };
	r->sent_count = 0;
	r->area_at = 0;
	r->well = false;
}

void requests_reset(struct guest *g)
{
	struct requests *r = &g->requests;

	forget(r);
	r->strayed = r->host_touched = r->refused = r->nested = r->lacked_room = false;
	r->owed = 0;
	r->answered = 0;
	r->compared = 0;
	r->digest = 0;
}

/* At the places that it has by default, of a legal size. */
static bool queue_is_well(const struct guest *g, unsigned i)
{
	const struct guest_queue *q = &g->queues[i];

	if (q->size == 0 || (q->size & (q->size - 1)) != 0 || q->size > g->queue_max[i] ||
	    q->size > guest_queue_room(i))
		return false;
	for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
		if (q->ring[part] != guest_ring_place(g, i, part))
			return false;
	return true;
}

static bool queues_are_well(const struct guest *g)
{
	for (unsigned i = 0; i < g->target->queue_count && i < PROGRAM_QUEUES; i++)
		if (g->requests.queue[i].ready && !queue_is_well(g, i))
			return false;
	return true;
}

void requests_started(struct guest *g, bool live)
{
	struct requests *r = &g->requests;
	uint64_t ready = 0;
	uint32_t status;

	for (unsigned i = 0; i < PROGRAM_QUEUES && i < g->target->queue_count; i++)
		ready |= (uint64_t)r->queue[i].ready << i;
	forget(r);
	r->queues = ready;
	for (unsigned i = 0; i < PROGRAM_QUEUES && ready >> i != 0; i++)
		r->queue[i].ready = (ready >> i & 1) != 0;
	if (!live)
		return;
	status = g->transport->look_status(g);
	r->well = (status & LIVE) == LIVE && (status & GONE) == 0 &&
		  (g->accepted >> VIRTIO_F_VERSION_1 & 1) != 0 && g->arena.race_count == 0 &&
		  g->arena.fault_nth == 0 && g->heap.fault_nth == 0 && g->arena.hole_count == 0 &&
		  queues_are_well(g);
}

/* Descriptor number i of those from `first` on, in the table of that queue. */
static uint32_t nth_desc(const struct guest *g, unsigned queue, uint32_t first, uint32_t i)
{
	uint32_t size = g->queues[queue].size;

	return first < size ? (first + i) % size : first + i;
}

bool requests_uses(const struct guest *g, unsigned queue, uint32_t first, uint32_t count)
{
	const struct request_queue *rq = &g->requests.queue[queue];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t d = nth_desc(g, queue, first, i);

		if (d < REQUESTS_DESCS_MAX && (rq->used[d / 64] >> d % 64 & 1) != 0)
			return true;
	}
	return false;
}

static void mark(struct guest *g, const struct request_sent *s, bool in_use)
{
	struct request_queue *rq = &g->requests.queue[s->queue];

	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t d = nth_desc(g, s->queue, s->first, i);

		if (d >= REQUESTS_DESCS_MAX)
			continue;
		rq->used[d / 64] &= ~(1ull << d % 64);
		rq->used[d / 64] |= (uint64_t)in_use << d % 64;
	}
}

bool requests_in_ring_order(const struct guest *g, unsigned queue)
{
	return g->queues[queue].in_order && !g->queues[queue].packed;
}

void requests_add(struct guest *g)
{
	struct requests *r = &g->requests;
	const struct request_sent *s = &r->sent[r->sent_count++];
	struct request_queue *rq = &r->queue[s->queue];

	mark(g, s, true);
	if (requests_in_ring_order(g, s->queue))
		rq->next = (uint16_t)nth_desc(g, s->queue, s->first, s->count);
	rq->outstanding++;
	r->queues |= 1ull << s->queue;
}

static void remove_sent(struct guest *g, unsigned i)
{
	struct requests *r = &g->requests;

	mark(g, &r->sent[i], false);
	r->queue[r->sent[i].queue].outstanding--;
	r->sent_count--;
	/* AddressSanitizer's memmove() goes byte by byte. */
	for (; i < r->sent_count; i++)
		r->sent[i] = r->sent[i + 1];
}

/* What is on its way there does not come back, and is not asked for any more; what came back
 * counts as before. */
static void forget_queue(struct guest *g, unsigned queue)
{
	struct requests *r = &g->requests;
	const struct request_queue *rq = &r->queue[queue];

	for (unsigned i = r->sent_count; i-- > 0;)
		if (r->sent[i].queue == queue)
			remove_sent(g, i);
	r->queue[queue] = (struct request_queue){ .mistaken = rq->mistaken,
						  .answered = rq->answered,
						  .offered = rq->answered,
						  .wrong = rq->wrong };
	r->queues |= 1ull << queue;
}

bool requests_may_reset(const struct guest *g)
{
	return (g->accepted >> VIRTIO_F_RING_RESET & 1) != 0;
}

void requests_queue_reset(struct guest *g, unsigned queue)
{
	struct requests *r = &g->requests;

	if (!requests_may_reset(g))
		return;
	forget_queue(g, queue);
	r->queue[queue].renewed = true;
	/* It may take that queue to answer what is on its way elsewhere. */
	for (unsigned i = 0; i < r->sent_count; i++)
		r->sent[i].judged = false;
}

void requests_set_up(struct guest *g, unsigned queue)
{
	struct requests *r = &g->requests;

	/* As `start` sets one up; else the program is no driver any more (requests_note.c). */
	if (r->queue[queue].renewed)
		r->well = r->well && queue_is_well(g, queue);
	forget_queue(g, queue);
	r->queue[queue].ready = true;
}

static void note_wrong(struct request_queue *rq, const struct request_wrong *wrong)
{
	if (rq->wrong.kind == REQUEST_RIGHT)
		rq->wrong = *wrong;
}

/* The first byte of the answer that is not as declared. */
static bool find_wrong_byte(struct guest *g, const struct request_sent *s,
			    struct request_wrong *wrong)
{
	const struct target_request *request = s->request;
	uint8_t found[256];

	for (unsigned i = 0; i < request->answer_count; i++) {
		const struct target_bytes *due = &request->answer[i];

		for (uint32_t b = 0, n; b < due->len; b += n) {
			uint32_t at = due->offset + b;
			unsigned same = 0;

			n = due->len - b < sizeof(found) ? due->len - b : sizeof(found);
			arena_load(&g->arena, s->at + request->len + at, found, n);
			if (memcmp(found, due->bytes + b, n) == 0)
				continue;
			while (found[same] == due->bytes[b + same])
				same++;
			wrong->kind = REQUEST_BYTES;
			wrong->at = at + same;
			wrong->found = found[same];
			wrong->due = due->bytes[b + same];
			return true;
		}
	}
	return false;
}

void request_wrong_print(const struct request_wrong *wrong, char *text, size_t size)
{
	char what[96] = "";

	switch (wrong->kind) {
	case REQUEST_RIGHT:
		break;
	case REQUEST_UNANSWERED:
		snprintf(what, sizeof(what), "the device rests and has not returned it");
		break;
	case REQUEST_LENGTH:
		snprintf(what, sizeof(what), "used.len is %u, expected %u to %u", wrong->len,
			 wrong->min, wrong->max);
		break;
	case REQUEST_BYTES:
		snprintf(what, sizeof(what), "byte %u of the answer is 0x%02x, expected 0x%02x",
			 wrong->at, wrong->found, wrong->due);
		break;
	}
	snprintf(text, size, "queue %u: request %s, head %u: %s", wrong->queue, wrong->name,
		 wrong->head, what);
}

/* May the device be blamed for what became of it? */
static bool is_judged(struct guest *g, const struct request_sent *s)
{
	return s->judged && g->requests.well && g->ledger.enabled &&
	       (g->transport->look_status(g) & GONE) == 0 &&
	       ledger_judges(&g->ledger, s->clean ? RULE_REQUEST_ANSWERED : RULE_REQUEST_RESUMED);
}

static void accuse(struct guest *g, const struct request_sent *s, const struct request_wrong *wrong)
{
	char text[200];

	request_wrong_print(wrong, text, sizeof(text));
	ledger_break(&g->ledger, s->clean ? RULE_REQUEST_ANSWERED : RULE_REQUEST_RESUMED, "%s",
		     text);
}

static struct request_wrong wrong_of(const struct request_sent *s, enum request_wrong_kind kind)
{
	return (struct request_wrong){ .kind = kind,
				       .name = s->request->name,
				       .queue = s->queue,
				       .head = s->head,
				       .min = s->request->used_min,
				       .max = s->request->used_max };
}

/* Of requests with one answer only: the same in every order, so that queues may be served
 * in any. */
static void digest(struct guest *g, const struct request_sent *s, uint32_t len)
{
	uint64_t sum = HASH_START + s->queue + ((uint64_t)len << 16);
	uint64_t words[32];

	for (uint32_t at = 0, n; at < len; at += n) {
		n = len - at < sizeof(words) ? len - at : sizeof(words);
		/* The last one may be filled in part. */
		words[n / sizeof(words[0]) % ARRAY_SIZE(words)] = 0;
		arena_load(&g->arena, s->at + s->request->len + at, words, n);
		for (uint32_t i = 0; i * sizeof(words[0]) < n; i++)
			sum = hash_step(sum, words[i]);
	}
	g->requests.digest += sum * 0x9e3779b97f4a7c15ull;
	g->requests.compared++;
}

/* A request came back. */
static void judge(struct guest *g, const struct request_sent *s, uint32_t len)
{
	struct requests *r = &g->requests;
	struct request_queue *rq = &r->queue[s->queue];
	const struct target_request *request = s->request;
	struct request_wrong wrong = wrong_of(s, REQUEST_LENGTH);
	bool host = request->before != NULL || request->after != NULL;

	wrong.len = len;
	if (len < request->used_min || len > request->used_max ||
	    (s->content && find_wrong_byte(g, s, &wrong))) {
		note_wrong(rq, &wrong);
		if (is_judged(g, s))
			accuse(g, s, &wrong);
		return;
	}
	is_judged(g, s); /* and found right */
	rq->answered += !s->nested;
	r->answered += !s->nested;
	r->owed -= host && !s->nested && s->content && r->well && r->owed > 0;
	if (request->exact && s->content && s->judged && g->requests.well)
		digest(g, s, len);
}

static void look_at_queue(struct guest *g, unsigned queue)
{
	struct requests *r = &g->requests;
	struct request_queue *rq = &r->queue[queue];
	const struct guest_queue *q = &g->queues[queue];
	uint16_t idx = guest_used_idx(g, queue);
	/* Chains that were published by hand come back among them; more than there is room for
	 * is the ledger's affair. */
	uint32_t budget = q->size < REQUESTS_DESCS_MAX ? q->size : REQUESTS_DESCS_MAX;

	for (; rq->seen != idx && budget > 0 && q->size > 0; rq->seen++, budget--) {
		struct guest_used entry = guest_used_entry(g, queue, rq->seen);
		unsigned i = 0;

		while (i < r->sent_count &&
		       (r->sent[i].queue != queue || r->sent[i].head != entry.id))
			i++;
		if (i == r->sent_count)
			continue;
		/* Of one that was skipped the driver takes all as written (2.7.9). */
		if (r->sent[i].request != NULL)
			judge(g, &r->sent[i], entry.skipped ? r->sent[i].request->room : entry.len);
		remove_sent(g, i);
	}
	rq->seen = idx;
}

void requests_look(struct guest *g)
{
	struct requests *r = &g->requests;

	for (unsigned i = 0; i < PROGRAM_QUEUES && r->queues >> i != 0; i++)
		if ((r->queues >> i & 1) != 0 && r->queue[i].outstanding > 0)
			look_at_queue(g, i);
}

void requests_rest(struct guest *g, enum device_state state)
{
	struct requests *r = &g->requests;
	uint32_t status;
	bool rests;

	if (r->sent_count == 0)
		return;
	requests_look(g);
	if (r->sent_count == 0 || state != DEVICE_IDLE)
		return;
	status = g->transport->look_status(g);
	if ((status & GONE) != 0)
		r->well = false;
	/* A notification of a device that is not live is none. */
	for (unsigned i = 0; i < r->sent_count && (status & VIRTIO_CONFIG_S_DRIVER_OK) == 0; i++)
		r->sent[i].told = false;
	rests = !g->target->holds;
	for (unsigned i = 0; i < r->sent_count && rests; i++) {
		struct request_sent *s = &r->sent[i];
		struct request_wrong wrong;

		if (s->request == NULL || !s->told)
			continue;
		wrong = wrong_of(s, REQUEST_UNANSWERED);
		note_wrong(&r->queue[s->queue], &wrong);
		if (is_judged(g, s))
			accuse(g, s, &wrong);
		s->judged = false;
	}
}

bool requests_are_honest(const struct guest *g)
{
	return !g->requests.strayed && !g->requests.lacked_room;
}

uint32_t requests_take_answered(struct guest *g, unsigned queue, uint32_t *offered,
				struct request_wrong *wrong)
{
	struct request_queue *rq = &g->requests.queue[queue];
	uint32_t answered = rq->answered;

	*wrong = rq->wrong;
	*offered = rq->offered;
	rq->offered = rq->offered > answered ? rq->offered - answered : 0;
	rq->answered = 0;
	rq->wrong.kind = REQUEST_RIGHT;
	return answered;
}
