/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ports: bytes between queues and the host.  See ledger.h; struct target_port says which
 * ports there are and how a device serves one.
 *
 * stream.bytes: what the host takes is compared with what the device's own reads
 * returned, and what the device writes to chains that it returns with what the
 * host typed, so memory that the guest changes makes no difference.  A chain of
 * which an access failed gives nothing.  Two counters say how many bytes are on their
 * way; they are compared when the device rests, so a loss shows.  A chain that is
 * returned after a part of it was read was cut silently.  A valid chain that is returned
 * unread must be counted as dropped.
 *
 * stream.refused, stream.lost: and it may drop it only for want of host memory.  A chain
 * that has room, and comes back without a byte, is no chain where bytes wait.
 *
 * Of what is delivered, bytes behind the first 256 of a chain are compared as
 * those of a frame are (ledger_stream.c); of what is taken, all.
 */
#include "harness/ledger/ledger_internal.h"

#include <string.h>

/* Store at the end, `ahead` bytes behind it. */
static void bytes_store(struct ledger_bytes *b, uint32_t ahead, const uint8_t *data, uint32_t len)
{
	for (uint32_t done = 0; done < len;) {
		uint32_t at = (b->start + b->len + ahead + done) % LEDGER_PORT_BYTES;
		uint32_t piece = LEDGER_PORT_BYTES - at;

		if (piece > len - done)
			piece = len - done;
		memcpy(b->bytes + at, data + done, piece);
		done += piece;
	}
}

static void bytes_drop(struct ledger_bytes *b, uint32_t len)
{
	b->start = (b->start + len) % LEDGER_PORT_BYTES;
	b->len -= len;
}

/* Are the first `len` bytes these? */
static bool bytes_equal(const struct ledger_bytes *b, const uint8_t *data, uint32_t len)
{
	uint32_t first = LEDGER_PORT_BYTES - b->start;

	if (first > len)
		first = len;
	return memcmp(b->bytes + b->start, data, first) == 0 &&
	       memcmp(b->bytes, data + first, len - first) == 0;
}

static struct ledger_digest bytes_digest(const struct ledger_bytes *b, uint32_t len)
{
	struct ledger_digest digest = { .len = 0 };
	uint32_t first = LEDGER_PORT_BYTES - b->start;

	if (first > len)
		first = len;
	ledger_digest_add(&digest, b->bytes + b->start, first);
	ledger_digest_add(&digest, b->bytes, len - first);
	return digest;
}

/* The chain that was being read has been. */
static void settle(struct ledger_port *p)
{
	if (!p->failed)
		p->out.len += p->staged;
	p->staged = 0;
	p->failed = false;
}

static void on_read(struct ledger_port *p, const struct ledger_hold *hold,
		    const struct arena_access *a)
{
	if (p->walk != hold->walk)
		settle(p);
	p->walk = hold->walk;
	p->failed = p->failed || a->err != 0;
	if (p->failed)
		return;
	if (a->len > LEDGER_PORT_BYTES - p->out.len - p->staged) {
		p->lost = true;
		return;
	}
	bytes_store(&p->out, p->staged, a->data, a->len);
	p->staged += a->len;
}

void ledger_port_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	unsigned queue = a->why.queue;

	for (unsigned i = 0; i < l->target->port_count; i++) {
		if (!a->write && l->target->ports[i].from == queue) {
			hold->out.at += a->len;
			hold->out.blind = hold->out.blind || a->err != 0;
			if (!l->ports[i].lost)
				on_read(&l->ports[i], hold, a);
		}
		if (a->write && l->target->ports[i].to == queue && a->err == 0)
			ledger_digest_add(&hold->out, a->data, a->len);
	}
}

static void on_delivery(struct ledger *l, unsigned port, const struct ledger_hold *hold,
			uint32_t len)
{
	struct ledger_port *p = &l->ports[port];
	struct ledger_digest due;

	if (p->lost || !ledger_judges(l, RULE_STREAM_BYTES))
		return;
	if (len > p->in.len) {
		ledger_break(l, RULE_STREAM_BYTES,
			     "the chain of head %u returns %u bytes of port %u, for which %u are "
			     "waiting",
			     hold->head, len, port, p->in.len);
		return;
	}
	due = bytes_digest(&p->in, len);
	/* More than it says, and what lies behind is not for the driver. */
	if (hold->out.len <= len && !ledger_digest_equal(&due, &hold->out))
		ledger_break(l, RULE_STREAM_BYTES,
			     "the chain of head %u returns %u bytes that are not the next that "
			     "were typed into port %u",
			     hold->head, len, port);
	bytes_drop(&p->in, len);
}

/* A chain of which nothing was read may be one that the device refuses, or that it
 * says it dropped. */
static void judge_whole(struct ledger *l, unsigned port, const struct ledger_hold *hold)
{
	struct ledger_port *p = &l->ports[port];
	uint64_t due = hold->readable;

	if (due > l->target->ports[port].chain_max)
		due = l->target->ports[port].chain_max;
	if (hold->out.blind || hold->blind || hold->restarted || hold->strayed) {
		p->unsure = true;
		return;
	}
	if (hold->out.at == 0 && !ledger_starved(l) &&
	    ((ledger_hold_kinds(l, hold) == CHAIN_READABLE && due > 0) ||
	     ledger_hold_is_left(l, l->target->ports[port].from, hold, CHAIN_READABLE)))
		ledger_refused(l, l->target->ports[port].from, hold,
			       "the device does not take over the bytes in it");
	if (ledger_hold_kinds(l, hold) == CHAIN_READABLE)
		p->unread += hold->out.at > 0 ? hold->readable - due : hold->readable;
	if (hold->out.at == 0)
		return;
	if (ledger_judges(l, RULE_STREAM_BYTES) && hold->out.at != due)
		ledger_break(l, RULE_STREAM_BYTES,
			     "the device read %llu bytes of the chain of head %u, of %llu that "
			     "are due, and returns it",
			     (unsigned long long)hold->out.at, hold->head, (unsigned long long)due);
}

/* A chain that was returned without a byte, while there are some for it. */
static void judge_empty(struct ledger *l, unsigned queue, const struct ledger_hold *hold)
{
	if (!ledger_starved(l) &&
	    ((ledger_hold_kinds(l, hold) == CHAIN_WRITABLE && hold->writable > 0) ||
	     ledger_hold_is_left(l, queue, hold, CHAIN_WRITABLE)))
		ledger_refused(l, queue, hold, "it is returned without the bytes that wait for it");
}

void ledger_port_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold, uint32_t len)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		if (l->target->ports[i].from == queue)
			judge_whole(l, i, hold);
		if (l->target->ports[i].to != queue)
			continue;
		if (len > 0)
			on_delivery(l, i, hold, len);
		else if (l->ports[i].in.len > 0 && !l->ports[i].lost)
			judge_empty(l, queue, hold);
	}
}

void ledger_port_lose(struct ledger *l, unsigned queue)
{
	for (unsigned i = 0; i < l->target->port_count; i++)
		if (l->target->ports[i].from == queue || l->target->ports[i].to == queue)
			l->ports[i].lost = true;
}

static bool is_followed(const struct ledger *l, unsigned port)
{
	return l->enabled && port < l->target->port_count &&
	       !target_port_frames(&l->target->ports[port]) && !l->ports[port].lost;
}

/* Before the device has them: it may deliver at once. */
void ledger_host_begin(struct ledger *l, enum host_act act, unsigned port, const void *data,
		       uint32_t len)
{
	struct ledger_port *p = &l->ports[port < TARGET_PORTS_MAX ? port : 0];

	l->call.host_changes = act == HOST_SET_NUM_PAGES;
	if (act != HOST_TYPE || !is_followed(l, port))
		return;
	if (len > LEDGER_PORT_BYTES - p->in.len) {
		p->lost = true;
		return;
	}
	bytes_store(&p->in, 0, data, len);
	p->in.len += len;
}

static void on_taken(struct ledger *l, unsigned port, const void *data, uint32_t len)
{
	struct ledger_port *p = &l->ports[port];

	if (!ledger_judges(l, RULE_STREAM_BYTES))
		return;
	if (len > p->out.len) {
		ledger_break(l, RULE_STREAM_BYTES,
			     "the host took %u bytes of port %u, to which the guest wrote %u", len,
			     port, p->out.len);
		return;
	}
	if (!bytes_equal(&p->out, data, len))
		ledger_break(l, RULE_STREAM_BYTES,
			     "the host took %u bytes of port %u, which are not those that the "
			     "guest wrote",
			     len, port);
	bytes_drop(&p->out, len);
}

static void on_put_back(struct ledger_port *p, const void *data, uint32_t len)
{
	uint32_t kept = p->out.len;

	if (len > LEDGER_PORT_BYTES - kept) {
		p->lost = true;
		return;
	}
	p->out.start = (p->out.start - len) % LEDGER_PORT_BYTES;
	p->out.len = 0;
	bytes_store(&p->out, 0, data, len);
	p->out.len = kept + len;
}

void ledger_host_end(struct ledger *l, enum host_act act, unsigned port, const void *data,
		     uint32_t len, uint32_t moved)
{
	struct ledger_port *p = &l->ports[port < TARGET_PORTS_MAX ? port : 0];

	l->call.host_changed = act == HOST_SET_NUM_PAGES && moved != 0;
	if (!is_followed(l, port))
		return;
	settle(p);
	if (act == HOST_TYPE || act == HOST_PUT_BACK)
		(act == HOST_TYPE ? &p->typed : &p->put_back)->bytes += len - moved;
	if (act == HOST_TYPE)
		p->in.len -= len - moved <= p->in.len ? len - moved : p->in.len;
	else if (act == HOST_TAKE)
		on_taken(l, port, data, moved);
	else if (act == HOST_PUT_BACK)
		on_put_back(p, data, moved);
}

static void judge_gauge(struct ledger *l, unsigned port, const char *name, int counter,
			uint32_t due)
{
	if (counter < 0 || l->ports[port].lost || !ledger_judges(l, RULE_STREAM_BYTES))
		return;
	if (l->counters[counter] != due)
		ledger_break(l, RULE_STREAM_BYTES,
			     "%s is %llu, but %u bytes are on their way through port %u", name,
			     (unsigned long long)l->counters[counter], due, port);
}

static void judge_dropped(struct ledger *l, unsigned port)
{
	struct ledger_port *p = &l->ports[port];
	uint64_t dropped, unread = p->unread;
	bool unsure = p->unsure || p->lost;

	p->unread = 0;
	p->unsure = false;
	if (p->dropped < 0)
		return;
	dropped = l->counters[p->dropped] - p->dropped_before;
	p->dropped_before = l->counters[p->dropped];
	if (unread > dropped && !unsure && ledger_judges(l, RULE_STREAM_BYTES))
		ledger_break(l, RULE_STREAM_BYTES,
			     "port %u: %llu bytes of valid chains were returned unread, but %s "
			     "moved by %llu",
			     port, (unsigned long long)unread, l->target->ports[port].dropped,
			     (unsigned long long)dropped);
}

static void judge_refused(struct ledger *l, unsigned port, struct ledger_refusal *refusal,
			  const char *name)
{
	uint64_t bytes = refusal->bytes, counted;

	refusal->bytes = 0;
	if (refusal->counter < 0)
		return;
	counted = l->counters[refusal->counter] - refusal->before;
	refusal->before = l->counters[refusal->counter];
	if (counted != bytes && !l->ports[port].lost && ledger_judges(l, RULE_STREAM_BYTES))
		ledger_break(l, RULE_STREAM_BYTES,
			     "port %u: the device did not take %llu bytes from the host, but %s "
			     "moved by %llu",
			     port, (unsigned long long)bytes, name, (unsigned long long)counted);
}

static void judge_held(struct ledger *l, unsigned port, uint32_t held)
{
	uint32_t max = l->target->ports[port].held_max;

	if (held > max && ledger_judges(l, RULE_WORK_HEAP))
		ledger_break(l, RULE_WORK_HEAP,
			     "the device keeps %u bytes of port %u, at most %u are allowed", held,
			     port, max);
}

void ledger_port_rest(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		struct ledger_port *p = &l->ports[i];

		settle(p);
		judge_held(l, i, p->out.len);
		judge_held(l, i, p->in.len);
		judge_gauge(l, i, l->target->ports[i].held, p->held, p->out.len);
		judge_gauge(l, i, l->target->ports[i].pending, p->pending, p->in.len);
		judge_dropped(l, i);
		judge_refused(l, i, &p->typed, l->target->ports[i].typed_refused);
		judge_refused(l, i, &p->put_back, l->target->ports[i].put_back_refused);
	}
}

/* A device whose ports are followed waits for room for a chain, and for nothing
 * else. */
bool ledger_port_may_wait(const struct ledger *l)
{
	if (l->counters_lost || l->target->port_count == 0)
		return true;
	for (unsigned i = 0; i < l->target->port_count; i++) {
		const struct target_port *desc = &l->target->ports[i];
		const struct ledger_port *p = &l->ports[i];

		if (target_port_frames(desc) || p->lost ||
		    p->out.len + desc->chain_max > desc->held_max)
			return true;
	}
	return false;
}

void ledger_port_forget(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		settle(&l->ports[i]);
		l->ports[i].in.len = 0;
	}
}
