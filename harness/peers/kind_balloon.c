/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Memory balloons: VIRTIO 1.4, 5.5.  Pages that the driver gives are those of 0x30000, where
 * it has nothing of its own.
 *
 * Statistics and hints wait until the host wants them, and reports are of whole pages:
 * nothing is demanded of those queues.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#define F_STATS_VQ KIND_F(VIRTIO_BALLOON_F_STATS_VQ)
#define F_FREE_PAGE_HINT KIND_F(VIRTIO_BALLOON_F_FREE_PAGE_HINT)
#define F_REPORTING KIND_F(VIRTIO_BALLOON_F_REPORTING)

enum { INFLATEQ, DEFLATEQ, STATSQ, FREE_PAGE_VQ, REPORTING_VQ };

static const struct vringer_queue balloon_queues[] = {
	[INFLATEQ] = { "inflateq", KIND_QUEUE_MAX, 1, VRINGER_GIVES_AWAY },
	[DEFLATEQ] = KIND_ASKS("deflateq"),
	[STATSQ] = KIND_FILLS("statsq"),
	[FREE_PAGE_VQ] = KIND_FILLS("free_page_vq"),
	[REPORTING_VQ] = KIND_ASKS("reporting_vq"),
};

static const struct vringer_queue_need balloon_needs[KIND_COUNT(balloon_queues)] = {
	[STATSQ] = { .features = F_STATS_VQ },
	[FREE_PAGE_VQ] = { .features = F_FREE_PAGE_HINT },
	[REPORTING_VQ] = { .features = F_REPORTING },
};

static const struct vringer_field balloon_fields[] = {
	{ "num_pages", 0, 4, 1 },   { "actual", 4, 4, 1 }, { "free_page_hint_cmd_id", 8, 4, 1 },
	{ "poison_val", 12, 4, 1 }, { .name = NULL },
};

#define PAGES "\x30\0\0\0\x31\0\0\0"

static const struct vringer_request balloon_requests[] = {
	{ .name = "inflate", .queue = INFLATEQ, KIND_BYTES(PAGES), .flags = VRINGER_REQUEST_EXACT },
	{ .name = "deflate", .queue = DEFLATEQ, KIND_BYTES(PAGES), .flags = VRINGER_REQUEST_EXACT },
	KIND_HINT(INFLATEQ, PAGES, 0),
	KIND_HINT(DEFLATEQ, PAGES, 0),
	KIND_HINT(INFLATEQ, "\x32\0\0\0", 0),
	KIND_HINT(INFLATEQ, "\xff\xff\xff\xff\0\0\x10\0", 0), /* of no memory */
	KIND_HINT(STATSQ, "\4\0\0\0\x10\0\0\0\0\0\5\0\0\0\x20\0\0\0\0\0", 0),
	KIND_HINT(STATSQ, "\xff\xff\0\0\0\0\0\0\0\0\1", 0),
	KIND_HINT(FREE_PAGE_VQ, "\x80\0\0\0", 0), /* VIRTIO_BALLOON_FREE_PAGE_REPORT_CMD_ID_MIN */
	KIND_HINT(FREE_PAGE_VQ, "\0\0\0\0", 0),	  /* STOP */
	{ .name = NULL },
};

const struct kind kind_balloon = {
	.name = "balloon",
	.device_id = VIRTIO_ID_BALLOON,
	.queue_count = KIND_COUNT(balloon_queues),
	.queues = balloon_queues,
	.queue_needs = balloon_needs,
	.features = KIND_F(VIRTIO_BALLOON_F_MUST_TELL_HOST) | F_STATS_VQ |
		    KIND_F(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) | F_FREE_PAGE_HINT |
		    KIND_F(VIRTIO_BALLOON_F_PAGE_POISON) | F_REPORTING,
	.config_len = 16,
	.fields = balloon_fields,
	.requests = balloon_requests,
};
