/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the header of a packet says of checksums, segmentation, tunnels and IPsec, and which of it
 * was negotiated (VIRTIO 5.1.9.2, 5.1.9.4.1).  See ledger.h.
 *
 * net.header, of a received packet: each bit that speaks of an offload needs that offload's
 * feature, which the device knows from the driver alone, so nothing that a guest does later lets
 * a correct device set it.  The bits of tunnels and of IPsec came with VIRTIO 1.4: a device that
 * was written before may use them for what it likes, and is not judged by them.  A segment has
 * a byte at least, so a gso_size of 0 is none.
 *
 * Whether a packet is what its header says is not looked at: that takes its bytes, and a
 * checksum may be anything.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_net.h>
#include <stddef.h>

/* Not in every kernel's headers. */
#define F_GUEST_USO4 54
#define F_GUEST_USO6 55
#define F_HOST_USO 56
#define F_RSC_EXT 61
#define F_GUEST_UDP_TUNNEL_GSO 65
#define F_GUEST_UDP_TUNNEL_GSO_CSUM 66
#define F_IPSEC 70
#define GSO_UDP_L4 5u
#define GSO_TUNNELS 0x60u
#define FLAG_UDP_TUNNEL_CSUM 0x08u
#define FLAGS_IPSEC 0x70u
/* NEEDS_CSUM, DATA_VALID, RSC_INFO, UDP_TUNNEL_CSUM, and those for IPsec. */
#define FLAGS_KNOWN 0x7fu
#define VIRTIO_1_4 0x0104

#define BIT(feature) (1ULL << (feature))
#define F_ANY_GSO                                                                                  \
	(BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |                             \
	 BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(F_GUEST_USO4) | BIT(F_GUEST_USO6))

bool ledger_net_may_refuse(const struct ledger *l, unsigned flags, unsigned gso_type)
{
	const uint64_t offloads = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
				  BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_UFO) |
				  BIT(F_HOST_USO);

	/* What a device makes of an offload that was negotiated is not known here. */
	if (!l->session.features_known || (l->session.driver_features & offloads) != 0)
		return true;
	/* A bit that nobody knows is to be ignored (5.1.9.2.2); our own models ignore all that
	 * asks for nothing. */
	return (flags & (l->target->model ? LEDGER_NET_ASKS : FLAGS_KNOWN)) != 0 ||
	       gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

static bool has_high(const struct ledger *l, unsigned feature)
{
	return (l->session.driver_features_high >> (feature - 64) & 1) != 0;
}

/* Of what VIRTIO 1.4 added. */
static const char *tunnel_fault(const struct ledger *l, unsigned flags, unsigned gso)
{
	unsigned tunnels = gso & GSO_TUNNELS;

	if ((flags & FLAGS_IPSEC) != 0 && !has_high(l, F_IPSEC))
		return "flags of IPsec, which was not negotiated";
	if ((flags & FLAG_UDP_TUNNEL_CSUM) != 0 && !has_high(l, F_GUEST_UDP_TUNNEL_GSO_CSUM))
		return "UDP_TUNNEL_CSUM, and GUEST_UDP_TUNNEL_GSO_CSUM was not negotiated";
	if (tunnels == 0)
		return NULL;
	if (!has_high(l, F_GUEST_UDP_TUNNEL_GSO))
		return "a tunnel, and GUEST_UDP_TUNNEL_GSO was not negotiated";
	return (flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0 ? "a tunnel and DATA_VALID" : NULL;
}

/* Of a gso_type that is not NONE. */
static const char *segment_fault(uint64_t features, unsigned flags, unsigned gso, unsigned size)
{
	static const struct {
		uint8_t gso;
		uint64_t features;
	} kinds[] = {
		{ VIRTIO_NET_HDR_GSO_TCPV4, BIT(VIRTIO_NET_F_GUEST_TSO4) },
		{ VIRTIO_NET_HDR_GSO_UDP, BIT(VIRTIO_NET_F_GUEST_UFO) },
		{ VIRTIO_NET_HDR_GSO_TCPV6, BIT(VIRTIO_NET_F_GUEST_TSO6) },
		{ GSO_UDP_L4, BIT(F_GUEST_USO4) | BIT(F_GUEST_USO6) },
	};
	unsigned kind = gso & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;

	if ((features & F_ANY_GSO) == 0)
		return "a gso_type, and no such offload was negotiated";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].gso == kind && (features & kinds[i].features) == 0)
			return "a gso_type whose offload was not negotiated";
	if ((flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		return "a gso_type without NEEDS_CSUM";
	return size == 0 ? "a gso_type, and a gso_size of 0" : NULL;
}

const char *ledger_net_offload_fault(const struct ledger *l, const uint8_t *head)
{
	unsigned flags = head[offsetof(struct virtio_net_hdr_v1, flags)];
	unsigned gso = head[offsetof(struct virtio_net_hdr_v1, gso_type)];
	unsigned size = ledger_get16(head + offsetof(struct virtio_net_hdr_v1, gso_size));
	uint64_t features = l->session.driver_features;
	const char *fault = NULL;

	if (flags != 0 && (features & BIT(VIRTIO_NET_F_GUEST_CSUM)) == 0)
		return "flags, and GUEST_CSUM was not negotiated";
	if ((flags & VIRTIO_NET_HDR_F_RSC_INFO) != 0 && (features & BIT(F_RSC_EXT)) == 0)
		return "RSC_INFO, and RSC_EXT was not negotiated";
	if (l->target->virtio >= VIRTIO_1_4) {
		fault = tunnel_fault(l, flags, gso);
		gso &= ~GSO_TUNNELS;
	}
	if (fault == NULL && gso != VIRTIO_NET_HDR_GSO_NONE)
		fault = segment_fault(features, flags, gso, size);
	return fault;
}
