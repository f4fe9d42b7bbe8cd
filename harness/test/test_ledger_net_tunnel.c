/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Which packets a device must not accept, and when it is known that it did.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "ledger_rig.h"

#define HEADER 12u
#define FRAME 60u
#define NEEDS_CSUM 1u
#define DATA_VALID 2u
#define TUNNEL_CSUM 8u
#define BOTH 0x60u
#define TCPV4 1u
#define HOST_TUNNEL_CSUM 68

static struct target_stream streams[2];
static uint8_t bytes[HEADER + FRAME];
static uint16_t sent;

static int setup_net(void **state)
{
	(void)state;
	rig_new();
	rig_target.device_id = VIRTIO_ID_NET;
	rig_target.stream_count = 2;
	rig_target.streams = streams;
	/* Ours refuse more. */
	rig_target.model = false;
	streams[0] = (struct target_stream){ .from = TX, .to = END_AWAY, .skip = HEADER };
	streams[1] = (struct target_stream){ .from = END_REPLY, .to = END_AWAY };
	rig_live(8);
	sent = 0;
	memset(bytes, 0, sizeof(bytes));
	bytes[0] = NEEDS_CSUM;
	bytes[1] = BOTH | TCPV4;
	notify();
	return 0;
}

static void take_chain(unsigned flags)
{
	avail_idx((uint16_t)(sent + 1));
	take(sent, sent % 8, sizeof(bytes), flags);
}

static void return_it(void)
{
	return_chain(sent, sent, sent % 8, 0);
	wake();
	sent++;
}

static void come_out(void)
{
	ledger_frame(&ledger, END_AWAY, bytes + HEADER, FRAME);
}

/* ... and no rule has anything to say of it. */
static void come_out_unsaid(void)
{
	come_out();
	return_it();
	end_silent();
}

/* A packet whose header has these. */
static void read_packet(unsigned flags, unsigned gso)
{
	bytes[0] = (uint8_t)flags;
	bytes[1] = (uint8_t)gso;
	take_chain(0);
	payload_bytes(sent, false, BUFFER, bytes, sizeof(bytes));
}

static void assert_broken(bool broken)
{
	if (broken)
		assert_breaks(RULE_NET_TUNNEL);
	else
		end_silent();
}

static void what_must_not_be_accepted(void **state)
{
	static const struct {
		uint8_t flags, gso;
		bool broken, known_sum;
	} headers[] = {
		{ NEEDS_CSUM, BOTH | TCPV4, true, true },
		{ 0xff, 0xff, true, true },
		{ 0, 0x21, true, true },
		{ 0, 0x44, true, true },
		{ NEEDS_CSUM | DATA_VALID, 0x21, true, true },
		{ NEEDS_CSUM | DATA_VALID, 0x44, true, true },
		{ NEEDS_CSUM, 0x20, true, true },
		{ NEEDS_CSUM, 0x40, true, true },
		{ TUNNEL_CSUM, 0, false, true },
		{ TUNNEL_CSUM | NEEDS_CSUM, TCPV4, false, true },
		{ NEEDS_CSUM, 0x21, false, false },
		{ NEEDS_CSUM | TUNNEL_CSUM, 0x44, false, false },
		/* The bit for congestion alone is not "none". */
		{ NEEDS_CSUM, 0xa0, false, false },
		/* Offloads that were not negotiated. */
		{ NEEDS_CSUM, TCPV4, false, false },
		{ 0, 5, false, false },
		{ 0xf7, 0, false, false },
		{ 0, 0, false, false },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		for (unsigned knows = 0; knows < 2; knows++) {
			setup_net(state);
			ledger.session.driver_features_high =
				knows ? 1ULL << (HOST_TUNNEL_CSUM - 64) : 0;
			read_packet(headers[i].flags, headers[i].gso);
			come_out();
			return_it();
			assert_broken(knows ? headers[i].known_sum : headers[i].broken);
		}
	}
}

static void of_whom_and_where(void **state)
{
	setup_net(state);
	rig_target.device_id = VIRTIO_ID_CONSOLE;
	read_packet(NEEDS_CSUM, BOTH);
	come_out_unsaid();
	/* The header is somewhere else. */
	setup_net(state);
	streams[0].skip = HEADER - 1;
	read_packet(NEEDS_CSUM, BOTH);
	ledger_frame(&ledger, END_AWAY, bytes + HEADER - 1, FRAME + 1);
	return_it();
	end_silent();
	/* A driver of old. */
	setup_net(state);
	ledger.session.driver_features = 0;
	read_packet(NEEDS_CSUM, BOTH);
	come_out_unsaid();
}

static void one_that_does_not_come_out_was_refused(void **state)
{
	(void)state;
	read_packet(NEEDS_CSUM, BOTH);
	return_it();
	read_packet(0, 0);
	return_it();
	end_silent();
}

/* First, last or both of two equal frames are not to be accepted. */
static void any_that_equals_it_may_be_the_one(void **state)
{
	for (unsigned bad = 1; bad < 4; bad++) {
		setup_net(state);
		for (unsigned i = 0; i < 2; i++) {
			read_packet(NEEDS_CSUM, (bad >> i & 1) != 0 ? BOTH | TCPV4 : TCPV4);
			return_it();
		}
		come_out();
		assert_broken(bad == 3);
	}
	/* Both come out: the second of them is known. */
	setup_net(state);
	for (unsigned i = 0; i < 2; i++) {
		read_packet(NEEDS_CSUM, i > 0 ? BOTH | TCPV4 : TCPV4);
		return_it();
	}
	come_out();
	come_out();
	assert_broken(true);
	/* One that the device made itself. */
	setup_net(state);
	read_packet(NEEDS_CSUM, BOTH);
	ledger_frame(&ledger, END_REPLY, bytes + HEADER, FRAME);
	come_out_unsaid();
	/* Another came out before it. */
	setup_net(state);
	ledger_frame(&ledger, END_REPLY, "not it", 6);
	read_packet(NEEDS_CSUM, BOTH);
	come_out();
	return_it();
	assert_broken(true);
}

static void what_was_not_read_once_and_whole_says_nothing(void **state)
{
	/* The header twice. */
	setup_net(state);
	take_chain(0);
	payload_bytes(0, false, BUFFER, bytes, HEADER);
	payload_bytes(0, false, BUFFER, bytes, sizeof(bytes));
	come_out_unsaid();
	/* ... once the packet was whole. */
	setup_net(state);
	read_packet(NEEDS_CSUM, BOTH);
	payload_bytes(0, false, BUFFER, bytes, HEADER);
	come_out_unsaid();
	/* A chain that is wrong, which is the affair of a rule for our models. */
	setup_net(state);
	ledger.silent[RULE_MEMORY_MIXED / 64] |= 1ULL << RULE_MEMORY_MIXED % 64;
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, sizeof(bytes), F_NEXT, 1);
	desc(0, 1, BUFFER + 4096, 1, F_WRITE, 0);
	payload_bytes(0, false, BUFFER, bytes, sizeof(bytes));
	come_out_unsaid();
	/* The packet first. */
	setup_net(state);
	take_chain(0);
	payload_bytes(0, false, BUFFER + HEADER, bytes + HEADER, FRAME);
	payload_bytes(0, false, BUFFER, bytes, HEADER);
	come_out_unsaid();
	/* The chain goes on behind the frame. */
	setup_net(state);
	avail_idx(1);
	take(0, 0, sizeof(bytes) + 1, 0);
	payload_bytes(0, false, BUFFER, bytes, sizeof(bytes));
	come_out_unsaid();
	/* A frame of which nothing is known. */
	setup_net(state);
	take_chain(0);
	payload_read(0, BUFFER, sizeof(bytes));
	return_it();
	read_packet(NEEDS_CSUM, BOTH);
	come_out_unsaid();
	/* Less than a header, and nothing behind it. */
	setup_net(state);
	avail_idx(1);
	take(0, 0, HEADER - 1, 0);
	payload_bytes(0, false, BUFFER, bytes, HEADER - 1);
	ledger_frame(&ledger, END_AWAY, bytes, 0);
	return_it();
	end_silent();
	/* There may be frames that nobody saw. */
	setup_net(state);
	read_packet(NEEDS_CSUM, BOTH);
	ledger.streams.stream[1].session.unsure = true;
	come_out_unsaid();
}

static void more_frames_than_are_kept_say_nothing(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		setup_net(state);
		for (unsigned i = 0; i < LEDGER_FRAMES_MAX - 1 + more; i++)
			ledger_frame(&ledger, END_REPLY, &i, sizeof(i));
		ledger_frame(&ledger, END_REPLY, "not it", 6);
		read_packet(NEEDS_CSUM, BOTH);
		come_out();
		return_it();
		assert_broken(more == 0);
	}
}

/* To a queue, where what comes out may be written anew. */
static void what_came_out_must_be_known(void **state)
{
	for (unsigned again = 0; again < 3; again++) {
		setup_net(state);
		streams[0].to = RX;
		read_packet(NEEDS_CSUM, BOTH);
		return_it();
		on = RX;
		avail_idx(1);
		take(0, 0, sizeof(bytes), F_WRITE);
		bytes[0] = bytes[1] = 0;
		bytes[10] = 1; /* num_buffers */
		payload_bytes(0, true, BUFFER, bytes, sizeof(bytes));
		if (again == 1)
			payload_bytes(0, true, BUFFER, bytes, 1);
		/* The driver sees less of it: that is another frame. */
		return_chain(0, 0, 0, sizeof(bytes) - (again == 2));
		wake();
		if (again == 2)
			assert_breaks(RULE_STREAM_FRAMES);
		else
			assert_broken(again == 0);
	}
}

/* In two accesses, over two buffers: the header is what was read. */
static void in_pieces_it_is_one(void **state)
{
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		setup_net(state);
		bytes[1] = wrong ? BOTH : TCPV4;
		avail_idx(1);
		avail_entry(0, 0);
		desc(0, 0, BUFFER, 1, F_NEXT, 1);
		desc(0, 1, BUFFER + 4096, sizeof(bytes) - 1, 0, 0);
		payload_bytes(0, false, BUFFER, bytes, 1);
		payload_bytes(0, false, BUFFER + 4096, bytes + 1, 5);
		payload_bytes(0, false, BUFFER + 4101, bytes + 6, sizeof(bytes) - 6);
		come_out();
		return_it();
		assert_broken(wrong);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup_net)

/* No text bids a device to refuse what was not negotiated; ours do. */
static void our_models_accept_no_offload(void **state)
{
	static const struct {
		uint8_t flags, gso;
		bool asks;
	} cases[] = { { 0, TCPV4, true },	{ NEEDS_CSUM, 0, true }, { TUNNEL_CSUM, 0, true },
		      { DATA_VALID, 0, false }, { 0x84, 0, false },	 { 0, 0x80, true } };

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		setup_net(state);
		rig_target.model = i % 2 != 0;
		bytes[0] = cases[i / 2].flags;
		bytes[1] = cases[i / 2].gso;
		take_chain(0);
		payload_bytes(0, false, BUFFER, bytes, sizeof(bytes));
		come_out();
		if (rig_target.model && cases[i / 2].asks) {
			assert_breaks(RULE_NET_TUNNEL);
			continue;
		}
		return_it();
		end_silent();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_must_not_be_accepted),
		TEST(of_whom_and_where),
		TEST(one_that_does_not_come_out_was_refused),
		TEST(any_that_equals_it_may_be_the_one),
		TEST(what_was_not_read_once_and_whole_says_nothing),
		TEST(more_frames_than_are_kept_say_nothing),
		TEST(what_came_out_must_be_known),
		TEST(in_pieces_it_is_one),
		cmocka_unit_test_setup(our_models_accept_no_offload, setup_net),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
