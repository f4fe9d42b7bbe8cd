/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The header of a received packet (VIRTIO 5.1.9.4.1) and the packet's size (5.1.4.1).
 * See ledger.h.
 *
 * net.header, net.spare, net.mtu: a header is the bytes that the device stored at
 * the start of the chain, each last value counting, so a device may write it
 * before or behind the packet, in pieces, and anew.  Memory is never looked at:
 * what a guest changes there makes no difference.  A byte of which memory has
 * another part in the chain is nobody's in particular, and the header of a chain
 * that has such a byte there, of which a byte was not stored, or that was taken or
 * walked twice is not judged.
 *
 * Of a device on plain memory a header is what lies there when the chain is returned: bytes that
 * changed in that call, which nobody else did, or that nobody changed since the chain was made
 * available.  What changed between may be the driver's, and is not judged.  Nor is a byte of
 * which memory has another part in that chain, or in one that was available or held when the
 * call began: what the device wrote there last need not be the header.
 *
 * What flags and gso_type may say is in ledger_net_offload.c.
 *
 * With MRG_RXBUF a packet may be spread over the chains that one move of the used
 * index returns.  Where one of these cannot be followed, or is more than are kept,
 * the rest of that move is not judged.
 *
 * Without VERSION_1, or FEATURES_OK, nothing was negotiated: the header of old has
 * no num_buffers, and a device that goes on all the same is not judged.
 *
 * net.spare: of our own models alone.  One that could not write the whole packet takes back what it
 * wrote of the header.
 *
 * A chain that comes back with less than a header carries no packet.  Queue 0
 * alone is known to be one of these, whatever else was negotiated.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/if_ether.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <string.h>

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr_v1))
#define HEADER_HASHED ((uint32_t)sizeof(struct virtio_net_hdr_v1_hash))
#define TAG 4u
#define TAGS_MAX 2u
#define CONFIG_MTU 10u

#define BIT(feature) (1ULL << (feature))
_Static_assert(HEADER_HASHED + ETH_HLEN + TAGS_MAX * TAG <= LEDGER_HEAD_BYTES,
	       "header and link layer are kept");

uint32_t ledger_net_mtu_at(const struct target *target, uint64_t offered)
{
	bool has = target->device_id == VIRTIO_ID_NET && (offered & BIT(VIRTIO_NET_F_MTU)) != 0;

	return has ? CONFIG_MTU : 0;
}

static bool applies(const struct target *target)
{
	return target->device_id == VIRTIO_ID_NET;
}

/* By words, and not by what a sanitizer would check: this is done for every packet. */
static void keep(uint8_t *to, const uint8_t *from, uint32_t len)
{
	uint32_t at = 0;

	for (; len - at >= 8; at += 8)
		memcpy(to + at, from + at, 8);
	for (; at < len; at++)
		to[at] = from[at];
}

static void on_written(struct ledger *l, struct ledger_hold *hold, uint64_t addr,
		       const uint8_t *data, uint32_t len)
{
	const struct ledger_node *node = &l->nodes[hold->cursor];
	uint64_t at = node->offset + (addr - node->first);
	/* What is behind the header matters for the MTU alone. */
	uint32_t most = l->net.mtu != 0 ? LEDGER_HEAD_BYTES : HEADER;

	/* The first buffers come first, so one that the write began before is none
	 * of those unless it goes over several. */
	if (addr >= node->first && at >= most)
		return;
	if (data == NULL || !ledger_hold_in_one(l, hold, addr, addr + (len - 1))) {
		hold->net.blind = true;
		return;
	}
	if (len > most - at)
		len = (uint32_t)(most - at);
	keep(hold->net.bytes + at, data, len);
	hold->net.known |= ((1ULL << len) - 1) << at;
}

/* Does it carry received packets? */
static bool is_net(const struct ledger *l, unsigned queue)
{
	return queue == 0 && applies(l->target);
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	if (!a->write || !is_net(l, a->why.queue))
		return;
	if (a->err == 0)
		on_written(l, hold, a->addr, a->data, a->len);
	else
		hold->net.failures++;
}

static bool is_known(const struct ledger_hold *hold, uint32_t len)
{
	uint64_t wanted = (1ULL << len) - 1;

	return (hold->net.known & wanted) == wanted;
}

static void judge_offloads(struct ledger *l, const struct ledger_hold *hold)
{
	const uint8_t *head = hold->net.bytes;
	const char *fault = ledger_net_offload_fault(l, head);
	uint64_t rest;

	if (fault != NULL && ledger_judges(l, RULE_NET_HEADER))
		ledger_break(l, RULE_NET_HEADER,
			     "the chain of head %u returns a packet whose header has flags 0x%x "
			     "and gso_type 0x%x: %s",
			     hold->head, head[0], head[1], fault);
	memcpy(&rest, head + offsetof(struct virtio_net_hdr_v1, hdr_len), sizeof(rest));
	if (head[0] == 0 && head[1] == VIRTIO_NET_HDR_GSO_NONE && rest != 0 &&
	    ledger_judges(l, RULE_NET_SPARE))
		ledger_break(l, RULE_NET_SPARE,
			     "the chain of head %u returns a packet without offloads, and hdr_len, "
			     "gso_size, csum_start and csum_offset are 0x%04x, 0x%04x, 0x%04x, "
			     "0x%04x",
			     hold->head, ledger_get16(head + 2), ledger_get16(head + 4),
			     ledger_get16(head + 6), ledger_get16(head + 8));
}

uint16_t ledger_net_mtu(const struct ledger *l)
{
	return l->net.mtu;
}

bool ledger_net_is_oversize(const struct ledger *l, const uint8_t *frame, uint32_t len)
{
	uint32_t link = ETH_HLEN;

	if ((l->session.driver_features & BIT(VIRTIO_NET_F_MTU)) == 0 || l->net.mtu == 0)
		return false;
	while (link < ETH_HLEN + TAGS_MAX * TAG && len >= link) {
		unsigned type = (unsigned)frame[link - 2] << 8 | frame[link - 1];

		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		link += TAG;
	}
	return len > (uint64_t)link + l->net.mtu;
}

/* Bytes before the packet: the Ethernet header, with the tags that are there; 0 if
 * there may be more than are kept. */
static uint32_t link_size(const struct ledger_hold *hold, uint32_t header)
{
	for (uint32_t size = ETH_HLEN; size <= ETH_HLEN + TAGS_MAX * TAG; size += TAG) {
		const uint8_t *type = hold->net.bytes + header + size - 2;
		unsigned value = (unsigned)type[0] << 8 | type[1];

		if (!is_known(hold, header + size))
			return 0;
		if (value != ETH_P_8021Q && value != ETH_P_8021AD)
			return size;
	}
	return 0;
}

/* How many bytes a packet with that header may have, by the MTU that was negotiated:
 * one that is not to be cut any more. */
static uint64_t bytes_max(const struct ledger *l, const struct ledger_hold *hold)
{
	bool hashed = (l->session.driver_features & BIT(VIRTIO_NET_F_HASH_REPORT)) != 0;
	uint32_t header = hashed ? HEADER_HASHED : HEADER, link;

	if ((l->session.driver_features & BIT(VIRTIO_NET_F_MTU)) == 0 || l->net.mtu == 0 ||
	    (hold->net.bytes[1] & ~VIRTIO_NET_HDR_GSO_ECN) != VIRTIO_NET_HDR_GSO_NONE)
		return UINT64_MAX;
	link = link_size(hold, header);
	return link > 0 ? (uint64_t)header + link + l->net.mtu : UINT64_MAX;
}

bool ledger_net_was_negotiated(const struct ledger *l)
{
	return l->session.features_known && (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	       (l->session.driver_features & BIT(VIRTIO_F_VERSION_1)) != 0;
}

/* Are the chain's buffers those that it has, each once? */
static bool is_followed(const struct ledger_hold *hold)
{
	return !hold->blind && !hold->restarted && !hold->strayed;
}

/* A chain of one of our own models comes back without a packet.  It may have failed to take back
 * what it wrote, after it had failed to write the rest. */
static void judge_left(struct ledger *l, const struct ledger_hold *hold)
{
	bool left = false;

	if (!l->target->model || hold->net.blind || hold->net.failures > 1 || !is_followed(hold))
		return;
	for (unsigned i = 0; i < HEADER; i++)
		left = left || ((hold->net.known >> i & 1) != 0 && hold->net.bytes[i] != 0);
	if (left && ledger_judges(l, RULE_NET_SPARE))
		ledger_break(
			l, RULE_NET_SPARE,
			"the chain of head %u comes back without a packet, and the device left "
			"a part of a header in it",
			hold->head);
}

static void begin_packet(struct ledger *l, const struct ledger_hold *hold, uint32_t len)
{
	bool merges = (l->session.driver_features & BIT(VIRTIO_NET_F_MRG_RXBUF)) != 0;
	unsigned buffers;

	if (len < HEADER) {
		judge_left(l, hold);
		return;
	}
	if (!is_followed(hold) || hold->net.blind || !is_known(hold, HEADER)) {
		l->net.lost = merges;
		return;
	}
	buffers = ledger_get16(hold->net.bytes + offsetof(struct virtio_net_hdr_v1, num_buffers));
	if ((buffers == 0 || (buffers > 1 && !merges)) && ledger_judges(l, RULE_NET_HEADER))
		ledger_break(l, RULE_NET_HEADER,
			     "the chain of head %u returns a packet whose header has a num_buffers "
			     "of %u%s",
			     hold->head, buffers,
			     buffers > 1 ? ", and MRG_RXBUF was not negotiated" : "");
	judge_offloads(l, hold);
	l->net.left = merges ? (uint16_t)buffers : 1;
	l->net.bytes = 0;
	l->net.bytes_max = bytes_max(l, hold);
}

static void on_lost(struct ledger *l, unsigned queue)
{
	l->net.lost = l->net.lost || is_net(l, queue);
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	if (hold == NULL)
		on_lost(l, queue);
	if (l->net.lost || !is_net(l, queue) || !ledger_net_was_negotiated(l))
		return;
	if (l->net.left == 0)
		begin_packet(l, hold, len);
	else
		l->net.lost = !is_followed(hold);
	if (l->net.left == 0 || l->net.lost)
		return;
	l->net.bytes += len;
	l->net.left--;
	if (l->net.left > 0 && len != hold->writable && ledger_judges(l, RULE_NET_HEADER))
		ledger_break(
			l, RULE_NET_HEADER,
			"the chain of head %u returns %u bytes of a packet that goes on in the "
			"next one, and has room for %llu",
			hold->head, len, (unsigned long long)hold->writable);
	if (l->net.left == 0 && l->net.bytes_max != UINT64_MAX && ledger_judges(l, RULE_NET_MTU) &&
	    l->net.bytes > l->net.bytes_max)
		ledger_break(l, RULE_NET_MTU,
			     "the chain of head %u returns the end of %llu bytes of header and "
			     "packet, at most %llu are due by the MTU of %u that was negotiated",
			     hold->head, (unsigned long long)l->net.bytes,
			     (unsigned long long)l->net.bytes_max, l->net.mtu);
}

static void on_moved(struct ledger *l, unsigned queue, bool lost)
{
	unsigned left = l->net.left;

	if (!is_net(l, queue))
		return;
	lost = lost || l->net.lost;
	l->net.left = 0;
	l->net.lost = false;
	if (left > 0 && !lost && ledger_judges(l, RULE_NET_HEADER))
		ledger_break(l, RULE_NET_HEADER,
			     "num_buffers says that %u more chains are of a packet than were "
			     "returned together",
			     left);
}

/* May the device write to these bytes of a node for another part of a chain too?  Of all
 * that it could write to in this call. */
static bool is_shared(const struct ledger *l, const struct ledger_node *own, uint64_t last)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		for (uint32_t h = l->queues[i].holds; h != LEDGER_NONE; h = l->hold[h].next) {
			for (uint32_t n = l->hold[h].first; n != LEDGER_NONE;
			     n = l->nodes[n].next) {
				const struct ledger_node *node = &l->nodes[n];

				if (node != own && node->writable && !node->empty &&
				    node->first <= last && node->last >= own->first)
					return true;
			}
		}
	}
	return false;
}

void ledger_net_look(struct ledger *l, unsigned queue, struct ledger_hold *hold)
{
	struct arena *arena = l->plain.arena;
	uint32_t done = 0;

	if (!is_net(l, queue))
		return;
	for (uint32_t n = hold->first; n != LEDGER_NONE && done < LEDGER_HEAD_BYTES;
	     n = l->nodes[n].next) {
		const struct ledger_node *node = &l->nodes[n];
		uint32_t most = LEDGER_HEAD_BYTES - done, len;
		bool shared;

		if (!node->writable || node->empty)
			continue;
		len = node->last - node->first < most ? (uint32_t)(node->last - node->first) + 1
						      : most;
		shared = is_shared(l, node, node->first + (len - 1));
		for (uint32_t at = 0; at < len; at++, done++) {
			uint64_t addr = node->first + at;
			bool now = arena_unchanged(arena, addr, 1, arena->look, 1) != 0;
			bool ever = arena_unchanged(arena, addr, 1, hold->look, 1) != 0;

			arena_load(arena, addr, &hold->net.bytes[done], 1);
			if (!shared && (now || !ever))
				hold->net.known |= 1ULL << done;
		}
	}
}

void ledger_net_seen(struct ledger *l, unsigned queue, struct ledger_hold *hold, uint32_t len)
{
	if (!is_net(l, queue))
		return;
	hold->net.blind = hold->odd;
	on_returned(l, queue, hold, len);
}

void ledger_net_moved(struct ledger *l, unsigned queue)
{
	on_moved(l, queue, l->plain.session.blind);
}

static void on_renew(struct ledger *l)
{
	l->net = (struct ledger_net){ .mtu = 0 };
}

/* The bytes need not be cleared. */
static void on_taken(struct ledger_hold *hold)
{
	hold->net.known = 0;
	hold->net.blind = false;
	hold->net.failures = 0;
}

const struct follower net_follower = {
	.applies = applies,
	.renew = on_renew,
	.taken = on_taken,
	.accessed = on_access,
	.returned = on_returned,
	.moved = on_moved,
};
