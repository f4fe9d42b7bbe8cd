/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A filter of frames, to judge another by; filter.h has the contract.
 *
 * A frame is looked at as bytes at places, counted from where its packet begins:
 * behind the Ethernet header and at most two VLAN tags.
 */
#include "harness/models/filter.h"

#include <string.h>

#define TYPE_AT 12u
#define ARP_LEN 28u
#define IPV4_LEN 20u
#define TCP_LEN 20u

#define OUR_MAC "\x06\x01\x23\x45\x67\x01"
#define OUR_ADDRESS "\xa9\xfe\xa9\xfe"

/* Does `frame` have these bytes there? */
#define HAS(frame, len, at, bytes) has(frame, len, at, bytes, sizeof(bytes) - 1)

static bool has(const uint8_t *frame, uint32_t len, uint32_t at, const char *bytes, uint32_t count)
{
	return len >= at + count && memcmp(frame + at, bytes, count) == 0;
}

static uint32_t number(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* Where the packet begins, behind the type that says what it is. */
static uint32_t packet_at(const uint8_t *frame, uint32_t len)
{
	uint32_t at = TYPE_AT;

	for (unsigned tags = 0; tags < 2; tags++)
		if (HAS(frame, len, at, "\x81\x00") || HAS(frame, len, at, "\x88\xa8"))
			at += 4;
	return at + 2;
}

static enum net_verdict arp_verdict(const uint8_t *p, uint32_t len)
{
	if (len < ARP_LEN || !HAS(p, len, 24, OUR_ADDRESS))
		return NET_PASS;
	if (!HAS(p, len, 0, "\x00\x01\x08\x00\x06\x04") || (p[8] & 1) != 0)
		return NET_MALFORMED;
	return HAS(p, len, 6, "\x00\x01") && !HAS(p, len, 14, OUR_ADDRESS) ? NET_REPLY : NET_DROP;
}

static enum net_verdict ipv4_verdict(const uint8_t *p, uint32_t len)
{
	uint32_t header, total, fragment;

	if (len < IPV4_LEN || p[0] >> 4 != 4 || p[9] != 6 || !HAS(p, len, 16, OUR_ADDRESS))
		return NET_PASS;
	header = (p[0] & 0xfu) * 4;
	total = number(p + 2);
	fragment = number(p + 6) & 0x1fff;
	if (header < IPV4_LEN || header > total || total > len)
		return NET_MALFORMED;
	return fragment == 0 && header + TCP_LEN > total ? NET_MALFORMED : NET_DROP;
}

enum net_verdict filter_verdict(const uint8_t *frame, uint32_t len)
{
	uint32_t at = packet_at(frame, len);
	enum net_verdict verdict = NET_PASS;

	if (HAS(frame, len, at - 2, "\x08\x06"))
		verdict = arp_verdict(frame + at, len - at);
	if (HAS(frame, len, at - 2, "\x08\x00"))
		verdict = ipv4_verdict(frame + at, len - at);
	if (verdict != NET_PASS || !HAS(frame, len, 0, OUR_MAC))
		return verdict;
	return len < TYPE_AT + 2 ? NET_MALFORMED : NET_DROP;
}

bool filter_is_reply(const uint8_t *frame, uint32_t len, const uint8_t *reply, uint32_t reply_len)
{
	uint32_t at = packet_at(frame, len);
	const uint8_t *asked = frame + at, *answer = reply + at;

	if (filter_verdict(frame, len) != NET_REPLY)
		return false;
	/* To who asked and from us, with the tags, of that kind. */
	if (reply_len != at + ARP_LEN || memcmp(reply, asked + 8, 6) != 0 ||
	    !HAS(reply, reply_len, 6, OUR_MAC) || memcmp(reply + 12, frame + 12, at - 12) != 0)
		return false;
	return HAS(answer, ARP_LEN, 0, "\x00\x01\x08\x00\x06\x04\x00\x02" OUR_MAC OUR_ADDRESS) &&
	       memcmp(answer + 18, asked + 8, 10) == 0;
}
