/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The net-host model as a target: behind it the metadata service, and a wire that
 * programs script.  See vringer.h and wire.h.
 *
 * MAC and MTU are configured; a program that holds the features back gets a
 * device that is told neither.
 */
#include "harness/models/filter.h"
#include "harness/models/models.h"
#include "harness/models/wire.h"

#include "devices/mmds.h"
#include "devices/net_pool.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* More than the usual 1500, so that a frame of 1514 bytes and one that is cut at
 * the usual size differ. */
#define MTU 2000u
_Static_assert(NET_LINK_MAX + MTU <= WIRE_BYTES, "the wire keeps whole frames");

#define F_MAC (1ULL << VIRTIO_NET_F_MAC)
#define F_MTU (1ULL << VIRTIO_NET_F_MTU)

#define CARD_FATES 3u

static const uint8_t card_mac[ETH_ALEN] = NET_MAC;

struct card {
	struct model model; /* first: a card is one */
	struct wire wire;
	/* What three counters are to say when the frame in hand has been sent. */
	bool sent;
	uint64_t fates[CARD_FATES];
	/* What the interceptor is shown ends where this does, and so does the
	 * block: whoever reads on is seen. */
	uint32_t shown_len; /* 0: nothing that is to be answered */
	uint8_t shown[WIRE_BYTES];
};

static const char *const fates[CARD_FATES] = { "tx_sent", "tx_sent_short", "tx_refused" };

static void find_fault(const struct card *card, bool wrong, const char *what)
{
	if (wrong)
		card->wire.host->fault(card->wire.host->ctx, what);
}

static uint64_t count_of(struct card *card, const char *name)
{
	const struct device *dev = model_device(card);

	for (unsigned i = 0; i < dev->ops->counter_count; i++)
		if (strcmp(dev->ops->counter_names[i], name) == 0)
			return dev->counters[i];
	return 0;
}

/* Was the frame that was sent last counted as the host took it? */
static void judge_sent(struct card *card)
{
	bool wrong = false;

	for (unsigned i = 0; card->sent && i < CARD_FATES; i++)
		wrong = wrong || count_of(card, fates[i]) != card->fates[i];
	find_fault(card, wrong,
		   "the device counts a frame as sent that its host refused, or took a part of, or "
		   "the other way round");
	card->sent = false;
}

static int64_t told_send(void *ctx, const uint8_t *frame, uint32_t len)
{
	struct card *card = (struct card *)((uint8_t *)ctx - offsetof(struct card, wire));
	int64_t taken = wire_send(ctx, frame, len);

	for (unsigned i = 0; i < CARD_FATES; i++)
		card->fates[i] = count_of(card, fates[i]);
	card->fates[taken <= 0 ? 2 : taken < len]++;
	card->sent = true;
	return taken;
}

static const struct net_backend wire_backend = {
	.send = told_send,
	.waiting = wire_waiting,
	.receive = wire_receive,
};

/* Does its driver see the address that its host gave it? */
static bool shows_mac(struct card *card)
{
	const struct device *dev = model_device(card);
	uint8_t shown[ETH_ALEN];

	if ((dev->offered & F_MAC) == 0)
		return true;
	dev->ops->config_read(dev, offsetof(struct virtio_net_config, mac), shown, sizeof(shown));
	return memcmp(shown, card_mac, sizeof(shown)) == 0;
}

/* The metadata service, with what it does told, and compared with what is due. */
static enum net_verdict told_judge(void *ctx, const uint8_t *frame, uint32_t len)
{
	struct card *card = ctx;
	uint8_t *shown = card->shown + sizeof(card->shown) - len;
	enum net_verdict verdict;

	judge_sent(card);
	wire_called(&card->wire);
	find_fault(card, !shows_mac(card), "the device shows another MAC than its host gave it");
	memcpy(shown, frame, len);
	verdict = mmds_interceptor.judge(NULL, shown, len);
	find_fault(card, verdict != filter_verdict(shown, len),
		   "the metadata service handles a frame wrongly: it should have passed on, "
		   "claimed, dropped or answered it otherwise");
	card->shown_len = verdict == NET_REPLY ? len : 0;
	if (verdict != NET_PASS)
		wire_tell(&card->wire, VRINGER_END_AWAY, frame, len);
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
		wire_tell(&card->wire, VRINGER_END_REPLY, reply, (uint32_t)reply_len);
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

static void *card_create(const struct vringer_host *host, uint64_t offered,
			 const uint16_t *queue_max)
{
	struct net_host_config config = {
		.mac = (offered & F_MAC) != 0 ? card_mac : NULL,
		.mtu = (offered & F_MTU) != 0 ? MTU : 0,
		.backend = &wire_backend,
		.interceptor = &told_interceptor,
	};
	struct card *card = card_alloc();

	if (card == NULL)
		return NULL;
	config.backend_ctx = &card->wire;
	config.interceptor_ctx = card;
	card->wire.host = host;
	card->shown_len = 0;
	card->sent = false;
	wire_reset(&card->wire);
	/* The device itself takes back what is not configured. */
	offered |= F_MAC | F_MTU;
	if (model_open(&card->model, &net_host_ops, host, offered, queue_max) &&
	    net_host_connect(model_device(card), &config) == 0)
		return card;
	mmio_destroy(card->model.mmio);
	card_free(card);
	return NULL;
}

static void card_destroy(void *device)
{
	mmio_destroy(((struct card *)device)->model.mmio);
	card_free(device);
}

/* The wire is no part of a snapshot: what is on it stays on it. */
static void card_inherit(void *device, void *old)
{
	wire_take_over(&((struct card *)device)->wire, &((struct card *)old)->wire);
}

static uint32_t card_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	struct card *card = device;

	judge_sent(card);
	if (port > 0)
		return 0;
	if (act == VRINGER_TAKE)
		return wire_take(&card->wire, data, len);
	if (act != VRINGER_TYPE || !wire_put(&card->wire, data, len))
		return 0;
	if (!wire_holds(&card->wire))
		net_host_poll(model_device(card));
	return len;
}

static uint32_t card_waiting(const void *device)
{
	return wire_due(&((const struct card *)device)->wire);
}

static void card_order(void *device, uint32_t order, uint32_t port, uint32_t count, uint32_t amount)
{
	if (port == 0)
		wire_order(&((struct card *)device)->wire, order, count, amount);
}

static const struct vringer_queue queues[] = {
	{ "rx", NET_QUEUE_SIZE_MAX, 0, 0 },
	{ "tx", NET_QUEUE_SIZE_MAX, 1, 0 },
};

/* What leaves, and what arrives: a reply before what the backend gave. */
#define SKIP ((uint16_t)sizeof(struct virtio_net_hdr_v1))
#define FRAME_MAX (NET_LINK_MAX + NET_MTU_DEFAULT)
static const struct vringer_stream streams[] = {
	{ .from = NET_TX,
	  .to = VRINGER_END_AWAY,
	  .skip = SKIP,
	  .frame_max = FRAME_MAX,
	  .left = "tx_sent tx_sent_short tx_refused tx_answered tx_claimed tx_claimed_malformed" },
	{ .from = VRINGER_END_REPLY,
	  .to = NET_RX,
	  .skip = SKIP,
	  .kept = NET_REPLIES_MAX,
	  .frame_max = FRAME_MAX,
	  .left = "rx_packets",
	  .waiting = "replies_waiting" },
	{ .from = VRINGER_END_GIVEN,
	  .to = NET_RX,
	  .skip = SKIP,
	  .kept = NET_HOST_FRAMES_MAX,
	  .frame_max = FRAME_MAX,
	  .entered = "host_frames",
	  .waiting = "host_frames_waiting" },
};

static uint32_t is_answered(const void *frame, uint32_t len)
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
#define SAY(bytes) MODEL_HINT(NET_TX, bytes)
#define FRAME                                                                                      \
	STATIONS "\x88\xb5"                                                                        \
		 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
#define FRAME_IN_HEX                                                                               \
	"ffffffffffff525400123456"                                                                 \
	"88b5"                                                                                     \
	"303132333435363738396162636465666768696a6b6c6d6e6f"                                       \
	"707172737475767778797a4142434445464748494a4b4c4d4e"
static const struct vringer_bytes net_answer[] = {
	{ 0, 76, "\0\0\0\0\0\0\0\0\0\0\1\0" FRAME },
	{ .bytes = NULL },
};

static const struct vringer_request requests[] = {
	{ .name = "frame",
	  .queue = NET_TX,
	  .readable = HEADER FRAME,
	  .readable_len = 76,
	  .after = "take_output 0\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "buffer",
	  .queue = NET_RX,
	  .writable_len = 1526,
	  .used_min = 76,
	  .used_max = 76,
	  .answer = net_answer,
	  .after = "type 0 " FRAME_IN_HEX "\n",
	  .flags = VRINGER_REQUEST_EXACT },
	SAY(HEADER STATIONS ARP("\x01", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS ARP("\x01", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS "\x81\x00\x00\x05" ARP("\x01", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS ARP("\x02", "\xa9\xfe\xa9\xfe")),
	SAY(HEADER STATIONS ARP("\x01", "\x0a\x00\x00\x01")),
	SAY(HEADER STATIONS IPV4("\x45", "\0\0", "\x06") PORTS),
	SAY(HEADER STATIONS IPV4("\x46", "\x20\0", "\x06") PORTS),
	SAY(HEADER STATIONS IPV4("\x45", "\0\0", "\x11") PORTS),
	SAY(HEADER "\x06\x01\x23\x45\x67\x01"),
	{ .name = NULL },
};

static const struct vringer_port ports[] = {
	{ .from = VRINGER_NO_QUEUE, .to = VRINGER_NO_QUEUE, .held_max = WIRE_FRAMES * WIRE_BYTES },
};

/* A valid frame meets exactly one fate; what waits or was lost is counted. */
static const struct vringer_sum sums[] = {
	{ "tx_packets", "tx_sent tx_sent_short tx_refused tx_empty tx_answered tx_claimed "
			"tx_claimed_malformed" },
	{ "tx_sent tx_sent_short tx_refused tx_empty tx_answered tx_claimed tx_claimed_malformed",
	  "tx_packets tx_add_used_failures" },
	{ "used.1",
	  "tx_packets tx_chain_invalid tx_oversize_dropped pool_exhausted host_alloc_failures" },
	/* Larger than any frame: whatever else is wrong with it, that is found first. */
	{ "large.1", "tx_oversize_dropped" },
	{ "used.0", "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed" },
	{ "written.0", "rx_packets" },
	{ "failed.0", "rx_add_used_failures" },
	{ "failed.1", "tx_add_used_failures" },
	{ "poisoned.0 poisoned.1", "invalid_avail_idx_count" },
	{ "written_bytes.0", "rx_bytes 12*rx_packets" },
	{ "tx_packets", "tx_bytes tx_empty" },
	{ NULL, NULL },
};

static const struct vringer_sum equal_sums[] = {
	{ "host_frames tx_answered",
	  "rx_packets rx_frame_too_large host_frames_oversize host_frames_waiting "
	  "replies_waiting replies_lost rx_discarded" },
	{ NULL, NULL },
};

static const struct vringer_backend backend = {
	.size = sizeof(backend),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE,
	.orders = 1u << VRINGER_FORGET | 1u << VRINGER_REFUSE | 1u << VRINGER_HOLD |
		  1u << VRINGER_PRETEND,
	.port_count = MODEL_COUNT(ports),
	.stream_count = MODEL_COUNT(streams),
	.frames_max = NET_POOL_MAX,
	.ports = ports,
	.streams = streams,
	.act = card_act,
	.order = card_order,
	.waiting = card_waiting,
	.answers = is_answered,
};

static const struct vringer_kept kept = {
	.size = sizeof(kept),
	.blocks = NET_POOL_KEPT,
	.blocks_saved = 1,
};

static const struct vringer_snapshots snapshots = {
	.size = sizeof(snapshots),
	.save = model_save,
	.restore = model_restore,
	.impossible = net_host_impossible,
	.inherit = card_inherit,
};

struct vringer_target net_host_target = {
	MODEL,
	.name = "net-host",
	.help = "virtio-net between its driver, a metadata service and a host that programs script",
	.device_id = VIRTIO_ID_NET,
	.features = MODEL_FEATURES | F_MAC | F_MTU,
	.queue_count = NET_QUEUE_COUNT,
	.queues = queues,
	.config_len = 12,
	.fields = model_net_fields,
	.chain_bytes_max = NET_HEADER_SIZE + NET_LINK_MAX + MTU,
	.heap_max = 96u << 10,
	/* Of as many frames as may wait, and one more: are there any, and the next. */
	.backend_calls = 2 * (NET_HOST_FRAMES_MAX + 1),
	.backend_calls_chain = 2 * (NET_HOST_FRAMES_MAX + 1),
	.kept = &kept,
	.sums = sums,
	.equal_sums = equal_sums,
	.gauges = "replies_waiting host_frames_waiting",
	.backend = &backend,
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
	.snapshots = &snapshots,
};
