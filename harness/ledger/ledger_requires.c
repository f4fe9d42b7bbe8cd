/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Features that require others (VIRTIO 2.2.2).  See ledger.h.
 *
 * status.requires: a device offers no feature without what that requires, whatever its driver
 * does: the offer is the device's own.  Only network devices have such features (5.1.3.1).  A
 * program may hold back what is required, as a host does that is set up wrongly: what a device
 * makes of that is its own affair, and a feature that is held back is taken to be there.  Bits
 * from 64 on are judged of devices that declare some: others may show anything there, which
 * status.registers judges.  What a vhost-user backend says is no offer to a driver: its front
 * end makes one of it, here vringer's own transport.
 */
#include "devices/virtio_1_4.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stddef.h>

/* Of VIRTIO 1.4; not in every kernel's headers. */
#define NET_F_HASH_TUNNEL 51
#define NET_F_VQ_NOTF_COAL 52
#define NET_F_NOTF_COAL 53
#define NET_F_GUEST_USO4 54
#define NET_F_GUEST_USO6 55
#define NET_F_HOST_USO 56
#define NET_F_RSS_CONTEXT 64
#define NET_F_GUEST_UDP_TUNNEL_GSO 65
#define NET_F_GUEST_UDP_TUNNEL_GSO_CSUM 66
#define NET_F_HOST_UDP_TUNNEL_GSO 67
#define NET_F_HOST_UDP_TUNNEL_GSO_CSUM 68

#define BIT(feature) (1ULL << (feature) % 64)
#define HOST_TSO (BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6))
#define GUEST_TSO (BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6))
#define GUEST_USO (BIT(NET_F_GUEST_USO4) | BIT(NET_F_GUEST_USO6))
#define CTRL_VQ BIT(VIRTIO_NET_F_CTRL_VQ)

/* A feature, and features each of which it requires, or one of which is enough. */
static const struct requirement {
	uint8_t feature;
	struct features all, one;
} requirements[] = {
	{ VIRTIO_NET_F_GUEST_TSO4, { .low = BIT(VIRTIO_NET_F_GUEST_CSUM) }, { 0 } },
	{ VIRTIO_NET_F_GUEST_TSO6, { .low = BIT(VIRTIO_NET_F_GUEST_CSUM) }, { 0 } },
	{ VIRTIO_NET_F_GUEST_ECN, { 0 }, { .low = GUEST_TSO } },
	{ VIRTIO_NET_F_GUEST_UFO, { .low = BIT(VIRTIO_NET_F_GUEST_CSUM) }, { 0 } },
	{ NET_F_GUEST_USO4, { .low = BIT(VIRTIO_NET_F_GUEST_CSUM) }, { 0 } },
	{ NET_F_GUEST_USO6, { .low = BIT(VIRTIO_NET_F_GUEST_CSUM) }, { 0 } },
	{ NET_F_GUEST_UDP_TUNNEL_GSO, { .low = GUEST_TSO | GUEST_USO }, { 0 } },
	{ NET_F_GUEST_UDP_TUNNEL_GSO_CSUM, { .high = BIT(NET_F_GUEST_UDP_TUNNEL_GSO) }, { 0 } },
	{ VIRTIO_NET_F_HOST_TSO4, { .low = BIT(VIRTIO_NET_F_CSUM) }, { 0 } },
	{ VIRTIO_NET_F_HOST_TSO6, { .low = BIT(VIRTIO_NET_F_CSUM) }, { 0 } },
	{ VIRTIO_NET_F_HOST_ECN, { 0 }, { .low = HOST_TSO } },
	{ VIRTIO_NET_F_HOST_UFO, { .low = BIT(VIRTIO_NET_F_CSUM) }, { 0 } },
	{ NET_F_HOST_USO, { .low = BIT(VIRTIO_NET_F_CSUM) }, { 0 } },
	{ NET_F_HOST_UDP_TUNNEL_GSO, { .low = HOST_TSO | BIT(NET_F_HOST_USO) }, { 0 } },
	{ NET_F_HOST_UDP_TUNNEL_GSO_CSUM, { .high = BIT(NET_F_HOST_UDP_TUNNEL_GSO) }, { 0 } },
	{ VIRTIO_NET_F_CTRL_RX, { .low = CTRL_VQ }, { 0 } },
	{ VIRTIO_NET_F_CTRL_VLAN, { .low = CTRL_VQ }, { 0 } },
	{ VIRTIO_NET_F_GUEST_ANNOUNCE, { .low = CTRL_VQ }, { 0 } },
	{ VIRTIO_NET_F_MQ, { .low = CTRL_VQ }, { 0 } },
	{ VIRTIO_NET_F_CTRL_MAC_ADDR, { .low = CTRL_VQ }, { 0 } },
	{ NET_F_NOTF_COAL, { .low = CTRL_VQ }, { 0 } },
	{ VIRTIO_NET_F_RSC_EXT, { 0 }, { .low = HOST_TSO } },
	{ VIRTIO_NET_F_RSS, { .low = CTRL_VQ }, { 0 } },
	{ NET_F_VQ_NOTF_COAL, { .low = CTRL_VQ }, { 0 } },
	{ NET_F_HASH_TUNNEL,
	  { .low = CTRL_VQ },
	  { .low = BIT(VIRTIO_NET_F_RSS) | BIT(VIRTIO_NET_F_HASH_REPORT) } },
	{ NET_F_RSS_CONTEXT, { .low = CTRL_VQ | BIT(VIRTIO_NET_F_RSS) }, { 0 } },
};

static bool is_met(const struct requirement *r, struct features there)
{
	bool any = r->one.low == 0 && r->one.high == 0;

	return (r->all.low & ~there.low) == 0 && (r->all.high & ~there.high) == 0 &&
	       (any || (r->one.low & there.low) != 0 || (r->one.high & there.high) != 0);
}

/* Is what its driver reads the device's own offer? */
static bool offers_itself(const struct target *target, uint32_t word)
{
	return !(target->transport && target->probe != NULL) &&
	       (word < 2 || target->features_high != 0);
}

void ledger_judge_requires(struct ledger *l, uint32_t word, uint32_t value)
{
	struct features offered = { l->offered, l->offered_high }, there;

	if (l->target->device_id != VIRTIO_ID_NET || !offers_itself(l->target, word) ||
	    !ledger_judges(l, RULE_STATUS_REQUIRES))
		return;
	features_set(&offered, word, value);
	there.low = offered.low | (l->target->features & ~l->offered);
	there.high = offered.high | (l->target->features_high & ~l->offered_high);
	for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
		const struct requirement *r = &requirements[i];

		if (r->feature / 32u != word || (value >> r->feature % 32 & 1) == 0 ||
		    is_met(r, there))
			continue;
		ledger_break(l, RULE_STATUS_REQUIRES,
			     "the device offers feature %u, and not all that it requires",
			     r->feature);
		return;
	}
}
