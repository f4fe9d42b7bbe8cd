/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is known of a received packet's header, and of packets in several chains.
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
#define MTU 1000u
#define TYPE_TAG 0x8100u

static uint8_t bytes[4096];
static uint16_t received;

static void go_live(void)
{
	rig_target.device_id = VIRTIO_ID_NET;
	rig_live(8);
	ledger.net.mtu = MTU;
	received = 0;
	on = RX;
	memset(bytes, 0, sizeof(bytes));
	bytes[10] = 1; /* num_buffers */
	notify();
}

static int setup_net(void **state)
{
	(void)state;
	rig_new();
	go_live();
	return 0;
}

static void take_chain(uint16_t ahead, uint32_t len)
{
	avail_idx((uint16_t)(received + ahead + 1));
	take((uint16_t)(received + ahead), (uint16_t)(ahead % 8), len, F_WRITE);
}

/* A chain with `len` bytes of `bytes`; it is not returned. */
static void fill_chain(uint16_t ahead, uint32_t room, uint32_t len)
{
	take_chain(ahead, room);
	if (len > 0)
		payload_bytes((uint16_t)(received + ahead), true, BUFFER, bytes, len);
	used_entry((received + ahead) % 8, (uint16_t)(received + ahead), ahead % 8, len);
}

static void finish(uint16_t count)
{
	received = (uint16_t)(received + count);
	used_idx(received);
	avail_flags(NO_INTERRUPT);
}

static void receive(uint32_t len)
{
	fill_chain(0, len, len);
	finish(1);
}

static void assert_broken(bool broken, enum rule rule)
{
	if (broken)
		assert_breaks(rule);
	else
		end_silent();
}

static void the_last_value_of_each_byte_counts(void **state)
{
	(void)state;
	take_chain(0, 100);
	payload_bytes(0, true, BUFFER + HEADER, bytes, 60);
	bytes[10] = 7;
	for (uint32_t i = HEADER; i-- > 0;)
		payload_bytes(0, true, BUFFER + i, bytes + i, 1);
	bytes[10] = 1;
	payload_bytes(0, true, BUFFER + 10, bytes + 10, 2);
	used_entry(0, 0, 0, HEADER + 60);
	finish(1);
	end_silent();
	setup_net(state);
	take_chain(0, 100);
	payload_bytes(0, true, BUFFER, bytes, HEADER + 60);
	bytes[10] = 0;
	payload_bytes(0, true, BUFFER + 9, bytes + 9, 2);
	used_entry(0, 0, 0, HEADER + 60);
	finish(1);
	assert_breaks(RULE_NET_HEADER);
}

static void over_several_buffers_it_is_one(void **state)
{
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		setup_net(state);
		bytes[10] = (uint8_t)(1 + wrong);
		avail_idx(1);
		avail_entry(0, 0);
		desc(0, 0, BUFFER, 5, F_WRITE | F_NEXT, 1);
		desc(0, 1, BUFFER + 4096, 0, F_WRITE | F_NEXT, 2);
		desc(0, 2, BUFFER + 8192, 5, F_WRITE | F_NEXT, 3);
		desc(0, 3, BUFFER + 300, 90, F_WRITE, 0);
		payload_bytes(0, true, BUFFER, bytes, 5);
		payload_bytes(0, true, BUFFER + 8192, bytes + 5, 5);
		payload_bytes(0, true, BUFFER + 300, bytes + 10, 62);
		used_entry(0, 0, 0, 72);
		finish(1);
		assert_broken(wrong, RULE_NET_HEADER);
	}
}

/* The frame goes over the header, in the one place that both have. */
static void memory_that_the_chain_has_twice_says_nothing(void **state)
{
	(void)state;
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 12, F_WRITE | F_NEXT, 1);
	desc(0, 1, BUFFER + 8, 90, F_WRITE, 0);
	payload_bytes(0, true, BUFFER, bytes, 12);
	bytes[0] = bytes[1] = bytes[2] = bytes[3] = 0x77;
	payload_bytes(0, true, BUFFER + 8, bytes, 60);
	used_entry(0, 0, 0, 72);
	finish(1);
	end_silent();
}

static void what_was_not_stored_says_nothing(void **state)
{
	(void)state;
	bytes[10] = 0;
	/* One byte could not be; the chain is not returned with it. */
	take_chain(0, 100);
	payload_bytes(0, true, BUFFER, bytes, 10);
	access_error = -EFAULT;
	payload_bytes(0, true, BUFFER + 10, bytes + 10, 2);
	access_error = 0;
	used_entry(0, 0, 0, 10);
	finish(1);
	/* Nor is one with less than a header. */
	for (uint32_t len = 0; len < HEADER; len++) {
		done();
		rest(DEVICE_WORK);
		notify();
		receive(len);
	}
	/* Taken twice. */
	take_chain(0, 100);
	done();
	rest(DEVICE_WORK);
	notify();
	fill_chain(0, 100, 72);
	finish(1);
	end_silent();
}

static void only_queue_0_of_a_network_card_has_packets(void **state)
{
	(void)state;
	bytes[10] = 0;
	on = TX;
	receive(72);
	end_silent();
	rig_target.device_id = VIRTIO_ID_NET + 1;
	on = RX;
	received = 0;
	notify();
	receive(72);
	end_silent();
}

/* Where `feature` was negotiated that is no fault; 64: it always is. */
static void offload(void **state, unsigned flags, unsigned gso, unsigned feature)
{
	for (unsigned has = 0; has < 2; has++) {
		setup_net(state);
		if ((flags & ~4u) != 0)
			negotiate(VIRTIO_NET_F_GUEST_CSUM);
		if (has && feature < 64)
			negotiate(feature);
		bytes[0] = (uint8_t)flags;
		bytes[1] = (uint8_t)gso;
		bytes[4] = 1; /* gso_size */
		receive(72);
		assert_broken(!has || feature == 64, RULE_NET_HEADER);
	}
}

static void no_offload_that_was_not_negotiated(void **state)
{
	offload(state, 1, 1, VIRTIO_NET_F_GUEST_TSO4);
	offload(state, 1, 0x81, VIRTIO_NET_F_GUEST_TSO4);
	offload(state, 1, 4, VIRTIO_NET_F_GUEST_TSO6);
	offload(state, 1, 3, VIRTIO_NET_F_GUEST_UFO);
	offload(state, 1, 5, 54);
	offload(state, 1, 5, 55);
	offload(state, 5, 0, 61);
	offload(state, 0, 1, 64);
	setup_net(state);
	negotiate(VIRTIO_NET_F_GUEST_CSUM);
	negotiate(VIRTIO_NET_F_GUEST_TSO4);
	bytes[0] = 2;
	bytes[1] = 1;
	receive(72);
	assert_breaks(RULE_NET_HEADER);
}

/* Under features that allow all but `feature`, of those from bit 64 on; then under that too. */
static void tunnel(void **state, unsigned flags, unsigned gso, unsigned feature)
{
	for (unsigned has = 0; has < 2; has++) {
		setup_net(state);
		rig_target.virtio = 0x0104;
		negotiate(VIRTIO_NET_F_GUEST_CSUM);
		negotiate(VIRTIO_NET_F_GUEST_TSO4);
		ledger.session.driver_features_high = UINT64_MAX;
		if (!has)
			ledger.session.driver_features_high &= ~(1ULL << (feature - 64));
		bytes[0] = (uint8_t)flags;
		bytes[1] = (uint8_t)gso;
		bytes[4] = 1; /* gso_size */
		receive(72);
		assert_broken(!has, RULE_NET_HEADER);
	}
}

static void nor_one_that_came_with_virtio_1_4(void **state)
{
	tunnel(state, 1, 0x21, 65);
	tunnel(state, 1, 0x41, 65);
	tunnel(state, 1, 0xa1, 65);
	tunnel(state, 9, 0x21, 66);
	tunnel(state, 8, 0, 66);
	tunnel(state, 0x10, 0, 70);
	tunnel(state, 0x20, 0, 70);
	tunnel(state, 0x40, 0, 70);
}

static void of_those_an_older_device_knows_nothing(void **state)
{
	for (unsigned older = 0; older < 2; older++) {
		setup_net(state);
		rig_target.virtio = older ? 0x0103 : 0x0104;
		negotiate(VIRTIO_NET_F_GUEST_CSUM);
		negotiate(VIRTIO_NET_F_GUEST_TSO4);
		bytes[0] = 0x79;
		bytes[1] = 0x21;
		bytes[4] = 1;
		receive(72);
		assert_broken(!older, RULE_NET_HEADER);
	}
}

static void a_tunnel_has_no_checksum_that_was_looked_at(void **state)
{
	for (unsigned valid = 0; valid < 2; valid++) {
		setup_net(state);
		rig_target.virtio = 0x0104;
		negotiate(VIRTIO_NET_F_GUEST_CSUM);
		negotiate(VIRTIO_NET_F_GUEST_TSO4);
		ledger.session.driver_features_high = UINT64_MAX;
		bytes[0] = (uint8_t)(valid ? 3 : 1);
		bytes[1] = 0x21;
		bytes[4] = 1;
		receive(72);
		assert_broken(valid, RULE_NET_HEADER);
	}
}

static void segments_have_a_size(void **state)
{
	for (unsigned size = 0; size < 2; size++) {
		setup_net(state);
		negotiate(VIRTIO_NET_F_GUEST_CSUM);
		negotiate(VIRTIO_NET_F_GUEST_TSO4);
		bytes[0] = 1;
		bytes[1] = 1;
		bytes[5] = (uint8_t)size;
		receive(72);
		assert_broken(size == 0, RULE_NET_HEADER);
	}
}

static void flags_need_guest_csum(void **state)
{
	for (unsigned has = 0; has < 2; has++) {
		setup_net(state);
		if (has)
			negotiate(VIRTIO_NET_F_GUEST_CSUM);
		bytes[0] = 2;
		receive(72);
		assert_broken(!has, RULE_NET_HEADER);
	}
}

static void spare_fields_are_for_our_models_alone(void **state)
{
	(void)state;
	for (unsigned at = 2; at < 10; at++) {
		for (unsigned model = 0; model < 2; model++) {
			rig_new();
			rig_target.model = model;
			go_live();
			bytes[at] = 0x80;
			receive(72);
			assert_broken(model, RULE_NET_SPARE);
		}
	}
}

/* A model could not write all of the packet: it takes back what it wrote, if it can. */
static void no_header_is_left_without_a_packet(void **state)
{
	static const uint8_t zeroes[HEADER];

	for (unsigned how = 0; how < 4; how++) {
		bool clears = how == 1, cannot = how == 2;

		setup_net(state);
		rig_target.model = how != 3;
		take_chain(0, 100);
		payload_bytes(0, true, BUFFER, bytes, HEADER);
		access_error = -EFAULT;
		payload_bytes(0, true, BUFFER + HEADER, bytes, 60);
		if (cannot)
			payload_bytes(0, true, BUFFER, zeroes, HEADER);
		access_error = 0;
		if (clears)
			payload_bytes(0, true, BUFFER, zeroes, HEADER);
		used_entry(0, 0, 0, 0);
		finish(1);
		assert_broken(how == 0, RULE_NET_SPARE);
	}
}

static void a_packet_may_be_spread_where_that_was_negotiated(void **state)
{
	for (unsigned has = 0; has < 2; has++) {
		setup_net(state);
		if (has)
			negotiate(VIRTIO_NET_F_MRG_RXBUF);
		bytes[10] = 3;
		fill_chain(0, 100, 100);
		memset(bytes, 0xff, 12);
		fill_chain(1, 80, 80);
		fill_chain(2, 80, 1);
		memset(bytes, 0, 12);
		bytes[10] = 1;
		fill_chain(3, 80, 60);
		finish(4);
		assert_broken(!has, RULE_NET_HEADER);
	}
}

static void its_chains_are_full_but_for_the_last_and_come_together(void **state)
{
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		setup_net(state);
		negotiate(VIRTIO_NET_F_MRG_RXBUF);
		bytes[10] = 3;
		fill_chain(0, 100, 100);
		fill_chain(1, 80, 79 + !wrong);
		fill_chain(2, 80, 80);
		finish(3);
		assert_broken(wrong, RULE_NET_HEADER);
		setup_net(state);
		negotiate(VIRTIO_NET_F_MRG_RXBUF);
		bytes[10] = 2;
		fill_chain(0, 100, 100);
		if (wrong)
			finish(1);
		fill_chain(!wrong, 80, 80);
		finish((uint16_t)(2 - wrong));
		assert_broken(wrong, RULE_NET_HEADER);
	}
}

/* What follows may be a part of it. */
static void one_that_is_not_known_excuses_the_rest(void **state)
{
	(void)state;
	negotiate(VIRTIO_NET_F_MRG_RXBUF);
	take_chain(0, 80);
	payload_write(0, BUFFER, 80);
	used_entry(0, 0, 0, 80);
	bytes[10] = 0;
	fill_chain(1, 80, 80);
	finish(2);
	end_silent();
	notify();
	receive(80);
	assert_breaks(RULE_NET_HEADER);
}

/* A device may walk a chain twice, to see how much room it has. */
static void one_that_was_walked_twice_excuses_the_rest(void **state)
{
	for (unsigned again = 0; again < 2; again++) {
		(void)state;
		rig_new();
		rig_target.model = false;
		go_live();
		negotiate(VIRTIO_NET_F_MRG_RXBUF);
		bytes[10] = 3;
		fill_chain(0, 100, 100);
		take_chain(1, 80);
		if (again)
			desc(1, 1, BUFFER, 80, F_WRITE, 0);
		payload_bytes(1, true, BUFFER, bytes, 79 + again);
		used_entry(1, 1, 1, 79 + again);
		fill_chain(2, 80, 80);
		finish(3);
		assert_broken(!again, RULE_NET_HEADER);
	}
}

static void more_chains_than_are_kept_excuse_the_rest(void **state)
{
	(void)state;
	negotiate(VIRTIO_NET_F_MRG_RXBUF);
	ledger.queues[RX].work.overflowed = true;
	bytes[10] = 3;
	fill_chain(0, 80, 80);
	finish(3);
	end_silent();
}

/* A header of 10 bytes is before the packet then, or who knows. */
static void nothing_is_due_that_was_not_negotiated(void **state)
{
	for (unsigned has = 0; has < 3; has++) {
		setup_net(state);
		bytes[10] = 0;
		if (has == 0)
			ledger.session.driver_features &= ~(1ULL << VIRTIO_F_VERSION_1);
		else if (has == 1)
			ledger.device.status &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
		receive(72);
		if (has == 1)
			ledger.device.status |= VIRTIO_CONFIG_S_FEATURES_OK;
		assert_broken(has == 2, RULE_NET_HEADER);
	}
}

static void put_type(uint32_t at, unsigned type)
{
	bytes[HEADER + at] = (uint8_t)(type >> 8);
	bytes[HEADER + at + 1] = (uint8_t)type;
}

static void tags_are_no_part_of_the_packet(void **state)
{
	for (uint32_t tags = 0; tags < 4; tags++) {
		for (uint32_t more = 0; more < 2; more++) {
			setup_net(state);
			negotiate(VIRTIO_NET_F_MTU);
			for (uint32_t i = 0; i < tags; i++)
				put_type(12 + 4 * i, i == 0 ? 0x88a8 : TYPE_TAG);
			receive(HEADER + 14 + 4 * tags + MTU + more);
			/* With three: there may be any number. */
			assert_broken(tags < 3 && more > 0, RULE_NET_MTU);
		}
	}
}

static void the_mtu_binds_where_it_was_negotiated(void **state)
{
	(void)state;
	receive(HEADER + 14 + MTU + 1);
	negotiate(VIRTIO_NET_F_MTU);
	/* What is to be cut is longer. */
	negotiate(VIRTIO_NET_F_GUEST_CSUM);
	negotiate(VIRTIO_NET_F_GUEST_TSO4);
	bytes[0] = bytes[1] = bytes[4] = 1;
	receive(HEADER + 14 + MTU + 1);
	bytes[0] = bytes[1] = bytes[4] = 0;
	negotiate(VIRTIO_NET_F_HASH_REPORT);
	receive(HEADER + 8 + 14 + MTU);
	end_silent();
	notify();
	receive(HEADER + 8 + 14 + MTU + 1);
	assert_breaks(RULE_NET_MTU);
}

static void of_several_chains_the_bytes_add_up(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		setup_net(state);
		negotiate(VIRTIO_NET_F_MTU);
		negotiate(VIRTIO_NET_F_MRG_RXBUF);
		bytes[10] = 2;
		fill_chain(0, 600, 600);
		fill_chain(1, 600, HEADER + 14 + MTU - 600 + more);
		finish(2);
		assert_broken(more > 0, RULE_NET_MTU);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup_net)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_value_of_each_byte_counts),
		TEST(over_several_buffers_it_is_one),
		TEST(memory_that_the_chain_has_twice_says_nothing),
		TEST(what_was_not_stored_says_nothing),
		TEST(only_queue_0_of_a_network_card_has_packets),
		TEST(no_offload_that_was_not_negotiated),
		TEST(nor_one_that_came_with_virtio_1_4),
		TEST(of_those_an_older_device_knows_nothing),
		TEST(a_tunnel_has_no_checksum_that_was_looked_at),
		TEST(segments_have_a_size),
		TEST(flags_need_guest_csum),
		TEST(spare_fields_are_for_our_models_alone),
		TEST(no_header_is_left_without_a_packet),
		TEST(a_packet_may_be_spread_where_that_was_negotiated),
		TEST(its_chains_are_full_but_for_the_last_and_come_together),
		TEST(one_that_is_not_known_excuses_the_rest),
		TEST(one_that_was_walked_twice_excuses_the_rest),
		TEST(more_chains_than_are_kept_excuse_the_rest),
		TEST(nothing_is_due_that_was_not_negotiated),
		TEST(tags_are_no_part_of_the_packet),
		TEST(the_mtu_binds_where_it_was_negotiated),
		TEST(of_several_chains_the_bytes_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
