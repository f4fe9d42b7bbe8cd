/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of a dialogue: what a device answers to what the driver
 * said.  See ledger.h; struct target_dialogue has the messages.
 *
 * stream.answers: a message was asked for once the device itself read what asks
 * for it, and is given when the chain that carries it was returned, so one that
 * the device sends again because it could not return the chain is not one too
 * many.  That an answer comes at all is for scripts: a driver that offers no room
 * gets none.
 */
#include "harness/ledger_internal.h"

#include <string.h>

#define HEAD 8u

void ledger_dialogue_access(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			    bool write)
{
	const struct target_dialogue *d = l->target->dialogue;

	if (write || queue != d->from || hold->first_count < HEAD)
		return;
	for (unsigned i = 0; i < d->ask_count; i++)
		if (((hold->first_bytes ^ d->asks[i].head) & d->asks[i].mask) == 0)
			l->dialogue.asked |= (uint16_t)(1u << i);
}

static bool is_answer(const struct ledger_hold *hold, const struct target_answer *answer)
{
	struct ledger_digest digest = { .len = 0 };
	uint8_t head[HEAD];

	for (unsigned i = 0; i < HEAD; i++)
		head[i] = (uint8_t)(answer->head >> 8 * i);
	ledger_digest_add(&digest, head, HEAD);
	if (answer->tail != NULL)
		ledger_digest_add(&digest, (const uint8_t *)answer->tail,
				  (uint32_t)strlen(answer->tail));
	return ledger_digest_equal(&digest, &hold->out);
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

void ledger_dialogue_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 uint32_t len)
{
	const struct target_dialogue *d = l->target->dialogue;
	unsigned index = 0;
	const char *fault;

	if (queue != d->to || len == 0)
		return;
	/* Of a chain that says less than was written, the driver gets a part. */
	l->dialogue.lost = l->dialogue.lost || len != hold->out.len || hold->blind;
	if (l->dialogue.lost || !ledger_judges(l, RULE_STREAM_ANSWERS))
		return;
	while (index < d->answer_count && !is_answer(hold, &d->answers[index]))
		index++;
	fault = index < d->answer_count ? fault_of(l, index) : "is none that there is";
	if (index < d->answer_count)
		l->dialogue.answered |= (uint16_t)(1u << index);
	if (fault != NULL)
		ledger_break(l, RULE_STREAM_ANSWERS,
			     "the chain of head %u of queue %u returns a message of %u bytes that "
			     "starts 0x%016llx: it %s",
			     hold->head, queue, len, (unsigned long long)hold->first_bytes, fault);
}
