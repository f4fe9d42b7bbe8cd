/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Lost data: what a device was given and does not use, or takes and does not pass on.
 * See ledger.h; struct target_stream says what a device accepts.
 *
 * stream.lost, stream.refused: a device must use a valid chain (ledger_sound.c) of
 * legal size, if it has heap memory, and a frame that it read from such a chain, or was
 * given, must come out.  A counter of the device is no excuse.  Only causes that the
 * ledger saw are: no chain was available when the device looked for one, or the queue
 * is not ready, was found wrong or could not be accessed; the chain that it found is
 * too small, has a buffer of the other direction, is torn, or an access of it failed; the frame is
 * larger than the device takes or its MTU allows; its header asks for an offload that was not
 * negotiated; there is no heap memory; the most frames that may wait already wait; the device was
 * reset.  If a frame or a chain is not known exactly, or it is unclear which of two
 * equal ones came out, all candidates are excused.
 *
 * A frame that must be answered (target.answers) is one for which there is room, when
 * it goes away.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/if_ether.h>
#include <linux/virtio_ids.h>

#define LINK_MAX (ETH_HLEN + 8u) /* with two VLAN tags */

static const struct target_stream *desc_of(const struct ledger *l, const struct ledger_stream *s)
{
	return &l->target->streams[s - l->streams.stream];
}

static uint32_t frame_max(const struct ledger *l, const struct target_stream *desc)
{
	uint16_t mtu = ledger_net_mtu(l);

	return mtu != 0 ? LINK_MAX + mtu : desc->frame_max;
}

static bool is_to_queue(const struct target_stream *desc)
{
	return desc->to < PROGRAM_QUEUES;
}

/* Must it come out? */
static bool is_due(const struct ledger_frame *frame)
{
	return frame->whole && !frame->digest.blind && !frame->forgiven;
}

/* Is the device short of room for one more frame?  One that is in hand takes a place. */
static bool is_full(const struct ledger *l)
{
	unsigned frames = 2;

	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (is_to_queue(&l->target->streams[i]))
			frames += l->streams.stream[i].session.count;
	return l->target->frames_max > 0 && frames > l->target->frames_max;
}

/* Those that need more room than that, of all streams that go there; 0: all. */
static void forgive(struct ledger *l, unsigned to, uint64_t room)
{
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		const struct target_stream *desc = &l->target->streams[i];
		struct ledger_stream *s = &l->streams.stream[i];

		for (unsigned n = 0; desc->to == to && n < s->session.count; n++) {
			struct ledger_frame *frame = ledger_stream_frame(s, n);

			if (room == 0 || (uint64_t)frame->digest.len + desc->skip > room)
				frame->forgiven = true;
		}
	}
}

/* Is there no chain for that frame, as far as the device can know?  One of our models
 * looks anew for each; any other need not, until it is notified. */
static bool has_no_chain(const struct ledger *l, unsigned to, const struct ledger_frame *frame)
{
	const struct ledger_queue *q = &l->queues[to];

	if (!q->work.ready || !q->known || ledger_queue_is_left(l, q) || q->work.overflowed ||
	    /* It has all entries of a packed ring: there is nothing to look at. */
	    (q->packed && q->place.held >= q->size) || (l->call.failed >> to & 1) != 0 ||
	    ledger_used_ring_wraps(q) || q->avail > UINT64_MAX - 3)
		return true;
	if (!q->work.index_seen || q->work.avail_idx != q->taken)
		return false;
	return l->target->model ? q->looks != frame->looks : !q->work.notified;
}

/* Of those that wait any may be lost for want of memory; of others the last, of the
 * first `count`: what comes later is no cause for those before it. */
static void settle(struct ledger *l, struct ledger_stream *s, unsigned count)
{
	const struct target_stream *desc = desc_of(l, s);
	bool waits = desc->kept > 0, starved = ledger_starved(l);
	/* A chain that was too small comes back by an entry that is nowhere: no access tells. */
	bool untold = is_to_queue(desc) && ledger_used_ring_wraps(&l->queues[desc->to]);

	if (desc->frame_max == 0 || count == 0)
		return;
	for (unsigned n = waits ? 0 : count - 1; n < count; n++) {
		struct ledger_frame *frame = ledger_stream_frame(s, n);

		if (starved || untold ||
		    (!waits && is_to_queue(desc) && has_no_chain(l, desc->to, frame)))
			frame->forgiven = true;
	}
}

void ledger_loss_entry(struct ledger *l, unsigned queue)
{
	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (l->target->streams[i].from == queue)
			settle(l, &l->streams.stream[i], l->streams.stream[i].session.count);
}

void ledger_loss_failed(struct ledger *l, unsigned queue)
{
	forgive(l, queue, 0);
}

/* A frame begins. */
static void on_begin(struct ledger *l, struct ledger_stream *s, struct ledger_frame *frame)
{
	const struct target_stream *desc = desc_of(l, s);

	frame->looks = is_to_queue(desc) ? l->queues[desc->to].looks : 0;
	settle(l, s, s->session.count - 1);
}

static bool may_refuse(const struct ledger *l, const struct ledger_frame *frame)
{
	return l->target->device_id == VIRTIO_ID_NET &&
	       (frame->head_len < sizeof(frame->head) ||
		ledger_net_may_refuse(l, frame->head[0], frame->head[1]));
}

void ledger_loss_read(struct ledger *l, struct ledger_stream *s, const struct ledger_hold *hold,
		      struct ledger_frame *frame, const struct arena_access *access)
{
	const struct target_stream *desc = desc_of(l, s);
	uint64_t start = frame->digest.at - access->len;

	if (frame->digest.blind)
		return;
	if (start == 0)
		on_begin(l, s, frame);
	while (frame->head_len < sizeof(frame->head) && frame->head_len < frame->digest.at) {
		frame->head[frame->head_len] = access->data[frame->head_len - start];
		frame->head_len++;
	}
	if (frame->digest.at != hold->readable)
		return;
	frame->whole = ledger_hold_kinds(l, hold) == CHAIN_READABLE;
	frame->fault = ledger_net_send_fault(l, desc, frame);
	if (desc->frame_max == 0)
		return;
	/* An empty frame is for nobody. */
	if (frame->digest.len > frame_max(l, desc) || may_refuse(l, frame) ||
	    (frame->digest.len == 0 && !is_to_queue(desc)))
		frame->forgiven = true;
}

void ledger_loss_given(struct ledger *l, struct ledger_stream *s, const uint8_t *frame,
		       uint32_t len)
{
	const struct target_stream *desc = desc_of(l, s);
	struct ledger_frame *given = ledger_stream_frame(s, s->session.count - 1);

	if (desc->frame_max == 0)
		return;
	on_begin(l, s, given);
	given->whole = true;
	given->forgiven = len > frame_max(l, desc) || (l->target->device_id == VIRTIO_ID_NET &&
						       ledger_net_is_oversize(l, frame, len));
}

void ledger_loss_gone(struct ledger *l, struct ledger_stream *s, unsigned count)
{
	if (desc_of(l, s)->frame_max == 0)
		return;
	/* Judged at rest: if they come after all, they come out of order. */
	for (unsigned n = 0; n < count; n++) {
		const struct ledger_frame *frame = ledger_stream_frame(s, n);

		if (!is_due(frame))
			continue;
		s->session.gone++;
		s->session.gone_len = frame->digest.len;
	}
}

void ledger_loss_matched(struct ledger *l, unsigned to, const struct ledger_stream *stream,
			 const struct ledger_frame *frame)
{
	if (stream == NULL) {
		forgive(l, to, 0);
		return;
	}
	/* It may have been another that equals it. */
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		struct ledger_stream *s = &l->streams.stream[i];

		if (l->target->streams[i].to != to || (s == stream && !frame->forgiven))
			continue;
		for (unsigned n = 0; n < s->session.count; n++)
			if (ledger_digest_equal(&ledger_stream_frame(s, n)->digest, &frame->digest))
				ledger_stream_frame(s, n)->forgiven = true;
	}
}

/* A chain came back from which a frame may have been read. */
static void on_sent(struct ledger *l, struct ledger_stream *s, const struct ledger_hold *hold)
{
	const struct target_stream *desc = desc_of(l, s);
	unsigned queue = desc->from;

	bool left = ledger_hold_is_left(l, queue, hold, CHAIN_READABLE), waits = false;

	if (desc->frame_max == 0 || s->session.unsure ||
	    hold->readable > (uint64_t)frame_max(l, desc) + desc->skip || ledger_starved(l) ||
	    is_full(l) || (!left && ledger_hold_kinds(l, hold) != CHAIN_READABLE))
		return;
	/* A header may be passed over, or stand alone. */
	if (!left && (hold->readable <= desc->skip || hold->read >= hold->readable - desc->skip))
		return;
	for (unsigned n = 0; hold->stream.carries && n < s->session.count; n++) {
		const struct ledger_frame *frame = ledger_stream_frame(s, n);

		if (frame->serial != hold->stream.serial)
			continue;
		if (frame->digest.blind || may_refuse(l, frame))
			return;
		waits = true;
	}
	/* What came of it was judged when a later one came out, before its chain came back. */
	if (hold->stream.carries && !waits)
		return;
	ledger_refused(l, queue, hold, "the device does not read what it has to send");
}

/* What a chain with that much room could have been for: CAN_TELL with FITS where there
 * are frames, and every one of those that it may be for fits. */
enum { CAN_TELL = 1, FITS = 2 };
static unsigned look_at_waiting(struct ledger *l, unsigned queue, uint64_t room)
{
	bool any = false, all = true;

	for (unsigned i = 0; i < l->target->stream_count; i++) {
		const struct target_stream *desc = &l->target->streams[i];
		struct ledger_stream *s = &l->streams.stream[i];
		/* Of those that do not wait only the last is still to come. */
		unsigned n = desc->kept == 0 && s->session.count > 0 ? s->session.count - 1 : 0;

		if (desc->to != queue)
			continue;
		if (desc->frame_max == 0 || s->session.unsure)
			return 0;
		for (; n < s->session.count; n++) {
			const struct ledger_frame *frame = ledger_stream_frame(s, n);

			if (frame->digest.blind || !frame->whole)
				return 0;
			any = any || !frame->forgiven;
			/* One that is forgiven may wait all the same. */
			all = all && (uint64_t)frame->digest.len + desc->skip <= room;
		}
	}
	return CAN_TELL | (any && all ? FITS : 0);
}

/* A chain came back, and there is no frame in it. */
static void on_returned_empty(struct ledger *l, unsigned queue, uint16_t skip,
			      const struct ledger_hold *hold)
{
	bool left = ledger_hold_is_left(l, queue, hold, CHAIN_WRITABLE);
	bool sound = ledger_hold_kinds(l, hold) == CHAIN_WRITABLE && hold->writable >= skip;
	uint64_t room = left ? UINT64_MAX : hold->writable;
	unsigned seen = (left || sound) && !ledger_starved(l) ? look_at_waiting(l, queue, room) : 0;

	if ((seen & FITS) != 0)
		ledger_refused(l, queue, hold,
			       "it is returned without the frame that is due, which it has room "
			       "for");
	forgive(l, queue, (seen & CAN_TELL) != 0 ? hold->writable : 0);
}

void ledger_loss_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			  uint32_t len)
{
	bool judged = false;

	for (unsigned i = 0; i < l->target->stream_count; i++) {
		const struct target_stream *desc = &l->target->streams[i];

		if (desc->from == queue)
			on_sent(l, &l->streams.stream[i], hold);
		if (desc->to == queue && len < desc->skip && !judged)
			on_returned_empty(l, queue, desc->skip, hold);
		judged = judged || desc->to == queue;
	}
}

static void judge_owed(struct ledger *l)
{
	bool owed = l->streams.owes && !ledger_starved(l);

	l->streams.owes = false;
	if (owed && ledger_judges(l, RULE_STREAM_UNANSWERED))
		ledger_break(l, RULE_STREAM_UNANSWERED,
			     "the device did not answer a frame that it must answer, though it has "
			     "room for the answer");
}

/* Is there a place for another answer? */
static bool may_answer(const struct ledger *l)
{
	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (l->target->streams[i].from == END_REPLY)
			return l->streams.stream[i].session.count < l->target->streams[i].kept &&
			       !is_full(l) && !l->streams.stream[i].session.unsure;
	return false;
}

void ledger_loss_away(struct ledger *l, enum frame_end end, const uint8_t *frame, uint32_t len)
{
	if (l->target->answers == NULL)
		return;
	if (end == END_REPLY)
		l->streams.owes = false;
	if (end != END_AWAY)
		return;
	judge_owed(l);
	l->streams.owes = l->target->answers(frame, len) != 0 && may_answer(l);
}

void ledger_loss_called(struct ledger *l)
{
	judge_owed(l);
}

static void accuse(struct ledger *l, const struct target_stream *desc, unsigned count, uint32_t len)
{
	if (count > 0 && ledger_judges(l, RULE_STREAM_LOST))
		ledger_break(l, RULE_STREAM_LOST,
			     "the device lost %u frames from %s, one of them of %u bytes: they did "
			     "not come out and do not wait, and nothing that happened is a cause",
			     count,
			     desc->from == END_GIVEN   ? "its host"
			     : desc->from == END_REPLY ? "itself"
						       : "the driver",
			     len);
}

static void judge_stream(struct ledger *l, unsigned i)
{
	const struct target_stream *desc = &l->target->streams[i];
	struct ledger_stream *s = &l->streams.stream[i];
	bool waits = desc->kept > 0 && is_to_queue(desc);
	bool known =
		!l->device.counters_lost && l->sums.ready && s->counters.waiting[0].counter >= 0;
	uint64_t waiting = waits && known ? ledger_add_up(l, s->counters.waiting) : 0;
	unsigned gone = s->session.gone, due = 0;
	uint32_t len = s->session.gone_len;

	s->session.gone = 0;
	if (waits && !known)
		return;
	for (unsigned n = 0; n < s->session.count; n++) {
		const struct ledger_frame *frame = ledger_stream_frame(s, n);

		due += is_due(frame);
		len = is_due(frame) ? frame->digest.len : len;
	}
	if (due > waiting)
		gone += due - (unsigned)waiting;
	if (!s->session.unsure)
		accuse(l, desc, gone, len);
	if (waiting == 0)
		s->session.count = 0;
}

void ledger_loss_rest(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		if (l->target->streams[i].frame_max == 0)
			continue;
		settle(l, &l->streams.stream[i], l->streams.stream[i].session.count);
		judge_stream(l, i);
	}
}
