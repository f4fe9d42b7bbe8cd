/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The filter that the metadata service is judged by: what it makes of each kind of
 * frame, and that the model agrees with it on many more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/models/filter.h"
#include "harness/test/generate.h"

#define TO_ALL "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56"
#define TO_US "\x06\x01\x23\x45\x67\x01\x52\x54\x00\x12\x34\x56"
#define TAG "\x81\x00\x00\x07"
#define TAG_OUTER "\x88\xa8\x00\x07"
#define US "\xa9\xfe\xa9\xfe"
#define SOMEONE "\xa9\xfe\xa9\x02"
#define ARP_OF(hardware, op, mac, sender, target)                                                  \
	"\x08\x06\x00" hardware "\x08\x00\x06\x04\x00" op mac sender "\0\0\0\0\0\0" target
#define ARP(op, sender, target) ARP_OF("\x01", op, "\x52\x54\x00\x12\x34\x56", sender, target)
#define IPV4(first, size, fragment, protocol, to)                                                  \
	"\x08\x00" first "\x00\x00" size "\x00\x01" fragment "\x40" protocol "\x00\x00" SOMEONE to
#define TCP "\0\0\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct {
	enum net_verdict due;
	uint32_t len;
	const char *bytes;
} frames[] = {
#define FRAME(due, bytes)                                                                          \
	{                                                                                          \
		due, sizeof(bytes) - 1, bytes                                                      \
	}
	FRAME(NET_REPLY, TO_ALL ARP("\x01", SOMEONE, US)),
	FRAME(NET_REPLY, TO_ALL TAG ARP("\x01", SOMEONE, US) "padding"),
	FRAME(NET_REPLY, TO_US TAG_OUTER TAG ARP("\x01", SOMEONE, US)),
	FRAME(NET_PASS, TO_ALL TAG TAG TAG ARP("\x01", SOMEONE, US)),
	FRAME(NET_PASS, TO_ALL ARP("\x01", SOMEONE, SOMEONE)),
	FRAME(NET_DROP, TO_ALL ARP("\x02", SOMEONE, US)),
	FRAME(NET_DROP, TO_ALL ARP("\x01", US, US)),
	FRAME(NET_DROP, TO_US ARP("\x01", SOMEONE, SOMEONE)),
	FRAME(NET_MALFORMED, TO_ALL ARP_OF("\x06", "\x01", "\x52\x54\0\0\0\0", SOMEONE, US)),
	FRAME(NET_MALFORMED, TO_ALL ARP_OF("\x01", "\x01", "\x53\x54\0\0\0\0", SOMEONE, US)),
	FRAME(NET_PASS, TO_ALL "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"),
	FRAME(NET_DROP, TO_ALL IPV4("\x45", "\x28", "\0\0", "\x06", US) TCP),
	FRAME(NET_DROP, TO_ALL TAG IPV4("\x45", "\x28", "\x40\0", "\x06", US) TCP),
	FRAME(NET_DROP, TO_ALL IPV4("\x45", "\x14", "\x20\x01", "\x06", US)),
	FRAME(NET_MALFORMED, TO_ALL IPV4("\x45", "\x14", "\x20\0", "\x06", US)),
	FRAME(NET_MALFORMED, TO_ALL IPV4("\x46", "\x28", "\0\0", "\x06", US) TCP),
	FRAME(NET_MALFORMED, TO_ALL IPV4("\x44", "\x28", "\0\0", "\x06", US) TCP),
	FRAME(NET_MALFORMED, TO_ALL IPV4("\x4f", "\x28", "\0\0", "\x06", US) TCP),
	FRAME(NET_MALFORMED, TO_ALL IPV4("\x45", "\x29", "\0\0", "\x06", US) TCP),
	FRAME(NET_PASS, TO_ALL IPV4("\x45", "\x28", "\0\0", "\x11", US) TCP),
	FRAME(NET_PASS, TO_ALL IPV4("\x65", "\x28", "\0\0", "\x06", US) TCP),
	FRAME(NET_PASS, TO_ALL IPV4("\x45", "\x28", "\0\0", "\x06", SOMEONE) TCP),
	FRAME(NET_DROP, TO_US IPV4("\x45", "\x28", "\0\0", "\x11", SOMEONE) TCP),
	FRAME(NET_MALFORMED, "\x06\x01\x23\x45\x67\x01"),
	FRAME(NET_PASS, "\x06\x01\x23\x45\x67"),
	FRAME(NET_PASS, TO_ALL "\x81"),
	FRAME(NET_PASS, TO_ALL TAG),
};
#define FRAMES (sizeof(frames) / sizeof(frames[0]))

static uint8_t room[128];

/* A frame that ends where its block does, so that who reads on is seen. */
static uint8_t *at_the_end(const void *bytes, uint32_t len)
{
	return memcpy(room + sizeof(room) - len, bytes, len);
}

static void each_kind_of_frame(void **state)
{
	(void)state;
	for (size_t i = 0; i < FRAMES; i++) {
		const uint8_t *frame = at_the_end(frames[i].bytes, frames[i].len);

		if (filter_verdict(frame, frames[i].len) != frames[i].due)
			fail_msg("frame %zu", i);
	}
}

/* With up to four bytes changed, and any length. */
static void the_model_agrees(void **state)
{
	struct generator g = { 7 };

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t which = generate_number(&g) % FRAMES;
		uint32_t len = frames[which].len;
		uint8_t *frame = at_the_end(frames[which].bytes, len);

		for (uint64_t n = generate_number(&g) % 5; n > 0; n--)
			frame[generate_number(&g) % len] ^=
				(uint8_t)(generate_number(&g) % 2 != 0
						  ? generate_number(&g)
						  : 1u << generate_number(&g) % 8);
		if (generate_number(&g) % 4 == 0)
			len = 1 + (uint32_t)(generate_number(&g) % len);
		if (mmds_interceptor.judge(NULL, frame, len) != filter_verdict(frame, len))
			fail_msg("frame %zu, try %d", which, i);
	}
}

static void a_reply_is_the_one_that_is_due(void **state)
{
	uint8_t reply[MMDS_REPLY_MAX + 1];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *frame = at_the_end(frames[i].bytes, frames[i].len);
		int len = mmds_interceptor.reply(NULL, frame, frames[i].len, reply, sizeof(reply));

		assert_true(len > 0);
		assert_true(filter_is_reply(frame, frames[i].len, reply, (uint32_t)len));
		assert_false(filter_is_reply(frame, frames[i].len, reply, (uint32_t)len - 1));
		assert_false(filter_is_reply(frame, frames[i].len, reply, (uint32_t)len + 1));
		for (int at = 0; at < len; at++) {
			reply[at] ^= 0x10;
			assert_false(filter_is_reply(frame, frames[i].len, reply, (uint32_t)len));
			reply[at] ^= 0x10;
		}
	}
	/* None is due, and nothing is looked at that is not there. */
	for (size_t i = 3; i < FRAMES; i++)
		assert_false(filter_is_reply(at_the_end(frames[i].bytes, frames[i].len),
					     frames[i].len, reply, MMDS_REPLY_MAX));
	for (uint32_t len = 0; len < 42; len++)
		assert_false(filter_is_reply(at_the_end(frames[0].bytes, len), len, reply, 42));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_frame),
		cmocka_unit_test(the_model_agrees),
		cmocka_unit_test(a_reply_is_the_one_that_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
