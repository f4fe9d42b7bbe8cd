/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The guest and the host of the socket device's tests; vsock_guest.h has the contract.
 */
#include <endian.h>
#include <string.h>

#include "vsock_guest.h"

struct fake_queue sock_q[VSOCK_QUEUE_COUNT];
struct device *sockets;
struct vsock_guest sock_guest;

const struct vsock_flow stream = { 1024, 77, VIRTIO_VSOCK_TYPE_STREAM };
const struct vsock_flow messages = { 1025, 78, VIRTIO_VSOCK_TYPE_SEQPACKET };

static bool host_accepts(void *ctx, const struct vsock_flow *flow)
{
	assert_ptr_equal(ctx, &sock_guest);
	assert_int_not_equal(flow->type, 0);
	sock_guest.asked++;
	return !sock_guest.refuses;
}

static const struct vsock_backend host = { .accept = host_accepts };

static bool is_gauge(const char *name)
{
	return strstr(name, "_held") || strstr(name, "_pending") || strstr(name, "_waiting") ||
	       strcmp(name, "connections") == 0;
}

void vsock_guest_start(uint64_t features)
{
	guest_start(sock_q, VSOCK_QUEUE_COUNT, features);
	sock_guest.heard = sock_guest.given = 0;
}

int vsock_guest_setup(void **state)
{
	(void)state;
	guest_setup(&vsock_ops, sock_q, VSOCK_QUEUE_COUNT);
	sockets = mmio_device(m);
	sock_guest = (struct vsock_guest){ .cid = VSOCK_CID_GUEST, .alloc = 0x1000 };
	vsock_listen(sockets, &host, &sock_guest);
	expect_passes = is_gauge;
	vsock_guest_start(ALL);
	return 0;
}

void sock_kick(unsigned queue)
{
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

void sock_put(const struct vsock_flow *flow, uint16_t op, uint32_t len, uint32_t flags)
{
	const struct virtio_vsock_hdr header = {
		.src_cid = htole64(sock_guest.cid),
		.dst_cid = htole64(VSOCK_CID_HOST),
		.src_port = htole32(flow->guest_port),
		.dst_port = htole32(flow->host_port),
		.len = htole32(len),
		.type = htole16(flow->type),
		.op = htole16(op),
		.flags = htole32(flags),
		.buf_alloc = htole32(sock_guest.alloc),
		.fwd_cnt = htole32(sock_guest.fwd),
	};

	memcpy(fake_mem(&fake, PACKET, HEADER), &header, HEADER);
	for (uint32_t i = 0; i < len; i++)
		*fake_mem(&fake, PACKET + HEADER + i, 1) = byte_at(i);
}

void sock_say(const struct vsock_flow *flow, uint16_t op, uint32_t len, uint32_t flags)
{
	uint16_t used = fake_used_idx(&sock_q[VSOCK_TX]);

	sock_put(flow, op, len, flags);
	fake_desc(&sock_q[VSOCK_TX], 0, PACKET, HEADER + len, 0, 0);
	fake_offer(&sock_q[VSOCK_TX], 0);
	sock_kick(VSOCK_TX);
	assert_used(&sock_q[VSOCK_TX], (uint16_t)(used + 1), 0, 0);
}

void sock_give(unsigned count, uint32_t len)
{
	for (unsigned i = 0; i < count; i++) {
		uint16_t at = sock_guest.given++ % SIZE;

		fake_desc(&sock_q[VSOCK_RX], at, ROOM + at * ROOM_LEN, len, F_WRITE, 0);
		fake_offer(&sock_q[VSOCK_RX], at);
	}
	sock_kick(VSOCK_RX);
}

const struct virtio_vsock_hdr *hear(const struct vsock_flow *flow, uint16_t op, uint32_t len)
{
	static struct virtio_vsock_hdr header;
	uint16_t at = sock_guest.heard++ % SIZE;

	assert_true((uint16_t)(fake_used_idx(&sock_q[VSOCK_RX]) - sock_guest.heard) < SIZE);
	assert_int_equal(fake_used_id(&sock_q[VSOCK_RX], at), at);
	assert_int_equal(fake_used_len(&sock_q[VSOCK_RX], at), HEADER + len);
	memcpy(&header, fake_mem(&fake, ROOM + at * ROOM_LEN, HEADER), HEADER);
	assert_int_equal(le64toh(header.src_cid), VSOCK_CID_HOST);
	assert_int_equal(le64toh(header.dst_cid), sock_guest.cid);
	assert_int_equal(le32toh(header.src_port), flow->host_port);
	assert_int_equal(le32toh(header.dst_port), flow->guest_port);
	assert_int_equal(le16toh(header.type), flow->type);
	assert_int_equal(le16toh(header.op), op);
	assert_int_equal(le32toh(header.len), len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(*fake_mem(&fake, ROOM + at * ROOM_LEN + HEADER + i, 1),
				 byte_at(i + sock_guest.fwd));
	return &header;
}

void hear_nothing(void)
{
	assert_int_equal(fake_used_idx(&sock_q[VSOCK_RX]), sock_guest.heard);
}

void open_flow(const struct vsock_flow *flow, uint32_t alloc)
{
	sock_guest.alloc = alloc;
	sock_say(flow, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	assert_int_equal(hear(flow, VIRTIO_VSOCK_OP_RESPONSE, 0)->buf_alloc, htole32(VSOCK_BUFFER));
}

uint32_t host_sends(const struct vsock_flow *flow, uint32_t len)
{
	static uint8_t bytes[2 * VSOCK_BUFFER];
	uint32_t accepted;

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = byte_at(i);
	accepted = vsock_send(sockets, flow, bytes, len, VIRTIO_VSOCK_SEQ_EOM);
	vsock_poll(sockets);
	return accepted;
}

uint32_t host_takes(const struct vsock_flow *flow, uint32_t max, uint32_t *flags)
{
	static uint8_t bytes[VSOCK_BUFFER];
	uint32_t shown, taken = vsock_take(sockets, flow, bytes, max, flags ? flags : &shown);

	for (uint32_t i = 0; i < taken && max == VSOCK_BUFFER; i++)
		assert_int_equal(bytes[i], byte_at(i));
	vsock_poll(sockets);
	return taken;
}

uint64_t sock_counter(const char *name)
{
	for (unsigned i = 0; i < mmio_counter_count(m); i++)
		if (strcmp(mmio_counter_name(m, i), name) == 0)
			return mmio_counters(m)[i];
	fail_msg("no counter %s", name);
	return 0;
}
