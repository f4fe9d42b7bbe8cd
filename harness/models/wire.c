/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The other end of a network card; wire.h has the contract.
 */
#include "harness/models/wire.h"

#include <errno.h>
#include <string.h>

void wire_tell(const struct wire *wire, enum vringer_end end, const uint8_t *frame, uint32_t len)
{
	wire->host->frame(wire->host->ctx, (uint32_t)end, frame, len);
}

void wire_called(const struct wire *wire)
{
	wire->host->backend(wire->host->ctx);
}

static void line_put(struct wire_line *line, const uint8_t *frame, uint32_t len)
{
	struct wire_frame *place = &line->frames[(line->first + line->count++) % WIRE_FRAMES];

	place->len = len;
	memcpy(place->bytes, frame, len < WIRE_BYTES ? len : WIRE_BYTES);
}

static const struct wire_frame *line_pop(struct wire_line *line)
{
	const struct wire_frame *frame = &line->frames[line->first];

	line->first = (line->first + 1) % WIRE_FRAMES;
	line->count--;
	return frame;
}

static uint32_t line_copy(const struct wire_frame *frame, uint8_t *to, uint32_t room)
{
	uint32_t len = frame->len < WIRE_BYTES ? frame->len : WIRE_BYTES;

	if (len > room)
		len = room;
	memcpy(to, frame->bytes, len);
	return len;
}

/* What was held is there, and nobody says so. */
static void let_go(struct wire *wire)
{
	wire->told = wire->told && wire->orders.held == 0;
	wire->orders.held = 0;
}

int64_t wire_send(void *ctx, const uint8_t *frame, uint32_t len)
{
	struct wire *wire = ctx;

	wire_called(wire);
	wire_tell(wire, VRINGER_END_AWAY, frame, len);
	if (wire->orders.hold > 0 && --wire->orders.hold == 0)
		let_go(wire);
	if (wire->orders.refuse > 0) {
		wire->orders.refuse--;
		/* A host may say either for none. */
		if (wire->orders.refuse_taken == 0)
			return wire->orders.refuse % 2 != 0 ? -EAGAIN : 0;
		if (len > wire->orders.refuse_taken)
			len = wire->orders.refuse_taken;
	}
	if (wire->out.count == WIRE_FRAMES)
		line_pop(&wire->out);
	line_put(&wire->out, frame, len);
	return len;
}

uint32_t wire_waiting(void *ctx)
{
	struct wire *wire = ctx;

	uint32_t said = wire->in.count - wire->orders.held;

	wire_called(wire);
	if (wire->orders.pretends)
		said = wire->orders.pretended;
	wire->orders.pretends = false;
	wire->told = said > 0;
	return said;
}

int64_t wire_receive(void *ctx, uint8_t *frame, uint32_t room)
{
	struct wire *wire = ctx;
	const struct wire_frame *next;

	wire_called(wire);
	if (wire->in.count == wire->orders.held)
		return -EAGAIN;
	next = line_pop(&wire->in);
	/* A buffer that is somebody else's as well is spoilt. */
	memset(frame, WIRE_GARBAGE, room);
	(void)line_copy(next, frame, room);
	/* What the host gave, whatever there is room for. */
	wire_tell(wire, VRINGER_END_GIVEN, next->bytes,
		  next->len < WIRE_BYTES ? next->len : WIRE_BYTES);
	return next->len;
}

void wire_reset(struct wire *wire)
{
	wire->orders = (struct wire_orders){ .pretends = false };
	wire->told = false;
	wire->in.first = wire->in.count = 0;
	wire->out.first = wire->out.count = 0;
}

static void line_take_over(struct wire_line *line, struct wire_line *old)
{
	while (old->count > 0) {
		const struct wire_frame *frame = line_pop(old);

		line_put(line, frame->bytes, frame->len);
	}
}

void wire_take_over(struct wire *wire, struct wire *old)
{
	wire->orders = old->orders;
	line_take_over(&wire->in, &old->in);
	line_take_over(&wire->out, &old->out);
	wire_reset(old);
}

bool wire_put(struct wire *wire, const uint8_t *frame, uint32_t len)
{
	if (wire->in.count == WIRE_FRAMES)
		return false;
	line_put(&wire->in, frame, len);
	wire->orders.held += wire->orders.hold > 0;
	wire->told = wire->told || wire->orders.hold == 0;
	return true;
}

uint32_t wire_due(const struct wire *wire)
{
	return wire->told ? wire->in.count - wire->orders.held : 0;
}

bool wire_holds(const struct wire *wire)
{
	return wire->orders.hold > 0;
}

uint32_t wire_take(struct wire *wire, uint8_t *frame, uint32_t max)
{
	return wire->out.count > 0 ? line_copy(line_pop(&wire->out), frame, max) : 0;
}

void wire_order(struct wire *wire, uint32_t order, uint32_t count, uint32_t amount)
{
	switch ((enum vringer_order)order) {
	case VRINGER_FORGET:
		wire_reset(wire);
		break;
	case VRINGER_REFUSE:
		wire->orders.refuse = count;
		wire->orders.refuse_taken = amount;
		break;
	case VRINGER_HOLD:
		wire->orders.hold = count;
		if (count == 0)
			let_go(wire);
		break;
	case VRINGER_PRETEND:
		wire->orders.pretends = true;
		wire->orders.pretended = count;
		break;
	}
}
