/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The file system device: what it is, its shared memory, and each kind of FUSE
 * request.  VIRTIO 1.4, 5.11.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/fuse.h>

#include "../fs.h"
#include "../fs_window.h"
#include "net_guest.h"

#define VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)
#define REQUEST (BASE + FS_QUEUE_COUNT * RINGS)
#define REPLY (REQUEST + 0x4000u)
#define HEAD 40u   /* bytes of a request's header */
#define INIT 56u   /* ... and of an INIT's body */
#define ANSWER 16u /* bytes of a reply's header */
#define INIT_REPLY 80u
#define UNIQUE UINT64_C(0x0807060504030201)

static struct fake_queue q[FS_QUEUE_COUNT];

static void start(void)
{
	guest_start(q, FS_QUEUE_COUNT, VERSION_1);
}

static int setup(void **state)
{
	(void)state;
	guest_setup(&fs_ops, q, FS_QUEUE_COUNT);
	start();
	return 0;
}

static uint32_t order(bool big, uint32_t value)
{
	return big ? htobe32(value) : htole32(value);
}

static void put32(bool big, uint64_t at, uint32_t value)
{
	value = order(big, value);
	memcpy(fake_mem(&fake, at, 4), &value, 4);
}

static uint32_t reply32(bool big, uint32_t at)
{
	uint32_t value;

	memcpy(&value, fake_mem(&fake, REPLY + at, 4), 4);
	return order(big, value);
}

/* A request of `len` bytes by its own header; its body is 0. */
static void put_request(bool big, uint32_t opcode, uint32_t len)
{
	memset(fake_mem(&fake, REQUEST, 0x100), 0, 0x100);
	memset(fake_mem(&fake, REPLY, 0x100), 0xee, 0x100);
	put32(big, REQUEST, len);
	put32(big, REQUEST + 4, opcode);
	memcpy(fake_mem(&fake, REQUEST + 8, 8), &(uint64_t){ UNIQUE }, 8);
}

static void put_init(bool big, uint32_t major)
{
	put_request(big, FUSE_INIT, INIT);
	put32(big, REQUEST + HEAD, major);
	put32(big, REQUEST + HEAD + 4, 31);
}

/* It in a chain of two, `in` bytes and room for `out`, or either alone; what the
 * device says was written. */
static uint32_t send(unsigned queue, uint32_t in, uint32_t out)
{
	struct fake_queue *to = &q[queue];
	uint16_t used = fake_used_idx(to);

	fake_desc(to, 0, REQUEST, in, out ? F_NEXT : 0, 1);
	fake_desc(to, 1, REPLY, out, F_WRITE, 0);
	fake_offer(to, in ? 0 : 1);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	assert_int_equal(fake_used_idx(to), (uint16_t)(used + 1));
	assert_int_equal(fake_used_id(to, used), in ? 0 : 1);
	return fake_used_len(to, used);
}

/* A reply header alone, with that error, and nothing behind it. */
static void assert_error(bool big, int error)
{
	assert_int_equal(reply32(big, 0), ANSWER);
	assert_int_equal((int32_t)reply32(big, 4), error);
	assert_memory_equal(fake_mem(&fake, REPLY + 8, 8), &(uint64_t){ UNIQUE }, 8);
	assert_bytes(REPLY + ANSWER, 0xee, 0x40);
}

static void identity(void **state)
{
	uint8_t tag[36] = { 'v', 'r', 'i', 'n', 'g', 'e', 'r' }, buf[8];
	unsigned i;

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(reg_read(VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 26);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)VIRTQUEUE_FEATURES);
	for (i = 0; i < sizeof(tag); i++) {
		mmio_read(m, 0x100 + i, buf, 1);
		assert_int_equal(buf[0], tag[i]);
	}
	assert_int_equal(reg_read(0x100 + 36), FS_REQUEST_QUEUES);
	/* Beyond the end, and across it, is 0. */
	mmio_read(m, 0x100 + 36, buf, 8);
	assert_memory_equal(buf, ((uint8_t[8]){ FS_REQUEST_QUEUES }), 8);
	mmio_read(m, UINT64_MAX - 7, buf, 8);
	assert_memory_equal(buf, (uint8_t[8]){ 0 }, 8);
	memset(buf, 0x55, sizeof(buf));
	mmio_write(m, 0x100, buf, 8);
	mmio_read(m, 0x100, buf, 8);
	assert_memory_equal(buf, tag, 8);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 0);
	for (i = 0; i < FS_QUEUE_COUNT; i++)
		assert_true(fs_ops.queues[i].driver_initiated);
	assert_int_equal(FS_QUEUE_COUNT, 1 + FS_REQUEST_QUEUES);
	expect_none();
}

static uint64_t shm(uint32_t id, uint64_t low)
{
	reg_write(VIRTIO_MMIO_SHM_SEL, id);
	return reg_read(low) | (uint64_t)reg_read(low + 4) << 32;
}

static void shared_memory(void **state)
{
	static const uint32_t absent[] = { 1, 99, 0x100, 0x10000, UINT32_MAX };
	unsigned i;

	(void)state;
	assert_int_equal(shm(0, VIRTIO_MMIO_SHM_LEN_LOW), FS_SHM_LEN);
	assert_int_equal(shm(0, VIRTIO_MMIO_SHM_BASE_LOW), FS_SHM_BASE);
	assert_true(FS_SHM_LEN > UINT32_MAX && FS_SHM_BASE > UINT32_MAX);
	for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		assert_int_equal(shm(absent[i], VIRTIO_MMIO_SHM_LEN_LOW), UINT64_MAX);
		assert_int_equal(shm(absent[i], VIRTIO_MMIO_SHM_BASE_LOW), UINT64_MAX);
	}
	/* A reset selects the first again. */
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_SHM_LEN_LOW), (uint32_t)FS_SHM_LEN);
	expect_none();
}

static void init_in_either_order(void **state)
{
	unsigned big;

	(void)state;
	for (big = 0; big < 2; big++) {
		put_init(big, 7);
		assert_int_equal(send(FS_REQUEST0, INIT, 0x100), INIT_REPLY);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
		assert_int_equal(reply32(big, 0), INIT_REPLY);
		assert_int_equal(reply32(big, 4), 0);
		assert_memory_equal(fake_mem(&fake, REPLY + 8, 8), &(uint64_t){ UNIQUE }, 8);
		assert_int_equal(reply32(big, ANSWER), 7);
		assert_int_equal(reply32(big, ANSWER + 4), 31);
		/* No readahead and no flags; two sizes of 16 bits in one word. */
		assert_int_equal(reply32(big, ANSWER + 8), 0);
		assert_int_equal(reply32(big, ANSWER + 12), 0);
		assert_int_equal(reply32(big, ANSWER + 16),
				 big ? FS_QUEUE_SIZE_MAX << 16 : FS_QUEUE_SIZE_MAX);
		assert_int_equal(reply32(big, ANSWER + 20), 1u << 20);
		assert_int_equal(reply32(big, ANSWER + 24), 1);
		assert_bytes(REPLY + ANSWER + 28, 0, INIT_REPLY - ANSWER - 28);
		assert_bytes(REPLY + INIT_REPLY, 0xee, 0x40);
		expect({ "requests", 1 }, { "inits", 1 });
		/* The session has its order, on every queue. */
		put_request(big, FUSE_GETATTR, HEAD);
		assert_int_equal(send(FS_REQUEST1, HEAD, 0x100), ANSWER);
		assert_error(big, -ENOSYS);
		put_request(!big, FUSE_GETATTR, HEAD);
		assert_int_equal(send(FS_HIPRIO, HEAD, 0x100), 0);
		expect({ "requests", 1 }, { "unsupported", 1 }, { "too_short", 1 });
		fake_log_clear(&fake);
	}
}

static void init_refused(void **state)
{
	(void)state;
	put_init(false, 6);
	assert_int_equal(send(FS_REQUEST0, INIT, INIT_REPLY), ANSWER);
	assert_error(false, -EPROTO);
	put_init(false, 7);
	assert_int_equal(send(FS_REQUEST0, INIT, INIT_REPLY - 1), ANSWER);
	assert_error(false, -EIO);
	expect({ "requests", 2 }, { "inits_refused", 2 });
	/* A later major is answered with ours. */
	put_init(false, 8);
	assert_int_equal(send(FS_REQUEST0, INIT, INIT_REPLY), INIT_REPLY);
	assert_int_equal(reply32(false, ANSWER), 7);
	expect({ "requests", 1 }, { "inits", 1 });
}

static void too_short(void **state)
{
	uint32_t len;

	(void)state;
	/* The chain is, whatever its header says; one without a readable part. */
	put_request(false, FUSE_GETATTR, HEAD);
	for (len = 0; len < HEAD; len++)
		assert_int_equal(send(FS_REQUEST0, len, 0x40), 0);
	expect({ "too_short", HEAD });
	/* The header says so itself, or claims more than there is. */
	put_request(false, FUSE_GETATTR, HEAD - 1);
	assert_int_equal(send(FS_REQUEST0, HEAD, 0x40), 0);
	put_request(false, FUSE_GETATTR, HEAD + 1);
	assert_int_equal(send(FS_REQUEST0, HEAD, 0x40), 0);
	put_request(false, FUSE_GETATTR, UINT32_MAX);
	assert_int_equal(send(FS_REQUEST0, HEAD, 0x40), 0);
	expect({ "too_short", 3 });
	put_init(false, 7);
	assert_int_equal(send(FS_REQUEST0, INIT - 1, 0x100), 0);
	put32(false, REQUEST, INIT - 1);
	assert_int_equal(send(FS_REQUEST0, INIT, 0x100), 0);
	expect({ "too_short", 2 });
	assert_bytes(REPLY, 0xee, 0x100);
}

static void no_room_for_the_reply(void **state)
{
	uint32_t room;

	(void)state;
	put_request(false, FUSE_GETATTR, HEAD);
	for (room = 0; room < ANSWER; room++)
		assert_int_equal(send(FS_REQUEST0, HEAD, room), 0);
	put_init(false, 7);
	assert_int_equal(send(FS_REQUEST0, INIT, ANSWER - 1), 0);
	expect({ "requests", ANSWER + 1 }, { "no_room", ANSWER + 1 });
	assert_bytes(REPLY, 0xee, 0x100);
	put_request(false, FUSE_GETATTR, HEAD);
	assert_int_equal(send(FS_REQUEST0, HEAD, ANSWER), ANSWER);
	expect({ "requests", 1 }, { "unsupported", 1 });
}

static void forget_has_no_reply(void **state)
{
	static const uint32_t opcodes[] = { FUSE_FORGET, FUSE_BATCH_FORGET };
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		put_request(false, opcodes[i], HEAD + 8);
		assert_int_equal(send(FS_HIPRIO, HEAD + 8, 0), 0);
		assert_int_equal(send(FS_HIPRIO, HEAD + 8, 0x40), 0);
		assert_bytes(REPLY, 0xee, 0x40);
	}
	expect({ "requests", 4 }, { "forgets", 4 });
}

static void unknown_operations(void **state)
{
	static const uint32_t opcodes[] = { 0, FUSE_INTERRUPT, FUSE_DESTROY, 0x7fffffff,
					    UINT32_MAX };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		put_request(false, opcodes[i], HEAD);
		assert_int_equal(send(i % FS_QUEUE_COUNT, HEAD, 0x40), ANSWER);
		assert_error(false, -ENOSYS);
	}
	expect({ "requests", i }, { "unsupported", i });
}

/* Header, body and reply a few bytes a descriptor, with empty ones between. */
static void split_over_descriptors(void **state)
{
	static const uint16_t in[] = { 1, 0, 6, 33, 3, 13 }, out[] = { 0, 15, 2, 0, 64 };
	const unsigned ins = sizeof(in) / sizeof(in[0]), outs = sizeof(out) / sizeof(out[0]);
	uint64_t addr = REQUEST;
	uint16_t i;

	(void)state;
	put_init(true, 7);
	for (i = 0; i < ins; i++, addr += in[i - 1])
		fake_desc(&q[1], i, in[i] ? addr : UINT64_MAX, in[i], F_NEXT, (uint16_t)(i + 1));
	for (addr = REPLY, i = 0; i < outs; i++, addr += out[i - 1])
		fake_desc(&q[1], (uint16_t)(ins + i), out[i] ? addr : UINT64_MAX, out[i],
			  F_WRITE | (i + 1u < outs ? F_NEXT : 0), (uint16_t)(ins + i + 1));
	fake_offer(&q[1], 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_used(&q[1], 1, 0, INIT_REPLY);
	assert_int_equal(reply32(true, 0), INIT_REPLY);
	assert_int_equal(reply32(true, ANSWER), 7);
	expect({ "requests", 1 }, { "inits", 1 });
}

static void invalid_chains(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} bad[] = {
		{ REQUEST, HEAD, F_NEXT, SIZE },	     /* out of the table */
		{ REQUEST, HEAD, F_NEXT, 0 },		     /* a loop */
		{ REQUEST, HEAD, VRING_DESC_F_INDIRECT, 0 }, /* not offered */
		{ UINT64_MAX - 10, HEAD, 0, 0 },	     /* wraps */
		{ UNMAPPED, HEAD, 0, 0 },		     /* nothing there */
		{ REPLY, 16, F_WRITE | F_NEXT, 1 /* followed by the request */ },
	};
	unsigned i;

	(void)state;
	put_request(false, FUSE_GETATTR, HEAD);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_desc(&q[1], 0, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
		fake_desc(&q[1], 1, REQUEST, HEAD, 0, 0);
		fake_offer(&q[1], 0);
		reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
		assert_used(&q[1], (uint16_t)(i + 1), 0, 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
		expect({ "chain_invalid", 1 });
	}
	assert_bytes(REPLY, 0xee, 0x40);
}

static void reply_that_cannot_be_written(void **state)
{
	(void)state;
	put_request(false, FUSE_GETATTR, HEAD);
	fake_desc(&q[1], 0, REQUEST, HEAD, F_NEXT, 1);
	fake_desc(&q[1], 1, REPLY, 8, F_WRITE | F_NEXT, 2);
	fake_desc(&q[1], 2, UNMAPPED, 8, F_WRITE, 0);
	fake_offer(&q[1], 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_used(&q[1], 1, 0, 0);
	expect({ "requests", 1 }, { "reply_failed", 1 });
	fake.fail_nth[GUEST_USED_ENTRY] = 1;
	put_request(false, FUSE_FORGET, HEAD + 8);
	fake_desc(&q[1], 0, REQUEST, HEAD + 8, 0, 0);
	fake_log_clear(&fake);
	fake_offer(&q[1], 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(fake_used_idx(&q[1]), 1);
	assert_interrupts(0, 0);
	expect({ "requests", 1 }, { "forgets", 1 }, { "add_used_failures", 1 });
}

/* What is read of a request does not grow with it. */
static void only_the_head_is_read(void **state)
{
	unsigned i;
	uint64_t bytes = 0;

	(void)state;
	put_init(false, 7);
	put32(false, REQUEST, 0x3000);
	fake_log_clear(&fake);
	assert_int_equal(send(FS_REQUEST0, 0x3000, 0x100), INIT_REPLY);
	for (i = 0; i < fake.logged; i++)
		if (fake.log[i].why.purpose == GUEST_PAYLOAD && !fake.log[i].write)
			bytes += fake.log[i].len;
	assert_int_equal(bytes, INIT);
	expect({ "requests", 1 }, { "inits", 1 });
}

static void a_poisoned_queue_is_alone(void **state)
{
	(void)state;
	fake_avail_set(&q[FS_REQUEST0], SIZE + 1);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, FS_REQUEST0);
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, FS_REQUEST0);
	assert_interrupts(0, 0);
	expect({ "invalid_avail_idx_count", 1 });
	put_request(false, FUSE_GETATTR, HEAD);
	assert_int_equal(send(FS_HIPRIO, HEAD, ANSWER), ANSWER);
	expect({ "requests", 1 }, { "unsupported", 1 });
}

static void reset_ends_the_session(void **state)
{
	(void)state;
	put_init(true, 7);
	assert_int_equal(send(FS_REQUEST0, INIT, INIT_REPLY), INIT_REPLY);
	start();
	put_request(true, FUSE_GETATTR, HEAD);
	assert_int_equal(send(FS_REQUEST0, HEAD, ANSWER), 0);
	put_request(false, FUSE_GETATTR, HEAD);
	assert_int_equal(send(FS_REQUEST0, HEAD, ANSWER), ANSWER);
	assert_error(false, -ENOSYS);
	expect({ "requests", 2 }, { "inits", 1 }, { "unsupported", 1 }, { "too_short", 1 });
}

static void offer_another(struct fake_host *host, const struct fake_access *access)
{
	if (access->why.purpose == GUEST_USED_ENTRY)
		fake_offer(host->hook_arg, 0);
}

/* A ring that grows while it is drained: a call ends, and the rest is work. */
static void work_is_bounded(void **state)
{
	(void)state;
	put_request(false, FUSE_FORGET, HEAD + 8);
	fake_desc(&q[0], 0, REQUEST, HEAD + 8, 0, 0);
	fake_offer(&q[0], 0);
	fake.hook = offer_another;
	fake.hook_arg = &q[0];
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	expect({ "requests", SIZE }, { "forgets", SIZE });
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	fake.hook = NULL;
	mmio_work(m);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "requests", 1 }, { "forgets", 1 });
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, net_teardown)

/* A piece of the window: page `at`, `pages` of them, page `file` of the file. */
#define PAGE UINT64_C(0x1000)
#define PIECE(page, pages, of)                                                                     \
	{                                                                                          \
		(page) * PAGE, (pages)*PAGE, (of)*PAGE                                             \
	}

static void assert_pieces(const struct fs_window *w, const struct fs_piece *due, unsigned count)
{
	assert_int_equal(w->count, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(w->pieces[i].at, due[i].at);
		assert_int_equal(w->pieces[i].len, due[i].len);
		assert_int_equal(w->pieces[i].file, due[i].file);
	}
}

#define assert_window(w, ...)                                                                      \
	assert_pieces(w, (const struct fs_piece[]){ __VA_ARGS__ },                                 \
		      sizeof((const struct fs_piece[]){ __VA_ARGS__ }) / sizeof(struct fs_piece))

static void window_pieces(void **state)
{
	struct fs_window w = { .count = 0 };

	(void)state;
	assert_int_equal(fs_window_map(&w, 10 * PAGE, 10 * PAGE, 100 * PAGE), 0);
	assert_window(&w, PIECE(10, 10, 100));
	/* In the middle, over the start, over the end, exactly. */
	assert_int_equal(fs_window_map(&w, 14 * PAGE, 2 * PAGE, 0), 0);
	assert_window(&w, PIECE(10, 4, 100), PIECE(14, 2, 0), PIECE(16, 4, 106));
	assert_int_equal(fs_window_map(&w, 8 * PAGE, 3 * PAGE, 50 * PAGE), 0);
	assert_window(&w, PIECE(8, 3, 50), PIECE(11, 3, 101), PIECE(14, 2, 0), PIECE(16, 4, 106));
	assert_int_equal(fs_window_map(&w, 19 * PAGE, 9 * PAGE, 7 * PAGE), 0);
	assert_int_equal(fs_window_map(&w, 14 * PAGE, 2 * PAGE, 5 * PAGE), 0);
	assert_window(&w, PIECE(8, 3, 50), PIECE(11, 3, 101), PIECE(14, 2, 5), PIECE(16, 3, 106),
		      PIECE(19, 9, 7));
	/* Between two, before all, across several. */
	assert_int_equal(fs_window_unmap(&w, 14 * PAGE, 2 * PAGE), 0);
	assert_int_equal(fs_window_map(&w, 0, PAGE, 0), 0);
	assert_window(&w, PIECE(0, 1, 0), PIECE(8, 3, 50), PIECE(11, 3, 101), PIECE(16, 3, 106),
		      PIECE(19, 9, 7));
	assert_int_equal(fs_window_unmap(&w, 9 * PAGE, 11 * PAGE), 0);
	assert_window(&w, PIECE(0, 1, 0), PIECE(8, 1, 50), PIECE(20, 8, 8));
	assert_int_equal(fs_window_map(&w, 0, FS_SHM_LEN, 0), 0);
	assert_int_equal(w.count, 1);
	assert_int_equal(fs_window_unmap(&w, 0, FS_SHM_LEN), 0);
	assert_int_equal(w.count, 0);
	/* Where there is nothing. */
	assert_int_equal(fs_window_unmap(&w, PAGE, PAGE), 0);
	assert_int_equal(w.count, 0);
}

static void window_is_full(void **state)
{
	struct fs_window w = { .count = 0 }, before;

	(void)state;
	for (unsigned i = 0; i < FS_PIECES_MAX; i++)
		assert_int_equal(fs_window_map(&w, i * 4 * PAGE, 3 * PAGE, 0), 0);
	before = w;
	assert_int_equal(fs_window_map(&w, FS_SHM_LEN - PAGE, PAGE, 0), -ENOMEM);
	assert_int_equal(fs_window_map(&w, PAGE, PAGE, 0), -ENOMEM);
	assert_int_equal(fs_window_unmap(&w, PAGE, PAGE), -ENOMEM);
	assert_memory_equal(&w, &before, sizeof(w));
	/* What needs no piece more is done. */
	assert_int_equal(fs_window_unmap(&w, 0, PAGE), 0);
	assert_int_equal(fs_window_map(&w, 4 * PAGE, 3 * PAGE, PAGE), 0);
	assert_int_equal(fs_window_map(&w, 2 * PAGE, 4 * PAGE, PAGE), -ENOMEM);
	assert_int_equal(fs_window_unmap(&w, 4 * PAGE, 3 * PAGE), 0);
	assert_int_equal(fs_window_map(&w, FS_SHM_LEN - PAGE, PAGE, 0), 0);
	assert_int_equal(w.count, FS_PIECES_MAX);
}

static void window_ranges(void **state)
{
	(void)state;
	assert_true(fs_window_has(0, FS_SHM_LEN));
	assert_true(fs_window_has(FS_SHM_LEN - PAGE, PAGE));
	assert_true(fs_window_has(0, 1));
	assert_false(fs_window_has(0, 0));
	assert_false(fs_window_has(0, FS_SHM_LEN + 1));
	assert_false(fs_window_has(FS_SHM_LEN, 1));
	assert_false(fs_window_has(FS_SHM_LEN - PAGE, PAGE + 1));
	assert_false(fs_window_has(PAGE, UINT64_MAX - PAGE + 1));
	assert_false(fs_window_has(UINT64_MAX - PAGE + 1, 2 * PAGE));
	assert_false(fs_window_has(PAGE / 2, PAGE));
	assert_true(fs_window_takes(INT64_MAX - 2 * PAGE + 1, PAGE));
	assert_false(fs_window_takes(INT64_MAX - PAGE + 1, PAGE));
	assert_false(fs_window_takes(UINT64_MAX - PAGE + 1, PAGE));
	assert_false(fs_window_takes(1, PAGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),
		TEST(shared_memory),
		TEST(init_in_either_order),
		TEST(init_refused),
		TEST(too_short),
		TEST(no_room_for_the_reply),
		TEST(forget_has_no_reply),
		TEST(unknown_operations),
		TEST(split_over_descriptors),
		TEST(invalid_chains),
		TEST(reply_that_cannot_be_written),
		TEST(only_the_head_is_read),
		TEST(a_poisoned_queue_is_alone),
		TEST(reset_ends_the_session),
		TEST(work_is_bounded),
		cmocka_unit_test(window_pieces),
		cmocka_unit_test(window_is_full),
		cmocka_unit_test(window_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
