/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Check what a description says of what is behind its device, and put it into the target:
 * ports, streams, a dialogue, and what the host can do there.  See foreign.h.
 */
#include "harness/target/foreign.h"

#include <linux/virtio_ids.h>
#include <string.h>

#define ACTS_ALL ((1u << HOST_ACT_COUNT) - 1)
#define ORDERS_ALL ((1u << HOST_ORDER_COUNT) - 1)

_Static_assert((int)VRINGER_END_AWAY == END_AWAY && (int)VRINGER_END_GIVEN == END_GIVEN &&
		       (int)VRINGER_END_REPLY == END_REPLY &&
		       (int)VRINGER_END_REPLY + 1 == FRAME_END_PAST &&
		       VRINGER_NO_QUEUE == TARGET_NO_QUEUE,
	       "enum vringer_end is enum frame_end");

/* NULL is none of them. */
static const char *counters_fault(struct foreign *f, const char *what, const char *const *lists,
				  unsigned count)
{
	const char *fault = NULL;

	for (unsigned i = 0; i < count && fault == NULL; i++)
		if (lists[i] != NULL)
			fault = foreign_terms_fault(f, what, lists[i]);
	return fault;
}

static const char *port_fault(struct foreign *f, const struct vringer_port *port)
{
	const char *const counters[] = { port->held, port->pending, port->dropped,
					 port->typed_refused, port->put_back_refused };
	const uint16_t queues[] = { port->from, port->to };

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		if (queues[i] != VRINGER_NO_QUEUE && !foreign_is_queue(f, queues[i]))
			return "has a port with a queue that it does not have";
	if (port->socket_port != 0 &&
	    (f->given.device_id != VIRTIO_ID_VSOCK || port->from != VRINGER_NO_QUEUE ||
	     port->to != VRINGER_NO_QUEUE))
		return "has a port with a socket_port, which is for socket devices (device_id 19) "
		       "and a port without queues";
	return counters_fault(f, "a port", counters, sizeof(counters) / sizeof(counters[0]));
}

static const char *ports_fault(struct foreign *f)
{
	const struct vringer_backend *b = &f->backend;

	if (b->port_count > TARGET_PORTS_MAX)
		return "has more than 4 ports";
	if (b->port_count > 0 && (b->ports == NULL || b->act == NULL))
		return "has a port_count, expected ports and act";
	for (uint32_t i = 0; i < b->port_count; i++) {
		const struct vringer_port *port = &b->ports[i];
		const char *fault = port_fault(f, port);

		for (uint32_t j = 0; j < i && fault == NULL; j++)
			if (port->socket_port != 0 && b->ports[j].socket_port == port->socket_port)
				fault = "has two ports with the same socket_port";
		if (fault != NULL)
			return fault;
		f->ports[i] = (struct target_port){ .from = port->from,
						    .to = port->to,
						    .chain_max = port->chain_max,
						    .held_max = port->held_max,
						    .socket_port = port->socket_port,
						    .held = port->held,
						    .pending = port->pending,
						    .dropped = port->dropped,
						    .typed_refused = port->typed_refused,
						    .put_back_refused = port->put_back_refused };
	}
	f->target.ports = f->ports;
	f->target.port_count = b->port_count;
	return NULL;
}

static bool is_end(const struct foreign *f, uint16_t end)
{
	return foreign_is_queue(f, end) || (end >= FRAME_END_FIRST && end < FRAME_END_PAST);
}

static const char *stream_fault(struct foreign *f, uint32_t index)
{
	const struct vringer_stream *stream = &f->backend.streams[index];
	const char *const counters[] = { stream->entered, stream->left, stream->waiting };

	if (!is_end(f, stream->from) || !is_end(f, stream->to))
		return "has a stream with an end that is neither one of its queues nor an enum "
		       "vringer_end";
	for (uint32_t i = 0; i < index; i++)
		if (f->backend.streams[i].from == stream->from)
			return "has two streams from the same end";
	if (stream->reserved != 0)
		return "has a stream with a reserved member that is not 0";
	return counters_fault(f, "a stream", counters, sizeof(counters) / sizeof(counters[0]));
}

static const char *streams_fault(struct foreign *f)
{
	const struct vringer_backend *b = &f->backend;

	if (b->stream_count > TARGET_STREAMS_MAX)
		return "has more than 4 streams";
	if (b->stream_count > 0 && b->streams == NULL)
		return "has a stream_count but no streams";
	for (uint32_t i = 0; i < b->stream_count; i++) {
		const struct vringer_stream *stream = &b->streams[i];
		const char *fault = stream_fault(f, i);

		if (fault != NULL)
			return fault;
		f->streams[i] = (struct target_stream){ .from = stream->from,
							.to = stream->to,
							.skip = stream->skip,
							.entered = stream->entered,
							.left = stream->left,
							.waiting = stream->waiting,
							.frame_max = stream->frame_max,
							.kept = stream->kept };
	}
	f->target.streams = f->streams;
	f->target.stream_count = b->stream_count;
	return NULL;
}

static const char *dialogue_fault(struct foreign *f)
{
	const struct vringer_dialogue *d = f->backend.dialogue;

	if (d == NULL)
		return NULL;
	if (!foreign_is_queue(f, d->from) || !foreign_is_queue(f, d->to))
		return "has a dialogue on a queue that it does not have";
	if (d->ask_count > TARGET_ANSWERS_MAX || d->answer_count > TARGET_ANSWERS_MAX)
		return "has a dialogue of more than 16 messages or 16 answers";
	if ((d->ask_count > 0 && d->asks == NULL) || (d->answer_count > 0 && d->answers == NULL))
		return "has a dialogue with an ask_count or an answer_count, expected asks and "
		       "answers";
	for (uint32_t i = 0; i < d->ask_count; i++)
		f->asks[i] = (struct target_ask){ d->asks[i].head, d->asks[i].mask };
	for (uint32_t i = 0; i < d->answer_count; i++) {
		if (d->answers[i].ask >= d->ask_count || d->answers[i].reserved != 0)
			return "has an answer to a message that is not in its dialogue, or with a "
			       "reserved member that is not 0";
		f->answers[i] = (struct target_answer){ d->answers[i].head, d->answers[i].tail,
							(uint8_t)d->answers[i].ask };
	}
	f->dialogue = (struct target_dialogue){ .from = d->from,
						.to = d->to,
						.ask_count = (uint8_t)d->ask_count,
						.answer_count = (uint8_t)d->answer_count,
						.asks = f->asks,
						.answers = f->answers };
	f->target.dialogue = &f->dialogue;
	return NULL;
}

static const char *host_fault(struct foreign *f)
{
	const struct vringer_backend *b = &f->backend;

	if ((b->acts & ~ACTS_ALL) != 0 || (b->orders & ~ORDERS_ALL) != 0)
		return "has unknown acts or orders, expected bits of enum vringer_act and enum "
		       "vringer_order";
	if ((b->acts != 0) != (b->act != NULL) || (b->orders != 0) != (b->order != NULL))
		return "has acts without act, or orders without order, or the other way round";
	if ((b->acts >> VRINGER_SET_NUM_PAGES & 1) != 0 && f->given.device_id != VIRTIO_ID_BALLOON)
		return "has VRINGER_SET_NUM_PAGES, which is for memory balloons (device_id 5)";
	if (b->frames_max > UINT16_MAX)
		return "has room for more than 65535 frames";
	f->target.has_num_pages = (b->acts >> VRINGER_SET_NUM_PAGES & 1) != 0;
	f->target.changes_config = (b->acts >> VRINGER_CHANGE_CONFIG & 1) != 0;
	f->target.frames_max = (uint16_t)b->frames_max;
	f->target.answers = b->answers;
	return NULL;
}

const char *foreign_backend_fault(struct foreign *f)
{
	static const char *(*const faults[])(struct foreign *) = { host_fault, ports_fault,
								   streams_fault, dialogue_fault };
	const char *fault = NULL;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]) && fault == NULL; i++)
		fault = faults[i](f);
	return fault;
}
