/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * IOMMUs: VIRTIO 1.4, 5.13.  It has no endpoint 0xfffffff0, and domain 1 is in its range.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_iommu.h>
#include <stddef.h>

#define F_MAP_UNMAP KIND_F(VIRTIO_IOMMU_F_MAP_UNMAP)
#define F_BYPASS_CONFIG KIND_F(VIRTIO_IOMMU_F_BYPASS_CONFIG)

enum { REQUESTQ, EVENTQ };

static const struct vringer_queue iommu_queues[] = {
	[REQUESTQ] = KIND_ASKS("requestq"),
	[EVENTQ] = KIND_FILLS("eventq"),
};

static const struct vringer_field iommu_fields[] = {
	{ "page_size_mask", 0, 8, 1 },
	{ "input_range.start", 8, 8, 1 },
	{ "input_range.end", 16, 8, 1 },
	{ "domain_range.start", 24, 4, 1 },
	{ "domain_range.end", 28, 4, 1 },
	{ "probe_size", 32, 4, 1 },
	{ "bypass", 36, 1, 1 },
	{ "reserved", 37, 1, 3 },
	{ .name = NULL },
};

#define ZEROES_8 "\0\0\0\0\0\0\0\0"
#define HEAD(type, domain) type "\0\0\0" domain "\0\0\0"
#define NO_ENDPOINT "\xf0\xff\xff\xff"
/* The first 4096 addresses. */
#define PAGE ZEROES_8 "\xff\x0f\0\0\0\0\0\0"

static const struct vringer_bytes noent[] = { { 0, 1, "\6" }, { .bytes = NULL } };
static const struct vringer_bytes inval[] = { { 0, 1, "\4" }, { .bytes = NULL } };

#define REQUEST(literal) .queue = REQUESTQ, KIND_BYTES(literal), .writable_len = 4, .used_max = 4

static const struct vringer_request iommu_requests[] = {
	{ .name = "attach-none", REQUEST(HEAD("\1", "\1") NO_ENDPOINT ZEROES_8), .answer = noent },
	{ .name = "detach-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(HEAD("\2", "\1") NO_ENDPOINT ZEROES_8),
	  .answer = noent },
	{ .name = "map-flag",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(HEAD("\3", "\1") PAGE ZEROES_8 "\0\1\0\0"),
	  .answer = inval,
	  .features = F_MAP_UNMAP },
	/* What is said of these is no more than SHOULD. */
	{ .name = "unmap-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(HEAD("\4", "\1") PAGE "\0\0\0\0"),
	  .features = F_MAP_UNMAP },
	{ .name = "unknown", .flags = VRINGER_REQUEST_SELDOM, REQUEST("\x77\0\0\0" ZEROES_8) },
	KIND_HINT(REQUESTQ, HEAD("\1", "\1") "\0\0\0\0\0\0\0\0\0\0\0\0", 4),
	KIND_HINT(REQUESTQ, HEAD("\1", "\1") "\x8\0\0\0\1\0\0\0\0\0\0\0", 4),
	KIND_HINT(REQUESTQ, HEAD("\2", "\1") "\x8\0\0\0\0\0\0\0\0\0\0\0", 4),
	KIND_HINT(REQUESTQ, HEAD("\3", "\1") PAGE ZEROES_8 "\3\0\0\0", 4),
	KIND_HINT(
		REQUESTQ,
		"\5\0\0\0"
		"\x8\0\0\0" ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8,
		512 + 4), /* PROBE */
	{ .name = NULL },
};

const struct kind kind_iommu = {
	.name = "iommu",
	.device_id = VIRTIO_ID_IOMMU,
	.queue_count = KIND_COUNT(iommu_queues),
	.queues = iommu_queues,
	.features = KIND_F(VIRTIO_IOMMU_F_INPUT_RANGE) | KIND_F(VIRTIO_IOMMU_F_DOMAIN_RANGE) |
		    F_MAP_UNMAP | KIND_F(VIRTIO_IOMMU_F_BYPASS) | KIND_F(VIRTIO_IOMMU_F_PROBE) |
		    KIND_F(VIRTIO_IOMMU_F_MMIO) | F_BYPASS_CONFIG,
	.config_len = 40,
	.fields = iommu_fields,
	.requests = iommu_requests,
};
