/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger keeps of bytes that pass by: digests, and the start of messages.  See
 * ledger_digest.h, ledger_message.h.
 *
 * Of what lies behind the first 256 bytes one word in 512 bytes is compared, and the last.
 */
#include "harness/ledger/ledger_digest.h"

#include "harness/ledger/ledger_internal.h"

#include <endian.h>
#include <string.h>

#define WORDS_ALL 32u /* words compared without a gap */
#define WORDS_STEP 64u
#define WORD 8u
#define MULTIPLIER 0x9e3779b97f4a7c15ULL

static inline uint64_t digest_step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * MULTIPLIER;
	return sum ^ sum >> 29;
}

/* The word that ends where the frame does now, if it is one that is compared. */
static void digest_word(struct ledger_digest *d, uint64_t word)
{
	uint32_t index = d->len / WORD - 1;

	if (index >= WORDS_ALL && index % WORDS_STEP != 0)
		return;
	d->sum = digest_step(d->sum, word);
}

static void digest_byte(struct ledger_digest *d, uint8_t byte)
{
	d->word |= (uint64_t)byte << 8 * (d->len % WORD);
	d->len++;
	if (d->len % WORD != 0)
		return;
	digest_word(d, d->word);
	d->word = 0;
}

/* Words, of which those between the ones that are compared are passed over. */
static uint32_t digest_words(struct ledger_digest *d, const uint8_t *data, uint32_t len)
{
	uint64_t sum = d->sum, next;
	uint32_t done = 0;

	for (; len - done >= WORD && d->len + done < WORDS_ALL * WORD; done += WORD) {
		memcpy(&next, data + done, WORD);
		sum = digest_step(sum, le64toh(next));
	}
	d->sum = sum;
	d->len += done;
	while (len - done >= WORD) {
		uint32_t index = d->len / WORD;
		uint32_t step = WORDS_STEP - index % WORDS_STEP;

		memcpy(&next, data + done, WORD);
		d->len += WORD;
		digest_word(d, le64toh(next));
		d->len -= WORD;
		if (step > (len - done) / WORD)
			step = (len - done) / WORD;
		d->len += step * WORD;
		done += step * WORD;
	}
	return done;
}

void ledger_digest_add(struct ledger_digest *d, const uint8_t *data, uint32_t len)
{
	uint32_t done = 0;

	while (done < len && d->len % WORD != 0)
		digest_byte(d, data[done++]);
	done += digest_words(d, data + done, len - done);
	while (done < len)
		digest_byte(d, data[done++]);
}

void ledger_message_add(struct ledger_message *m, const struct ledger_hold *hold,
			const struct arena_access *a)
{
	uint32_t room = LEDGER_MESSAGE_BYTES - m->len;
	uint32_t len = a->len < room ? a->len : room;

	m->blind = m->blind || a->err != 0 || hold->restarted || a->data == NULL;
	if (m->blind)
		return;
	memcpy(m->bytes + m->len, a->data, len);
	m->len = (uint8_t)(m->len + len);
}
