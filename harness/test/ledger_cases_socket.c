/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of a socket device's packets, each broken once, and kept once next to it.  See
 * ledger_cases.h.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>

#include "ledger_cases.h"
#include "ledger_rig.h"
#include "ledger_socket_rig.h"

static uint16_t given[3]; /* chains returned, of each queue */

void socket_new(void)
{
	static const struct device_queue_desc queues[] = { { "rx", 256, false, 0 },
							   { "tx", 256, true, 0 },
							   { "event", 256, false, 0 } };

	static uint8_t lines[(LEDGER_LINES_MAX + 1) * LEDGER_LINE_BYTES];

	rig_target.device_id = VIRTIO_ID_VSOCK;
	rig_target.queue_count = 3;
	rig_target.queues = queues;
	rig_live(8);
	negotiate(0);
	negotiate(VIRTIO_VSOCK_F_SEQPACKET);
	ledger.socket.cid = GUEST_CID;
	ledger.socket.port[0].bytes = lines;
	memset(given, 0, sizeof(given));
}

static struct virtio_vsock_hdr header(const struct packet *p, bool to_guest)
{
	uint64_t host = p->host != 0 ? p->host : 2;
	uint32_t port = p->port != 0 ? p->port : 99;

	return (struct virtio_vsock_hdr){
		.src_cid = htole64(to_guest ? host : GUEST_CID),
		.dst_cid = htole64(to_guest ? GUEST_CID : host),
		.src_port = htole32(to_guest ? 1024 : port),
		.dst_port = htole32(to_guest ? port : 1024),
		.len = htole32(p->len),
		.type = htole16(p->type != 0 ? p->type : VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(p->op),
		.flags = htole32(p->flags),
		.buf_alloc = htole32(p->buf_alloc),
		.fwd_cnt = htole32(p->fwd_cnt),
	};
}

void guest_sends(struct packet p)
{
	struct virtio_vsock_hdr hdr = header(&p, false);
	uint32_t all = (uint32_t)sizeof(hdr) + p.len;
	uint16_t at = given[TX]++;

	on = TX;
	notify();
	avail_idx((uint16_t)(at + 1));
	take(at, 0, all, 0);
	payload_bytes(at, false, BUFFER, &hdr, sizeof(hdr));
	if (p.bytes != NULL)
		payload_bytes(at, false, BUFFER + sizeof(hdr), p.bytes, p.len);
	return_chain(at, at, 0, 0);
	wake();
}

void guest_is_sent(struct packet p)
{
	struct virtio_vsock_hdr hdr = header(&p, true);
	uint8_t bytes[sizeof(hdr) + 64] = { 0 };
	uint32_t all = (uint32_t)sizeof(hdr) + p.len;
	uint16_t at = given[RX]++;

	assert_true(all <= sizeof(bytes));
	memcpy(bytes, &hdr, sizeof(hdr));
	if (p.bytes != NULL)
		memcpy(bytes + sizeof(hdr), p.bytes, p.len);
	on = RX;
	avail_idx((uint16_t)(at + 2));
	take(at, 0, all, F_WRITE);
	payload_bytes(at, true, BUFFER, bytes, all);
	return_chain(at, at, 0, all - p.cut);
	wake();
}

void all_is_sent(void)
{
	done();
	rest(DEVICE_IDLE);
}

void assert_silent_at_rest(void)
{
	all_is_sent();
	assert_silent();
}

int socket_setup(void **state)
{
	(void)state;
	rig_new();
	return 0;
}

void connect_guest(uint16_t type, uint32_t buf_alloc)
{
	socket_new();
	guest_sends((struct packet){
		.op = VIRTIO_VSOCK_OP_REQUEST, .type = type, .buf_alloc = buf_alloc });
	guest_is_sent(
		(struct packet){ .op = VIRTIO_VSOCK_OP_RESPONSE, .type = type, .buf_alloc = 64 });
	all_is_sent();
}

void connect_port_as(uint16_t type, uint32_t buf_alloc)
{
	static const struct target_port port = { .from = TARGET_NO_QUEUE,
						 .to = TARGET_NO_QUEUE,
						 .socket_port = 1024 };

	rig_target.ports = &port;
	rig_target.port_count = 1;
	connect_guest(type, buf_alloc);
}

void connect_port(uint32_t buf_alloc)
{
	connect_port_as(0, buf_alloc);
}

/* A call in which the device may send. */
void device_works(void)
{
	on = RX;
	notify();
}

static void send_bytes(struct packet p)
{
	connect_guest(p.type, 8);
	device_works();
	p.op = VIRTIO_VSOCK_OP_RW;
	guest_is_sent(p);
	all_is_sent();
}

void case_packet_longer_than_its_bytes(void)
{
	send_bytes((struct packet){ .len = 8, .cut = 1 });
}

void case_packet_as_long_as_its_bytes(void)
{
	send_bytes((struct packet){ .len = 8 });
}

void case_bytes_beyond_the_credit(void)
{
	send_bytes((struct packet){ .len = 9 });
}

void case_bytes_within_the_credit(void)
{
	send_bytes((struct packet){ .len = 8 });
}

static void count(uint32_t fwd_cnt)
{
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 4, .buf_alloc = 8 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .fwd_cnt = fwd_cnt });
	all_is_sent();
}

void case_count_beyond_what_was_sent(void)
{
	count(5);
}

void case_count_of_what_was_sent(void)
{
	count(4);
}

/* After a packet that the device may end the connection for. */
static void end(uint16_t op)
{
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RESPONSE, .buf_alloc = 8 });
	device_works();
	guest_is_sent((struct packet){ .op = op });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 1 });
	all_is_sent();
}

void case_bytes_after_rst(void)
{
	end(VIRTIO_VSOCK_OP_RST);
}

void case_bytes_after_an_update(void)
{
	end(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

void case_record_without_a_message(void)
{
	send_bytes((struct packet){ .len = 8, .type = VIRTIO_VSOCK_TYPE_SEQPACKET, .flags = 2 });
}

void case_record_with_its_message(void)
{
	send_bytes((struct packet){ .len = 8, .type = VIRTIO_VSOCK_TYPE_SEQPACKET, .flags = 3 });
}

static void ask(uint16_t answer)
{
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST, .buf_alloc = 8 });
	guest_is_sent((struct packet){ .op = answer });
	all_is_sent();
}

void case_credit_not_told(void)
{
	ask(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
}

void case_credit_told(void)
{
	ask(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

/* The guest lets in 8 bytes, and the host types 3. */
static void type_bytes(bool sent)
{
	connect_port(8);
	host(HOST_TYPE, "abc", 3, 3);
	if (sent) {
		device_works();
		guest_is_sent(
			(struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 3, .bytes = "abc" });
		all_is_sent();
	}
	rest(DEVICE_IDLE);
}

void case_typed_bytes_kept(void)
{
	type_bytes(false);
}

void case_typed_bytes_sent(void)
{
	type_bytes(true);
}

/* RW goes by what the guest was told: 64 bytes. */
static void end_connection(uint32_t len)
{
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = len, .buf_alloc = 8 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	all_is_sent();
}

void case_end_without_a_reason(void)
{
	end_connection(4);
}

void case_end_of_a_wrong_packet(void)
{
	end_connection(65);
}

static void pass_on(const char *taken)
{
	connect_port(8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 3, .bytes = "abc" });
	all_is_sent();
	host(HOST_TAKE, taken, 2, 2);
	device_works();
	guest_is_sent((struct packet){
		.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .buf_alloc = 64, .fwd_cnt = 2 });
	all_is_sent();
}

void case_bytes_with_a_gap(void)
{
	pass_on("ac");
}

void case_bytes_in_order(void)
{
	pass_on("ab");
}

static void send_stray(uint16_t op)
{
	socket_new();
	on = RX;
	notify();
	avail_idx(1);
	done();
	guest_sends((struct packet){ .op = op });
	all_is_sent();
}

void case_stray_not_answered(void)
{
	send_stray(VIRTIO_VSOCK_OP_RW);
}

void case_stray_rst_not_answered(void)
{
	send_stray(VIRTIO_VSOCK_OP_RST);
}

static void send_type(uint16_t op)
{
	socket_new();
	on = RX;
	notify();
	avail_idx(1);
	done();
	guest_sends((struct packet){ .op = op, .type = 7 });
	all_is_sent();
}

void case_type_not_answered(void)
{
	send_type(VIRTIO_VSOCK_OP_REQUEST);
}

void case_rst_not_answered(void)
{
	send_type(VIRTIO_VSOCK_OP_RST);
}

static void tell(uint32_t id)
{
	const uint32_t bytes = htole32(id);

	socket_new();
	on = EVENT;
	notify();
	avail_idx(1);
	take(0, 0, sizeof(bytes), F_WRITE);
	payload_bytes(0, true, BUFFER, &bytes, sizeof(bytes));
	return_chain(0, 0, 0, sizeof(bytes));
	wake();
	all_is_sent();
}

void case_event_of_no_kind(void)
{
	tell(1);
}

void case_event_of_a_reset(void)
{
	tell(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
}
