/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The rules that devices are judged by, in one table.
 *
 * A row has the id, the severity, the facts that the rule needs, the clause of VIRTIO
 * 1.4 that it stands for (clauses.tsv; "policy" for our own) and what it demands.  The
 * code that judges it is in ledger/, with the reason why a correct device can never
 * break it.
 *
 * Whether a broken rule fails a run, which depends on the run's options, is also
 * decided here.
 */
#ifndef VRINGER_HARNESS_RULES_H
#define VRINGER_HARNESS_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct finding;
struct known;

/* What the harness can observe in a run, as the target declares.  A rule that needs a
 * fact which the target does not give is reported as not judged. */
enum fact {
	FACT_REGISTERS = 1 << 0, /* status, features, queues and configuration are shown */
	FACT_ACCESS = 1 << 1,	 /* every guest-memory access is reported when it happens */
	FACT_WALK = 1 << 2,	 /* ... and the chain that it serves */
	FACT_INTERRUPT = 1 << 3, /* every interrupt is reported when it is raised */
	FACT_STATE = 1 << 4,	 /* `state` says whether work is left */
	FACT_COUNTERS = 1 << 5,	 /* counters, and the sums below */
	FACT_HEAP = 1 << 6,	 /* all heap memory comes from host->alloc */
	FACT_PURPOSE = 1 << 7,	 /* with FACT_ACCESS: and what it is for */
	FACT_CHANGES = 1 << 8,	 /* what a call changed in guest memory can be found */
	FACT_CALLS = 1 << 9,	 /* it works only inside calls: it has no threads */
	FACT_BACKEND = 1 << 10,	 /* calls of its backend are reported, and bounded as the target
				  * declares */
	FACT_LAYOUT = 1 << 11,	 /* ... as registers of virtio-mmio, each at its offset */
	FACT_REQUESTS = 1 << 12, /* the target declares well-formed requests */
	FACT_LOG = 1 << 13,	 /* it says which pages it has written to */
	FACT_ALL = (1 << 14) - 1,
};

enum severity {
	SEVERITY_MUST,	 /* VIRTIO says MUST */
	SEVERITY_SHOULD, /* VIRTIO says SHOULD: fails a run with --strict */
	SEVERITY_LIMIT,	 /* our policy on hostile guests: fails a run with --limits */
	SEVERITY_MODEL,	 /* stricter behaviour of our own models */
	SEVERITY_COUNT
};

/* X(name, id, severity, facts, part, clause, demand): a rule is fully judged with
 * `facts`, and in part with `part` (0: not at all); rules.c has the short names of
 * facts. */
#define RULES(X)                                                                                   \
	X(MEMORY_NOT_LIVE, "memory.not-live", MUST, MEM, SEEN, "dev.mmio.regs.7",                  \
	  "no access for a queue that is not ready, before DRIVER_OK or after reset")              \
	X(MEMORY_RING, "memory.ring", MUST, MEM, SEEN, "dev.split.desc-table.2",                   \
	  "each field of a ring is accessed at its own place, and only the used ring is written")  \
	X(MEMORY_FIELD, "memory.field", LIMIT, MEM, 0, "policy",                                   \
	  "each field of a ring is accessed with one call of its size, as vringer.h asks")         \
	X(MEMORY_WRITE, "memory.write", MUST, WALK, SEEN, "dev.split.desc-table.1a",               \
	  "every byte written lies in a device-writable part of a chain that the device holds")    \
	X(MEMORY_LOGGED, "memory.logged", LIMIT, SEEN | LOG, 0, "policy",                          \
	  "at rest, every page that the device wrote to is in its log of dirty pages")             \
	X(MEMORY_READ, "memory.read", LIMIT, WALK, TOLD, "policy",                                 \
	  "every byte read lies in a chain that the device holds")                                 \
	X(MEMORY_READ_WRITABLE, "memory.read-writable", SHOULD, WALK, 0,                           \
	  "dev.split.desc-table.1b", "a device-writable buffer is not read")                       \
	X(MEMORY_TORN, "memory.torn", MODEL, WALK, 0, "policy",                                    \
	  "no buffer of a chain is accessed before all its descriptors were read")                 \
	X(MEMORY_MIXED, "memory.mixed", MODEL, WALK, 0, "policy",                                  \
	  "no frame is read from or written to a chain with buffers of both directions")           \
	X(MEMORY_INDIRECT, "memory.indirect", LIMIT, WALK, 0, "drv.split.indirect.1",              \
	  "an indirect table is read only where that was negotiated, and within the table")        \
	X(MEMORY_POISONED, "memory.poisoned", MODEL, WALK, 0, "policy",                            \
	  "a queue whose available ring was structurally wrong is left alone until reset")         \
	X(COMPLETION_NOT_HELD, "completion.not-held", MUST, WALK, SEEN, "2.7.8",                   \
	  "a used entry names a chain that the device holds, once per hold")                       \
	X(COMPLETION_SLOT, "completion.slot", MUST, WALK, SEEN, "2.7.8",                           \
	  "used entries are written where they are due, and the used index passes no others")      \
	X(COMPLETION_LEN, "completion.len", MUST, WALK, SEEN, "dev.split.used-ring.2",             \
	  "every byte below used.len was written by the device while it held the chain")           \
	X(COMPLETION_BATCH, "completion.batch", MUST, WALK, 0, "2.7.9",                            \
	  "in order, a batch ends with the chain that its used entry names, and all of it was "    \
	  "used whole")                                                                            \
	X(ORDER_RETURNS, "order.returns", MUST, WALK, SEEN, "dev.resfeat.bits.5",                  \
	  "with IN_ORDER chains are returned in the order in which they were made available")      \
	X(ORDER_ENTRY, "order.entry", MUST, WALK, TOLD, "dev.split.used-ring.1",                   \
	  "a used entry is written before the used index passes it")                               \
	X(ORDER_UNAVAILABLE, "order.unavailable", LIMIT, WALK, SEEN, "policy",                     \
	  "an available entry is read only below an available index within the queue's size")      \
	X(WAKEUP_MISSING, "wakeup.missing", MUST, MEM | INTR, SEEN | INTR,                         \
	  "dev.split.used-notify-suppress.3",                                                      \
	  "the used index moved: an interrupt follows, unless the driver said it wants none")      \
	X(WAKEUP_SUPERFLUOUS, "wakeup.superfluous", SHOULD, MEM | INTR, SEEN | INTR,               \
	  "dev.split.used-notify-suppress.2", "no used-buffer interrupt without need")             \
	X(WAKEUP_UNASKED, "wakeup.unasked", MODEL, MEM | INTR, 0,                                  \
	  "dev.split.used-notify-suppress.2",                                                      \
	  "the device checks whether the driver wants an interrupt before it raises one, once")    \
	X(WAKEUP_NOT_LIVE, "wakeup.not-live", MUST, INTR, 0, "dev.status.field.1",                 \
	  "no used-buffer interrupt before DRIVER_OK")                                             \
	X(WAKEUP_QUEUE_RESET, "wakeup.queue-reset", MUST, INTR, 0, "dev.vq.reset.1",               \
	  "no used-buffer interrupt for a queue that was reset, until it is ready again")          \
	X(WAKEUP_NEEDS_RESET, "wakeup.needs-reset", MUST, INTR, 0, "dev.status.field.3",           \
	  "DEVICE_NEEDS_RESET on a live device comes with a configuration interrupt")              \
	X(WAKEUP_USED_BIT, "wakeup.used-bit", MUST, MEM | INTR, SEEN | INTR, "dev.mmio.regs.4",    \
	  "an interrupt for the configuration sets bit 0 only if a buffer was used")               \
	X(WAKEUP_CONFIG, "wakeup.config", SHOULD, INTR, 0, "dev.mmio.regs.4",                      \
	  "no configuration interrupt without a change or DEVICE_NEEDS_RESET")                     \
	X(WAKEUP_CHANGED, "wakeup.changed", MODEL, INTR, 0, "2.3",                                 \
	  "a change of configuration on a live device comes with a configuration interrupt")       \
	X(WAKEUP_FLAGS, "wakeup.flags", MUST, SEEN, 0, "dev.split.avail-notify-suppress.1",        \
	  "the used ring's flags are 0 or 1, and 0 with EVENT_IDX")                                \
	X(SUSPEND_EARLY, "suspend.early", MUST, REGS, 0, "dev.init.suspend.1",                     \
	  "SUSPEND is not shown by a device that its driver has not started")                      \
	X(SUSPEND_IGNORED, "suspend.ignored", MUST, REGS | FACT_STATE, 0, "dev.init.suspend.6",    \
	  "a device that is told to suspend is suspended before it rests, or DEVICE_NEEDS_RESET")  \
	X(SUSPEND_RESUMED, "suspend.resumed", MUST, REGS | FACT_STATE, 0, "dev.init.suspend.7",    \
	  "a device that is told to resume runs before it rests, or DEVICE_NEEDS_RESET is set")    \
	X(SUSPEND_QUEUES, "suspend.queues", MUST, MEM, SEEN, "dev.init.suspend.3",                 \
	  "no access for a queue while the device is suspended")                                   \
	X(SUSPEND_NOTIFIES, "suspend.notifies", MUST, INTR, 0, "dev.init.suspend.3",               \
	  "no used-buffer interrupt while the device is suspended")                                \
	X(SUSPEND_CONFIG, "suspend.config", MUST, INTR, 0, "dev.init.suspend.4",                   \
	  "no configuration interrupt while the device is suspended")                              \
	X(SUSPEND_CHANGED, "suspend.changed", MUST, INTR | FACT_STATE, 0, "dev.init.suspend.5",    \
	  "a change of configuration while suspended is told when the device resumes")             \
	X(SUSPEND_TOLD, "suspend.told", SHOULD, MEM | INTR, SEEN | INTR, "dev.init.suspend.8",     \
	  "used buffers are told of before the device is suspended")                               \
	X(STUCK_NOTIFY, "stuck.notify", LIMIT, WALK | FACT_STATE, 0, "policy",                     \
	  "the device looks at a notified queue before it rests")                                  \
	X(STUCK_AVAILABLE, "stuck.available", LIMIT, WALK | FACT_STATE, SEEN | FACT_STATE,         \
	  "policy",                                                                                \
	  "available chains on a queue that the driver fills are taken before the device rests")   \
	X(STUCK_HELD, "stuck.held", LIMIT, WALK | FACT_STATE, 0, "policy",                         \
	  "a chain that was taken is returned before the device rests")                            \
	X(STUCK_SUPPRESSED, "stuck.suppressed", LIMIT, MEM | FACT_STATE, SEEN | FACT_STATE,        \
	  "dev.split.avail-notify-suppress.2",                                                     \
	  "a device does not rest with notifications suppressed, unless it polls")                 \
	X(STUCK_UNCHECKED, "stuck.unchecked", LIMIT, MEM | FACT_STATE, 0,                          \
	  "dev.split.avail-notify-suppress.2",                                                     \
	  "after allowing notifications again the device reads the available index again")         \
	X(STUCK_FRAME, "stuck.frame", LIMIT, WALK | FACT_STATE | FACT_COUNTERS, 0, "policy",       \
	  "a waiting frame is delivered before the device rests, if a chain may be available")     \
	X(STUCK_BYTES, "stuck.bytes", LIMIT, WALK | FACT_STATE, 0, "policy",                       \
	  "who begins to give the driver what was typed goes on while there are chains, or has "   \
	  "work left")                                                                             \
	X(STUCK_BUSY, "stuck.busy", MODEL, WALK | FACT_STATE | FACT_CALLS, 0, "policy",            \
	  "a device that says it has work left gets on with it")                                   \
	X(STATUS_IDENTITY, "status.identity", MUST, LAYOUT, 0, "dev.mmio.regs.1",                  \
	  "MagicValue is 'virt' and Version 2, always")                                            \
	X(STATUS_REGISTERS, "status.registers", MUST, REGS, 0, "4.2.2",                            \
	  "DeviceID, DeviceFeatures and QueueNumMax read as the target declares")                  \
	X(STATUS_OFFERED, "status.offered", MUST, LAYOUT, 0, "dev.feature.bits.3",                 \
	  "no feature is offered that virtio-mmio does not carry, or that is reserved")            \
	X(STATUS_REQUIRES, "status.requires", MUST, LAYOUT, 0, "dev.feature.bits.1",               \
	  "no feature is offered without those that it requires")                                  \
	X(STATUS_GENERATION, "status.generation", MODEL, REGS, 0, "dev.mmio.regs.6",               \
	  "ConfigGeneration changes only when the device changes its configuration")               \
	X(STATUS_TORN, "status.torn", MUST, REGS, 0, "dev.mmio.regs.6",                            \
	  "a field read in pieces under one ConfigGeneration is a value that the field had")       \
	X(STATUS_CONFIG, "status.config", MODEL, REGS, 0, "policy",                                \
	  "reads past the end of the configuration return a fixed byte, never other memory")       \
	X(STATUS_CONFIG_WIDTH, "status.config-width", LIMIT, REGS, 0, "policy",                    \
	  "a byte of the configuration reads the same at every access width")                      \
	X(STATUS_CONFIG_COUNT, "status.config-count", MUST, REGS, 0, "2.5",                        \
	  "a count of queues in the configuration is at least 1 and not above the real number")    \
	X(STATUS_CONFIG_KEPT, "status.config-kept", MODEL, REGS, 0, "policy",                      \
	  "what the driver tells the device in its configuration reads as it was written")         \
	X(STATUS_RESET, "status.reset", MUST, REGS, 0, "dev.reset.op.1",                           \
	  "the device status is 0 after reset")                                                    \
	X(STATUS_FEATURES, "status.features", MUST, REGS, 0, "dev.feature.bits.2b",                \
	  "FEATURES_OK is refused if the driver accepted a feature that was not offered")          \
	X(STATUS_LADDER, "status.ladder", MODEL, REGS, 0, "policy",                                \
	  "the status moves one step of initialisation at a time")                                 \
	X(STATUS_POISON, "status.poison", MODEL, WALK, 0, "dev.status.field.2",                    \
	  "a structurally wrong available ring sets DEVICE_NEEDS_RESET")                           \
	X(STATUS_INTERRUPT, "status.interrupt", MUST, INTR, 0, "dev.mmio.regs.3",                  \
	  "InterruptStatus shows what was raised and not acknowledged, and nothing else")          \
	X(STATUS_QUEUE_READY, "status.queue-ready", MUST, REGS, 0, "4.2.2",                        \
	  "QueueReady reads 0 after 0 was written")                                                \
	X(STATUS_QUEUE_RESET, "status.queue-reset", MUST, REGS, 0, "dev.mmio.regs.12",             \
	  "QueueReset and QueueReady read 0 once the queue is reset, and QueueReset from then on") \
	X(WORK_ACCESSES, "work.accesses", LIMIT, WALK, 0, "policy",                                \
	  "the accesses of one call are bounded by the chains and descriptors that it took")       \
	X(WORK_BYTES, "work.bytes", LIMIT, WALK, 0, "policy",                                      \
	  "the bytes moved in one call are bounded by the chains that it took")                    \
	X(WORK_CHAINS, "work.chains", LIMIT, WALK | FACT_CALLS, 0, "policy",                       \
	  "one call takes at most as many chains from a queue as the queue has entries")           \
	X(WORK_BACKEND, "work.backend", LIMIT, WALK | FACT_CALLS | FACT_BACKEND, 0, "policy",      \
	  "backend calls of one device call are bounded by the chains that it took")               \
	X(WORK_HEAP, "work.heap", LIMIT, FACT_HEAP, 0, "policy",                                   \
	  "heap memory is bounded, whatever the guest does")                                       \
	X(WORK_STEADY, "work.steady", LIMIT, FACT_HEAP, 0, "policy",                               \
	  "heap memory that the device declares to keep is not freed between requests")            \
	X(FETCH_CONSISTENT, "fetch.consistent", LIMIT, WALK, 0, "policy",                          \
	  "if memory changes between two reads for one chain, the outcome is that of the old or "  \
	  "the new value")                                                                         \
	X(FETCH_WALK, "fetch.walk", MODEL, WALK, 0, "policy",                                      \
	  "a walk reads each descriptor once, and only where the previous one leads")              \
	X(RESET_REGISTERS, "reset.registers", MUST, LAYOUT, 0, "dev.mmio.regs.5",                  \
	  "after reset every register reads as on a new device")                                   \
	X(RESET_SESSION, "reset.session", LIMIT, SEEN, 0, "2.4",                                   \
	  "after reset the same session has the same outcome as on a new device")                  \
	X(LIVENESS_REQUEST, "liveness.request", LIMIT, REGS, 0, "policy",                          \
	  "after any program a reset device serves a well-formed request")                         \
	X(REQUEST_ANSWERED, "request.answered", MUST, REGS | FACT_STATE | FACT_REQUESTS, 0,        \
	  "2.7.13",                                                                                \
	  "a well-formed request is returned before the device rests, answered as declared")       \
	X(REQUEST_RESUMED, "request.resumed", LIMIT, REGS | FACT_STATE | FACT_REQUESTS, 0,         \
	  "policy", "so it is after a driver's mistake that left the device running")              \
	X(REQUEST_DIVIDED, "request.divided", MUST, REGS | FACT_STATE | FACT_REQUESTS, 0,          \
	  "dev.split.message-framing.1",                                                           \
	  "the answer is the same however the driver divides a request into buffers")              \
	X(STREAM_FRAMES, "stream.frames", LIMIT, WALK, 0, "policy",                                \
	  "frames come out whole, in order and once, and are counted")                             \
	X(STREAM_LOST, "stream.lost", LIMIT, WALK, 0, "policy",                                    \
	  "what the device was given comes out, unless the ledger saw a cause why not")            \
	X(STREAM_REFUSED, "stream.refused", MUST, WALK, 0, "dev.split.message-framing.1",          \
	  "a valid chain is used, however it is divided into buffers")                             \
	X(STREAM_FILTER, "stream.filter", LIMIT, WALK, 0, "policy",                                \
	  "the frame filter judges each frame once and correctly, and its verdict is followed")    \
	X(STREAM_BYTES, "stream.bytes", LIMIT, WALK | FACT_COUNTERS, 0, "policy",                  \
	  "the bytes of a port come out at its other end, all of them, in order and once")         \
	X(STREAM_ANSWERS, "stream.answers", LIMIT, WALK, 0, "policy",                              \
	  "a control message is valid, answers a message that asked for it, and comes once")       \
	X(STREAM_PAGES, "stream.pages", MODEL, WALK, 0, "policy",                                  \
	  "a balloon handles each page that a chain names, in order and once")                     \
	X(STREAM_REPLIES, "stream.replies", MODEL, WALK, 0, "policy",                              \
	  "a FUSE reply is the one that the request in its chain requires")                        \
	X(STREAM_UNANSWERED, "stream.unanswered", LIMIT, WALK, 0, "policy",                        \
	  "a request with room for its reply gets it, and used.len is the length of the reply")    \
	X(NET_HEADER, "net.header", MUST, WALK, SEEN, "dev.net.rx-packets.1",                      \
	  "the header of a received packet has the right num_buffers and no offload that was not " \
	  "negotiated")                                                                            \
	X(NET_SPARE, "net.spare", MODEL, WALK, 0, "policy",                                        \
	  "header fields of offloads are 0 in a packet without offloads, and no part of a header " \
	  "is left where there is no packet")                                                      \
	X(NET_MTU, "net.mtu", MUST, WALK, SEEN, "dev.net.config-layout.5",                         \
	  "no received packet is larger than the negotiated MTU allows")                           \
	X(NET_TUNNEL, "net.tunnel", MUST, WALK, 0, "dev.net.tx-packets.8",                         \
	  "no packet is accepted whose header speaks of UDP tunnels as it must not")               \
	X(DISK_READ, "disk.read", MUST, WALK, 0, "5.2.6",                                          \
	  "a successful read stores all of its bytes: what was last written there and "            \
	  "acknowledged")                                                                          \
	X(DISK_SAME, "disk.same", LIMIT, WALK, 0, "policy",                                        \
	  "two reads of a sector return the same if nobody wrote there")                           \
	X(DISK_STATUS, "disk.status", MUST, WALK, 0, "5.2.6",                                      \
	  "a request is answered with a status that there is")                                     \
	X(DISK_UNSUPPORTED, "disk.unsupported", MUST, WALK, 0, "dev.blk.op.16",                    \
	  "zones that were not negotiated, and flags that there are not, are not acknowledged")    \
	X(DISK_BOUNDS, "disk.bounds", LIMIT, WALK, 0, "policy",                                    \
	  "nothing past the capacity, no part of a sector or of a range, and no type that there "  \
	  "is not, is acknowledged")                                                               \
	X(DISK_READ_ONLY, "disk.read-only", MUST, WALK, 0, "dev.blk.op.3a",                        \
	  "a write to a read-only disk fails")                                                     \
	X(DISK_CONFIG, "disk.config", MUST, REGS, 0, "dev.blk.init.2",                             \
	  "writeback begins as 0 where FLUSH was not accepted, and padding is 0")                  \
	X(DISK_FIELDS, "disk.fields", MODEL, REGS, 0, "policy",                                    \
	  "a field reads 0 where its feature is not offered; sizes and numbers that are, do not")  \
	X(DISK_ID, "disk.id", LIMIT, WALK, 0, "policy",                                            \
	  "the ID is padded with NUL, and always the same")                                        \
	X(VSOCK_HEADER, "vsock.header", LIMIT, WALK, 0, "5.10.6",                                  \
	  "a packet to the guest is whole, is for it, and is of a connection or answers "          \
	  "something")                                                                             \
	X(VSOCK_CREDIT, "vsock.credit", MUST, WALK, 0, "dev.vsock.buf-space.1",                    \
	  "the guest is sent no more bytes than it has buffer space for")                          \
	X(VSOCK_COUNT, "vsock.count", MUST, WALK, 0, "dev.vsock.buf-space.2",                      \
	  "fwd_cnt counts bytes that the guest sent on that connection, and never goes back")      \
	X(VSOCK_CLOSED, "vsock.closed", LIMIT, WALK, 0, "5.10.6.5",                                \
	  "no bytes follow RST, the end of sending, or the guest's end of receiving")              \
	X(VSOCK_MESSAGE, "vsock.message", LIMIT, WALK, 0, "5.10.6.6.1",                            \
	  "the end of a record is the end of a message")                                           \
	X(VSOCK_ORDER, "vsock.order", MUST, WALK, 0, "5.10.6.2",                                   \
	  "bytes of a connection reach the other side in order, without a gap")                    \
	X(VSOCK_ANSWER, "vsock.answer", LIMIT, WALK, 0, "5.10.6.5",                                \
	  "a packet that asks for an answer gets it before the device rests")                      \
	X(VSOCK_STRAY, "vsock.stray", MODEL, WALK, 0, "policy",                                    \
	  "a packet of no connection, other than RST, is answered by RST")                         \
	X(VSOCK_TYPE, "vsock.type", MUST, WALK, 0, "dev.vsock.rxtx.2",                             \
	  "a packet of unknown type is answered by RST")                                           \
	X(VSOCK_STUCK, "vsock.stuck", MODEL, WALK, 0, "policy",                                    \
	  "bytes of a stream reach either side as far as it takes them, and nobody is "            \
	  "waited for in vain")                                                                    \
	X(VSOCK_ENDED, "vsock.ended", MODEL, WALK, 0, "policy",                                    \
	  "the device ends no connection that has not come to its end")                            \
	X(VSOCK_EVENT, "vsock.event", LIMIT, WALK, 0, "5.10.6.7",                                  \
	  "an event has 4 bytes, and an id that there is")                                         \
	X(SNAPSHOT_REFUSED, "snapshot.refused", LIMIT, REGS, 0, "policy",                          \
	  "a device accepts the snapshot that it saved, and refusing one changes nothing")         \
	X(SNAPSHOT_SAME, "snapshot.same", LIMIT, REGS, 0, "policy",                                \
	  "a restored device shows the same state as the saved one")                               \
	X(SNAPSHOT_POSSIBLE, "snapshot.possible", MODEL, 0, 0, "policy",                           \
	  "a device refuses an altered snapshot that it could never have saved")                   \
	X(SNAPSHOT_CARRY_ON, "snapshot.carry-on", LIMIT, SEEN, 0, "policy",                        \
	  "a restored device goes on as the saved one would have")                                 \
	X(COUNTERS_FALL, "counters.fall", LIMIT, FACT_COUNTERS, 0, "policy",                       \
	  "counters never fall, except gauges")                                                    \
	X(COUNTERS_SUM, "counters.sum", LIMIT, FACT_COUNTERS, 0, "policy",                         \
	  "counters satisfy the sums that the device declares")

enum rule {
#define X(name, id, severity, facts, part, clause, demand) RULE_##name,
	RULES(X)
#undef X
		RULE_COUNT
};

struct rule_desc {
	const char *id;
	uint8_t severity;
	unsigned facts; /* all of them needed */
	unsigned part;	/* ... or these, to judge it in part; 0: never in part */
	const char *clause;
	const char *demand;
	void (*fail)(void) __attribute__((noreturn)); /* aborts; the function has the rule's name */
};

extern const struct rule_desc rule_table[RULE_COUNT];
/* How far a rule is judged on these facts, of enum fact. */
enum rule_extent { RULE_NOT_JUDGED, RULE_IN_PART, RULE_WHOLE, RULE_EXTENT_COUNT };
enum rule_extent rule_extent(enum rule rule, unsigned facts);
/* -1 if no rule has that id. */
int rule_find(const char *id);
struct judging;
const char *severity_name(enum severity severity);
/* Does what is broken, of that severity, fail a run with these options? */
bool severity_fails(enum severity severity, const struct judging *judging);

/* How a run is judged. */
struct judging {
	bool strict;	     /* a broken SHOULD fails it */
	bool limits;	     /* a broken limit does */
	bool no_ledger;	     /* judge nothing: crashes only */
	struct known *known; /* findings that fail nothing; may be NULL */
	/* A bit for each rule that stands for a statement which is newer than the version of
	 * VIRTIO that the device was written against (target_judging): broken, it is noted. */
	uint64_t newer[(RULE_COUNT + 63) / 64];
};

/* Is the rule in a set, which has a bit for each? */
static inline bool rule_is_in(const uint64_t *rules, int rule)
{
	return (rules[rule / 64] >> rule % 64 & 1) != 0;
}

/* Is what the rule stands for newer than the device? */
bool rule_is_newer(enum rule rule, const struct judging *judging);

/* Does breaking this rule fail a run with these options? known_reason tells whether a
 * finding is known. */
bool rule_fails(enum rule rule, const struct judging *judging);
/* Does this finding fail the run?  A known one does not; one that is no broken rule
 * always does. */
bool finding_fails(const struct finding *finding, const struct judging *judging);
/* Is it a broken rule that is newer than the device? */
bool finding_is_newer(const struct finding *finding, const struct judging *judging);

#endif
