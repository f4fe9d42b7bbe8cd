/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A dialogue: the driver's messages and the device's answers.  See ledger.h; struct
 * target_dialogue has the messages.
 *
 * stream.answers: a message was asked for once the device itself read what asks
 * for it, and is given when the chain that carries it was returned, so one that
 * the device sends again because it could not return the chain is not one too
 * many.  It is what the driver gets to see of it: as much as the used entry says.
 *
 * stream.unanswered: an answer that was asked for comes where the device has a chain for
 * it, or may have one that it has not looked for; one that is as long as it is needs
 * no other.  stream.refused, stream.lost: a chain that holds a message is read, and one
 * that has room for the answer that is due is used.  A message in a chain that is not
 * known exactly asks for nothing that must come.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

#define HEAD 8u

/* Bytes of a message: its first ones, and all that are written of one. */
static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	const struct target_dialogue *d = l->target->dialogue;
	struct ledger_dialogue_chain *c = &hold->dialogue;

	if (a->err != 0)
		return;
	for (uint32_t i = 0; i < a->len && c->first_count < sizeof(c->first_bytes); i++)
		c->first_bytes |= (uint64_t)a->data[i] << 8 * c->first_count++;
	if (a->write && a->why.queue == d->to) {
		ledger_digest_add(&c->out, a->data, a->len);
		ledger_message_add(&c->reply, hold, a);
	}
	if (a->write || a->why.queue != d->from)
		return;
	l->dialogue.unsure = l->dialogue.unsure || hold->restarted || hold->strayed;
	if (c->first_count < HEAD)
		return;
	for (unsigned i = 0; i < d->ask_count; i++)
		if (((c->first_bytes ^ d->asks[i].head) & d->asks[i].mask) == 0)
			l->dialogue.asked |= (uint16_t)(1u << i);
}

static uint32_t tail_len(const struct target_answer *answer)
{
	return answer->tail != NULL ? (uint32_t)strlen(answer->tail) : 0;
}

/* Is that what the driver sees, of `len` bytes?  They are those that came first. */
static bool is_answer(const struct ledger_hold *hold, uint32_t len,
		      const struct target_answer *answer)
{
	struct ledger_digest digest = { .len = 0 }, seen = { .len = 0 };
	uint8_t head[HEAD];

	for (unsigned i = 0; i < HEAD; i++)
		head[i] = (uint8_t)(answer->head >> 8 * i);
	ledger_digest_add(&digest, head, HEAD);
	if (answer->tail != NULL)
		ledger_digest_add(&digest, (const uint8_t *)answer->tail, tail_len(answer));
	if (len == hold->dialogue.out.len)
		return ledger_digest_equal(&digest, &hold->dialogue.out);
	ledger_digest_add(&seen, hold->dialogue.reply.bytes, len);
	return ledger_digest_equal(&digest, &seen);
}

/* What is wrong with that answer now, or NULL. */
static const char *fault_of(const struct ledger *l, unsigned index)
{
	const struct target_answer *answers = l->target->dialogue->answers;

	if ((l->dialogue.answered >> index & 1) != 0)
		return "was given before in this session";
	if ((l->dialogue.asked >> answers[index].ask & 1) == 0)
		return "was not asked for";
	for (unsigned i = 0; i < index; i++)
		if (answers[i].ask == answers[index].ask && (l->dialogue.answered >> i & 1) == 0)
			return "comes before one that is due first";
	return NULL;
}

/* Bytes of the longest answer that may be the next one; 0: none is due. */
static uint32_t longest_due(const struct ledger *l)
{
	const struct target_dialogue *d = l->target->dialogue;
	uint16_t asks = l->dialogue.asked;
	uint32_t longest = 0;

	for (unsigned i = 0; i < d->answer_count; i++) {
		const struct target_answer *answer = &d->answers[i];

		if ((asks >> answer->ask & 1) == 0 || (l->dialogue.answered >> i & 1) != 0)
			continue;
		/* The rest of them comes after it. */
		asks &= (uint16_t) ~(1u << answer->ask);
		if (HEAD + tail_len(answer) > longest)
			longest = HEAD + tail_len(answer);
	}
	return longest;
}

static bool is_followed(const struct ledger *l)
{
	return !l->dialogue.lost && !l->dialogue.unsure;
}

static void on_returned_empty(struct ledger *l, unsigned queue, const struct ledger_hold *hold)
{
	uint32_t due = longest_due(l);

	if (due > 0 && is_followed(l) && !ledger_starved(l) &&
	    ((ledger_hold_kinds(l, hold) == CHAIN_WRITABLE && hold->writable >= due) ||
	     ledger_hold_is_left(l, queue, hold, CHAIN_WRITABLE)))
		ledger_refused(l, queue, hold, "it is returned without the message that is due");
}

static void on_message_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold)
{
	if (hold->read < HEAD && !ledger_starved(l) &&
	    ((ledger_hold_kinds(l, hold) == CHAIN_READABLE && hold->readable >= HEAD) ||
	     ledger_hold_is_left(l, queue, hold, CHAIN_READABLE)))
		ledger_refused(l, queue, hold, "the device does not read the message in it");
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	const struct target_dialogue *d = l->target->dialogue;
	unsigned index = 0;
	const char *fault;

	if (hold == NULL)
		return;
	if (queue == d->from)
		on_message_returned(l, queue, hold);
	if (queue == d->to && len == 0)
		on_returned_empty(l, queue, hold);
	if (queue != d->to || len == 0)
		return;
	l->dialogue.lost = l->dialogue.lost || hold->blind || len > hold->dialogue.out.len ||
			   (len < hold->dialogue.out.len &&
			    (hold->dialogue.reply.blind || len > hold->dialogue.reply.len));
	if (l->dialogue.lost || !ledger_judges(l, RULE_STREAM_ANSWERS))
		return;
	while (index < d->answer_count && !is_answer(hold, len, &d->answers[index]))
		index++;
	fault = index < d->answer_count ? fault_of(l, index) : "is none that there is";
	if (index < d->answer_count)
		l->dialogue.answered |= (uint16_t)(1u << index);
	if (fault != NULL)
		ledger_break(l, RULE_STREAM_ANSWERS,
			     "the chain of head %u of queue %u returns a message of %u bytes that "
			     "starts 0x%016llx: it %s",
			     hold->head, queue, len, (unsigned long long)hold->dialogue.first_bytes,
			     fault);
}

static void on_rest(struct ledger *l, const void *device, bool excused)
{
	const struct target_dialogue *d = l->target->dialogue;

	(void)device;
	if (excused || !is_followed(l) || longest_due(l) == 0 || !ledger_may_have_room(l, d->to) ||
	    !ledger_judges(l, RULE_STREAM_UNANSWERED))
		return;
	ledger_break(
		l, RULE_STREAM_UNANSWERED,
		"the device rests without an answer that the driver asked for: queue %u was %s",
		d->to,
		!l->queues[d->to].work.index_seen ? "never looked at"
		: l->queues[d->to].work.notified  ? "notified and not looked at"
						  : "left with chains that it saw");
}

static void on_reset(struct ledger *l)
{
	l->dialogue = (struct ledger_dialogue){ .asked = 0 };
}

static void on_forget(struct ledger *l)
{
	l->dialogue.lost = true;
}

/* What is said there nobody sees. */
static void on_lost(struct ledger *l, unsigned queue)
{
	const struct target_dialogue *d = l->target->dialogue;

	l->dialogue.lost = l->dialogue.lost || queue == d->from || queue == d->to;
}

/* The bytes of the reply need not be cleared. */
static void on_taken(struct ledger_hold *hold)
{
	hold->dialogue.first_bytes = 0;
	hold->dialogue.first_count = 0;
	hold->dialogue.out = (struct ledger_digest){ .len = 0 };
	ledger_message_begin(&hold->dialogue.reply);
}

static bool applies(const struct target *target)
{
	return target->dialogue != NULL;
}

const struct follower dialogue_follower = {
	.applies = applies,
	.renew = on_reset,
	.reset = on_reset,
	.forget = on_forget,
	.taken = on_taken,
	.accessed = on_access,
	.returned = on_returned,
	.lost = on_lost,
	.rest = on_rest,
};
