/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * FUSE requests and their replies (VIRTIO 5.11.6, <linux/fuse.h>).  See ledger.h; struct
 * target.fuse.
 *
 * stream.replies: a reply is to the request in whose chain it is, by `unique`, says its
 * own length, and is the one that is due: none to FORGET and BATCH_FORGET; to INIT the
 * version that both speak, with nothing in it that was not asked for, or an error where
 * the driver speaks an older one, or has no room; to READ and WRITE what a root without a
 * byte owes; success or an error alone to what the DAX window needs, and an error where a
 * mapping goes beyond its end or a file's, or more is to be removed than the request lists,
 * but not -EINVAL for whole pages that do not (5.11.6.4.1); -ENOSYS to everything else, since a
 * device that implements no more says so.
 *
 * stream.unanswered, stream.refused: the device must answer a chain that is complete as
 * the device read it, for which no access failed and whose request has the length that
 * it says.
 *
 * Which of the two byte orders a session has is the device's to remember: little until
 * there is an INIT, then that of the last one.  Once a driver may have spoken the other
 * one in a chain that is not known, or in an INIT that is none, both are right.
 *
 * Our models read a chain, and write it, once and in the order of its buffers: that says
 * where in it bytes are, since an address may be there twice.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <string.h>

#define IN_HEAD ((uint32_t)sizeof(struct fuse_in_header))
#define OUT_HEAD ((uint32_t)sizeof(struct fuse_out_header))
/* What every version of an INIT has: up to the first flags. */
#define INIT_IN ((uint32_t)offsetof(struct fuse_init_in, flags2))
#define ERROR_MAX 4095 /* an errno is no larger */

_Static_assert(IN_HEAD + sizeof(struct fuse_setupmapping_in) == LEDGER_MESSAGE_BYTES,
	       "requests are kept with their bodies");
_Static_assert(OUT_HEAD + sizeof(struct fuse_init_out) == LEDGER_MESSAGE_BYTES,
	       "an INIT's reply is kept");

static uint32_t get32(const uint8_t *bytes, size_t at, bool big)
{
	uint32_t value = ledger_get32(bytes + at);

	return big ? __builtin_bswap32(value) : value;
}

#define IN(hold, field, big)                                                                       \
	get32((hold)->fuse.request.bytes, offsetof(struct fuse_in_header, field), big)
#define IN_INIT(hold, field, big)                                                                  \
	get32((hold)->fuse.request.bytes, IN_HEAD + offsetof(struct fuse_init_in, field), big)
#define OUT(hold, field, big)                                                                      \
	get32((hold)->fuse.reply.bytes, offsetof(struct fuse_out_header, field), big)
#define OUT_INIT(hold, field, big)                                                                 \
	get32((hold)->fuse.reply.bytes, OUT_HEAD + offsetof(struct fuse_init_out, field), big)

/* Has the device read all that says what a request is? */
static bool is_read(const struct ledger_hold *hold)
{
	return !hold->fuse.request.blind && hold->fuse.request.len >= IN_HEAD;
}

/* An INIT shows its own order. */
static bool is_init(const struct ledger_hold *hold, bool *big)
{
	*big = IN(hold, opcode, true) == FUSE_INIT;
	return *big || IN(hold, opcode, false) == FUSE_INIT;
}

/* There is one file, the root: it has no byte, and no room for one.  A device that does
 * not serve the operation says so. */
static const char *file_fault(const struct ledger_hold *hold, int32_t told, int32_t due, bool big)
{
	const size_t at = offsetof(struct fuse_in_header, nodeid);
	uint32_t low = get32(hold->fuse.request.bytes, at + (big ? 4 : 0), big);
	uint32_t high = get32(hold->fuse.request.bytes, at + (big ? 0 : 4), big);

	if (low != FUSE_ROOT_ID || high != 0)
		due = -ENOENT;
	return told != due && told != -ENOSYS ? "with another error than the one that is due"
					      : NULL;
}

static const char *read_fault(const struct ledger *l, const struct ledger_hold *hold, int32_t told,
			      bool big)
{
	(void)l;
	return file_fault(hold, told, 0, big);
}

static const char *write_fault(const struct ledger *l, const struct ledger_hold *hold, int32_t told,
			       bool big)
{
	(void)l;
	return file_fault(hold, told, -ENOSPC, big);
}

/* Requests with a body: what they are at least.  told: what is wrong with success or an
 * error then, once the body was read; NULL: either may be due. */
static const struct body {
	uint32_t opcode, len;
	const char *(*fault)(const struct ledger *l, const struct ledger_hold *hold, int32_t told,
			     bool big);
} bodies[] = {
	{ FUSE_INIT, INIT_IN, NULL },
	{ FUSE_READ, sizeof(struct fuse_read_in), read_fault },
	{ FUSE_WRITE, sizeof(struct fuse_write_in), write_fault },
	{ FUSE_SETUPMAPPING, sizeof(struct fuse_setupmapping_in), fuse_mapping_fault },
	{ FUSE_REMOVEMAPPING, sizeof(struct fuse_removemapping_in), fuse_unmapping_fault },
};

static const struct body *body_of(const struct ledger_hold *hold, bool big)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (bodies[i].opcode == IN(hold, opcode, big))
			return &bodies[i];
	return NULL;
}

/* Is the request as long as it says, and no shorter than it must be? */
static bool is_sensible(const struct ledger_hold *hold, bool big)
{
	const struct body *body = body_of(hold, big);
	uint32_t len = IN(hold, len, big);

	return len >= IN_HEAD + (body != NULL ? body->len : 0) && len <= hold->readable;
}

/* In which order is that session, or the one that the request begins? */
static enum ledger_order order_of(const struct ledger *l, const struct ledger_hold *hold)
{
	bool big;

	if (is_init(hold, &big))
		return big ? ORDER_BIG : ORDER_LITTLE;
	return (enum ledger_order)l->fuse.order;
}

static bool has_reply(const struct ledger_hold *hold, bool big)
{
	uint32_t opcode = IN(hold, opcode, big);

	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET;
}

/* `error` 0: any is due. */
static const char *refusal_fault(const struct ledger_hold *hold, uint32_t len, int32_t error,
				 bool big)
{
	int32_t told = (int32_t)OUT(hold, error, big);

	if (error == 0 ? told >= 0 || told < -ERROR_MAX : told != error)
		return "with another error than the one that is due";
	return len != OUT_HEAD ? "that has more than an error" : NULL;
}

/* Of a request other than INIT. */
static const char *outcome_fault(const struct ledger *l, const struct ledger_hold *hold,
				 uint32_t len, bool big)
{
	const struct body *body = body_of(hold, big);
	int32_t told = (int32_t)OUT(hold, error, big);

	if (body == NULL)
		return refusal_fault(hold, len, -ENOSYS, big);
	if (told > 0 || told < -ERROR_MAX)
		return "with an error that is none";
	if (len != OUT_HEAD)
		return "that has more than its outcome";
	if (body->fault == NULL || hold->fuse.request.len < IN_HEAD + body->len)
		return NULL;
	return body->fault(l, hold, told, big);
}

/* What is written behind the header of a session's start.  An older driver reads
 * less of it. */
static const char *start_fault(const struct ledger_hold *hold, uint32_t len, bool big)
{
	if (OUT(hold, error, big) != 0)
		return "that refuses a session for nothing";
	if (len != OUT_HEAD + sizeof(struct fuse_init_out) &&
	    len != OUT_HEAD + FUSE_COMPAT_22_INIT_OUT_SIZE &&
	    len != OUT_HEAD + FUSE_COMPAT_INIT_OUT_SIZE)
		return "that is as long as no version's";
	if (hold->fuse.reply.len < len)
		return NULL;
	if (OUT_INIT(hold, major, big) != FUSE_KERNEL_VERSION)
		return "of another major version than there is";
	if (len == OUT_HEAD + FUSE_COMPAT_INIT_OUT_SIZE)
		return NULL;
	if ((OUT_INIT(hold, flags, big) & ~IN_INIT(hold, flags, big)) != 0)
		return "with flags that the driver did not set";
	if (OUT_INIT(hold, max_readahead, big) > IN_INIT(hold, max_readahead, big))
		return "with more read-ahead than the driver asks for";
	return NULL;
}

static const char *init_fault(const struct ledger_hold *hold, uint32_t len, bool big)
{
	if (hold->fuse.request.len < IN_HEAD + INIT_IN)
		return "to an INIT that it has not read";
	if (IN_INIT(hold, major, big) < FUSE_KERNEL_VERSION)
		return refusal_fault(hold, len, -EPROTO, big);
	if (hold->writable < OUT_HEAD + sizeof(struct fuse_init_out) && len == OUT_HEAD)
		return refusal_fault(hold, len, 0, big);
	return start_fault(hold, len, big);
}

/* What is wrong with a reply of `len` bytes in a session of that order; NULL: nothing. */
static const char *reply_fault(const struct ledger *l, const struct ledger_hold *hold, uint32_t len,
			       bool big)
{
	const size_t asked = offsetof(struct fuse_in_header, unique);
	const size_t answered = offsetof(struct fuse_out_header, unique);
	bool init_big, init = is_init(hold, &init_big);

	if (!has_reply(hold, big))
		return "to a request that has none";
	if (len < OUT_HEAD)
		return "that is no whole header";
	if (hold->fuse.reply.blind || hold->fuse.reply.len < OUT_HEAD)
		return NULL;
	if (memcmp(hold->fuse.request.bytes + asked, hold->fuse.reply.bytes + answered,
		   sizeof(uint64_t)) != 0)
		return "to another request";
	if (OUT(hold, len, big) != len)
		return "that says it has another length";
	/* What is no request is refused as the device likes. */
	if (!is_sensible(hold, big))
		return NULL;
	return init ? init_fault(hold, len, big) : outcome_fault(l, hold, len, big);
}

static void on_reply(struct ledger *l, unsigned queue, const struct ledger_hold *hold, uint32_t len)
{
	enum ledger_order order = is_read(hold) ? order_of(l, hold) : ORDER_UNSURE;
	const char *fault = "to a request that it has not read";

	if (is_read(hold)) {
		fault = reply_fault(l, hold, len, order == ORDER_BIG);
		if (fault != NULL && order == ORDER_UNSURE)
			fault = reply_fault(l, hold, len, true);
	}
	if (fault != NULL && ledger_judges(l, RULE_STREAM_REPLIES))
		ledger_break(l, RULE_STREAM_REPLIES,
			     "queue %u: the chain of head %u returns a reply of %u bytes %s", queue,
			     hold->head, len, fault);
}

/* Nothing came back, of a chain that nothing is wrong with. */
static void on_no_reply(struct ledger *l, unsigned queue, const struct ledger_hold *hold)
{
	bool big, init;
	enum ledger_order order;

	if (hold->readable < IN_HEAD || ledger_starved(l))
		return;
	if (!is_read(hold)) {
		ledger_refused(l, queue, hold, "the device does not read the request in it");
		return;
	}
	init = is_init(hold, &big);
	order = order_of(l, hold);
	big = order == ORDER_BIG;
	if (order == ORDER_UNSURE || !is_sensible(hold, big) || !has_reply(hold, big) ||
	    hold->writable < OUT_HEAD)
		return;
	if (init && hold->fuse.request.len < IN_HEAD + INIT_IN)
		ledger_refused(l, queue, hold, "the device does not read the INIT in it");
	else if (ledger_judges(l, RULE_STREAM_UNANSWERED))
		ledger_break(
			l, RULE_STREAM_UNANSWERED,
			"queue %u: the chain of head %u has a request of operation %u and room "
			"for %llu bytes of reply, and returns none",
			queue, hold->head, IN(hold, opcode, big),
			(unsigned long long)hold->writable);
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	bool big;

	ledger_message_add(a->write ? &hold->fuse.reply : &hold->fuse.request, hold, a);
	if (a->write)
		return;
	if (hold->restarted) {
		l->fuse.order = ORDER_UNSURE;
		return;
	}
	if (!is_read(hold) || !is_init(hold, &big) ||
	    l->fuse.order == (big ? ORDER_BIG : ORDER_LITTLE))
		return;
	/* It ends the session before it, if the device takes it for one. */
	l->fuse.order = ORDER_UNSURE;
	if (hold->fuse.request.len >= IN_HEAD + INIT_IN && is_sensible(hold, big) &&
	    ledger_hold_kinds(l, hold) != 0)
		l->fuse.order = big ? ORDER_BIG : ORDER_LITTLE;
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	if (hold == NULL || hold->blind || hold->restarted || hold->fuse.request.blind)
		return;
	if (len > 0)
		on_reply(l, queue, hold, len);
	else if (hold->read == 0 && ledger_hold_is_left(l, queue, hold, CHAIN_REQUEST) &&
		 !ledger_starved(l))
		ledger_refused(l, queue, hold, "the device does not take the request in it");
	else if (ledger_hold_kinds(l, hold) != 0)
		on_no_reply(l, queue, hold);
}

/* The order of a session that has no INIT is little. */
static void on_reset(struct ledger *l)
{
	l->fuse = (struct ledger_fuse){ .order = ORDER_LITTLE };
}

static void on_forget(struct ledger *l)
{
	l->fuse.order = ORDER_UNSURE;
}

static void on_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write)
{
	(void)queue;
	(void)hold;
	(void)write;
	l->fuse.order = ORDER_UNSURE;
}

static void on_taken(struct ledger_hold *hold)
{
	ledger_message_begin(&hold->fuse.request);
	ledger_message_begin(&hold->fuse.reply);
}

static bool applies(const struct target *target)
{
	return target->fuse;
}

const struct follower fuse_follower = {
	.applies = applies,
	.renew = on_reset,
	.reset = on_reset,
	.forget = on_forget,
	.taken = on_taken,
	.accessed = on_access,
	.unknown = on_unknown,
	.returned = on_returned,
};
