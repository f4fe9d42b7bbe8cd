/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The device that is not there; see ledger_rig.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"

#include "harness/arena/arena.h"

struct ledger ledger;
struct heap rig_heap;
struct ledger_probe shown;
uint32_t host_raises;
uint64_t rig_counters[2];
unsigned on;
int access_error;

/* The register access in flight. */
static struct {
	bool write;
	uint64_t offset, value;
} in_flight;

static unsigned counter_count(const void *device)
{
	(void)device;
	return 2;
}

static const char *counter_name(const void *device, unsigned index)
{
	(void)device;
	return index == 0 ? "out" : "in";
}

static void counters(const void *device, uint64_t *values)
{
	(void)device;
	memcpy(values, rig_counters, sizeof(rig_counters));
}

static const struct device_queue_desc queues[] = { { "rx", 256, false, 0 },
						   { "tx", 256, true, 0 } };
static const struct target_sum sums[] = { { "out", "in", false }, { NULL, NULL, false } };

const struct target_stream rig_stream = { .from = TX, .to = RX, .skip = 4, .left = "out" };
struct target rig_target;

static const struct target fresh_target = {
	.name = "rig",
	.device_id = 42,
	.features = 1ULL << VIRTIO_F_VERSION_1 | 1,
	.config_len = RIG_CONFIG_LEN,
	.queue_count = 2,
	.queues = queues,
	.facts = FACT_ALL,
	.model = true,
	.chain_bytes_max = 65536,
	.heap_max = 4096,
	.backend_calls = 2,
	.backend_calls_chain = 3,
	.sums = sums,
	.counter_count = counter_count,
	.counter_name = counter_name,
	.counters = counters,
};

static uint8_t port_bytes[2][LEDGER_PORT_BYTES];
static struct disk_sector disk_sectors[2 * DISK_SLOTS];
static uint64_t disk_factors[DISK_SECTOR];
bool rig_gauges;

void rig_port(void)
{
	static const struct target_port uncounted = {
		TX, RX, 64, 256, "", "", NULL, NULL, NULL, 0
	};
	static const struct target_port counted = { TX,	  RX,	64,   256,  "out",
						    "in", NULL, NULL, NULL, 0 };

	rig_target.ports = rig_gauges ? &counted : &uncounted;
	rig_target.port_count = 1;
	rig_target.gauges = rig_gauges ? "out in" : NULL;
	rig_target.sums = rig_gauges ? NULL : sums;
}

#define WORD(s)                                                                                    \
	((uint64_t)(s)[7] << 56 | (uint64_t)(s)[6] << 48 | (uint64_t)(s)[5] << 40 |                \
	 (uint64_t)(s)[4] << 32 | (uint64_t)(s)[3] << 24 | (uint64_t)(s)[2] << 16 |                \
	 (uint64_t)(s)[1] << 8 | (uint64_t)(s)[0])

void rig_dialogue(void)
{
	static struct target_ask ask = { .mask = UINT64_MAX };
	static struct target_answer answer = { .tail = &RIG_ANSWER[8] };
	static const struct target_dialogue dialogue = {
		.from = TX,
		.to = RX,
		.ask_count = 1,
		.answer_count = 1,
		.asks = &ask,
		.answers = &answer,
	};

	ask.head = WORD(RIG_ASK);
	answer.head = WORD(RIG_ANSWER);
	rig_target.dialogue = &dialogue;
}

void rig_reset(void)
{
	static const uint16_t queue_max[PROGRAM_QUEUES] = { [RX] = 256, [TX] = 256, [2] = 256 };

	ledger_reset(&ledger, &rig_target, rig_target.features, queue_max);
}

static void start(void)
{
	memset(&ledger, 0, sizeof(ledger));
	memset(&rig_heap, 0, sizeof(rig_heap));
	memset(rig_counters, 0, sizeof(rig_counters));
	ledger.heap = &rig_heap;
	ledger.enabled = true;
	ledger.judging.strict = true;
	ledger.judging.limits = true;
	shown = (struct ledger_probe){ .status = 0 };
	on = TX;
	access_error = 0;
	ledger.ports[0].out.bytes = port_bytes[0];
	ledger.ports[0].in.bytes = port_bytes[1];
	memset(disk_sectors, 0, sizeof(disk_sectors));
	for (unsigned i = 0; i < DISK_SECTOR; i++)
		disk_factors[i] = 0x9e3779b97f4a7c15ULL * (i + 1);
	ledger.disk.sectors = disk_sectors;
	ledger.disk.factors = disk_factors;
	rig_reset();
	ledger_op(&ledger, 7, "test");
}

void rig_new(void)
{
	rig_target = fresh_target;
	start();
}

void rig_features_ok(uint16_t size)
{
	start();
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	set_status(STATUS_FEATURES);
	for (unsigned q = 0; q < rig_target.queue_count; q++) {
		reg_write(VIRTIO_MMIO_QUEUE_SEL, q);
		if (size > 0)
			reg_write(VIRTIO_MMIO_QUEUE_NUM, size);
		reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC_AT(q));
		reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL_AT(q));
		reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, USED_AT(q));
		shown.ready = 1;
		reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
	}
}

void rig_live(uint16_t size)
{
	rig_features_ok(size);
	set_status(STATUS_LIVE);
}

void rig_unknown(unsigned queue, enum rig_unknown how)
{
	rig_target.model = false;
	rig_live(how == UNKNOWN_SIZE ? 0 : 8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	if (how == UNKNOWN_WRITTEN)
		reg_write(VIRTIO_MMIO_QUEUE_NUM, 4);
	if (how != UNKNOWN_START)
		return;
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	on = queue;
	call(VIRTIO_MMIO_QUEUE_READY, 1);
	shown.ready = 1;
	avail_idx(0);
	done();
}

void call(uint64_t offset, uint64_t value)
{
	in_flight.write = true;
	in_flight.offset = offset;
	in_flight.value = value;
	ledger_access_begin(&ledger, true, offset, 4, value);
}

void done(void)
{
	shown.generation_seen = ledger_wants_generation(&ledger);
	ledger_access_end(&ledger, in_flight.write, in_flight.offset, 4, in_flight.value, &shown);
}

void reg_write(uint64_t offset, uint64_t value)
{
	call(offset, value);
	done();
}

void reg_read(uint64_t offset, uint64_t value)
{
	ledger_access_begin(&ledger, false, offset, 4, 0);
	ledger_access_end(&ledger, false, offset, 4, value, &shown);
}

void set_status(uint32_t status)
{
	call(VIRTIO_MMIO_STATUS, status);
	shown.status = status;
	if (status == 0)
		shown.interrupt_status = shown.ready = 0;
	done();
}

void negotiate(unsigned bit)
{
	ledger.session.driver_features |= 1ULL << bit;
}

void notify(void)
{
	call(VIRTIO_MMIO_QUEUE_NOTIFY, on);
}

void work(void)
{
	in_flight.write = false;
	in_flight.offset = VIRTIO_MMIO_CONFIG;
	ledger_work_begin(&ledger);
}

void host(enum host_act act, const void *data, uint32_t len, uint32_t moved)
{
	work();
	ledger_host_begin(&ledger, act, 0, data, len);
	if (host_raises != 0)
		raise_interrupt(host_raises);
	host_raises = 0;
	(void)ledger_host_end(&ledger, act, 0, data, len, moved);
	done();
}

void rest(enum device_state state)
{
	ledger_rest(&ledger, state, NULL);
}

static void access_bytes(enum guest_purpose purpose, uint16_t walk, bool write, uint64_t addr,
			 const void *data, uint32_t len)
{
	struct guest_why why = { .purpose = (uint8_t)purpose, .queue = (uint16_t)on, .walk = walk };

	/* On a failed access there is nothing to see. */
	ledger_memory(&ledger,
		      &(struct arena_access){ why, write, addr, access_error == 0 ? data : NULL,
					      len, access_error });
}

static void put(uint8_t *to, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

void access_ring(enum guest_purpose purpose, bool write, uint64_t addr, uint32_t len)
{
	static const uint8_t zeros[64];

	assert_true(len <= sizeof(zeros));
	access_bytes(purpose, 0, write, addr, zeros, len);
}

void access_part(enum guest_purpose purpose, uint16_t walk, bool write, uint64_t addr,
		 const void *data, uint32_t len)
{
	access_bytes(purpose, walk, write, addr, data, len);
}

void avail_idx(uint16_t value)
{
	uint8_t bytes[2];

	put(bytes, value, 2);
	access_bytes(GUEST_AVAIL_IDX, 0, false, AVAIL_AT(on) + 2, bytes, 2);
}

void avail_entry(uint16_t walk, uint16_t head)
{
	uint8_t bytes[2];

	put(bytes, head, 2);
	access_bytes(GUEST_AVAIL_ENTRY, walk, false,
		     AVAIL_AT(on) + 4 + 2ull * (walk % ledger.queues[on].size), bytes, 2);
}

void avail_flags(uint16_t value)
{
	uint8_t bytes[2];

	put(bytes, value, 2);
	access_bytes(GUEST_AVAIL_FLAGS, 0, false, AVAIL_AT(on), bytes, 2);
}

void used_event(uint16_t value)
{
	uint8_t bytes[2];

	put(bytes, value, 2);
	access_bytes(GUEST_USED_EVENT, 0, false, AVAIL_AT(on) + 4 + 2ull * ledger.queues[on].size,
		     bytes, 2);
}

void avail_event(uint16_t value)
{
	uint8_t bytes[2];

	put(bytes, value, 2);
	access_bytes(GUEST_AVAIL_EVENT, 0, true, USED_AT(on) + 4 + 8ull * ledger.queues[on].size,
		     bytes, 2);
}

void used_flags(uint16_t value)
{
	uint8_t bytes[2];

	put(bytes, value, 2);
	access_bytes(GUEST_USED_FLAGS, 0, true, USED_AT(on), bytes, 2);
}

static void put_desc(uint8_t *bytes, uint64_t addr, uint32_t len, unsigned flags, uint16_t next)
{
	put(bytes, addr, 8);
	put(bytes + 8, len, 4);
	put(bytes + 12, flags, 2);
	put(bytes + 14, next, 2);
}

void desc(uint16_t walk, uint16_t index, uint64_t addr, uint32_t len, unsigned flags, uint16_t next)
{
	uint8_t bytes[16];

	put_desc(bytes, addr, len, flags, next);
	access_bytes(GUEST_DESC, walk, false, DESC_AT(on) + 16ull * index, bytes, 16);
}

void indirect(uint16_t walk, uint16_t index, uint64_t addr, uint32_t len, unsigned flags)
{
	uint8_t bytes[16];

	put_desc(bytes, addr, len, flags, 0);
	access_bytes(GUEST_INDIRECT, walk, false, INDIRECT_AT + 16ull * index, bytes, 16);
}

void payload_read(uint16_t walk, uint64_t addr, uint32_t len)
{
	access_bytes(GUEST_PAYLOAD, walk, false, addr, NULL, len);
}

void payload_write(uint16_t walk, uint64_t addr, uint32_t len)
{
	access_bytes(GUEST_PAYLOAD, walk, true, addr, NULL, len);
}

void payload_bytes(uint16_t walk, bool write, uint64_t addr, const void *data, uint32_t len)
{
	access_bytes(GUEST_PAYLOAD, walk, write, addr, data, len);
}

void used_entry(uint16_t slot, uint16_t walk, uint32_t id, uint32_t len)
{
	uint8_t bytes[8];

	put(bytes, id, 4);
	put(bytes + 4, len, 4);
	access_bytes(GUEST_USED_ENTRY, walk, true, USED_AT(on) + 4 + 8ull * slot, bytes, 8);
}

void used_idx(uint16_t value)
{
	uint8_t bytes[2];

	put(bytes, value, 2);
	access_bytes(GUEST_USED_IDX, 0, true, USED_AT(on) + 2, bytes, 2);
}

void raise_interrupt(uint32_t bits)
{
	/* What a test has in one call are steps that a device would take in several. */
	ledger.call.used_interrupts = 0;
	shown.interrupt_status |= bits;
	ledger_interrupt(&ledger, bits, LEDGER_LINE);
}

void raise_interrupt_of(unsigned queue)
{
	shown.interrupt_status |= VIRTIO_MMIO_INT_VRING;
	ledger_interrupt(&ledger, VIRTIO_MMIO_INT_VRING, queue);
}

void return_chain(uint16_t position, uint16_t walk, uint32_t id, uint32_t len)
{
	used_entry(position % ledger.queues[on].size, walk, id, len);
	used_idx((uint16_t)(position + 1));
}

void wake(void)
{
	avail_flags(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

void serve(uint16_t position)
{
	notify();
	avail_idx((uint16_t)(position + 1));
	avail_entry(position, 0);
	desc(position, 0, 0x5000, 16, 0, 0);
	payload_read(position, 0x5000, 16);
	return_chain(position, position, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void need_reset(void)
{
	shown.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
}

int rig_setup(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	return 0;
}

void assert_silent(void)
{
	if (ledger.finding_count != 0)
		fail_msg("%s: %s", ledger.findings[0].signature, ledger.findings[0].message);
}

void end_silent(void)
{
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

void assert_breaks(enum rule rule)
{
	if (ledger.finding_count != 1 || ledger.findings[0].rule != rule)
		fail_msg("found %u, first %s", ledger.finding_count,
			 ledger.finding_count > 0 ? ledger.findings[0].signature : "none");
}

void take(uint16_t walk, uint16_t head, uint32_t len, unsigned flags)
{
	avail_entry(walk, head);
	desc(walk, head, BUFFER, len, flags, 0);
}
