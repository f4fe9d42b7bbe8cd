/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is behind each of QEMU's devices: a wire, two ports, or the host's wishes; and the
 * requests that are answered because of it.  See qemu.h.
 *
 * QEMU hides its accesses to guest memory, so rules about streams of frames and bytes are
 * not judged; what passes is compared by scripts, and by the requests here.
 */
#include "harness/peers/qemu.h"

#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <stdio.h>

#define F(bit) (UINT64_C(1) << (bit))
#define PAGE 4096u

/* ---- network ----------------------------------------------------------------------- */

const struct qemu_side qemu_side_net = { .lines = 1, .frames = true };

static const struct vringer_port wire[] = {
	{ .from = VRINGER_NO_QUEUE, .to = VRINGER_NO_QUEUE, .held_max = LINE_KEEPS },
};

const struct vringer_backend qemu_backend_net = {
	.size = sizeof(qemu_backend_net),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE,
	.port_count = 1,
	.ports = wire,
	.act = qemu_host_act,
};

/* Ethernet: to all, and between locally administered addresses, of a protocol for
 * experiments. */
#define NO_HEADER "\0\0\0\0\0\0\0\0\0\0\0\0"
#define HEADER_LEN 12u
#define TO_ALL                                                                                     \
	"\xff\xff\xff\xff\xff\xff\2again\x88\xb5"                                                  \
	"the quick brown fox jumps over the lazy dog 02"
#define TO_ALL_IN_HEX                                                                              \
	"ffffffffffff02616761696e88b5"                                                             \
	"74686520717569636b2062726f776e20666f78206a756d7073206f76657220"                           \
	"746865206c617a7920646f67203032"
#define FRAME                                                                                      \
	"\2vring\2again\x88\xb5"                                                                   \
	"the quick brown fox jumps over the lazy dog 01"
#define FRAME_LEN 60u
_Static_assert(sizeof(TO_ALL) - 1 == FRAME_LEN && sizeof(FRAME) - 1 == FRAME_LEN &&
		       sizeof(TO_ALL_IN_HEX) - 1 == 2 * FRAME_LEN,
	       "frames that need no padding");

static const struct vringer_bytes to_all[] = {
	{ HEADER_LEN, FRAME_LEN, TO_ALL },
	{ .bytes = NULL },
};

const struct vringer_request qemu_requests_net[] = {
	{ .name = "buffer",
	  .queue = 0,
	  .writable_len = 1526, /* VIRTIO 5.1.9.3.1: the least that a driver gives */
	  .used_min = HEADER_LEN + FRAME_LEN,
	  .used_max = HEADER_LEN + FRAME_LEN,
	  .answer = to_all,
	  .features_off = F(VIRTIO_NET_F_HASH_REPORT),
	  .after = "type 0 " TO_ALL_IN_HEX "\n",
	  .flags = VRINGER_REQUEST_EXACT },
	/* The kind's, and what comes out is looked at. */
	{ .name = "frame",
	  .queue = 1,
	  .readable = NO_HEADER FRAME,
	  .readable_len = HEADER_LEN + FRAME_LEN,
	  .features_off = F(VIRTIO_NET_F_HASH_REPORT),
	  .after = "take_output 0\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = NULL },
};

/* ---- console ----------------------------------------------------------------------- */

const struct qemu_side qemu_side_console = { .lines = 2 };
const struct qemu_side qemu_side_console_alone = { .lines = 1 };

static const struct vringer_port ports[] = {
	{ .from = 1, .to = 0, .chain_max = LINE_KEEPS, .held_max = LINE_KEEPS },
	{ .from = 5, .to = 4, .chain_max = LINE_KEEPS, .held_max = LINE_KEEPS },
};

const struct vringer_backend qemu_backend_console = {
	.size = sizeof(qemu_backend_console),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE,
	.port_count = 2,
	.ports = ports,
	.act = qemu_host_act,
};

const struct vringer_backend qemu_backend_console_alone = {
	.size = sizeof(qemu_backend_console_alone),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE,
	.port_count = 1,
	.ports = ports,
	.act = qemu_host_act,
};

static const struct vringer_bytes hello[] = { { 0, 5, "hello" }, { .bytes = NULL } };

/* With ports, a driver must have opened this one first. */
const struct vringer_request qemu_requests_console[] = {
	{ .name = "input",
	  .queue = 0,
	  .writable_len = 64,
	  .used_min = 5,
	  .used_max = 5,
	  .answer = hello,
	  .features_off = F(VIRTIO_CONSOLE_F_MULTIPORT),
	  .after = "type 0 68656c6c6f\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "output",
	  .queue = 1,
	  .readable = "hello, world\r\n",
	  .readable_len = 14,
	  .features_off = F(VIRTIO_CONSOLE_F_MULTIPORT),
	  .after = "take_output 0\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = NULL },
};

/* ---- block device ------------------------------------------------------------------ */

#define SECTOR 512u
#define SECTORS_MORE_MAX (1u << 20)

static int tell(struct qemu *q, const char *command, const char *arguments)
{
	int err = qemu_command(q, command, arguments);

	return err == 0 ? 1 : err == -EREMOTEIO ? 0 : err;
}

/* The disk has so many sectors more. */
static int resize(struct qemu *q, uint32_t sectors)
{
	char arguments[64];

	if (sectors > SECTORS_MORE_MAX)
		return 0;
	snprintf(arguments, sizeof(arguments), "{\"node-name\":\"disk\",\"size\":%u}",
		 QEMU_DISK_SIZE + sectors * SECTOR);
	return tell(q, "block_resize", arguments);
}

static bool renew_disk(struct qemu *q)
{
	return q->wanted == 0 || resize(q, 0) == 1;
}

const struct qemu_side qemu_side_blk = { .asynchronous = true,
					 .want = resize,
					 .renew = renew_disk };

const struct vringer_backend qemu_backend_blk = {
	.size = sizeof(qemu_backend_blk),
	.acts = 1u << VRINGER_CHANGE_CONFIG,
	.act = qemu_host_act,
};

/* ---- balloon ----------------------------------------------------------------------- */

/* QEMU is told how much memory the guest is to have, which is not nothing. */
static int set_balloon(struct qemu *q, uint32_t pages)
{
	char arguments[48];

	if (pages >= q->size / PAGE)
		return 0;
	snprintf(arguments, sizeof(arguments), "{\"value\":%llu}",
		 (unsigned long long)(q->size - (uint64_t)pages * PAGE));
	return tell(q, "balloon", arguments);
}

/* Neither field is reset with the machine. */
static bool renew_balloon(struct qemu *q)
{
	const struct qtest_access actual = { q->base + VIRTIO_MMIO_CONFIG + 4, 4, 0 };

	return (q->wanted == 0 || set_balloon(q, 0) == 1) && qtest_write(&q->qtest, &actual) == 0 &&
	       qtest_sync(&q->qtest) == 0;
}

const struct qemu_side qemu_side_balloon = { .want = set_balloon, .renew = renew_balloon };

const struct vringer_backend qemu_backend_balloon = {
	.size = sizeof(qemu_backend_balloon),
	.acts = 1u << VRINGER_SET_NUM_PAGES,
	.act = qemu_host_act,
};
