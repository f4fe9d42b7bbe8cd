/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of streams: frames that go in at a queue or an end of the
 * device, and come out at another.  See ledger.h; struct target_stream says which.
 *
 * stream.frames: a frame is made of the very bytes that the device's reads
 * returned, and compared with those that its writes stored, each at its place in
 * the chain; memory that the guest changes before, between or after makes no
 * difference.  A frame that the ledger could not follow (buffers of one chain that
 *              overlap, bytes accessed twice or out of order) equals every other.  A
 *              frame that never comes out is judged in ledger_loss.c.  The counters of
 *              frames that came in and that came out are compared with the frames seen.
 *
 * Two streams that go to one queue may hold equal frames.  A frame that comes out is
 * then taken from the stream that is declared first.  If that was the wrong one, the
 * frame that the ledger still holds can only excuse the device, never accuse it.
 *
 * memory.mixed: our models copy all of a chain's descriptors before they look at a
 * buffer, and a chain that has any for the other direction is wrong as a whole.  Those
 * reads tell which buffers a chain has.  A chain that was taken twice has those of both
 * reads and is not judged.
 *
 * stream.filter: the backend reports what it sees of the device.  It sees no guest
 * memory and judges the bytes that it was given.
 *
 * Frames are compared by their digests (ledger_digest.c).
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

/* Of kinds. */
#define MULTIPLIER 0x9e3779b97f4a7c15ULL

/* One bit of 64 that equal frames have in common; all, of one that may equal any. */
static uint64_t kind_of(const struct ledger_digest *d)
{
	uint64_t mixed = (d->sum ^ d->word ^ d->len) * MULTIPLIER;

	return d->blind ? UINT64_MAX : 1ULL << (mixed >> 58);
}

static void frame_pop(struct ledger_stream *s, unsigned count)
{
	s->session.first = (s->session.first + count) % LEDGER_FRAMES_MAX;
	s->session.count -= count;
	s->session.passed = 0;
}

static void frame_push(struct ledger_stream *s, bool blind)
{
	if (s->session.count == LEDGER_FRAMES_MAX) {
		uint64_t passed = s->session.passed | kind_of(&s->frames[s->session.first].digest);

		frame_pop(s, 1);
		s->session.passed = passed;
	}
	s->frames[(s->session.first + s->session.count++) % LEDGER_FRAMES_MAX] =
		(struct ledger_frame){ .serial = ++s->session.serial, .digest.blind = blind };
}

/* The record of the frame that a chain carries in; a new one at its first byte. */
static struct ledger_frame *frame_of(struct ledger_stream *s, struct ledger_hold *hold)
{
	unsigned at;

	if (!hold->stream.carries) {
		frame_push(s, false);
		hold->stream.carries = true;
		hold->stream.serial = s->session.serial;
	}
	for (unsigned i = s->session.count; i-- > 0;) {
		at = (s->session.first + i) % LEDGER_FRAMES_MAX;
		if (s->frames[at].serial == hold->stream.serial)
			return &s->frames[at];
	}
	/* Forgotten before it was whole. */
	if (s->session.passed != 0)
		s->session.passed = UINT64_MAX;
	return NULL;
}

static void digest_access(struct ledger_digest *d, uint64_t at, const uint8_t *data, uint32_t len,
			  uint16_t skip)
{
	uint32_t cut = at >= skip ? 0 : (uint32_t)(skip - at);

	if (data == NULL || at != d->at || len > UINT32_MAX - d->len)
		d->blind = true;
	d->at += len;
	if (!d->blind && cut < len)
		ledger_digest_add(d, data + cut, len - cut);
}

/* The stream that begins there; NULL if none does. */
static struct ledger_stream *stream_from(struct ledger *l, unsigned from)
{
	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (l->target->streams[i].from == from)
			return &l->streams.stream[i];
	return NULL;
}

/* A description of what goes there; NULL if nothing does. */
static const struct target_stream *desc_to(const struct ledger *l, unsigned to)
{
	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (l->target->streams[i].to == to)
			return &l->target->streams[i];
	return NULL;
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	struct ledger_stream *from = a->write ? NULL : stream_from(l, a->why.queue);
	const struct target_stream *desc =
		from != NULL ? &l->target->streams[from - l->streams.stream] : NULL;
	const struct ledger_node *node = &l->nodes[hold->cursor];
	struct ledger_frame *frame = NULL;
	struct ledger_digest *d = &hold->stream.out;

	if (a->err != 0)
		return;
	if (a->write)
		desc = desc_to(l, a->why.queue);
	if (desc == NULL)
		return;
	if ((a->write ? hold->readable : hold->writable) > 0 && !hold->restarted &&
	    ledger_judges(l, RULE_MEMORY_MIXED))
		ledger_break(l, RULE_MEMORY_MIXED,
			     "queue %u: the device %s the chain of head %u, which has %llu "
			     "device-%s bytes as well",
			     a->why.queue, a->write ? "writes a frame to" : "reads a frame from",
			     hold->head,
			     (unsigned long long)(a->write ? hold->readable : hold->writable),
			     a->write ? "readable" : "writable");
	if (from != NULL) {
		frame = frame_of(from, hold);
		if (frame == NULL)
			return;
		d = &frame->digest;
	}
	/* Across buffers, or a chain that was begun anew: where it lies in the
	 * frame is not known. */
	if (hold->restarted || a->addr < node->first || a->addr + (a->len - 1) > node->last)
		d->blind = true;
	else
		digest_access(d, node->offset + (a->addr - node->first), a->data, a->len,
			      desc->skip);
	if (from != NULL)
		ledger_loss_read(l, from, hold, frame, a);
}

/* A chain that the device does not hold is one that was forgotten, or none. */
static void on_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write)
{
	struct ledger_stream *s = write ? NULL : stream_from(l, queue);
	struct ledger_frame *frame;

	if (s == NULL)
		return;
	if (hold == NULL) {
		if (l->queues[queue].work.overflowed)
			frame_push(s, true);
		return;
	}
	frame = frame_of(s, hold);
	if (frame != NULL)
		frame->digest.blind = true;
}

/* A frame came out of a stream, if that has it: gone from there, with those before
 * it.  `excused`: it may be one that is not known.  One that equals a forgotten frame
 * is taken for that: those that are known may all be still to come.  Of two that are
 * equal it is the one that was read whole: what was read of a chain before an access
 * failed is no frame. */
static bool leave(struct ledger *l, struct ledger_stream *s, const struct ledger_digest *out,
		  bool whole, bool *excused)
{
	unsigned to = l->target->streams[s - l->streams.stream].to, found = s->session.count;
	const struct ledger_frame *matched;

	if ((s->session.passed & kind_of(out)) != 0) {
		ledger_loss_matched(l, to, NULL, NULL);
		return true;
	}
	for (unsigned i = 0; i < s->session.count; i++) {
		const struct ledger_frame *frame = ledger_stream_frame(s, i);

		*excused = *excused || frame->digest.blind;
		if (frame->digest.blind || !whole || !ledger_digest_equal(&frame->digest, out))
			continue;
		if (found == s->session.count || frame->whole)
			found = i;
		if (frame->whole)
			break;
	}
	if (found == s->session.count)
		return false;
	ledger_loss_gone(l, s, found);
	/* Its place is not taken yet. */
	matched = ledger_stream_frame(s, found);
	frame_pop(s, found + 1);
	ledger_loss_matched(l, to, s, matched);
	return true;
}

/* A frame reached `to`: does any stream have it that goes there?  `excused`: that
 * cannot be told. */
static bool reach(struct ledger *l, unsigned to, const struct ledger_digest *out, bool whole,
		  bool excused)
{
	bool unsure = false;

	if (whole && !excused)
		ledger_net_sent(l, to, out);
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		if (l->target->streams[i].to != to)
			continue;
		l->streams.stream[i].device.left++;
		unsure = unsure || l->streams.stream[i].session.unsure;
	}
	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (l->target->streams[i].to == to &&
		    leave(l, &l->streams.stream[i], out, whole, &excused))
			return true;
	if (excused || unsure)
		ledger_loss_matched(l, to, NULL, NULL);
	/* It may be one that nobody saw coming. */
	if (unsure && !excused)
		ledger_lacks(l, RULE_STREAM_FRAMES);
	return excused || unsure || !ledger_judges(l, RULE_STREAM_FRAMES);
}

static void on_frame_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			      uint32_t len)
{
	const struct target_stream *desc = desc_to(l, queue);

	if (desc == NULL || len < desc->skip)
		return;
	/* The driver sees as much of it as the used entry says. */
	if (!reach(l, queue, &hold->stream.out, len - desc->skip == hold->stream.out.len,
		   hold->stream.out.blind || hold->blind))
		ledger_break(l, RULE_STREAM_FRAMES,
			     "the chain of head %u of queue %u returns a frame of %u bytes that is "
			     "not one of those that the device still has to deliver",
			     hold->head, queue, hold->stream.out.len);
}

static void on_lost(struct ledger *l, unsigned queue)
{
	(void)queue;
	for (unsigned i = 0; i < l->target->stream_count; i++)
		l->streams.stream[i].device.lost = l->streams.stream[i].session.unsure = true;
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	if (hold == NULL) {
		on_lost(l, queue);
		return;
	}
	on_frame_returned(l, queue, hold, len);
	ledger_loss_returned(l, queue, hold, len);
}

void ledger_frame(struct ledger *l, enum frame_end end, const void *frame, uint32_t len)
{
	struct ledger_stream *s = stream_from(l, end);
	struct ledger_digest out = { .len = 0 };

	l->device.acted |= end == END_GIVEN;
	if (!l->enabled)
		return;
	if (s != NULL) {
		frame_push(s, false);
		s->device.entered++;
		ledger_digest_add(&ledger_stream_frame(s, s->session.count - 1)->digest, frame,
				  len);
		ledger_loss_given(l, s, frame, len);
	}
	ledger_loss_away(l, end, frame, len);
	if (desc_to(l, end) == NULL)
		return;
	ledger_digest_add(&out, frame, len);
	if (!reach(l, end, &out, true, false))
		ledger_break(l, RULE_STREAM_FRAMES,
			     "the device passes on a frame of %u bytes that is not one of those "
			     "that it read and still has to pass on",
			     len);
}

void ledger_fault(struct ledger *l, const char *what)
{
	if (l->enabled && ledger_judges(l, RULE_STREAM_FILTER))
		ledger_break(l, RULE_STREAM_FILTER, "%s", what);
}

static void judge_count(struct ledger *l, const char *names, const struct ledger_term *terms,
			uint64_t due, const char *where)
{
	uint64_t counted;

	if (terms[0].counter < 0)
		return;
	counted = ledger_add_up(l, terms);
	if (counted != due && ledger_judges(l, RULE_STREAM_FRAMES))
		ledger_break(l, RULE_STREAM_FRAMES, "%s is %llu, and %llu frames were %s", names,
			     (unsigned long long)counted, (unsigned long long)due, where);
}

static void on_counted(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		const struct target_stream *desc = &l->target->streams[i];
		const struct ledger_stream *s = &l->streams.stream[i];

		judge_count(l, desc->entered, s->counters.entered, s->device.entered,
			    "taken by the device");
		if (!s->device.lost)
			judge_count(l, desc->left, s->counters.left, s->device.left,
				    desc->to >= END_AWAY ? "passed on" : "delivered to the guest");
	}
}

static void on_rest(struct ledger *l, const void *device, bool excused)
{
	if (!excused)
		ledger_waiting_rest(l, device);
	ledger_loss_rest(l);
}

static void on_name(struct ledger *l, const void *device)
{
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		const struct target_stream *desc = &l->target->streams[i];
		struct ledger_stream_counters *counters = &l->streams.stream[i].counters;

		ledger_name_counters(l, device, desc->entered, counters->entered);
		ledger_name_counters(l, device, desc->left, counters->left);
		ledger_name_counters(l, device, desc->waiting, counters->waiting);
	}
}

static void on_reset(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->stream_count; i++)
		l->streams.stream[i].session = (struct ledger_stream_session){ .count = 0 };
	l->streams.owes = false;
}

static void on_renew(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->stream_count; i++)
		l->streams.stream[i].device = (struct ledger_stream_device){ .entered = 0 };
	on_reset(l);
}

static void on_forget(struct ledger *l)
{
	on_lost(l, 0);
}

static void on_taken(struct ledger_hold *hold)
{
	hold->stream = (struct ledger_stream_chain){ .carries = false };
}

static void on_retaken(struct ledger_hold *hold)
{
	hold->stream.carries = false;
	hold->stream.out.blind = true;
}

static bool applies(const struct target *target)
{
	return target->stream_count > 0;
}

const struct follower stream_follower = {
	.applies = applies,
	.name = on_name,
	.renew = on_renew,
	.reset = on_reset,
	.forget = on_forget,
	.taken = on_taken,
	.retaken = on_retaken,
	.accessed = on_access,
	.unknown = on_unknown,
	.failed = ledger_loss_failed,
	.entry = ledger_loss_entry,
	.returned = on_returned,
	.lost = on_lost,
	.called = ledger_loss_called,
	.counted = on_counted,
	.rest = on_rest,
};
