/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The guest of the net tests; net_guest.h says what it offers.
 */
#include <endian.h>
#include <string.h>

#include "net_guest.h"

struct fake_host fake;
struct fake_queue rx, tx;
struct mmio *m;
bool (*expect_passes)(const char *counter);
static uint64_t known[64]; /* the counters at the last expect() */

uint32_t reg_read(uint64_t offset)
{
	uint32_t value;

	mmio_read(m, offset, &value, sizeof(value));
	return le32toh(value);
}

void reg_write(uint64_t offset, uint32_t value)
{
	value = htole32(value);
	mmio_write(m, offset, &value, sizeof(value));
}

static void write64(uint64_t offset, uint64_t value)
{
	reg_write(offset, (uint32_t)value);
	reg_write(offset + 4, (uint32_t)(value >> 32));
}

static void queue_start(struct fake_queue *q, uint32_t index, uint32_t ready)
{
	memset(fake_mem(&fake, q->driver, 4), 0, 4);
	memset(fake_mem(&fake, q->device, 4), 0, 4);
	q->avail_idx = 0;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, index);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, q->size);
	write64(VIRTIO_MMIO_QUEUE_DESC_LOW, q->desc);
	write64(VIRTIO_MMIO_QUEUE_AVAIL_LOW, q->driver);
	write64(VIRTIO_MMIO_QUEUE_USED_LOW, q->device);
	reg_write(VIRTIO_MMIO_QUEUE_READY, ready);
}

static void climb(uint64_t features)
{
	reg_write(VIRTIO_MMIO_STATUS, 0);
	reg_write(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	reg_write(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	reg_write(VIRTIO_MMIO_STATUS, S_FEAT);
}

void guest_start(struct fake_queue *queues, unsigned count, uint64_t features)
{
	unsigned i;

	climb(features);
	for (i = 0; i < count; i++)
		if (queues[i].size > 0)
			queue_start(&queues[i], i, 1);
	reg_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK);
	fake_log_clear(&fake);
}

void net_start(uint32_t rx_ready, uint32_t tx_ready)
{
	climb(1u << VIRTIO_NET_F_MAC | UINT64_C(1) << VIRTIO_F_VERSION_1);
	queue_start(&rx, NET_RX, rx_ready);
	queue_start(&tx, NET_TX, tx_ready);
	reg_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK);
	fake_log_clear(&fake);
}

struct fake_queue net_queue_at(uint64_t at, uint16_t size)
{
	return (struct fake_queue){
		.fake = &fake,
		.desc = at,
		.driver = at + 0x1000,
		.device = at + 0x2000,
		.size = size,
	};
}

void guest_setup(const struct device_ops *ops, struct fake_queue *queues, unsigned count)
{
	unsigned i;

	fake_host_init(&fake, BASE);
	for (i = 0; i < count; i++)
		queues[i] = net_queue_at(BASE + i * RINGS, SIZE);
	m = mmio_create(ops, &fake.host, UINT64_MAX, NULL);
	assert_non_null(m);
	expect_anew();
}

int net_setup(void **state)
{
	uint32_t i;

	(void)state;
	expect_anew();
	fake_host_init(&fake, BASE);
	for (i = 0; i < 0x20000; i++)
		*fake_mem(&fake, TX_DATA + i, 1) = (uint8_t)(i * 7 + i / 251);
	memset(fake_mem(&fake, TX_DATA, 2), 0, 2); /* flags and gso_type: a plain packet */
	memset(fake_mem(&fake, RX_DATA, 0x20000), 0xee, 0x20000);
	rx = net_queue_at(BASE, SIZE);
	tx = net_queue_at(BASE + RINGS, SIZE);
	m = mmio_create(&net_loopback_ops, &fake.host, UINT64_MAX, NULL);
	assert_non_null(m);
	net_start(1, 1);
	return 0;
}

int net_teardown(void **state)
{
	(void)state;
	mmio_destroy(m);
	assert_int_equal(fake.blocks, 0);
	return 0;
}

void expect_anew(void)
{
	memset(known, 0, sizeof(known));
}

void expect_moved(const struct moved *list, int line)
{
	const struct moved *it;
	unsigned i, found = 0;

	for (i = 0; i < mmio_counter_count(m); i++) {
		uint64_t by = 0;

		for (it = list; it->name; it++)
			if (strcmp(it->name, mmio_counter_name(m, i)) == 0) {
				by = it->by;
				found++;
			}
		if (expect_passes && expect_passes(mmio_counter_name(m, i)))
			continue;
		if (mmio_counters(m)[i] - known[i] != by)
			fail_msg("line %d: %s moved by %u, not %u", line, mmio_counter_name(m, i),
				 (unsigned)(mmio_counters(m)[i] - known[i]), (unsigned)by);
		known[i] = mmio_counters(m)[i];
	}
	for (it = list; it->name; it++)
		found--;
	if (found)
		fail_msg("line %d: no such counter", line);
}

void net_chain(struct fake_queue *q, uint16_t at, uint64_t addr, const uint32_t *lengths)
{
	uint16_t direction = q == &rx ? F_WRITE : 0;
	uint16_t i;

	for (i = 0; lengths[i] != END; i++) {
		bool last = lengths[i + 1] == END;

		/* The address of an empty buffer is no address at all. */
		fake_desc(q, (uint16_t)(at + i), lengths[i] ? addr : UINT64_MAX, lengths[i],
			  (uint16_t)(direction | (last ? 0 : F_NEXT)), (uint16_t)(at + i + 1));
		addr += lengths[i];
	}
	fake_offer(q, at);
}

void net_kick(void)
{
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, NET_TX);
}

void assert_used(const struct fake_queue *q, uint16_t count, uint32_t id, uint32_t len)
{
	assert_int_equal(fake_used_idx(q), count);
	assert_int_equal(fake_used_id(q, (uint16_t)(count - 1)), id);
	assert_int_equal(fake_used_len(q, (uint16_t)(count - 1)), len);
}

void assert_interrupts(uint32_t first, uint32_t second)
{
	unsigned count = (first ? 1u : 0) + (second ? 1u : 0);

	assert_int_equal(fake.interrupt_count, count);
	if (first)
		assert_int_equal(fake.interrupts[0], first);
	if (second)
		assert_int_equal(fake.interrupts[1], second);
	fake.interrupt_count = 0;
}

void assert_bytes(uint64_t at, uint8_t value, uint32_t len)
{
	const uint8_t *bytes = fake_mem(&fake, at, len);

	while (len-- > 0)
		assert_int_equal(bytes[len], value);
}

void assert_received(uint64_t rx_addr, uint64_t frame_addr, uint32_t len)
{
	static const uint8_t header[12] = { [10] = 1 };

	assert_memory_equal(fake_mem(&fake, rx_addr, 12), header, 12);
	if (len)
		assert_memory_equal(fake_mem(&fake, rx_addr + 12, len),
				    fake_mem(&fake, frame_addr, len), len);
	assert_bytes(rx_addr + 12 + len, 0xee, 16);
}
