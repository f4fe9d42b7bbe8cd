/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a device of ours have saved this?  See snapshot.h.
 *
 * snapshot.possible: asked of an altered snapshot that a device took, which then is
 * as it says.  What no driver can bring a device to by registers is impossible
 * whatever the guest did to memory: the status is a rung of the ladder, features
 * were offered, a queue is as large as the device allows and became ready after
 * FEATURES_OK, cursors moved after DRIVER_OK and are at most a ring apart.
 *
 * It reads the format that devices/snapshot.h describes without using that decoder,
 * since the decoder is what it checks.  The model's own part is its description's to read
 * (impossible, vringer.h).
 */
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/ledger/ledger_internal.h"
#include "harness/run/run.h"
#include "harness/run/snapshot.h"
#include "harness/target/own_part.h"

#include <linux/virtio_ring.h>

enum {
	RECORD_LEN_AT = 12,
	INTERRUPT_AT = SNAPSHOT_RECORD_AT + 12,
	AREAS_AT = 3, /* in a queue */
};

#define INTERRUPTS ((uint32_t)(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG))
#define FEATURES_OK ((uint32_t)VIRTIO_CONFIG_S_FEATURES_OK)
#define LIVE ((uint32_t)VIRTIO_CONFIG_S_DRIVER_OK)
#define SUSPEND ((uint32_t)VIRTIO_CONFIG_S_SUSPEND)
#define STARTED (LIVE | SUSPEND)

/* What a snapshot says, and the first thing that is wrong with it. */
struct reading {
	const struct run *run;
	const uint8_t *bytes;
	uint64_t features;
	uint32_t status;
	const char *what;
	size_t at;
};

static void require(struct reading *r, bool possible, size_t at, const char *what)
{
	if (possible || r->what != NULL)
		return;
	r->what = what;
	r->at = at;
}

static bool has_suspend(uint64_t features)
{
	return (features >> VIRTIO_F_SUSPEND & 1) != 0;
}

static void read_status(struct reading *r)
{
	static const uint8_t rungs[] = {
		0,
		VIRTIO_CONFIG_S_ACKNOWLEDGE,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
			VIRTIO_CONFIG_S_DRIVER_OK,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
			VIRTIO_CONFIG_S_SUSPEND,
	};
	uint32_t rung = r->status & ~(uint32_t)VIRTIO_CONFIG_S_FAILED;
	bool found = false;

	/* Only a device that was started asks for a reset. */
	if ((rung & STARTED) != 0)
		rung &= ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET;
	for (size_t i = 0; i < sizeof(rungs); i++)
		found = found || rung == rungs[i];
	require(r, found, SNAPSHOT_STATUS_AT, "a status that is no rung of the ladder");
	require(r, (rung & SUSPEND) == 0 || has_suspend(r->features), SNAPSHOT_STATUS_AT,
		"suspended, to a driver that did not accept that");
}

static void read_head(struct reading *r)
{
	uint64_t offered = r->run->guest.offered.low, needed = 1ULL << VIRTIO_F_VERSION_1;
	uint32_t interrupts = ledger_get32(r->bytes + INTERRUPT_AT);

	read_status(r);
	require(r, r->features == 0 || (r->status & VIRTIO_CONFIG_S_DRIVER) != 0,
		SNAPSHOT_RECORD_AT, "features before DRIVER");
	require(r,
		(r->status & FEATURES_OK) == 0 ||
			((r->features & ~offered) == 0 && (r->features & needed) != 0),
		SNAPSHOT_RECORD_AT, "FEATURES_OK of features that are not offered");
	require(r,
		(interrupts & ~INTERRUPTS) == 0 && (interrupts == 0 || (r->status & STARTED) != 0),
		INTERRUPT_AT, "an interrupt that nothing raised");
}

static void read_areas(struct reading *r, size_t at)
{
	for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
		require(r,
			ledger_get64(r->bytes + at + AREAS_AT + 8 * part) %
					ring_layout_of(r->features)->align[part] ==
				0,
			at + AREAS_AT + 8 * part, "the address of a ring that is not aligned");
}

/* A chain takes an entry at least, a lost one too. */
static void read_cursors(struct reading *r, size_t at, size_t rest)
{
	uint16_t size = ledger_get16(r->bytes + at);
	uint16_t avail = ledger_get16(r->bytes + rest + SNAPSHOT_AVAIL_CURSOR_AT);
	uint16_t used = ledger_get16(r->bytes + rest + SNAPSHOT_USED_CURSOR_AT);
	uint16_t entries = own_part_distance(used, avail, size);
	uint16_t chains = (uint16_t)(ledger_get16(r->bytes + at + SNAPSHOT_NEXT_AVAIL_AT) -
				     ledger_get16(r->bytes + at + SNAPSHOT_NEXT_USED_AT));

	require(r,
		(avail & (RING_EVENT_WRAP - 1u)) < size && (used & (RING_EVENT_WRAP - 1u)) < size,
		rest + SNAPSHOT_AVAIL_CURSOR_AT, "a cursor beyond the ring");
	require(r, entries <= size && chains <= entries && (chains > 0 || entries == 0),
		at + SNAPSHOT_NEXT_AVAIL_AT, "entries that no chains take");
}

/* Its driver reset it alone, on a live device, and has not made it ready since: it is as it
 * was before the first chain. */
static void read_renewed(struct reading *r, size_t at, size_t rest)
{
	bool packed = ring_is_packed(r->features);
	uint16_t first = packed ? RING_EVENT_WRAP : 0;

	require(r,
		(r->status & STARTED) != 0 && (r->features >> VIRTIO_F_RING_RESET & 1) != 0 &&
			r->bytes[at + SNAPSHOT_READY_AT] == 0,
		rest, "a queue that nobody can have reset");
	require(r,
		ledger_get32(r->bytes + at + SNAPSHOT_NEXT_AVAIL_AT) == 0 &&
			ledger_get16(r->bytes + rest + SNAPSHOT_LOST_AT) == 0 &&
			(!packed ||
			 (ledger_get16(r->bytes + rest + SNAPSHOT_AVAIL_CURSOR_AT) == first &&
			  ledger_get16(r->bytes + rest + SNAPSHOT_USED_CURSOR_AT) == first)),
		rest, "a queue that was reset and then used");
}

static void read_queue(struct reading *r, unsigned i)
{
	const struct target *target = r->run->guest.target;
	size_t at = SNAPSHOT_QUEUES_AT + (size_t)SNAPSHOT_QUEUE_LEN * i;
	size_t rest = SNAPSHOT_QUEUES_AT + (size_t)SNAPSHOT_QUEUE_LEN * target->queue_count +
		      own_part_rest_len(r->features) + own_part_queue_rest_len(r->features) * i;
	uint16_t size = ledger_get16(r->bytes + at);
	uint16_t next_avail = ledger_get16(r->bytes + at + SNAPSHOT_NEXT_AVAIL_AT);
	uint16_t next_used = ledger_get16(r->bytes + at + SNAPSHOT_NEXT_USED_AT);
	uint16_t lost = ledger_get16(r->bytes + rest + SNAPSHOT_LOST_AT);
	uint8_t ready = r->bytes[at + SNAPSHOT_READY_AT], state = r->bytes[rest];
	uint64_t there = (r->status & FEATURES_OK) != 0 ? r->features : r->run->guest.offered.low;

	require(r, ring_size_possible(r->features, size) && size <= r->run->guest.queue_max[i], at,
		"a queue size that the device does not allow");
	require(r,
		ready == 0 || (ready == 1 && (r->status & FEATURES_OK) != 0 &&
			       (target->queues[i].features & ~there) == 0),
		at + SNAPSHOT_READY_AT, "a queue that cannot have become ready");
	read_areas(r, at);
	require(r, (r->status & STARTED) != 0 || (next_avail == 0 && next_used == 0 && lost == 0),
		at + SNAPSHOT_NEXT_AVAIL_AT, "a queue that was worked on before DRIVER_OK");
	require(r, (uint16_t)(next_avail - next_used - lost) <= target->chains_kept,
		at + SNAPSHOT_NEXT_AVAIL_AT, "chains that the device does not keep");
	require(r, state <= SNAPSHOT_QUEUE_RENEWED, rest, "a queue in no state that there is");
	require(r,
		state != SNAPSHOT_QUEUE_POISONED || (r->status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0,
		rest, "a poisoned queue and no NEEDS_RESET");
	if (ring_is_packed(r->features))
		read_cursors(r, at, rest);
	if (state == SNAPSHOT_QUEUE_RENEWED)
		read_renewed(r, at, rest);
}

const char *snapshot_impossible(const struct run *run, const struct snapshot *s, size_t *at)
{
	unsigned count = run->guest.target->queue_count;
	struct reading r = { .run = run, .bytes = s->bytes };

	*at = s->len;
	if (s->len < SNAPSHOT_QUEUES_AT)
		return "less than the transport's part";
	r.features = ledger_get64(s->bytes + SNAPSHOT_RECORD_AT);
	if (s->len < SNAPSHOT_QUEUES_AT + own_part_rest_len(r.features) +
			     (SNAPSHOT_QUEUE_LEN + own_part_queue_rest_len(r.features)) * count)
		return "less than the transport's part";
	r.status = ledger_get32(s->bytes + SNAPSHOT_STATUS_AT);
	require(&r,
		ledger_get32(s->bytes + RECORD_LEN_AT) ==
			SNAPSHOT_QUEUES_AT - SNAPSHOT_RECORD_AT +
				(uint32_t)SNAPSHOT_QUEUE_LEN * count,
		RECORD_LEN_AT, "a transport record of another length");
	require(&r, ledger_get32(s->bytes + SNAPSHOT_COUNT_AT) == count, SNAPSHOT_COUNT_AT,
		"another number of queues");
	read_head(&r);
	for (unsigned i = 0; i < count && i < PROGRAM_QUEUES; i++)
		read_queue(&r, i);
	*at = r.at;
	return r.what;
}
