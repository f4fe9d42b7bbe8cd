/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a device does while it runs, as its calls come: told to the ledger, to the trace, and
 * to the record that a twin is compared with.  See run.h.
 */
#include "harness/run/run_internal.h"

#include <linux/virtio_mmio.h>
#include <stddef.h>

/* What an access of the device's costs beside its bytes, as bytes. */
#define RUN_ACCESS_BYTES 64

#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The device raised its line. */
static void on_interrupt(void *ctx, uint32_t bits)
{
	struct run *run = CONTAINER_OF(ctx, struct run, guest.arena);
	unsigned queue = run->interrupt_queue;
	bool used = (bits & VIRTIO_MMIO_INT_VRING) != 0;
	struct trace_event event = { .kind = TRACE_INTERRUPT,
				     .value = bits,
				     .index = queue != LEDGER_LINE ? queue + 1 : 0 };

	run->interrupt_queue = LEDGER_LINE;
	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
	if (run->interrupts_used + run->interrupts_config == 0)
		run->interrupts_first = bits;
	/* Queues that have one each do not add up. */
	if (used && ++run->interrupts_of[queue] > run->interrupts_used)
		run->interrupts_used = run->interrupts_of[queue];
	run->interrupts_config += (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	/* What comes before a request, for it, may raise what the request does not. */
	if (!run->guest.requests.preparing) {
		run->raised_used = run->raised_used || used;
		run->raised_config = run->raised_config || (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	}
	record_timed(&run->guest.record, RECORD_INTERRUPTS, bits);
	ledger_interrupt(&run->guest.ledger, bits, queue);
}

static void on_used(void *ctx, unsigned queue)
{
	((struct run *)ctx)->interrupt_queue = queue;
}

/* A race struck at a second fetch: note where, or that it is none after all. */
static void look_at_refetch(struct run *run, struct guest_why why)
{
	struct arena_refetch *refetch = &run->guest.arena.refetch;

	refetch->fresh = false;
	refetch->op = run->guest.ledger.op;
	refetch->verb = run->guest.ledger.verb;
	if (!ledger_is_refetch(&run->guest.ledger, why, refetch->addr, refetch->len))
		refetch->serial = 0;
}

/* Where in a ring something is, and indices, depend on when it is done. */
static void record_write(struct run *run, const struct arena_access *access)
{
	struct record *record = &run->guest.record;
	uint16_t purpose = access->why.purpose;

	if (!record->loose || purpose == GUEST_PAYLOAD)
		record_item(record, RECORD_MEMORY, access->addr, access->data, access->len);
	else if (purpose == GUEST_USED_ENTRY || purpose == GUEST_PACKED_USED)
		record_item(record, RECORD_MEMORY, access->why.queue, access->data, access->len);
}

/* The device accessed guest memory. */
static void on_memory(void *ctx, const struct arena_access *access)
{
	struct run *run = ctx;

	run->bytes += access->len + RUN_ACCESS_BYTES;
	ledger_memory(&run->guest.ledger, access);
	if (run->guest.arena.refetch.fresh)
		look_at_refetch(run, access->why);
	if (run->guest.target->logged != NULL && access->write && access->err == 0)
		run_note_written(run, access->addr, access->len);
	if (!run->guest.record.on || !access->write || access->err != 0)
		return;
	record_write(run, access);
}

/* The device asked whether that is memory. */
static void on_asked(void *ctx, uint64_t addr, uint64_t len)
{
	ledger_backend(&((struct run *)ctx)->guest.ledger);
	ledger_page(&((struct run *)ctx)->guest.ledger, addr, len);
}

/* A frame passed at an end of the device. */
static void on_frame(void *ctx, enum frame_end end, const uint8_t *frame, uint32_t len)
{
	struct run *run = ctx;
	struct trace_event event = { .kind = TRACE_FRAME, .value = end, .len = len, .data = frame };

	ledger_frame(&run->guest.ledger, end, frame, len);
	record_item(&run->guest.record, RECORD_HOST, end, frame, len);
	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
}

/* The device calls what is behind it. */
static void on_called(void *ctx)
{
	ledger_backend(&((struct run *)ctx)->guest.ledger);
}

/* The target says that its device is at fault. */
static void on_report(void *ctx, bool gone, const char *signature, const char *message)
{
	ledger_report(&((struct run *)ctx)->guest.ledger, gone, signature, message);
}

static void on_taken(void *ctx, unsigned queue, uint16_t index)
{
	ledger_taken(&((struct run *)ctx)->guest.ledger, queue, index);
}

static uint32_t on_outstanding(void *ctx, unsigned queue)
{
	return guest_outstanding(&((struct run *)ctx)->guest, queue);
}

static void on_fault(void *ctx, const char *what)
{
	ledger_fault(&((struct run *)ctx)->guest.ledger, what);
}

/* The device changed plain memory. */
static void on_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	struct trace_event event = { .kind = TRACE_CHANGE, .addr = addr, .len = len, .data = data };
	struct run *run = ctx;

	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
	if (run->guest.record.on && !run->guest.record.loose)
		record_item(&run->guest.record, RECORD_MEMORY, addr, data, len);
	if (run->guest.target->logged != NULL)
		run_note_written(run, addr, len);
}

void run_listen(struct run *run)
{
	const struct target *target = run->guest.target;

	run->guest.arena.host.interrupt = on_interrupt;
	run->guest.arena.observe = on_memory;
	run->guest.arena.asked = on_asked;
	run->guest.arena.observe_ctx = run;
	run->interrupt_queue = LEDGER_LINE;
	run->guest.listener = (struct target_listener){ .ctx = run,
							.frame = on_frame,
							.fault = on_fault,
							.used = on_used,
							.called = on_called,
							.outstanding = on_outstanding,
							.report = on_report,
							.taken = on_taken };
	run->guest.arena.watch = (target->facts & TARGET_MEMORY) == TARGET_ACCESSORS;
	if (run->guest.arena.watch || run->guest.arena.plain)
		ledger_plain_open(&run->guest.ledger, &run->guest.arena, run->guest.arena.watch,
				  on_change, run);
}
