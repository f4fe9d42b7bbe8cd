/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The guest of the console tests; console_guest.h says what it offers.
 */
#include <endian.h>
#include <string.h>

#include "console_guest.h"

struct fake_queue q[CONSOLE_QUEUE_COUNT];
struct device *console;

static bool is_gauge(const char *name)
{
	return strstr(name, "_held") || strstr(name, "_pending") || strstr(name, "_waiting");
}

void console_start(uint64_t features)
{
	guest_start(q, CONSOLE_QUEUE_COUNT, features);
}

int console_setup(void **state)
{
	uint32_t i;

	(void)state;
	guest_setup(&console_ops, q, CONSOLE_QUEUE_COUNT);
	for (i = 0; i < OUT_SIZE; i++)
		*fake_mem(&fake, OUT + i, 1) = (uint8_t)(i * 7 + i / 251);
	memset(fake_mem(&fake, IN, IN_SIZE), 0xee, IN_SIZE);
	console = mmio_device(m);
	expect_passes = is_gauge;
	console_start(VERSION_1 | MULTIPORT);
	return 0;
}

void console_chain(unsigned queue, uint16_t at, uint64_t addr, const uint32_t *lengths)
{
	uint16_t direction = queue % 2 == 0 ? F_WRITE : 0;
	uint16_t i;

	for (i = 0; lengths[i] != END; i++) {
		bool last = lengths[i + 1] == END;

		fake_desc(&q[queue], (uint16_t)(at + i), lengths[i] ? addr : UINT64_MAX, lengths[i],
			  (uint16_t)(direction | (last ? 0 : F_NEXT)), (uint16_t)(at + i + 1));
		addr += lengths[i];
	}
	fake_offer(&q[queue], at);
}

void kick(unsigned queue)
{
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void put_message(uint64_t addr, uint32_t port, uint16_t event, uint16_t value)
{
	const struct virtio_console_control message = {
		.id = htole32(port),
		.event = htole16(event),
		.value = htole16(value),
	};

	memcpy(fake_mem(&fake, addr, sizeof(message)), &message, sizeof(message));
}

void say(uint32_t port, uint16_t event, uint16_t value)
{
	put_message(OUT, port, event, value);
	offer(CONSOLE_CONTROL_TX, 0, OUT, 8);
	kick(CONSOLE_CONTROL_TX);
}

void assert_output(unsigned port, uint64_t addr, uint32_t len)
{
	static uint8_t bytes[CONSOLE_HELD_MAX];

	assert_int_equal(console_take_output(console, port, bytes, sizeof(bytes)), len);
	if (len)
		assert_memory_equal(bytes, fake_mem(&fake, addr, len), len);
}

uint64_t counter(const char *name)
{
	unsigned i;

	for (i = 0; i < mmio_counter_count(m); i++)
		if (strcmp(mmio_counter_name(m, i), name) == 0)
			return mmio_counters(m)[i];
	fail_msg("no counter %s", name);
	return 0;
}
