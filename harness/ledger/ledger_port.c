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
 * What is delivered is compared by its digest (ledger_digest.c); of what is taken, all
 * is compared.
 *
 * No act of the host moves more bytes than it was about (enum vringer_act; ledger_host_end): a
 * correct host's side, of any port, has no others to count.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <stdlib.h>

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
	ledger_bytes_store(&p->out, p->staged, a->data, a->len);
	p->staged += a->len;
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	unsigned queue = a->why.queue;

	for (unsigned i = 0; i < l->target->port_count; i++) {
		if (!a->write && l->target->ports[i].from == queue) {
			hold->port.bytes.at += a->len;
			hold->port.bytes.blind = hold->port.bytes.blind || a->err != 0;
			if (!l->ports[i].lost)
				on_read(&l->ports[i], hold, a);
		}
		if (a->write && l->target->ports[i].to == queue && a->err == 0)
			ledger_digest_add(&hold->port.bytes, a->data, a->len);
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
	due = ledger_bytes_digest(&p->in, len);
	/* More than it says, and what lies behind is not for the driver. */
	if (hold->port.bytes.len <= len && !ledger_digest_equal(&due, &hold->port.bytes))
		ledger_break(l, RULE_STREAM_BYTES,
			     "the chain of head %u returns %u bytes that are not the next that "
			     "were typed into port %u",
			     hold->head, len, port);
	ledger_bytes_drop(&p->in, len);
}

/* A chain of which nothing was read may be one that the device refuses, or that it
 * says it dropped. */
static void judge_whole(struct ledger *l, unsigned port, const struct ledger_hold *hold)
{
	struct ledger_port *p = &l->ports[port];
	uint64_t due = hold->readable;

	if (due > l->target->ports[port].chain_max)
		due = l->target->ports[port].chain_max;
	if (hold->port.bytes.blind || hold->blind || hold->restarted || hold->strayed) {
		p->unsure = true;
		return;
	}
	if (hold->port.bytes.at == 0 && !ledger_starved(l) &&
	    ((ledger_hold_kinds(l, hold) == CHAIN_READABLE && due > 0) ||
	     ledger_hold_is_left(l, l->target->ports[port].from, hold, CHAIN_READABLE)))
		ledger_refused(l, l->target->ports[port].from, hold,
			       "the device does not take over the bytes in it");
	if (ledger_hold_kinds(l, hold) == CHAIN_READABLE)
		p->unread += hold->port.bytes.at > 0 ? hold->readable - due : hold->readable;
	if (hold->port.bytes.at == 0)
		return;
	if (ledger_judges(l, RULE_STREAM_BYTES) && hold->port.bytes.at != due)
		ledger_break(l, RULE_STREAM_BYTES,
			     "the device read %llu bytes of the chain of head %u, of %llu that "
			     "are due, and returns it",
			     (unsigned long long)hold->port.bytes.at, hold->head,
			     (unsigned long long)due);
}

/* A chain that was returned without a byte, while there are some for it. */
static void judge_empty(struct ledger *l, unsigned queue, const struct ledger_hold *hold)
{
	if (!ledger_starved(l) &&
	    ((ledger_hold_kinds(l, hold) == CHAIN_WRITABLE && hold->writable > 0) ||
	     ledger_hold_is_left(l, queue, hold, CHAIN_WRITABLE)))
		ledger_refused(l, queue, hold, "it is returned without the bytes that wait for it");
}

static void on_lost(struct ledger *l, unsigned queue)
{
	for (unsigned i = 0; i < l->target->port_count; i++)
		if (l->target->ports[i].from == queue || l->target->ports[i].to == queue)
			l->ports[i].lost = true;
}

static void on_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write)
{
	(void)hold;
	(void)write;
	on_lost(l, queue);
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	if (hold == NULL) {
		on_lost(l, queue);
		return;
	}
	for (unsigned i = 0; i < l->target->port_count; i++) {
		if (l->target->ports[i].from == queue)
			judge_whole(l, i, hold);
		if (l->target->ports[i].to != queue)
			continue;
		if (len > 0) {
			l->ports[i].given = l->call.number;
			on_delivery(l, i, hold, len);
		} else if (l->ports[i].in.len > 0 && !l->ports[i].lost)
			judge_empty(l, queue, hold);
	}
}

static bool is_followed(const struct ledger *l, unsigned port)
{
	return port < l->target->port_count && !target_port_frames(&l->target->ports[port]) &&
	       !l->ports[port].lost;
}

/* Before the device has them: it may deliver at once. */
static void on_host_begin(struct ledger *l, enum host_act act, unsigned port, const void *data,
			  uint32_t len)
{
	struct ledger_port *p = &l->ports[port < TARGET_PORTS_MAX ? port : 0];

	if (act != HOST_TYPE || !is_followed(l, port))
		return;
	if (len > LEDGER_PORT_BYTES - p->in.len) {
		p->lost = true;
		return;
	}
	ledger_bytes_store(&p->in, 0, data, len);
	p->in.len += len;
}

static void on_host_takes(struct ledger *l, unsigned port, const void *data, uint32_t len)
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
	if (!ledger_bytes_equal(&p->out, data, len))
		ledger_break(l, RULE_STREAM_BYTES,
			     "the host took %u bytes of port %u, which are not those that the "
			     "guest wrote",
			     len, port);
	ledger_bytes_drop(&p->out, len);
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
	ledger_bytes_store(&p->out, 0, data, len);
	p->out.len = kept + len;
}

static void on_host_end(struct ledger *l, enum host_act act, unsigned port, const void *data,
			uint32_t len, uint32_t moved)
{
	struct ledger_port *p = &l->ports[port < TARGET_PORTS_MAX ? port : 0];

	if (!is_followed(l, port))
		return;
	settle(p);
	if (act == HOST_TYPE || act == HOST_PUT_BACK)
		(act == HOST_TYPE ? &p->typed : &p->put_back)->bytes += len - moved;
	if (act == HOST_TYPE)
		p->in.len -= len - moved <= p->in.len ? len - moved : p->in.len;
	else if (act == HOST_TAKE)
		on_host_takes(l, port, data, moved);
	else if (act == HOST_PUT_BACK)
		on_put_back(p, data, moved);
}

static void judge_gauge(struct ledger *l, unsigned port, const char *name, int counter,
			uint32_t due)
{
	if (counter < 0 || l->ports[port].lost || !ledger_judges(l, RULE_STREAM_BYTES))
		return;
	if (l->device.counters[counter] != due)
		ledger_break(l, RULE_STREAM_BYTES,
			     "%s is %llu, but %u bytes are on their way through port %u", name,
			     (unsigned long long)l->device.counters[counter], due, port);
}

static void judge_dropped(struct ledger *l, unsigned port)
{
	struct ledger_port *p = &l->ports[port];
	uint64_t dropped, unread = p->unread;
	bool unsure = p->unsure || p->lost;

	p->unread = 0;
	p->unsure = false;
	if (p->counters.dropped < 0)
		return;
	dropped = l->device.counters[p->counters.dropped] - p->dropped_before;
	p->dropped_before = l->device.counters[p->counters.dropped];
	if (unread > dropped && !unsure && ledger_judges(l, RULE_STREAM_BYTES))
		ledger_break(l, RULE_STREAM_BYTES,
			     "port %u: %llu bytes of valid chains were returned unread, but %s "
			     "moved by %llu",
			     port, (unsigned long long)unread, l->target->ports[port].dropped,
			     (unsigned long long)dropped);
}

static void judge_refused(struct ledger *l, unsigned port, struct ledger_refusal *refusal,
			  const char *name, int counter)
{
	uint64_t bytes = refusal->bytes, counted;

	refusal->bytes = 0;
	if (counter < 0)
		return;
	counted = l->device.counters[counter] - refusal->before;
	refusal->before = l->device.counters[counter];
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

static void on_counted(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		const struct target_port *desc = &l->target->ports[i];
		struct ledger_port *p = &l->ports[i];

		settle(p);
		judge_held(l, i, p->out.len);
		judge_held(l, i, p->in.len);
		judge_gauge(l, i, desc->held, p->counters.held, p->out.len);
		judge_gauge(l, i, desc->pending, p->counters.pending, p->in.len);
		judge_dropped(l, i);
		judge_refused(l, i, &p->typed, desc->typed_refused, p->counters.typed);
		judge_refused(l, i, &p->put_back, desc->put_back_refused, p->counters.put_back);
	}
}

/* A device whose ports are followed waits for room for a chain, or where the driver asks for
 * bytes for the first of them, and for nothing else. */
static bool wants_bytes(const struct ledger *l, unsigned port)
{
	unsigned to = l->target->ports[port].to;

	return to != TARGET_NO_QUEUE && l->target->queues[to].driver_initiated &&
	       l->ports[port].in.len == 0;
}

static bool may_wait(const struct ledger *l)
{
	if (l->device.counters_lost)
		return true;
	for (unsigned i = 0; i < l->target->port_count; i++) {
		const struct target_port *desc = &l->target->ports[i];
		const struct ledger_port *p = &l->ports[i];

		if (target_port_frames(desc) || p->lost || wants_bytes(l, i) ||
		    p->out.len + desc->chain_max > desc->held_max)
			return true;
	}
	return false;
}

static void on_name(struct ledger *l, const void *device)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		const struct target_port *desc = &l->target->ports[i];

		l->ports[i].counters = (struct ledger_port_counters){
			.held = ledger_name_counter(l, device, desc->held),
			.pending = ledger_name_counter(l, device, desc->pending),
			.dropped = ledger_name_counter(l, device, desc->dropped),
			.typed = ledger_name_counter(l, device, desc->typed_refused),
			.put_back = ledger_name_counter(l, device, desc->put_back_refused),
		};
	}
}

static int on_open(struct ledger *l, const struct target *target)
{
	for (unsigned i = 0; i < target->port_count; i++) {
		if (target_port_frames(&target->ports[i]))
			continue;
		l->ports[i].out.bytes = malloc(LEDGER_PORT_BYTES);
		l->ports[i].in.bytes = malloc(LEDGER_PORT_BYTES);
		if (l->ports[i].out.bytes == NULL || l->ports[i].in.bytes == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void on_close(struct ledger *l)
{
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++) {
		free(l->ports[i].out.bytes);
		free(l->ports[i].in.bytes);
	}
}

static void on_renew(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		struct ledger_port *p = &l->ports[i];

		*p = (struct ledger_port){ .counters = p->counters,
					   .out.bytes = p->out.bytes,
					   .in.bytes = p->in.bytes };
	}
}

/* What the host has not taken yet is still there for it. */
static void on_reset(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->port_count; i++) {
		settle(&l->ports[i]);
		l->ports[i].in.len = 0;
	}
}

static void on_forget(struct ledger *l)
{
	for (unsigned i = 0; i < l->target->port_count; i++)
		l->ports[i].lost = true;
}

static void on_taken(struct ledger_hold *hold)
{
	hold->port = (struct ledger_port_chain){ .bytes.at = 0 };
}

static void on_retaken(struct ledger_hold *hold)
{
	hold->port.bytes.blind = true;
}

static bool applies(const struct target *target)
{
	return target->port_count > 0;
}

const struct follower port_follower = {
	.applies = applies,
	.open = on_open,
	.close = on_close,
	.name = on_name,
	.renew = on_renew,
	.reset = on_reset,
	.forget = on_forget,
	.taken = on_taken,
	.retaken = on_retaken,
	.accessed = on_access,
	.unknown = on_unknown,
	.returned = on_returned,
	.lost = on_lost,
	.host_begin = on_host_begin,
	.host_end = on_host_end,
	.counted = on_counted,
	.rest = ledger_waiting_bytes,
	.may_wait = may_wait,
};
