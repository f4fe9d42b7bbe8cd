/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the metadata service makes of a frame; mmds.h says which are its own.
 *
 * Nothing is believed of a frame but its length: each layer is looked at only as
 * far as bytes are there, and what a header says of its own or the packet's length
 * is compared with that.  The frame is the device's copy, so what was checked
 * stays so.
 */
#include <endian.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>

#include "mmds.h"

#define ADDRESS_SIZE 4u
#define MACS_SIZE ((size_t)2 * ETH_ALEN)

/* RFC 826 with Ethernet and IPv4 addresses: <net/if_arp.h> leaves these out. */
struct arp {
	uint16_t hardware, protocol;
	uint8_t hardware_size, protocol_size;
	uint16_t operation;
	uint8_t sender_mac[ETH_ALEN], sender[ADDRESS_SIZE];
	uint8_t target_mac[ETH_ALEN], target[ADDRESS_SIZE];
} __attribute__((packed));

static const uint8_t mmds_mac[ETH_ALEN] = MMDS_MAC;
static const uint8_t mmds_address[ADDRESS_SIZE] = MMDS_ADDRESS;

/* Where the packet is in a frame. */
struct packet {
	uint16_t type; /* of Ethernet; 0, or that of a tag that is cut: there is none */
	uint32_t at, len;
};

static uint16_t load16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static bool is_tag(uint16_t type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

static struct packet find_packet(const uint8_t *frame, uint32_t len)
{
	struct packet p = { .at = ETH_HLEN };

	if (len < ETH_HLEN)
		return p;
	p.type = load16(frame + ETH_HLEN - sizeof(p.type));
	while (is_tag(p.type) && p.at < NET_LINK_MAX && len - p.at >= NET_VLAN_SIZE) {
		p.at += NET_VLAN_SIZE;
		p.type = load16(frame + p.at - sizeof(p.type));
	}
	p.len = len - p.at;
	return p;
}

static bool is_ours(const uint8_t *address)
{
	return memcmp(address, mmds_address, ADDRESS_SIZE) == 0;
}

static enum net_verdict judge_arp(const uint8_t *packet, uint32_t len)
{
	struct arp arp;

	if (len < sizeof(arp))
		return NET_PASS;
	memcpy(&arp, packet, sizeof(arp));
	if (!is_ours(arp.target))
		return NET_PASS;
	/* The target address is where it is only with addresses of these sizes. */
	if (arp.hardware != htobe16(ARPHRD_ETHER) || arp.protocol != htobe16(ETH_P_IP) ||
	    arp.hardware_size != ETH_ALEN || arp.protocol_size != ADDRESS_SIZE)
		return NET_MALFORMED;
	/* An answer must go to one station: the lowest bit says group. */
	if (arp.sender_mac[0] & 1)
		return NET_MALFORMED;
	/* Who asks for the address as its own announces it (RFC 5227). */
	if (arp.operation != htobe16(ARPOP_REQUEST) || is_ours(arp.sender))
		return NET_DROP;
	return NET_REPLY;
}

static enum net_verdict judge_ipv4(const uint8_t *packet, uint32_t len)
{
	uint32_t header, total;
	struct iphdr ip;

	if (len < sizeof(ip))
		return NET_PASS;
	memcpy(&ip, packet, sizeof(ip));
	if (ip.version != IPVERSION || ip.protocol != IPPROTO_TCP ||
	    memcmp(&ip.daddr, mmds_address, ADDRESS_SIZE) != 0)
		return NET_PASS;
	header = 4u * ip.ihl;
	total = be16toh(ip.tot_len);
	if (header < sizeof(ip) || total < header || total > len)
		return NET_MALFORMED;
	/* Only the first fragment has a TCP header. */
	if ((be16toh(ip.frag_off) & IP_OFFMASK) == 0 && total - header < sizeof(struct tcphdr))
		return NET_MALFORMED;
	return NET_DROP;
}

static enum net_verdict mmds_judge(void *ctx, const uint8_t *frame, uint32_t len)
{
	struct packet p = find_packet(frame, len);
	enum net_verdict verdict = NET_PASS;

	(void)ctx;
	if (p.type == ETH_P_ARP)
		verdict = judge_arp(frame + p.at, p.len);
	else if (p.type == ETH_P_IP)
		verdict = judge_ipv4(frame + p.at, p.len);
	if (verdict == NET_PASS && len >= ETH_ALEN && memcmp(frame, mmds_mac, ETH_ALEN) == 0)
		return len < ETH_HLEN ? NET_MALFORMED : NET_DROP;
	return verdict;
}

/* The request turned round, behind the same tags. */
static int mmds_reply(void *ctx, const uint8_t *frame, uint32_t len, uint8_t *reply, uint32_t room)
{
	struct packet p = find_packet(frame, len);
	uint32_t reply_len = p.at + (uint32_t)sizeof(struct arp);
	struct arp arp;

	(void)ctx;
	if (reply_len > room)
		return -ENOSPC;
	memcpy(&arp, frame + p.at, sizeof(arp));
	memcpy(reply, arp.sender_mac, ETH_ALEN);
	memcpy(reply + ETH_ALEN, mmds_mac, ETH_ALEN);
	memcpy(reply + MACS_SIZE, frame + MACS_SIZE, p.at - MACS_SIZE);
	arp.operation = htobe16(ARPOP_REPLY);
	memcpy(arp.target_mac, arp.sender_mac, ETH_ALEN);
	memcpy(arp.target, arp.sender, ADDRESS_SIZE);
	memcpy(arp.sender_mac, mmds_mac, ETH_ALEN);
	memcpy(arp.sender, mmds_address, ADDRESS_SIZE);
	memcpy(reply + p.at, &arp, sizeof(arp));
	return (int)reply_len;
}

const struct net_interceptor mmds_interceptor = {
	.judge = mmds_judge,
	.reply = mmds_reply,
};
