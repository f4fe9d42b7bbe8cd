/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bytes of a socket device's connections, between the guest and the host (VIRTIO 5.10.6.2:
 * in order, guaranteed).  See ledger_flow.c, and struct vringer_port, socket_port, which
 * says at which port of the target the connections of one port of the host end.
 *
 * vsock.order, what the host takes: of each connection a beginning of what the device read in
 * its RW packets, in order and without a gap.  Which connection a byte is of the host does not
 * say, so all ways to divide what it took among them are followed, and it is wrong when
 * there is none.  A connection that has ended may have lost what was not taken, or not: what
 * is left of it is a beginning either way.
 *
 * vsock.order, what is typed: goes to the guest in RW packets of one connection, in order and
 * without a gap.  For which one it is the host does not say, so it is judged while the port
 * has one connection and no more, until that ends with bytes on their way, or until the guest
 * says something of that port before it was told of the connection.
 *
 * The guest's own fault can make a gap: RW beyond the credit that it was told, after its
 * SHUTDOWN, or before the connection is there.  From then on, and from where a flow of that
 * port is not known (ledger_flow.c), nothing is said of the port until there is a new device;
 * and of what the host takes, until it has taken all and there is no connection.
 */
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>

#define NONE LEDGER_LINES_MAX

static struct ledger_socket_port *port_of(struct ledger *l, uint32_t host_port)
{
	unsigned port = ledger_flow_port(l, host_port);

	return port < l->target->port_count ? &l->socket.port[port] : NULL;
}

int ledger_flow_bytes_open(struct ledger *l, const struct target *target)
{
	for (unsigned i = 0; i < target->port_count; i++) {
		struct ledger_socket_port *p = &l->socket.port[i];

		if (target->ports[i].socket_port == 0 || p->bytes != NULL)
			continue;
		p->bytes = malloc((LEDGER_LINES_MAX + 1) * (size_t)LEDGER_LINE_BYTES);
		if (p->bytes == NULL)
			return -ENOMEM;
	}
	return 0;
}

void ledger_flow_bytes_close(struct ledger *l)
{
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++) {
		free(l->socket.port[i].bytes);
		l->socket.port[i].bytes = NULL;
	}
}

/* No byte of any connection is there, nor on its way. */
static void empty(struct ledger_socket_port *p)
{
	p->out_lost = false;
	p->reading_count = 1;
	p->reading[0] = (struct ledger_reading){ .at = { 0 } };
	for (unsigned i = 0; i < LEDGER_LINES_MAX; i++)
		p->line[i] = (struct ledger_line){ .len = 0 };
}

void ledger_flow_bytes_renew(struct ledger *l)
{
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++) {
		struct ledger_socket_port *p = &l->socket.port[i];

		empty(p);
		p->in_lost = p->typed = p->ordered = false;
		p->alive = 0;
		p->in_len = 0;
		p->in_ends = (struct ledger_ends){ .count = 0 };
	}
}

/* Connections are gone; what the host has not taken may still be there for it. */
void ledger_flow_bytes_reset(struct ledger *l)
{
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++) {
		l->socket.port[i].in_lost |= l->socket.port[i].in_len > 0;
		l->socket.port[i].alive = 0;
		l->socket.port[i].typed = l->socket.port[i].ordered = false;
	}
}

void ledger_flow_bytes_lose(struct ledger *l)
{
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++)
		l->socket.port[i].out_lost = l->socket.port[i].in_lost = true;
}

static uint8_t *line_bytes(const struct ledger_socket_port *p, unsigned line)
{
	return p->bytes + (size_t)line * LEDGER_LINE_BYTES;
}

/* What is typed and on its way lies behind the lines. */
static uint8_t *in_bytes(const struct ledger_socket_port *p)
{
	return line_bytes(p, LEDGER_LINES_MAX);
}

/* After a packet of a flow of that port: which connections there are now. */
static void look(struct ledger *l, struct ledger_socket_port *p, uint32_t host_port)
{
	const struct ledger_socket_session *s = &l->socket.session;
	unsigned alive = 0;

	for (unsigned i = 0; i < s->count; i++) {
		if (s->flow[i].host_port != host_port)
			continue;
		if (s->flow[i].unsure)
			p->out_lost = p->in_lost = true;
		alive += ledger_flow_alive(&s->flow[i]);
	}
	if (s->crowded)
		p->out_lost = p->in_lost = true;
	if (p->in_len > 0 && (alive > 1 || alive < p->alive))
		p->in_lost = true;
	p->alive = (uint8_t)alive;
}

void ledger_flow_bytes_look(struct ledger *l, uint32_t host_port)
{
	struct ledger_socket_port *p = port_of(l, host_port);

	if (p != NULL)
		look(l, p, host_port);
}

/* The line of a connection, a new one with its first byte.  NULL: there is none free. */
static struct ledger_line *line_of(struct ledger *l, struct ledger_socket_port *p,
				   struct ledger_flow *f)
{
	bool taken[LEDGER_LINES_MAX] = { false };
	struct ledger_socket_session *s = &l->socket.session;

	if (f->line != NONE)
		return &p->line[f->line];
	for (unsigned i = 0; i < s->count; i++)
		if (s->flow[i].host_port == f->host_port && ledger_flow_alive(&s->flow[i]) &&
		    s->flow[i].line != NONE)
			taken[s->flow[i].line] = true;
	for (uint8_t i = 0; i < LEDGER_LINES_MAX; i++) {
		if (taken[i] || p->line[i].len > 0)
			continue;
		f->line = i;
		p->line[i] = (struct ledger_line){ .len = 0 };
		return &p->line[i];
	}
	return NULL;
}

/* Can the device do nothing but take these bytes, if it does not end the connection? */
static bool is_due(const struct ledger_flow *f)
{
	return f->state == FLOW_OPEN && !f->said_end && f->received <= f->room;
}

uint8_t ledger_flow_bytes_heard(struct ledger *l, uint8_t flow, const struct ledger_packet *packet)
{
	struct ledger_socket_port *p = port_of(l, packet->dst_port);
	struct ledger_flow *f;
	struct ledger_line *line = NULL;

	if (p == NULL)
		return NONE;
	p->sure = false;
	/* What was typed is for a connection that the device is to ask for: this may end it. */
	if (p->alive == 0 && p->in_len > 0)
		p->in_lost = true;
	look(l, p, packet->dst_port);
	if (flow == LEDGER_FLOWS_MAX)
		p->out_lost = p->in_lost = true;
	if (packet->op == VIRTIO_VSOCK_OP_SHUTDOWN &&
	    (packet->flags & VIRTIO_VSOCK_SHUTDOWN_RCV) != 0)
		p->in_lost = true;
	if (p->out_lost || packet->op != VIRTIO_VSOCK_OP_RW || packet->len == 0)
		return NONE;
	f = &l->socket.session.flow[flow];
	/* Of no connection: they are nobody's. */
	if (!ledger_flow_alive(f))
		return NONE;
	if (is_due(f))
		line = line_of(l, p, f);
	if (line == NULL || line->due > 0) {
		p->out_lost = true;
		return NONE;
	}
	line->due = packet->len;
	if (ledger_packet_ends(packet))
		ledger_ends_add(&line->ends, line->len + line->due);
	return f->line;
}

void ledger_flow_bytes_torn(struct ledger *l, uint32_t host_port)
{
	struct ledger_socket_port *p = port_of(l, host_port);

	if (p != NULL)
		p->out_lost = true;
}

void ledger_flow_bytes_read(struct ledger *l, uint32_t host_port, unsigned line,
			    const uint8_t *data, uint32_t len)
{
	struct ledger_socket_port *p = port_of(l, host_port);
	struct ledger_line *to;

	if (p == NULL || p->out_lost)
		return;
	to = &p->line[line];
	if (len > to->due)
		len = to->due;
	if (len > LEDGER_LINE_BYTES - to->len) {
		p->out_lost = true;
		return;
	}
	memcpy(line_bytes(p, line) + to->len, data, len);
	to->len += len;
	to->due -= len;
}

void ledger_flow_bytes_given(struct ledger *l, const struct ledger_hold *hold,
			     const struct ledger_packet *packet)
{
	const struct ledger_socket_chain *c = &hold->socket;
	struct ledger_socket_port *p = port_of(l, packet->src_port);
	struct ledger_digest due = { .len = 0 };

	if (p == NULL)
		return;
	look(l, p, packet->src_port);
	if (packet->op != VIRTIO_VSOCK_OP_RW)
		return;
	if (packet->len == 0) {
		ledger_flow_carried(l, hold, packet, &p->in_ends);
		return;
	}
	if (c->torn || c->body.len != packet->len || p->alive != 1)
		p->in_lost = true;
	if (p->in_lost || !ledger_judges(l, RULE_VSOCK_ORDER))
		return;
	if (packet->len <= p->in_len)
		ledger_digest_add(&due, in_bytes(p), packet->len);
	if (packet->len > p->in_len || !ledger_digest_equal(&due, &c->body)) {
		ledger_break(l, RULE_VSOCK_ORDER,
			     "the chain of head %u gives the guest %u bytes from port %u for its "
			     "port %u, which are not the next of %u that were typed for it",
			     hold->head, packet->len, packet->src_port, packet->dst_port,
			     p->in_len);
		p->in_lost = true;
		return;
	}
	p->in_len -= packet->len;
	memmove(in_bytes(p), in_bytes(p) + packet->len, p->in_len);
	ledger_flow_carried(l, hold, packet, &p->in_ends);
	ledger_ends_drop(&p->in_ends, packet->len, p->in_len);
}

void ledger_flow_bytes_typed(struct ledger *l, unsigned port, const void *data, uint32_t len)
{
	struct ledger_socket_port *p = &l->socket.port[port];

	p->typed = true;
	if (p->in_lost)
		return;
	if (p->alive > 1 || len > LEDGER_LINE_BYTES - p->in_len) {
		p->in_lost = true;
		return;
	}
	memcpy(in_bytes(p) + p->in_len, data, len);
	p->in_len += len;
	ledger_ends_add(&p->in_ends, p->in_len);
}

void ledger_flow_bytes_refused(struct ledger *l, unsigned port, uint32_t len)
{
	struct ledger_socket_port *p = &l->socket.port[port];

	/* It gave the guest more than it says that it took. */
	if (len > p->in_len)
		p->in_lost = true;
	else
		p->in_len -= len;
	ledger_ends_cut(&p->in_ends, p->in_len);
}

/* Another way, if it is one.  false: there are too many. */
static bool add_reading(struct ledger_reading *to, unsigned *count,
			const struct ledger_reading *reading)
{
	for (unsigned i = 0; i < *count; i++)
		if (memcmp(&to[i], reading, sizeof(*reading)) == 0)
			return true;
	if (*count == LEDGER_READINGS_MAX)
		return false;
	to[(*count)++] = *reading;
	return true;
}

/* The host took one byte more.  false: there are too many ways. */
static bool read_byte(struct ledger_socket_port *p, uint8_t byte)
{
	struct ledger_reading next[LEDGER_READINGS_MAX];
	unsigned count = 0;

	for (unsigned r = 0; r < p->reading_count; r++) {
		for (unsigned i = 0; i < LEDGER_LINES_MAX; i++) {
			struct ledger_reading reading = p->reading[r];

			if (reading.at[i] == p->line[i].len ||
			    line_bytes(p, i)[reading.at[i]++] != byte)
				continue;
			if (!add_reading(next, &count, &reading))
				return false;
		}
	}
	p->reading_count = count;
	if (count > 0)
		memcpy(p->reading, next, count * sizeof(next[0]));
	return true;
}

/* How much can be of one connection alone. */
static uint32_t read_at_once(struct ledger_socket_port *p, const uint8_t *data, uint32_t len)
{
	uint32_t *at = p->reading[0].at, left;
	unsigned line = NONE;

	for (unsigned i = 0; i < LEDGER_LINES_MAX; i++) {
		if (at[i] == p->line[i].len)
			continue;
		if (line != NONE)
			return 0;
		line = i;
	}
	if (line == NONE || p->reading_count != 1)
		return 0;
	left = p->line[line].len - at[line];
	if (len > left)
		len = left;
	if (memcmp(line_bytes(p, line) + at[line], data, len) != 0)
		return 0;
	at[line] += len;
	return len;
}

/* What was taken by any way to read it is gone. */
static void drop_taken(struct ledger_socket_port *p)
{
	for (unsigned i = 0; i < LEDGER_LINES_MAX; i++) {
		uint32_t least = p->line[i].len;

		for (unsigned r = 0; r < p->reading_count; r++)
			if (p->reading[r].at[i] < least)
				least = p->reading[r].at[i];
		if (least == 0)
			continue;
		p->line[i].len -= least;
		ledger_ends_drop(&p->line[i].ends, least, p->line[i].len);
		memmove(line_bytes(p, i), line_bytes(p, i) + least, p->line[i].len);
		for (unsigned r = 0; r < p->reading_count; r++)
			p->reading[r].at[i] -= least;
	}
}

/* Is it known that there is no connection of that port? */
static bool is_unused(const struct ledger *l, uint32_t host_port)
{
	const struct ledger_socket_session *s = &l->socket.session;

	for (unsigned i = 0; i < s->count; i++)
		if (s->flow[i].host_port == host_port &&
		    (s->flow[i].unsure || ledger_flow_alive(&s->flow[i])))
			return false;
	return !s->lost && !s->crowded;
}

uint32_t ledger_flow_bytes_waiting(struct ledger *l, uint32_t host_port)
{
	const struct ledger_socket_port *p = port_of(l, host_port);

	return p != NULL && !p->in_lost && p->alive == 1 ? p->in_len : 0;
}

static void judge_taken(struct ledger *l, unsigned port, const uint8_t *data, uint32_t len)
{
	struct ledger_socket_port *p = &l->socket.port[port];
	bool one_way = p->reading_count == 1;

	if (p->out_lost || len == 0 || !ledger_judges(l, RULE_VSOCK_ORDER))
		return;
	for (uint32_t i = read_at_once(p, data, len); i < len && !p->out_lost; i++) {
		if (!read_byte(p, data[i])) {
			p->out_lost = true;
		} else if (p->reading_count == 0) {
			ledger_break(l, RULE_VSOCK_ORDER,
				     "of %u bytes that the host took from port %u that at %u is "
				     "not the next of any connection with port %u of the host",
				     len, port, i, l->target->ports[port].socket_port);
			p->out_lost = true;
		}
	}
	if (p->out_lost)
		return;
	if (one_way && p->reading_count == 1)
		ledger_flow_joined(l, port);
	drop_taken(p);
}

void ledger_flow_bytes_taken(struct ledger *l, unsigned port, const uint8_t *data, uint32_t len,
			     uint32_t max)
{
	judge_taken(l, port, data, len);
	if (len < max)
		ledger_flow_kept(l, port);
	if (len < max && is_unused(l, l->target->ports[port].socket_port))
		empty(&l->socket.port[port]);
}
