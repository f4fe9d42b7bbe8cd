/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * SCSI hosts: VIRTIO 1.4, 5.6, with one request queue, as every device has.  Target 255 does
 * not exist.  The driver leaves cdb_size and sense_size as they are.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_scsi.h>
#include <stddef.h>

#define F_T10_PI KIND_F(VIRTIO_SCSI_F_T10_PI)

enum { CONTROLQ, EVENTQ, REQUESTQ };

static const struct vringer_queue scsi_queues[] = {
	[CONTROLQ] = KIND_ASKS("controlq"),
	[EVENTQ] = KIND_FILLS("eventq"),
	[REQUESTQ] = KIND_ASKS("requestq"),
};

static const struct vringer_field scsi_fields[] = {
	{ "num_queues", 0, 4, 1 },
	{ "seg_max", 4, 4, 1 },
	{ "max_sectors", 8, 4, 1 },
	{ "cmd_per_lun", 12, 4, 1 },
	{ "event_info_size", 16, 4, 1 },
	{ "sense_size", 20, 4, 1 },
	{ "cdb_size", 24, 4, 1 },
	{ "max_channel", 28, 2, 1 },
	{ "max_target", 30, 2, 1 },
	{ "max_lun", 32, 4, 1 },
	{ .name = NULL },
};

#define NONE "\1\xff\x40\0\0\0\0\0" /* logical unit 0 of target 255 */
#define FIRST "\1\0\x40\0\0\0\0\0"  /* ... of target 0 */
#define WELL_KNOWN "\xc1\1\0\0\0\0\0\0"
#define TAG "\1\2\3\4\5\6\7\x8"
#define ZEROES_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
/* A command of 16 bytes at most, in the 32 of a request. */
#define COMMAND(lun, cdb) lun TAG "\0\0\0" cdb ZEROES_16
#define TEST_UNIT_READY ZEROES_16
#define INQUIRY "\x12\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0"
#define REPORT_LUNS "\xa0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0"
#define READ_10 "\x28\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
#define SYNCHRONIZE_CACHE "\x35\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define WRITE_10 "\x2a\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
#define RESPONSE 108u /* bytes, sense data and all */
#define TMF(subtype, lun) "\0\0\0\0" subtype "\0\0\0" lun TAG
#define NOTIFICATION(type) type "\0\0\0" FIRST "\x7e\0\0\0"

/* VIRTIO_SCSI_S_BAD_TARGET, in the response to a command. */
static const struct vringer_bytes bad_target[] = { { 11, 1, "\3" }, { .bytes = NULL } };

/* Data in answers a command: in how many parts the device allows is in seg_max. */
#define REQUEST(cdb_of, room)                                                                      \
	.queue = REQUESTQ, KIND_BYTES(cdb_of), .writable_len = RESPONSE + (room),                  \
	.used_max = RESPONSE + (room), .features_off = F_T10_PI, .buffers_max = 2

static const struct vringer_request scsi_requests[] = {
	{ .name = "unit-ready-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(COMMAND(NONE, TEST_UNIT_READY), 0),
	  .answer = bad_target },
	{ .name = "inquiry-none", REQUEST(COMMAND(NONE, INQUIRY), 36), .answer = bad_target },
	/* Whether there is any of these is the device's to say. */
	{ .name = "report-luns",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(COMMAND(WELL_KNOWN, REPORT_LUNS), 16) },
	{ .name = "inquiry-first",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(COMMAND(FIRST, INQUIRY), 36) },
	{ .name = "query-task",
	  .queue = CONTROLQ,
	  KIND_BYTES(TMF("\6", FIRST)),
	  .writable_len = 1,
	  .used_max = 1 },
	{ .name = "reset-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = CONTROLQ,
	  KIND_BYTES(TMF("\5", NONE)),
	  .writable_len = 1,
	  .used_max = 1 },
	{ .name = "events-query",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = CONTROLQ,
	  KIND_BYTES(NOTIFICATION("\1")),
	  .writable_len = 5,
	  .used_max = 5 },
	KIND_HINT(REQUESTQ, COMMAND(FIRST, TEST_UNIT_READY), RESPONSE),
	KIND_HINT(REQUESTQ, COMMAND(FIRST, REPORT_LUNS), RESPONSE + 16),
	KIND_HINT(REQUESTQ, COMMAND(FIRST, READ_10), RESPONSE + 512),
	KIND_HINT(REQUESTQ, COMMAND(FIRST, SYNCHRONIZE_CACHE), RESPONSE),
	KIND_HINT(REQUESTQ, COMMAND(FIRST, WRITE_10) "data that is too short", RESPONSE),
	KIND_HINT(CONTROLQ, TMF("\0", FIRST), 1), /* ABORT_TASK */
	KIND_HINT(CONTROLQ, TMF("\4", FIRST), 1), /* I_T_NEXUS_RESET */
	KIND_HINT(CONTROLQ, TMF("\5", FIRST), 1), /* LOGICAL_UNIT_RESET */
	KIND_HINT(CONTROLQ, NOTIFICATION("\2"), 5),
	KIND_HINT(CONTROLQ, NOTIFICATION("\7"), 5),
	{ .name = NULL },
};

const struct kind kind_scsi = {
	.name = "scsi",
	.device_id = VIRTIO_ID_SCSI,
	.queue_count = KIND_COUNT(scsi_queues),
	.queues = scsi_queues,
	.features = KIND_F(VIRTIO_SCSI_F_INOUT) | KIND_F(VIRTIO_SCSI_F_HOTPLUG) |
		    KIND_F(VIRTIO_SCSI_F_CHANGE) | F_T10_PI,
	.config_len = 36,
	.fields = scsi_fields,
	.requests = scsi_requests,
};
