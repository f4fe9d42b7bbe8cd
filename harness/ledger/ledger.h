/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The judge.
 *
 * The ledger knows what the guest offered and what the device did from one source: the
 * values that each device access returned or stored, with their purpose, the register
 * accesses, and the interrupts.  It never reads guest memory to find out, except for
 * devices on plain memory, where it compares memory before and after a call
 * (ledger_plain.h).
 *
 * Every rule is a row of the table in rules/rules.h.  The reason why a correct device
 * can never break a rule stands above the code that judges it, in ledger_*.c.
 *
 * The first broken rule that fails the run stops the program after the current
 * operation.
 */
#ifndef VRINGER_HARNESS_LEDGER_H
#define VRINGER_HARNESS_LEDGER_H

#include "harness/ledger/ledger_state.h"

#include "devices/virtio_1_4.h"

/* Room for what a target of that description needs, whose devices allocate from `heap`;
 * 0 or -ENOMEM.  The ledger is zeroed before, and closed after, whatever came of it. */
int ledger_open(struct ledger *ledger, const struct target *target, struct heap *heap);
void ledger_close(struct ledger *ledger);
/* ... and that reaches memory without purposes: changes of `arena` are compared or, with
 * `accesses`, told.  told: of what changed; may be NULL. */
void ledger_plain_open(struct ledger *ledger, struct arena *arena, bool accesses,
		       ledger_told_fn *told, void *ctx);

/* How programs are judged from here on, and who hears of it.  fatal: what to do about an
 * endless loop inside the device, from which there is no return; it and `trace` may be
 * NULL. */
void ledger_judge(struct ledger *ledger, const struct judging *judging, const struct trace *trace,
		  void (*fatal)(void *ctx, const struct finding *finding), void *ctx);
/* `facts` that the target has and the transport does not show: from here on. */
void ledger_without(struct ledger *ledger, unsigned facts);
/* Judge nothing, of what is run a second time to compare; or go on. */
void ledger_enable(struct ledger *ledger, bool enabled);

/* For a new device of `target` that offers `offered` and has queues of at most these sizes. */
void ledger_reset(struct ledger *ledger, const struct target *target, uint64_t offered,
		  const uint16_t queue_max[PROGRAM_QUEUES]);
/* Of bits 64 to 127; from here on. */
void ledger_offers_high(struct ledger *ledger, uint64_t offered);
/* It is there, and all of the heap is its: what it shows as its generation and, of a network
 * device (ledger_net_mtu_at), its MTU; else 0. */
void ledger_created(struct ledger *ledger, uint32_t generation, uint16_t mtu);

/* Where a network device that offers `offered` has its MTU, in the configuration; 0:
 * it has none. */
uint32_t ledger_net_mtu_at(const struct target *target, uint64_t offered);

/* An operation begins; what breaks from here on is its. */
void ledger_op(struct ledger *ledger, uint32_t index, const char *verb);

/* One register access of the driver: before it reaches the device, and after.
 * `probe` is what the device shows once it has returned, `ready` and `resetting` the
 * QueueReady and QueueReset of the selected queue where ledger_wants_queue says so, `generation`
 * ConfigGeneration where a configuration interrupt was raised or the host changes something; NULL:
 * nobody looked. */
void ledger_access_begin(struct ledger *ledger, bool write, uint64_t offset, uint32_t width,
			 uint64_t value);
struct ledger_probe {
	uint32_t status, interrupt_status, ready, resetting, generation;
	bool generation_seen;
	uint64_t capacity; /* of a disk, where generation_seen */
};
static inline bool ledger_wants_queue(uint64_t written)
{
	return written == VIRTIO_MMIO_QUEUE_READY || written == VIRTIO_MMIO_QUEUE_RESET;
}
void ledger_access_end(struct ledger *ledger, bool write, uint64_t offset, uint32_t width,
		       uint64_t value, const struct ledger_probe *probe);

/* A call of the device that is no register access (left-over work). */
void ledger_work_begin(struct ledger *ledger);
void ledger_work_end(struct ledger *ledger, const struct ledger_probe *probe);
/* Did the device do nothing in that call?  Then, after some: so many of them, the last ones, did
 * nothing; busy: these are many, and it says that it has work left. */
bool ledger_stood_still(const struct ledger *ledger, const void *device);
void ledger_worked(struct ledger *ledger, unsigned still, bool busy);

/* Around an act of the host: `moved` is what it came to, of which no more is believed than there
 * was, and that is returned. */
void ledger_host_begin(struct ledger *ledger, enum host_act act, unsigned port, const void *data,
		       uint32_t len);
uint32_t ledger_host_end(struct ledger *ledger, enum host_act act, unsigned port, const void *data,
			 uint32_t len, uint32_t moved);
/* The host of that port is given an order, on which the device may act. */
void ledger_ordered(struct ledger *ledger, unsigned port);
/* Another device took the place of the one that was saved. */
void ledger_restored(struct ledger *ledger);

/* The device deals wrongly with what is behind it, or `what` of it does. */
void ledger_fault(struct ledger *ledger, const char *what);

/* A frame passed at an end of the device. */
void ledger_frame(struct ledger *ledger, enum frame_end end, const void *frame, uint32_t len);

/* The driver read `width` bytes of configuration, `value`, at `at` and so a part of
 * the target's field `index`, which is `now` and the generation `generation`. */
void ledger_field_read(struct ledger *ledger, unsigned index, uint32_t at, uint32_t width,
		       uint64_t value, uint64_t now, uint32_t generation);

/* The device showed `width` bytes of configuration, 1 to 8, at `at`. */
struct ledger_look {
	uint32_t at, width;
	uint64_t value; /* little-endian */
};

/* The driver and then the harness read configuration: may they not both be right,
 * though nothing came in between?  differ: nothing did. */
bool ledger_config_differs(struct ledger *ledger, const struct ledger_look *driver,
			   const struct ledger_look *again);
void ledger_config_differ(struct ledger *ledger, const struct ledger_look *driver,
			  const struct ledger_look *again);

/* Is there a count of queues in these bytes of configuration?  Then where; and it is
 * `value`. */
bool ledger_config_counts(const struct ledger *ledger, uint32_t at, uint32_t width,
			  uint32_t *offset, uint32_t *count_width);
void ledger_config_count(struct ledger *ledger, uint64_t value);

/* Has the driver told the device something in these bytes of configuration?  Then where; and
 * `value` is what is read there now. */
bool ledger_config_tells(const struct ledger *ledger, uint32_t at, uint32_t width, uint32_t *offset,
			 uint32_t *told_width);
void ledger_config_told(struct ledger *ledger, uint64_t value);

/* The device is in a state that is not known, in which it shows that generation: until
 * reset only what needs no knowledge of it is judged, and of its counters nothing. */
void ledger_forget(struct ledger *ledger, uint32_t generation);

/* The device accessed guest memory. */
void ledger_memory(struct ledger *ledger, const struct arena_access *access);
/* The device calls what is behind it. */
void ledger_backend(struct ledger *ledger);
/* The device asked whether that is guest memory. */
void ledger_page(struct ledger *ledger, uint64_t addr, uint64_t len);
/* Was the access told last a second fetch?  Not where one byte has several
 * parts in a chain, or where the chain led the device there again. */
bool ledger_is_refetch(struct ledger *ledger, struct guest_why why, uint64_t addr, uint32_t len);
/* The device raised its interrupt: of one queue alone, or of the line that all have. */
#define LEDGER_LINE PROGRAM_QUEUES
void ledger_interrupt(struct ledger *ledger, uint32_t bits, unsigned queue);

/* Memory is about to be reset; and: the device is gone. */
void ledger_strays(struct ledger *ledger);
void ledger_gone(struct ledger *ledger);

/* Of a device without purposes.  thorough: is all memory compared after every call, or only
 * what the device may write to and the rings, and the rest in the end?  wants_thorough: that
 * would have told more of the program that is over.  over: the program is, and chains are
 * no suspects any more. */
void ledger_thorough(struct ledger *ledger, bool thorough);
bool ledger_wants_thorough(const struct ledger *ledger);
void ledger_over(struct ledger *ledger);

/* Of the cause of a blindness: what happened. */
const char *ledger_blind_words(enum ledger_blind cause);
/* Is that rule judged by what is seen in plain memory, of a target with these facts? */
bool ledger_is_seen(enum rule rule, unsigned facts);

/* The first suspect of the program that was run last; NULL: there is none. */
const struct ledger_suspect *ledger_suspect(const struct ledger *ledger);
/* As ledger_reset, for a second run of it, in which other bytes stand where only the device
 * writes; and after it: the suspect that is one there too, or NULL. */
void ledger_reset_salted(struct ledger *ledger);
const struct ledger_suspect *ledger_salted(struct ledger *ledger);

/* What was found, to be given back after programs that are run to compare. */
struct ledger_kept {
	struct ledger_blindness blindness;
	unsigned finding_count;
	struct finding findings[LEDGER_FINDINGS_MAX];
	uint64_t judged[(RULE_COUNT + 63) / 64], not_judged[(RULE_COUNT + 63) / 64];
};
void ledger_keep(const struct ledger *ledger, struct ledger_kept *kept);
void ledger_give_back(struct ledger *ledger, const struct ledger_kept *kept);

/* The program stops after the operation in flight, for a reason that is no finding. */
void ledger_stop(struct ledger *ledger);

/* Calls of this device so far; chains that it returned. */
static inline uint32_t ledger_calls(const struct ledger *ledger)
{
	return ledger->call.number;
}

static inline uint64_t ledger_completions(const struct ledger *ledger)
{
	return ledger->device.completions;
}

/* Must the probe that ends this call say what the generation is? */
static inline bool ledger_wants_generation(const struct ledger *ledger)
{
	return ledger->call.host_changes || ledger->disk.beyond ||
	       (ledger->device.interrupts & VIRTIO_MMIO_INT_CONFIG) != 0;
}

/* An operation is over and the device is in `state`; `device` for counters. */
void ledger_rest(struct ledger *ledger, enum device_state state, const void *device);

/* A rule is broken.  Judges severity: recorded, and if it fails the run,
 * ledger->stop is set. */
void ledger_break(struct ledger *ledger, enum rule rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The queue is being stopped, and chains up to that available index were taken. */
void ledger_taken(struct ledger *l, unsigned queue, uint16_t index);
/* The target reports a fault of its device (vringer.h): `what` and the operation are its
 * signature.  `gone`: the device is no more, and the run ends even if that is known. */
void ledger_report(struct ledger *ledger, bool gone, const char *what, const char *message);
/* A finding of another kind: always fails the run. */
void ledger_find(struct ledger *ledger, enum finding_kind kind, const char *what,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
