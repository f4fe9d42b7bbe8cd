/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The hostile guest: a driver's view of a device, and what it does to it, operation by
 * operation.  Memory, device and judge are here too, so that an operation reaches all of
 * them.
 *
 * It never fails: what cannot be done is done as far as it goes, as on a real machine.
 * Not here: the order of operations, and what comes before and after them (run/).
 */
#ifndef VRINGER_HARNESS_GUEST_H
#define VRINGER_HARNESS_GUEST_H

#include "harness/arena/arena.h"
#include "harness/arena/heap.h"
#include "harness/guest/guest_packed.h"
#include "harness/guest/record.h"
#include "harness/guest/requests.h"
#include "harness/guest/transport.h"
#include "harness/ledger/ledger.h"
#include "harness/program/program.h"

#define GUEST_REGISTERS_MAX 96	     /* words of register state that are compared */
#define GUEST_RINGS_SIZE (96u << 10) /* bytes from `low` on, that all default places are in */
#define GUEST_SETTLE_MAX 64	     /* steps of left-over work before the guest goes on */
#define GUEST_OUTPUT_MAX (1u << 20)  /* bytes that the host takes at a time */

struct guest_slot {
	uint64_t addr;
	uint32_t len;
};

/* With EVENT_IDX, what used_event says, and who says so. */
enum guest_event {
	GUEST_EVENT_NEXT,   /* tell of the next used buffer: a driver that has seen all so far */
	GUEST_EVENT_NONE,   /* ... of none for as long as possible: avail_flags NO_INTERRUPT */
	GUEST_EVENT_PROGRAM /* what the program wrote there */
};

/* A driver's own idea of a queue. */
struct guest_queue {
	uint16_t size;
	uint64_t ring[VIRTQUEUE_AREA_COUNT];
	uint16_t avail_idx;		     /* next entry to publish */
	uint16_t used_idx;		     /* next used entry to take */
	uint8_t event;			     /* enum guest_event */
	bool packed;			     /* RING_PACKED was accepted when it was set up */
	bool in_order;			     /* ... IN_ORDER */
	struct guest_packed_queue packed_at; /* of either */
};

struct guest {
	struct arena arena;
	struct heap heap;
	struct ledger ledger;
	const struct target *target;
	const struct transport *transport;
	const struct trace *trace;
	void *device;
	struct features offered;
	uint16_t queue_max[PROGRAM_QUEUES];
	bool entered;	   /* the device was called in this operation */
	uint32_t selected; /* queue, where the device has no selector for it */

	/* The driver. */
	uint64_t accepted; /* features that it accepted last */
	struct requests requests;
	struct guest_slot slots[PROGRAM_SLOTS];
	struct guest_queue queues[PROGRAM_QUEUES];
	struct guest_queue new_queues[PROGRAM_QUEUES]; /* as guest_reset leaves them */
	struct guest_packed packed;
	uint64_t last_read;  /* what the last register read returned */
	uint64_t generation; /* what the driver's last read of ConfigGeneration returned */
	bool generation_read;

	/* The host. */
	struct target_listener listener; /* who hears of frames */
	uint8_t *output;		 /* what take_output took last; room for GUEST_OUTPUT_MAX */
	uint32_t output_len;

	/* Of the device when it was new; the configuration, which comes last, as the host
	 * has changed it since. */
	unsigned register_count;
	uint32_t registers[GUEST_REGISTERS_MAX];

	struct record record;
};

/* Entries that the default place of the queue has room for. */
static inline unsigned guest_queue_room(unsigned queue)
{
	return queue < PROGRAM_QUEUES_LOW ? GUEST_QUEUE_SIZE_MAX : GUEST_QUEUE_SIZE_SMALL;
}

/* What `start size=` makes of a queue's size: where the default place is small, no more
 * than it has room for. */
static inline uint16_t guest_start_size(unsigned queue, uint64_t size)
{
	if (queue >= PROGRAM_QUEUES_LOW && size > GUEST_QUEUE_SIZE_SMALL)
		return GUEST_QUEUE_SIZE_SMALL;
	return (uint16_t)size;
}

/* The driver as it is before it has done anything. */
void guest_reset(struct guest *g);
/* Execute one operation; not those that only a run can: repeat, advance, and the five of
 * snapshots. */
#define GUEST_OPS_ELSEWHERE 7
void guest_op(struct guest *g, const struct program *prog, const struct op *op);
/* The address that a base and an offset stand for now. */
uint64_t guest_addr(const struct guest *g, uint8_t base, uint64_t offset);
/* Take the next used entry of a queue; false if there is none. */
bool guest_take(struct guest *g, unsigned queue, uint32_t *id, uint32_t *len);
/* How many chains are in the available ring of a queue and not in its used ring, as the
 * driver set it up last and by the indices in memory. */
uint32_t guest_outstanding(struct guest *g, unsigned queue);
/* The used index of a queue, as it stands in guest memory; of a packed ring, how many chains
 * came back.  And the used entry at an index that it has passed. */
uint16_t guest_used_idx(struct guest *g, unsigned queue);
struct guest_used guest_used_entry(struct guest *g, unsigned queue, uint16_t idx);
/* Let the device go on with left-over work, once. */
void guest_work(struct guest *g);
/* ... until it has nothing left to do, or GUEST_SETTLE_MAX steps. */
void guest_settle(struct guest *g);
/* An act of the host, judged and traced; what ledger_host_end believes that it came to. */
/* Regions of plain memory that lie wholly in that range: the host takes them away, or gives
 * them back, where the device's description says how. */
void guest_set_regions(struct guest *g, uint64_t addr, uint64_t len, bool present);
uint32_t guest_host(struct guest *g, enum host_act act, unsigned port, void *data, uint32_t len);

/* The configuration, GUEST_REGISTERS_MAX words at most; how many. */
unsigned guest_config_words(const struct guest *g, uint32_t *out);
/* The host changed the configuration, which was `before`: a new device would show
 * what it changed. */
void guest_note_config(struct guest *g, const uint32_t *before);
/* Every order to the host is forgotten. */
void guest_forget_orders(struct guest *g);
/* What the host wants of a device that is new. */
void guest_want_nothing(struct guest *g);
/* The host takes all output of every port. */
void guest_take_all_output(struct guest *g);

/* Sectors, as a block device shows them (VIRTIO 5.2.4); 0: it is none. */
uint64_t guest_disk_capacity(const struct guest *g);
/* The guest's CID, as a socket device shows it (VIRTIO 5.10.4); 0: it is none. */
uint32_t guest_socket_cid(const struct guest *g);

#endif
