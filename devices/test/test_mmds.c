/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The metadata service's parser where a guest cannot bring it: every length of
 * every frame, replies without room, a reply as a frame.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../mmds.h"

#define TO_ALL "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56"
#define ARP                                                                                        \
	"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01\x52\x54\x00\x12\x34\x56\xa9\xfe\xa9\x02"         \
	"\0\0\0\0\0\0\xa9\xfe\xa9\xfe"
#define IP                                                                                         \
	"\x08\x00\x45\x00\x00\x28\x00\x01\0\0\x40\x06\0\0\xa9\xfe\xa9\x02\xa9\xfe\xa9\xfe"         \
	"\0\0\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define TAG "\x81\x00\x00\x05"
#define SERVICE_TAG "\x88\xa8\x00\x05"

/* Of a copy that ends where its block does. */
static enum net_verdict judge(const char *frame, uint32_t len)
{
	uint8_t *copy = malloc(len);
	enum net_verdict verdict;

	assert_non_null(copy);
	memcpy(copy, frame, len);
	verdict = mmds_interceptor.judge(NULL, copy, len);
	free(copy);
	return verdict;
}

/* Claimed from `least` bytes on. */
static void cut_everywhere(const char *frame, uint32_t len, uint32_t least, enum net_verdict whole)
{
	for (uint32_t i = 1; i < least; i++)
		assert_int_equal(judge(frame, i), NET_PASS);
	for (uint32_t i = least; i < len; i++)
		assert_int_not_equal(judge(frame, i), NET_PASS);
	assert_int_equal(judge(frame, len), whole);
}

static void frames_cut_everywhere(void **state)
{
	(void)state;
	cut_everywhere(TO_ALL ARP, 42, 42, NET_REPLY);
	cut_everywhere(TO_ALL TAG ARP, 46, 46, NET_REPLY);
	cut_everywhere(TO_ALL SERVICE_TAG TAG ARP, 50, 50, NET_REPLY);
	cut_everywhere(TO_ALL IP, 54, 34, NET_DROP);
	cut_everywhere(TO_ALL SERVICE_TAG TAG IP, 62, 42, NET_DROP);
}

static void a_reply_needs_room(void **state)
{
	static const uint8_t request[] = TO_ALL SERVICE_TAG TAG ARP;
	uint8_t reply[MMDS_REPLY_MAX + 1];

	(void)state;
	memset(reply, 0xee, sizeof(reply));
	for (uint32_t room = 0; room < MMDS_REPLY_MAX; room++)
		assert_int_equal(mmds_interceptor.reply(NULL, request, 50, reply, room), -ENOSPC);
	for (uint32_t i = 0; i < sizeof(reply); i++)
		assert_int_equal(reply[i], 0xee);
	assert_int_equal(mmds_interceptor.reply(NULL, request, 50, reply, MMDS_REPLY_MAX),
			 MMDS_REPLY_MAX);
	assert_int_equal(reply[MMDS_REPLY_MAX], 0xee);
	assert_int_equal(judge((const char *)reply, MMDS_REPLY_MAX), NET_PASS);
}

/* Any one byte of a request changed: still nothing but what is listed. */
static void any_byte_changed(void **state)
{
	char frame[] = TO_ALL ARP;
	unsigned replies = 0;

	(void)state;
	for (uint32_t i = 0; i < 42; i++) {
		char kept = frame[i];

		for (int value = 0; value < 256; value++) {
			frame[i] = (char)value;
			replies += judge(frame, 42) == NET_REPLY;
		}
		frame[i] = kept;
	}
	/* The Ethernet header's addresses; a sender that is no group and has another
	 * address; the target's MAC; and 14 bytes as they are. */
	assert_int_equal(replies, 12 * 256 + (128 + 5 * 256) + (4 * 256 - 1) + 6 * 256 + 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_cut_everywhere),
		cmocka_unit_test(a_reply_needs_room),
		cmocka_unit_test(any_byte_changed),
	};

	return cmocka_run_group_tests_name("mmds", tests, NULL, NULL);
}
