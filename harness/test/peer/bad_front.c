/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A front-end that breaks the vhost-user protocol, in one way at a time, written from the
 * protocol's text (QEMU, docs/interop/vhost-user.rst): what a back-end has to refuse.
 *
 *	bad_front --list          the cases, one a line: MESSAGE-WAY, or a name
 *	bad_front SOCKET CASE     do it, and wait for the back-end to close the connection
 *
 * Before it is wrong it is right: features are accepted, memory is shared.  Exit 0: the
 * connection was closed, as is due; 1: it was not; 2: it cannot be done.
 */
#include "vhost_wire.h"

#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER_SIZE 12u
#define PATIENCE_MS 20000
#define MEMORY_SIZE 0x10000u
#define USER 0x7f0000000000ull /* where it says that its memory is */
#define RING_SIZE 8u
#define F_VERSION_1 (1ull << 32)
#define F_PROTOCOL (1ull << 30)
#define P_ALL 0x209ull /* MQ, REPLY_ACK, CONFIG */

static int server, memory_fd;
static uint8_t *memory;

/* Of the messages that a front-end sends: bytes, and descriptors that come with it. */
static const struct {
	const char *name;
	uint8_t request;
	uint32_t size;
	unsigned fds;
} messages[] = {
	{ "GET_FEATURES", GET_FEATURES, 0, 0 },
	{ "SET_FEATURES", SET_FEATURES, 8, 0 },
	{ "SET_OWNER", SET_OWNER, 0, 0 },
	{ "SET_MEM_TABLE", SET_MEM_TABLE, 40, 1 },
	{ "SET_VRING_NUM", SET_VRING_NUM, 8, 0 },
	{ "SET_VRING_ADDR", SET_VRING_ADDR, 40, 0 },
	{ "SET_VRING_BASE", SET_VRING_BASE, 8, 0 },
	{ "GET_VRING_BASE", GET_VRING_BASE, 8, 0 },
	{ "SET_VRING_KICK", SET_VRING_KICK, 8, 1 },
	{ "SET_VRING_CALL", SET_VRING_CALL, 8, 1 },
	{ "SET_VRING_ERR", SET_VRING_ERR, 8, 1 },
	{ "GET_PROTOCOL_FEATURES", GET_PROTOCOL_FEATURES, 0, 0 },
	{ "SET_PROTOCOL_FEATURES", SET_PROTOCOL_FEATURES, 8, 0 },
	{ "GET_QUEUE_NUM", GET_QUEUE_NUM, 0, 0 },
	{ "SET_VRING_ENABLE", SET_VRING_ENABLE, 8, 0 },
	{ "GET_CONFIG", GET_CONFIG, 20, 0 },
	{ "SET_CONFIG", SET_CONFIG, 20, 0 },
};
#define MESSAGE_COUNT (sizeof(messages) / sizeof(messages[0]))

static void fail(const char *what)
{
	fprintf(stderr, "bad_front: %s\n", what);
	exit(2);
}

static void send_bytes(const uint32_t header[3], const void *payload, uint32_t len,
		       unsigned fd_count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
	} control = { .bytes = { 0 } };
	uint8_t bytes[HEADER_SIZE + WIRE_PAYLOAD_MAX + 16] = { 0 };
	struct iovec piece = { bytes, HEADER_SIZE + len };
	struct msghdr out = { .msg_iov = &piece, .msg_iovlen = 1 };

	memcpy(bytes, header, HEADER_SIZE);
	if (len > 0)
		memcpy(bytes + HEADER_SIZE, payload, len);
	if (fd_count > 0) {
		struct cmsghdr *c;

		out.msg_control = control.bytes;
		out.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&out);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &memory_fd, sizeof(int));
	}
	/* Where it has been closed already, that is seen below. */
	if (sendmsg(server, &out, MSG_NOSIGNAL) < 0)
		return;
}

static void say(uint32_t request, const void *payload, uint32_t len, unsigned fd_count)
{
	const uint32_t header[] = { request, WIRE_VERSION, len };

	send_bytes(header, payload, len, fd_count);
}

static void say_number(uint32_t request, uint64_t number)
{
	say(request, &number, sizeof(number), 0);
}

static void say_state(uint32_t request, uint32_t index, uint32_t number)
{
	const struct vhost_vring_state state = { index, number };

	say(request, &state, sizeof(state), 0);
}

static void share(uint64_t guest, uint64_t size, uint64_t user, uint64_t offset)
{
	const struct {
		uint32_t count, padding;
		struct wire_region region;
	} table = { .count = 1,
		    .region = { .guest = guest, .size = size, .user = user, .offset = offset } };

	say(SET_MEM_TABLE, &table, sizeof(table), 1);
}

/* The answer to a message. */
static void hear(void)
{
	struct wire_message m;

	if (!wire_receive(server, &m))
		fail("no answer to a message that is right");
	wire_close_fds(&m);
}

static void begin(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(at.sun_path))
		fail("the path is too long");
	memcpy(at.sun_path, path, strlen(path));
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (server < 0 || connect(server, (const struct sockaddr *)&at, sizeof(at)) != 0)
		fail("nobody listens");
	memory_fd = memfd_create("memory", MFD_CLOEXEC);
	if (memory_fd < 0 || ftruncate(memory_fd, MEMORY_SIZE) != 0)
		fail("no memory");
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	if (memory == MAP_FAILED)
		fail("no memory");
	say(GET_FEATURES, NULL, 0, 0);
	hear();
	say_number(SET_FEATURES, F_VERSION_1 | F_PROTOCOL);
	say_number(SET_PROTOCOL_FEATURES, P_ALL);
	share(0, MEMORY_SIZE, USER, 0);
}

/* ---- a message, wrong in one way --------------------------------------------------------- */

struct way {
	const char *name;
	uint32_t flags; /* of the message */
	int size, said; /* bytes more than due: sent, and said in its header */
	int fds;	/* descriptors more than due */
};

static const struct way ways[] = {
	{ "long", .flags = WIRE_VERSION, .size = 1, .said = 1 },
	{ "short", .flags = WIRE_VERSION, .size = -1, .said = -1 },
	{ "huge", .flags = WIRE_VERSION, .said = 0x7fffff00 },
	{ "more-fds", .flags = WIRE_VERSION, .fds = 2 },
	{ "no-fd", .flags = WIRE_VERSION, .fds = -1 },
	{ "version", .flags = 2 },
	{ "reply", .flags = WIRE_VERSION | WIRE_REPLY },
};
#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

/* Is the message wrong in that way?  Linux sends longer tables of memory, and
 * configuration says itself how long it is. */
static bool is_wrong(size_t message, size_t way)
{
	if (ways[way].size < 0)
		return messages[message].size > 0;
	if (ways[way].size > 0)
		return messages[message].request != SET_MEM_TABLE;
	return ways[way].fds >= 0 || messages[message].fds > 0;
}

static void do_message(size_t message, size_t way)
{
	uint32_t size = messages[message].size;
	uint32_t header[] = { messages[message].request, ways[way].flags,
			      size + (uint32_t)ways[way].said };
	struct wire_message m = { .request = header[0] };

	if (header[0] == SET_MEM_TABLE)
		m.payload.table.count = 1, m.payload.table.regions[0].size = MEMORY_SIZE,
		m.payload.table.regions[0].user = USER;
	if (header[0] == GET_CONFIG || header[0] == SET_CONFIG)
		m.payload.state.num = 8; /* offset, size, flags, bytes */
	send_bytes(header, &m.payload, size + (uint32_t)ways[way].size,
		   messages[message].fds + (unsigned)ways[way].fds);
}

/* ---- messages that are well-formed and wrong ---------------------------------------------- */

static void describe(uint64_t desc, uint64_t used)
{
	const struct vhost_vring_addr addr = { .index = 1,
					       .desc_user_addr = desc,
					       .avail_user_addr = USER + 0x1000,
					       .used_user_addr = used };

	say_state(SET_VRING_NUM, 1, RING_SIZE);
	say_state(SET_VRING_BASE, 1, 0);
	say(SET_VRING_ADDR, &addr, sizeof(addr), 0);
}

/* Ring 1 runs: its descriptors are at 0, its available ring at 0x1000. */
static void run_ring(uint64_t desc, uint64_t used)
{
	const uint64_t ring = 1;

	describe(desc, used);
	memory_fd = eventfd(1, 0);
	say(SET_VRING_KICK, &ring, sizeof(ring), 1);
	say_state(SET_VRING_ENABLE, 1, 1);
}

/* A head is available, and so many are said to be. */
static void publish(uint16_t head, uint16_t idx)
{
	struct vring_avail *avail = (struct vring_avail *)(void *)(memory + 0x1000);

	avail->ring[0] = head;
	avail->idx = idx;
	run_ring(USER, USER + 0x2000);
}

static struct vring_desc *descs(void)
{
	return (struct vring_desc *)(void *)memory;
}

static void request_0(void)
{
	say(0, NULL, 0, 0);
}

static void request_unknown(void)
{
	say(200, NULL, 0, 0);
}

static void features_unoffered(void)
{
	say_number(SET_FEATURES, UINT64_MAX);
}

static void protocol_unoffered(void)
{
	say_number(SET_PROTOCOL_FEATURES, UINT64_MAX);
}

static void memory_none(void)
{
	const uint32_t none[2] = { 0, 0 };

	say(SET_MEM_TABLE, none, sizeof(none), 0);
}

static void memory_past_its_file(void)
{
	share(0, 1ull << 40, USER, 0);
}

static void memory_past_the_end(void)
{
	share(UINT64_MAX - 0xfff, MEMORY_SIZE, USER, 0);
}

static void ring_that_is_not_there(void)
{
	say_state(SET_VRING_NUM, 200, RING_SIZE);
}

static void ring_of_no_entries(void)
{
	say_state(SET_VRING_NUM, 1, 0);
}

static void ring_of_3_entries(void)
{
	describe(USER, USER + 0x2000);
	say_state(SET_VRING_NUM, 1, 3);
	run_ring(USER, USER + 0x2000);
	say_state(SET_VRING_NUM, 1, 3);
}

static void enabled_twice(void)
{
	say_state(SET_VRING_ENABLE, 1, 2);
}

static void ring_in_no_memory(void)
{
	run_ring(USER + (1ull << 40), USER + 0x2000);
}

static void ring_past_its_memory(void)
{
	run_ring(USER, USER + MEMORY_SIZE - 8);
}

static void head_out_of_range(void)
{
	publish(RING_SIZE, 1);
}

static void index_jumps(void)
{
	publish(0, RING_SIZE + 1);
}

static void chain_without_end(void)
{
	descs()[0] = (struct vring_desc){ .len = 1, .flags = VRING_DESC_F_NEXT, .next = 0 };
	publish(0, 1);
}

static void next_out_of_range(void)
{
	descs()[0] = (struct vring_desc){ .len = 1, .flags = VRING_DESC_F_NEXT, .next = 100 };
	publish(0, 1);
}

static void buffer_in_no_memory(void)
{
	descs()[0] = (struct vring_desc){ .addr = 1ull << 40, .len = 64 };
	publish(0, 1);
}

static void buffer_that_wraps(void)
{
	descs()[0] = (struct vring_desc){ .addr = UINT64_MAX - 8, .len = 64 };
	publish(0, 1);
}

static void buffer_of_4_gib(void)
{
	descs()[0] = (struct vring_desc){ .addr = 0, .len = UINT32_MAX };
	publish(0, 1);
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{ "request-0", request_0 },
	{ "request-unknown", request_unknown },
	{ "features-unoffered", features_unoffered },
	{ "protocol-unoffered", protocol_unoffered },
	{ "memory-none", memory_none },
	{ "memory-past-its-file", memory_past_its_file },
	{ "memory-past-the-end", memory_past_the_end },
	{ "ring-that-is-not-there", ring_that_is_not_there },
	{ "ring-of-no-entries", ring_of_no_entries },
	{ "ring-of-3-entries", ring_of_3_entries },
	{ "enabled-twice", enabled_twice },
	{ "ring-in-no-memory", ring_in_no_memory },
	{ "ring-past-its-memory", ring_past_its_memory },
	{ "head-out-of-range", head_out_of_range },
	{ "index-jumps", index_jumps },
	{ "chain-without-end", chain_without_end },
	{ "next-out-of-range", next_out_of_range },
	{ "buffer-in-no-memory", buffer_in_no_memory },
	{ "buffer-that-wraps", buffer_that_wraps },
	{ "buffer-of-4-gib", buffer_of_4_gib },
};
#define ACT_COUNT (sizeof(acts) / sizeof(acts[0]))

/* Of message and way: NULL, or the case's name. */
static const char *case_name(size_t message, size_t way)
{
	static char name[64];

	if (!is_wrong(message, way))
		return NULL;
	snprintf(name, sizeof(name), "%s-%s", messages[message].name, ways[way].name);
	return name;
}

static void list(void)
{
	for (size_t m = 0; m < MESSAGE_COUNT; m++)
		for (size_t w = 0; w < WAY_COUNT; w++)
			if (case_name(m, w) != NULL)
				puts(case_name(m, w));
	for (size_t a = 0; a < ACT_COUNT; a++)
		puts(acts[a].name);
}

static bool act(const char *name)
{
	for (size_t m = 0; m < MESSAGE_COUNT; m++)
		for (size_t w = 0; w < WAY_COUNT; w++)
			if (case_name(m, w) != NULL && strcmp(name, case_name(m, w)) == 0) {
				do_message(m, w);
				return true;
			}
	for (size_t a = 0; a < ACT_COUNT; a++)
		if (strcmp(name, acts[a].name) == 0) {
			acts[a].act();
			return true;
		}
	return false;
}

/* Whatever it still says is taken. */
static bool is_closed(void)
{
	struct pollfd fd = { .fd = server, .events = POLLIN };
	uint8_t bytes[256];

	while (poll(&fd, 1, PATIENCE_MS) > 0)
		if (recv(server, bytes, sizeof(bytes), 0) <= 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		list();
		return 0;
	}
	if (argc != 3)
		fail("expected --list, or a socket and a case");
	begin(argv[1]);
	if (!act(argv[2]))
		fail("there is no such case, --list has them");
	return is_closed() ? 0 : 1;
}
