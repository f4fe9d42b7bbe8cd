/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The metadata service's parser on any frame: claim it or pass it on.
 *
 * What must hold, besides what sanitizers check on a frame that ends with its heap
 * block:
 *  - the verdict is that of an independent implementation (harness/models/filter.h);
 *  - to its MAC address every frame is claimed, and elsewhere what it was;
 *  - one more VLAN tag, where there may be one, changes nothing but the reply's;
 *  - a reply is an ARP packet behind the tags of the request and nothing more, is
 *    written whole and not beyond its end, goes to one station, is none to answer in
 *    turn, and is refused, with nothing written, where there is no room for all of
 *    it.
 */
#include "fuzzers/engine.h"

#include "harness/models/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GARBAGE 0x5a
#define ARP_SIZE 28

static const uint8_t tag[NET_VLAN_SIZE] = { 0x81, 0x00, 0x00, 0x07 };
static const uint8_t mac[ETH_ALEN] = MMDS_MAC;

/* A copy that ends where its block does, with `more` bytes of room in front; the
 * caller frees it. */
static uint8_t *copy_of(const uint8_t *frame, size_t len, size_t more)
{
	uint8_t *copy = malloc(len + more > 0 ? len + more : 1);

	if (copy == NULL)
		exit(1);
	if (len > 0)
		memcpy(copy + more, frame, len);
	return copy;
}

static enum net_verdict judge(const uint8_t *frame, uint32_t len)
{
	return mmds_interceptor.judge(NULL, frame, len);
}

static unsigned count_tags(const uint8_t *frame, uint32_t len)
{
	unsigned count = 0;

	for (uint32_t at = 2 * ETH_ALEN; at + 2 <= len; at += NET_VLAN_SIZE, count++)
		if (!(frame[at] == 0x81 && frame[at + 1] == 0x00) &&
		    !(frame[at] == 0x88 && frame[at + 1] == 0xa8))
			break;
	return count;
}

static void check_mac(const uint8_t *frame, uint32_t len, enum net_verdict verdict)
{
	uint8_t *copy = copy_of(frame, len, 0);
	enum net_verdict there;

	if (len >= ETH_ALEN)
		memcpy(copy, mac, ETH_ALEN);
	there = judge(copy, len);
	if (len >= ETH_ALEN ? there == NET_PASS : there != NET_PASS)
		abort();
	if (verdict != NET_PASS && there != verdict)
		abort();
	free(copy);
}

static void check_tagged(const uint8_t *frame, uint32_t len, enum net_verdict verdict)
{
	uint8_t *copy;

	if (len < ETH_HLEN || count_tags(frame, len) >= NET_VLAN_TAGS_MAX)
		return;
	copy = copy_of(frame, len, sizeof(tag));
	memmove(copy, frame, 2 * ETH_ALEN);
	memcpy(copy + 2 * ETH_ALEN, tag, sizeof(tag));
	if (judge(copy, len + NET_VLAN_SIZE) != verdict)
		abort();
	free(copy);
}

static void check_reply(const uint8_t *frame, uint32_t len)
{
	uint8_t reply[MMDS_REPLY_MAX], again[MMDS_REPLY_MAX];
	int room, reply_len;

	memset(reply, GARBAGE, sizeof(reply));
	memset(again, (uint8_t)~GARBAGE, sizeof(again));
	reply_len = mmds_interceptor.reply(NULL, frame, len, reply, sizeof(reply));
	if (reply_len != ETH_HLEN + (int)(count_tags(frame, len) * NET_VLAN_SIZE) + ARP_SIZE)
		abort();
	if (mmds_interceptor.reply(NULL, frame, len, again, sizeof(again)) != reply_len)
		abort();
	for (int i = 0; i < (int)sizeof(reply); i++)
		if (i < reply_len ? reply[i] != again[i] : reply[i] != GARBAGE)
			abort();
	if (!filter_is_reply(frame, len, reply, (uint32_t)reply_len) || (reply[0] & 1) != 0 ||
	    judge(reply, (uint32_t)reply_len) == NET_REPLY)
		abort();
	for (room = 0; room < reply_len; room += reply_len - 1) {
		memset(reply, GARBAGE, sizeof(reply));
		if (mmds_interceptor.reply(NULL, frame, len, reply, (uint32_t)room) != -ENOSPC)
			abort();
		for (size_t i = 0; i < sizeof(reply); i++)
			if (reply[i] != GARBAGE)
				abort();
	}
}

static int mmds_one(const char *name, const uint8_t *data, size_t size)
{
	uint8_t *frame;
	enum net_verdict verdict;
	uint32_t len = (uint32_t)size;

	(void)name;
	if (size == 0 || size > NET_FRAME_MAX)
		return -1;
	frame = copy_of(data, size, 0);
	verdict = judge(frame, len);
	if (verdict != filter_verdict(frame, len))
		abort();
	check_mac(frame, len, verdict);
	check_tagged(frame, len, verdict);
	if (verdict == NET_REPLY)
		check_reply(frame, len);
	free(frame);
	return 0;
}

const struct fuzz_target fuzz_target = {
	.name = "mmds",
	.one = mmds_one,
};
