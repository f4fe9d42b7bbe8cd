/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The net-host model as a target: behind it the metadata service, and a wire that
 * programs script.  See target.h and wire.h.
 *
 * MAC and MTU are configured; a program that holds the features back gets a
 * device that is told neither.
 */
#include "harness/models/filter.h"
#include "harness/models/models.h"
#include "harness/models/wire.h"
#include "harness/target/mmio_calls.h"

#include "devices/mmds.h"
#include "devices/mmio.h"
#include "devices/net_pool.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

/* More than the usual 1500, so that a frame of 1514 bytes and one that is cut at
 * the usual size differ. */
#define MTU 2000u
_Static_assert(NET_LINK_MAX + MTU <= WIRE_BYTES, "the wire keeps whole frames");

#define F_MAC (1ULL << VIRTIO_NET_F_MAC)
#define F_MTU (1ULL << VIRTIO_NET_F_MTU)

struct card {
	struct mmio *mmio;
	struct wire wire;
	/* What the interceptor is shown ends where this does, and so does the
	 * block: whoever reads on is seen. */
	uint32_t shown_len; /* 0: nothing that is to be answered */
	uint8_t shown[WIRE_BYTES];
};

static const struct net_backend wire_backend = {
	.send = wire_send,
	.waiting = wire_waiting,
	.receive = wire_receive,
};

static void find_fault(const struct card *card, bool wrong, const char *what)
{
	const struct target_listener *listener = card->wire.listener;

	if (wrong && listener != NULL)
		listener->fault(listener->ctx, what);
}

/* The metadata service, with what it does told, and compared with what is due. */
static enum net_verdict told_judge(void *ctx, const uint8_t *frame, uint32_t len)
{
	struct card *card = ctx;
	uint8_t *shown = card->shown + sizeof(card->shown) - len;
	enum net_verdict verdict;

	wire_called(&card->wire);
	memcpy(shown, frame, len);
	verdict = mmds_interceptor.judge(NULL, shown, len);
	find_fault(card, verdict != filter_verdict(shown, len),
		   "the metadata service handles a frame wrongly: it should have passed on, "
		   "claimed, dropped or answered it otherwise");
	card->shown_len = verdict == NET_REPLY ? len : 0;
	if (verdict != NET_PASS)
		wire_tell(&card->wire, END_AWAY, frame, len);
	return verdict;
}

static int told_reply(void *ctx, const uint8_t *frame, uint32_t len, uint8_t *reply, uint32_t room)
{
	const struct card *card = ctx;
	const uint8_t *shown = card->shown + sizeof(card->shown) - card->shown_len;
	int reply_len;

	wire_called(&card->wire);
	/* A buffer that is somebody else's as well is spoilt. */
	memset(reply, WIRE_GARBAGE, room);
	find_fault(card, len != card->shown_len || memcmp(frame, shown, len) != 0,
		   "the metadata service is asked to answer a frame that is not the one it judged "
		   "last, or that has changed since");
	reply_len = mmds_interceptor.reply(NULL, frame, len, reply, room);
	find_fault(card,
		   reply_len >= 0 &&
			   !filter_is_reply(shown, card->shown_len, reply, (uint32_t)reply_len),
		   "the metadata service gives a wrong answer");
	if (reply_len > 0)
		wire_tell(&card->wire, END_REPLY, reply, (uint32_t)reply_len);
	return reply_len;
}

static const struct net_interceptor told_interceptor = { told_judge, told_reply };

/* A block that is not in use, for the next card: it is large, and one is made for
 * every program. */
static struct card *spare;

static struct card *card_alloc(void)
{
	struct card *card = spare != NULL ? spare : malloc(sizeof(*card));

	spare = NULL;
	return card;
}

static void card_free(struct card *card)
{
	if (spare == NULL)
		spare = card;
	else
		free(card);
}

static void *card_create(const struct target *target, const struct device_host *host,
			 uint64_t offered, const uint16_t *queue_max)
{
	static const uint8_t mac[ETH_ALEN] = NET_MAC;
	struct net_host_config config = {
		.mac = (offered & F_MAC) != 0 ? mac : NULL,
		.mtu = (offered & F_MTU) != 0 ? MTU : 0,
		.backend = &wire_backend,
		.interceptor = &told_interceptor,
	};
	struct card *card = card_alloc();

	(void)target;
	if (card == NULL)
		return NULL;
	config.backend_ctx = &card->wire;
	config.interceptor_ctx = card;
	card->wire.listener = NULL;
	card->shown_len = 0;
	wire_reset(&card->wire);
	card->mmio = mmio_create(&net_host_ops, host, offered, queue_max);
	if (card->mmio != NULL && net_host_connect(mmio_device(card->mmio), &config) == 0)
		return card;
	mmio_destroy(card->mmio);
	card_free(card);
	return NULL;
}

static struct mmio *mmio_of(const void *device)
{
	return ((const struct card *)device)->mmio;
}

static void card_destroy(void *device)
{
	mmio_destroy(mmio_of(device));
	card_free(device);
}

static void card_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	mmio_read(mmio_of(device), offset, buf, len);
}

static void card_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	mmio_write(mmio_of(device), offset, buf, len);
}

#define CALLEE mmio_of(device)
MMIO_CALLS(static, card_calls);

static void card_work(void *device)
{
	mmio_work(mmio_of(device));
}

static enum device_state card_state(const void *device)
{
	return mmio_state(mmio_of(device));
}

static unsigned card_counter_count(const void *device)
{
	return mmio_counter_count(mmio_of(device));
}

static const char *card_counter_name(const void *device, unsigned index)
{
	return mmio_counter_name(mmio_of(device), index);
}

static void card_counters(const void *device, uint64_t *values)
{
	model_counters(mmio_of(device), values);
}

static size_t card_save(const void *device, void *out, size_t room)
{
	return model_save(mmio_of(device), out, room);
}

static int card_restore(void *device, const void *data, size_t len, size_t *at, const char **what)
{
	return model_restore(mmio_of(device), data, len, at, what);
}

/* The wire is no part of a snapshot: what is on it stays on it. */
static void card_inherit(void *device, void *old)
{
	wire_take_over(&((struct card *)device)->wire, &((struct card *)old)->wire);
}

static void card_listen(void *device, const struct target_listener *listener)
{
	((struct card *)device)->wire.listener = listener;
}

static uint32_t card_host(void *device, enum host_act act, unsigned port, void *data, uint32_t len)
{
	struct card *card = device;

	if (port > 0)
		return 0;
	if (act == HOST_TAKE)
		return wire_take(&card->wire, data, len);
	if (act != HOST_TYPE || !wire_put(&card->wire, data, len))
		return 0;
	if (!wire_holds(&card->wire))
		net_host_poll(mmio_device(card->mmio));
	return len;
}

static uint32_t card_waiting(const void *device)
{
	return wire_due(&((const struct card *)device)->wire);
}

static void card_order(void *device, enum host_order order, unsigned port, uint32_t count,
		       uint32_t amount)
{
	if (port == 0)
		wire_order(&((struct card *)device)->wire, order, count, amount);
}

static const struct device_queue_desc queues[] = {
	{ "rx", NET_QUEUE_SIZE_MAX, false, 0 },
	{ "tx", NET_QUEUE_SIZE_MAX, true, 0 },
};

/* What leaves, and what arrives: a reply before what the backend gave. */
#define SKIP ((uint16_t)sizeof(struct virtio_net_hdr_v1))
#define FRAME_MAX (NET_LINK_MAX + NET_MTU_DEFAULT)
static const struct target_stream streams[] = {
	{ NET_TX, END_AWAY, SKIP, NULL,
	  "tx_sent tx_sent_short tx_refused tx_answered tx_claimed tx_claimed_malformed", NULL,
	  FRAME_MAX, 0 },
	{ END_REPLY, NET_RX, SKIP, NULL, "rx_packets", "replies_waiting", FRAME_MAX,
	  NET_REPLIES_MAX },
	{ END_GIVEN, NET_RX, SKIP, "host_frames", NULL, "host_frames_waiting", FRAME_MAX,
	  NET_HOST_FRAMES_MAX },
};

static bool is_answered(const uint8_t *frame, uint32_t len)
{
	return filter_verdict(frame, len) == NET_REPLY;
}

/* What a driver asks the metadata service, or had better not: behind a header, a
 * frame from a station to all. */
#define HEADER "\0\0\0\0\0\0\0\0\0\0\0\0"
#define STATIONS "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56"
#define ARP(op, target)                                                                            \
	"\x08\x06\x00\x01\x08\x00\x06\x04\x00" op "\x52\x54\x00\x12\x34\x56\xa9\xfe\xa9\x02"       \
	"\0\0\0\0\0\0" target
#define IPV4(size, fragment, protocol)                                                             \
	"\x08\x00" size "\x00\x00\x28\x00\x01" fragment "\x40" protocol                            \
	"\x00\x00\xa9\xfe\xa9\x02\xa9\xfe\xa9\xfe"
#define PORTS "\0\0\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SAY(bytes) MODEL_REQUEST(NET_TX, bytes)
#define FRAME STATIONS "\x88\xb5" "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
#define FRAME_IN_HEX                                                                               \
	"ffffffffffff525400123456" "88b5" "303132333435363738396162636465666768696a6b6c6d6e6f"      \
	"707172737475767778797a4142434445464748494a4b4c4d4e"
static const struct target_bytes net_answer[] = {
	{ 0, 76, (const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\1\0" FRAME },
};

static const struct target_request requests[] = {
	{ .name = "frame",
	  .queue = NET_TX,
	  .bytes = HEADER FRAME,
	  .len = 76,
	  .after = "take_output 0\n",
	  .exact = true },
	{ .name = "buffer",
	  .queue = NET_RX,
	  .room = 1526,
	  .used_min = 76,
	  .used_max = 76,
	  .answer = net_answer,
	  .answer_count = 1,
	  .after = "type 0 " FRAME_IN_HEX "\n",
	  .exact = true },
	SAY(HEADER STATIONS ARP("\x01", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS ARP("\x01", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS "\x81\x00\x00\x05" ARP("\x01", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS ARP("\x02", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS ARP("\x01", "\x0a\x00\x00\x01")),
	SAY(HEADER STATIONS IPV4("\x45", "\0\0", "\x06") PORTS),
	SAY(HEADER STATIONS IPV4("\x46", "\x20\0", "\x06") PORTS),
	SAY(HEADER STATIONS IPV4("\x45", "\0\0", "\x11") PORTS),
	SAY(HEADER "\x06\x01\x23\x45\x67\x01"),
};

static const struct target_port ports[] = {
	{ .from = TARGET_NO_QUEUE, .to = TARGET_NO_QUEUE, .held_max = WIRE_FRAMES * WIRE_BYTES },
};

/* A valid frame meets exactly one fate; what waits or was lost is counted. */
static const struct target_sum sums[] = {
	{ "tx_packets",
	  "tx_sent tx_sent_short tx_refused tx_empty tx_answered tx_claimed tx_claimed_malformed",
	  false },
	{ "tx_sent tx_sent_short tx_refused tx_empty tx_answered tx_claimed tx_claimed_malformed",
	  "tx_packets tx_add_used_failures", false },
	{ "host_frames tx_answered",
	  "rx_packets rx_frame_too_large host_frames_oversize host_frames_waiting "
	  "replies_waiting replies_lost rx_discarded",
	  true },
	{ "used.1",
	  "tx_packets tx_chain_invalid tx_oversize_dropped pool_exhausted host_alloc_failures",
	  false },
	{ "used.0", "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed", false },
	{ NULL, NULL, false },
};

const struct target net_host_target = {
	.name = "net-host",
	.help = "virtio-net between its driver, a metadata service and a host that programs script",
	.device_id = VIRTIO_ID_NET,
	.features = 1ULL << VIRTIO_F_VERSION_1 | F_MAC | F_MTU,
	.queue_count = NET_QUEUE_COUNT,
	.queues = queues,
	.config_len = 12,
	.field_count = MODEL_NET_FIELDS,
	.fields = model_net_fields,
	.facts = FACT_ALL,
	.model = true,
	.transport = true,
	.strict = true,
	.limits = true,
	.chain_bytes_max = NET_HEADER_SIZE + NET_LINK_MAX + MTU,
	.heap_max = 96u << 10,
	/* Of as many frames as may wait, and one more: are there any, and the next. */
	.backend_calls = 2 * (NET_HOST_FRAMES_MAX + 1),
	.backend_calls_chain = 2 * (NET_HOST_FRAMES_MAX + 1),
	.blocks_kept = NET_POOL_KEPT,
	.saves_blocks = true,
	.sums = sums,
	.gauges = "replies_waiting host_frames_waiting",
	.stream_count = sizeof(streams) / sizeof(streams[0]),
	.streams = streams,
	.frames_max = NET_POOL_MAX,
	.answers = is_answered,
	.port_count = 1,
	.ports = ports,
	.request_count = sizeof(requests) / sizeof(requests[0]),
	.requests = requests,
	.liveness = "device net-host\n"
		    "start driver_ok\n"
		    "pattern b3 len=76\n"
		    "send 1 b3\n"
		    "> used 1 id=0 len=0\n"
		    "take_output 0\n"
		    "> output_equal b3+12 len=64\n"
		    "offer 0 b9:w\n"
		    "type 0 len=64 seed=3\n"
		    "> used 0 id=0 len=76\n"
		    "> mem_typed b9+12 len=64 seed=3\n",
	.create = card_create,
	.destroy = card_destroy,
	.read = card_read,
	.write = card_write,
	.calls = &card_calls,
	.work = card_work,
	.state = card_state,
	.host = card_host,
	.waiting = card_waiting,
	.order = card_order,
	.listen = card_listen,
	.save = card_save,
	.restore = card_restore,
	.inherit = card_inherit,
	.counter_count = card_counter_count,
	.counter_name = card_counter_name,
	.counters = card_counters,
};
