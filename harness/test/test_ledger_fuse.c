/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is due to a FUSE request, and what is not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/fuse.h>

#include "ledger_requests.h"
#include "ledger_rig.h"

#define ROOM 80u
#define IN_HEAD ((uint32_t)sizeof(struct fuse_in_header))
#define INIT_IN 16u
#define BODY 40u
#define OUT_HEAD ((uint32_t)sizeof(struct fuse_out_header))

static uint16_t chains;
static bool big;     /* the order in which what follows speaks */
static bool failing; /* the reply cannot be written */
static uint32_t room;
static uint8_t request[IN_HEAD + BODY], reply[OUT_HEAD + sizeof(struct fuse_init_out)];

static int setup(void **state)
{
	(void)state;
	rig_new();
	fuse_new();
	chains = 0;
	big = failing = false;
	room = ROOM;
	return 0;
}

static void put32(uint8_t *to, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[at + i] = (uint8_t)(value >> 8 * (big ? 3 - i : i));
}

static void ask(uint32_t opcode)
{
	for (unsigned i = 0; i < sizeof(request); i++)
		request[i] = (uint8_t)i;
	put32(request, offsetof(struct fuse_in_header, len),
	      opcode == FUSE_INIT ? IN_HEAD + INIT_IN : IN_HEAD);
	put32(request, offsetof(struct fuse_in_header, opcode), opcode);
}

static void ask_init(uint32_t major)
{
	ask(FUSE_INIT);
	put32(request, IN_HEAD, major);
	put32(request, IN_HEAD + 4, 31);
	put32(request, IN_HEAD + 8, 1000);
	put32(request, IN_HEAD + 12, 6);
}

static void make_reply(uint32_t len, int32_t error)
{
	memset(reply, 0, sizeof(reply));
	put32(reply, offsetof(struct fuse_out_header, len), len);
	put32(reply, offsetof(struct fuse_out_header, error), (uint32_t)error);
	memcpy(reply + offsetof(struct fuse_out_header, unique),
	       request + offsetof(struct fuse_in_header, unique), 8);
}

static void make_start(void)
{
	make_reply(sizeof(reply), 0);
	put32(reply, OUT_HEAD, FUSE_KERNEL_VERSION);
	put32(reply, OUT_HEAD + 4, 31);
	put32(reply, OUT_HEAD + 8, 1000);
	put32(reply, OUT_HEAD + 12, 6);
}

/* In a call of its own: the device reads `read` bytes of the request, writes `wrote` of
 * the reply, and returns the chain. */
static void serve_request(uint32_t read, uint32_t wrote, uint32_t len)
{
	on = TX;
	notify();
	avail_idx((uint16_t)(chains + 1));
	avail_entry(chains, 0);
	desc(chains, 0, BUFFER, sizeof(request), F_NEXT, 1);
	desc(chains, 1, REPLY, room, F_WRITE, 0);
	if (read > 0)
		payload_bytes(chains, false, BUFFER, request, read);
	if (wrote > 0)
		payload_bytes(chains, true, REPLY, reply, wrote);
	access_error = failing ? -EFAULT : 0;
	if (failing)
		payload_write(chains, REPLY, 1);
	access_error = 0;
	return_chain(chains, chains, 0, len);
	wake();
	done();
	chains++;
}

static void answered(uint32_t len)
{
	serve_request(sizeof(request), len, len);
}

static void error_that_is_due(void **state)
{
	static const int32_t others[] = { 0, -ENOENT, ENOSYS, -1, INT32_MIN };

	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD);
	assert_silent();
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		setup(state);
		make_reply(OUT_HEAD, others[i]);
		answered(OUT_HEAD);
		assert_breaks(RULE_STREAM_REPLIES);
	}
}

static void length_that_is_due(void **state)
{
	(void)state;
	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD + 8, -ENOSYS); /* more than an error */
	answered(OUT_HEAD + 8);
	assert_breaks(RULE_STREAM_REPLIES);
	setup(state);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD + 8); /* than it says */
	assert_breaks(RULE_STREAM_REPLIES);
	setup(state);
	answered(OUT_HEAD - 1);
	assert_breaks(RULE_STREAM_REPLIES);
	setup(state);
	serve_request(sizeof(request), OUT_HEAD, 0);
	assert_breaks(RULE_STREAM_UNANSWERED);
}

static void unique_that_is_due(void **state)
{
	(void)state;
	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD, -ENOSYS);
	reply[offsetof(struct fuse_out_header, unique)] ^= 1;
	answered(OUT_HEAD);
	assert_breaks(RULE_STREAM_REPLIES);
}

static void none_is_due(void **state)
{
	static const uint32_t opcodes[] = { FUSE_FORGET, FUSE_BATCH_FORGET };

	for (size_t i = 0; i < 2; i++) {
		setup(state);
		ask(opcodes[i]);
		answered(0);
		assert_silent();
		make_reply(OUT_HEAD, -ENOSYS);
		answered(OUT_HEAD);
		assert_breaks(RULE_STREAM_REPLIES);
	}
}

static void not_answered_for_a_cause(void **state)
{
	ask(FUSE_GETATTR);
	room = OUT_HEAD - 1;
	answered(0);
	assert_silent();
	room = OUT_HEAD;
	failing = true;
	answered(0);
	failing = false;
	assert_silent();
	put32(request, offsetof(struct fuse_in_header, len), IN_HEAD - 1);
	answered(0);
	put32(request, offsetof(struct fuse_in_header, len), sizeof(request) + 1);
	answered(0);
	assert_silent();
	put32(request, offsetof(struct fuse_in_header, len), sizeof(request));
	answered(0);
	assert_breaks(RULE_STREAM_UNANSWERED);
	setup(state);
	serve_request(IN_HEAD - 1, 0, 0);
	assert_breaks(RULE_STREAM_LOST);
}

static void session_starts(void **state)
{
	static const uint32_t lens[] = { OUT_HEAD + FUSE_COMPAT_INIT_OUT_SIZE,
					 OUT_HEAD + FUSE_COMPAT_22_INIT_OUT_SIZE, sizeof(reply) };

	for (size_t i = 0; i < 3; i++) {
		setup(state);
		ask_init(7 + (uint32_t)i);
		make_start();
		put32(reply, 0, lens[i]);
		answered(lens[i]);
		assert_silent();
	}
	make_start();
	put32(reply, 0, OUT_HEAD + 12);
	answered(OUT_HEAD + 12);
	assert_breaks(RULE_STREAM_REPLIES);
}

/* One field of the start is not what it should be. */
static void start_with(size_t at, uint32_t value)
{
	setup(NULL);
	ask_init(7);
	make_start();
	put32(reply, at, value);
	answered(sizeof(reply));
	assert_breaks(RULE_STREAM_REPLIES);
}

static void session_starts_wrongly(void **state)
{
	(void)state;
	start_with(offsetof(struct fuse_out_header, error), (uint32_t)-EPROTO);
	start_with(OUT_HEAD + offsetof(struct fuse_init_out, major), 8);
	start_with(OUT_HEAD + offsetof(struct fuse_init_out, flags), 7);
	start_with(OUT_HEAD + offsetof(struct fuse_init_out, max_readahead), 1001);
}

static void session_is_refused(void **state)
{
	(void)state;
	ask_init(6);
	make_reply(OUT_HEAD, -EPROTO);
	answered(OUT_HEAD);
	ask_init(7);
	make_reply(OUT_HEAD, -EIO);
	room = sizeof(reply) - 1;
	answered(OUT_HEAD);
	assert_silent();
	room = ROOM;
	answered(OUT_HEAD);
	assert_breaks(RULE_STREAM_REPLIES);
	setup(state);
	serve_request(IN_HEAD, 0, 0);
	assert_breaks(RULE_STREAM_LOST);
}

/* 2 is an operation there; after a reset it is FORGET again. */
static void the_other_order(void **state)
{
	(void)state;
	big = true;
	ask_init(7);
	make_start();
	answered(sizeof(reply));
	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD);
	put32(request, 4, __builtin_bswap32(FUSE_FORGET));
	answered(OUT_HEAD);
	assert_silent();
	big = false;
	ask(FUSE_GETATTR);
	put32(request, 0, 0x28000000);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD); /* in little, of a session that is big */
	assert_breaks(RULE_STREAM_REPLIES);
	setup(state);
	ask(FUSE_FORGET);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD);
	assert_breaks(RULE_STREAM_REPLIES);
}

/* Was it one?  Replies in either order are right, and none need come. */
static void an_init_that_may_be_none(void **state)
{
	(void)state;
	big = true;
	ask_init(7);
	put32(request, 0, IN_HEAD);
	answered(0);
	big = false;
	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD);
	answered(0);
	big = true;
	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD, -ENOSYS);
	answered(OUT_HEAD);
	assert_silent();
	make_reply(OUT_HEAD, -ENOENT);
	answered(OUT_HEAD);
	assert_breaks(RULE_STREAM_REPLIES);
}

/* A request of `opcode` for file `node` whose body says offset `at`, in the file `file`, and the
 * outcome. */
static void outcome(uint32_t opcode, uint32_t node, uint64_t at, uint64_t file, int32_t error)
{
	ask(opcode);
	put32(request, 0, sizeof(request));
	memset(request + 16, 0, sizeof(request) - 16);
	put32(request, 16, big ? 0 : node);
	put32(request, 20, big ? node : 0);
	/* Of a mapping, behind fh, foffset and len, and flags. */
	put32(request, IN_HEAD + 8, (uint32_t)(big ? file >> 32 : file));
	put32(request, IN_HEAD + 12, (uint32_t)(big ? file : file >> 32));
	put32(request, IN_HEAD + 16, big ? 0 : 4096);
	put32(request, IN_HEAD + 20, big ? 4096 : 0);
	put32(request, IN_HEAD + 32, (uint32_t)(big ? at >> 32 : at));
	put32(request, IN_HEAD + 36, (uint32_t)(big ? at : at >> 32));
	make_reply(OUT_HEAD, error);
	answered(OUT_HEAD);
}

/* A device with a window, of a driver of that byte order. */
static void begin_window(void **state, bool is_big)
{
	static const struct target_region window = { 0, 0x1000, 8192 };

	setup(state);
	rig_target.regions = &window;
	rig_target.region_count = 1;
	big = is_big;
	ledger.fuse.order = big ? ORDER_BIG : ORDER_LITTLE;
}

static void outcome_that_is_due(void **state)
{
	static const struct {
		uint32_t opcode, node;
		uint64_t at;
		int32_t error;
		bool good;
		uint64_t file;
	} cases[] = {
		{ FUSE_READ, 1, 0, 0, true, 0 },
		{ FUSE_READ, 1, 0, -ENOSYS, true, 0 },
		{ FUSE_READ, 1, 0, -ENOENT, false, 0 },
		{ FUSE_READ, 1, 0, ENOENT, false, 0 },
		{ FUSE_READ, 2, 0, 0, false, 0 },
		{ FUSE_WRITE, 1, 0, -ENOSPC, true, 0 },
		{ FUSE_WRITE, 1, 0, 0, false, 0 },
		{ FUSE_WRITE, 2, 0, -ENOENT, true, 0 },
		{ FUSE_SETUPMAPPING, 1, 4096, 0, true, 0 },
		{ FUSE_SETUPMAPPING, 1, 4096, -ENOMEM, true, 0 },
		{ FUSE_SETUPMAPPING, 1, 8192, -EINVAL, true, 0 },
		{ FUSE_SETUPMAPPING, 1, 4097, 0, false, 0 },
		{ FUSE_SETUPMAPPING, 1, UINT64_MAX, 0, false, 0 },
		{ FUSE_SETUPMAPPING, 1, 4096, -EINVAL, false, 0 },
		{ FUSE_SETUPMAPPING, 1, 4095, -EINVAL, true, 0 },
		{ FUSE_SETUPMAPPING, 1, 4096, -EINVAL, true, 1 },
		{ FUSE_SETUPMAPPING, 1, 4096, 0, true, INT64_MAX - 4096 },
		{ FUSE_SETUPMAPPING, 1, 4096, 0, false, INT64_MAX - 4095 },
		{ FUSE_SETUPMAPPING, 1, 4096, 0, false, UINT64_MAX },
		{ FUSE_SETUPMAPPING, 1, 4096, -EINVAL, true, INT64_MAX - 4095 },
		{ FUSE_REMOVEMAPPING, 1, 0, 0, true, 0 },
		{ FUSE_REMOVEMAPPING, 1, 0, INT32_MIN, false, 0 },
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		begin_window(state, i % 2 != 0);
		outcome(cases[i / 2].opcode, cases[i / 2].node, cases[i / 2].at, cases[i / 2].file,
			cases[i / 2].error);
		if (cases[i / 2].good)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_REPLIES);
	}
}

/* A list of `count` mappings, of `len` bytes of it, whose second one is at `at`. */
static void make_unmapping(uint32_t len, uint32_t count, uint64_t at, int32_t error)
{
	ask(FUSE_REMOVEMAPPING);
	put32(request, 0, len);
	memset(request + 16, 0, sizeof(request) - 16);
	put32(request, IN_HEAD, count);
	put32(request, IN_HEAD + 4 + 8, big ? 0 : 4096);
	put32(request, IN_HEAD + 4 + 12, big ? 4096 : 0);
	put32(request, IN_HEAD + 20, (uint32_t)(big ? at >> 32 : at));
	put32(request, IN_HEAD + 24, (uint32_t)(big ? at : at >> 32));
	put32(request, IN_HEAD + 28, big ? 0 : 4096);
	put32(request, IN_HEAD + 32, big ? 4096 : 0);
	make_reply(OUT_HEAD, error);
}

static void unmapping(uint32_t len, uint32_t count, uint64_t at, int32_t error)
{
	make_unmapping(len, count, at, error);
	answered(OUT_HEAD);
}

static void end_of_mappings(void **state)
{
	static const struct {
		uint32_t len, count;
		uint64_t at;
		int32_t error;
		bool good;
	} cases[] = {
		{ 76, 2, 4096, 0, true },	 { 76, 2, 4096, -EINVAL, false },
		{ 76, 2, 4096, -EIO, true },	 { 76, 2, 8192, 0, false },
		{ 76, 2, 8192, -EINVAL, true },	 { 76, 2, UINT64_MAX, 0, false },
		{ 76, 2, 4095, -EINVAL, true },	 { 76, 1, 8192, 0, true },
		{ 76, 1, 8192, -EINVAL, false }, { 75, 2, 4096, 0, false },
		{ 75, 2, 4096, -EINVAL, true },	 { 76, 0, 4096, -EINVAL, true },
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		begin_window(state, i % 2 != 0);
		unmapping(cases[i / 2].len, cases[i / 2].count, cases[i / 2].at,
			  cases[i / 2].error);
		if (cases[i / 2].good)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_REPLIES);
	}
}

static void mappings_that_were_not_read(void **state)
{
	static const struct {
		uint32_t count;
		int32_t error;
		unsigned read;
		bool good;
	} cases[] = {
		{ 1, -EINVAL, IN_HEAD + 4, false }, { 2, -EINVAL, IN_HEAD + 4, false },
		{ 1, -EIO, IN_HEAD + 4, true },	    { 0, -EINVAL, IN_HEAD + 4, true },
		{ 3, -EINVAL, IN_HEAD + 4, true },  { 1, -EINVAL, IN_HEAD + 4 + 8, true },
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		begin_window(state, i % 2 != 0);
		make_unmapping(76, cases[i / 2].count, 4096, cases[i / 2].error);
		serve_request(cases[i / 2].read, OUT_HEAD, OUT_HEAD);
		if (cases[i / 2].good)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_REPLIES);
	}
}

static void a_request_that_was_not_read(void **state)
{
	(void)state;
	ask(FUSE_GETATTR);
	make_reply(OUT_HEAD, -ENOSYS);
	serve_request(8, OUT_HEAD, OUT_HEAD);
	assert_breaks(RULE_STREAM_REPLIES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(error_that_is_due),
		TEST(length_that_is_due),
		TEST(unique_that_is_due),
		TEST(none_is_due),
		TEST(not_answered_for_a_cause),
		TEST(session_starts),
		TEST(session_starts_wrongly),
		TEST(session_is_refused),
		TEST(the_other_order),
		TEST(an_init_that_may_be_none),
		TEST(outcome_that_is_due),
		TEST(end_of_mappings),
		TEST(mappings_that_were_not_read),
		TEST(a_request_that_was_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
