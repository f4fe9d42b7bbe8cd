/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that are not ours and say of themselves what our models say: a port with bytes, a
 * stream of frames, snapshots, fields, a region, gauges, sums, a queue that needs a
 * feature, pages that are given away, an end that is told what is outstanding.  Built
 * against the installed files.
 *
 *   BUG=WHAT      in the environment: the devices break what they say of that
 *   SPOIL=WHAT    the first description is wrong in that
 */
#include <vringer.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define QUEUES 3u
#define HELD 8192u
#define CHAIN_MAX 4096u

enum { RECEIVE, TRANSMIT, EXTRA };

/* All of it but the pointer is saved. */
struct state {
	struct vringer_ring rings[QUEUES];
	uint16_t next[QUEUES];
	uint32_t output_len, input_len;
	uint32_t version; /* of the configuration */
	uint8_t output[HELD], input[HELD];
	uint64_t counters[6];
};

struct said {
	const struct vringer_host *host;
	struct state state;
};

enum { OUTPUT_BYTES, OUTPUT_HELD, OUTPUT_TAKEN, INPUT_BYTES, INPUT_PENDING, INPUT_DELIVERED };
static const char *const names[] = { "output_bytes", "output_held",   "output_taken",
				     "input_bytes",  "input_pending", "input_delivered" };

static int bug(const char *what)
{
	const char *wanted = getenv("BUG");

	return wanted != NULL && strcmp(wanted, what) == 0;
}

/* ---- one chain: copied out, or filled ---------------------------------------- */

struct chain {
	uint16_t queue, head, walk;
};

/* By whatever way there is to guest memory. */
static int guest(struct said *s, struct vringer_why why, uint64_t addr, void *buf, uint32_t len,
		 int write)
{
	const struct vringer_host *h = s->host;

	if (h->read != NULL)
		return write ? h->write(h->ctx, why, addr, buf, len)
			     : h->read(h->ctx, why, addr, buf, len);
	if (h->load != NULL)
		return write ? h->store(h->ctx, addr, buf, len) : h->load(h->ctx, addr, buf, len);
	for (uint32_t i = 0; i < h->region_count; i++) {
		const struct vringer_region *r = &h->regions[i];
		uint8_t *place = (uint8_t *)r->host + (addr - r->addr);

		if (addr < r->addr || addr - r->addr > r->size || len > r->size - (addr - r->addr))
			continue;
		memcpy(write ? place : buf, write ? buf : place, len);
		return 0;
	}
	return -EFAULT;
}

static uint16_t read16(struct said *s, uint16_t purpose, const struct chain *c, uint64_t addr)
{
	struct vringer_why why = { purpose, c->queue,
				   purpose == VRINGER_AVAIL_ENTRY ? c->walk : (uint16_t)0 };
	uint16_t value = 0;

	guest(s, why, addr, &value, sizeof(value), 0);
	return value;
}

static int chain_next(struct said *s, uint16_t queue, struct chain *c)
{
	const struct vringer_ring *r = &s->state.rings[queue];

	*c = (struct chain){ queue, 0, s->state.next[queue] };
	if (!r->ready || read16(s, VRINGER_AVAIL_IDX, c, r->avail + 2) == c->walk)
		return 0;
	c->head = read16(s, VRINGER_AVAIL_ENTRY, c, r->avail + 4 + 2 * (c->walk % r->size));
	s->state.next[queue]++;
	return c->head < r->size;
}

/* Up to `len` bytes from, or to, its buffers of that direction; how many. */
static uint32_t chain_copy(struct said *s, const struct chain *c, void *bytes, uint32_t len,
			   int write)
{
	const struct vringer_ring *r = &s->state.rings[c->queue];
	struct vringer_why desc = { VRINGER_DESC, c->queue, c->walk };
	struct vringer_why payload = { VRINGER_PAYLOAD, c->queue, c->walk };
	uint16_t at = c->head;
	uint32_t done = 0;
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} d;

	for (unsigned i = 0; i < r->size && at < r->size; i++, at = d.next) {
		uint32_t piece;

		if (guest(s, desc, r->desc + 16 * at, &d, sizeof(d), 0) != 0)
			break;
		piece = d.len < len - done ? d.len : len - done;
		if (((d.flags & 2) != 0) == (write != 0) && piece > 0) {
			guest(s, payload, d.addr, (uint8_t *)bytes + done, piece, write);
			done += piece;
		}
		if ((d.flags & 1) == 0)
			break;
	}
	return done;
}

static void chain_return(struct said *s, const struct chain *c, uint32_t len)
{
	const struct vringer_ring *r = &s->state.rings[c->queue];
	struct vringer_why entry = { VRINGER_USED_ENTRY, c->queue, c->walk };
	struct vringer_why idx = { VRINGER_USED_IDX, c->queue, 0 };
	uint32_t elem[2] = { c->head, len };
	uint16_t used = (uint16_t)(c->walk + 1);

	guest(s, entry, r->used + 4 + 8 * (c->walk % r->size), elem, sizeof(elem), 1);
	guest(s, idx, r->used + 2, &used, sizeof(used), 1);
	if ((read16(s, VRINGER_AVAIL_FLAGS, c, r->avail) & 1) == 0)
		s->host->used(s->host->ctx, c->queue);
}

/* ---- life -------------------------------------------------------------------- */

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct said *s = calloc(1, sizeof(*s));

	(void)offered;
	(void)queue_max;
	if (s != NULL)
		s->host = host;
	return s;
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct said *s = device;
	const uint32_t *queues = s->host->opaque; /* how many this one has */

	(void)features;
	memcpy(s->state.rings, rings, *queues * sizeof(*rings));
	memset(s->state.next, 0, sizeof(s->state.next));
}

static void reset(void *device)
{
	struct said *s = device;

	memset(s->state.rings, 0, sizeof(s->state.rings));
	s->state.counters[INPUT_PENDING] = s->state.input_len = 0;
}

static void queue_stop(void *device, uint32_t queue)
{
	((struct said *)device)->state.rings[queue].ready = 0;
}

static void counters(void *device, uint64_t *values)
{
	memcpy(values, ((struct said *)device)->state.counters, sizeof(uint64_t) * 6);
}

/* ---- a port: bytes ------------------------------------------------------------ */

static void deliver(struct said *s)
{
	struct state *st = &s->state;
	struct chain c;

	while (st->input_len > 0 && chain_next(s, RECEIVE, &c)) {
		uint32_t done;

		if (bug("port"))
			st->input[0] ^= 1;
		done = chain_copy(s, &c, st->input, st->input_len, 1);
		memmove(st->input, st->input + done, st->input_len - done);
		st->input_len -= done;
		st->counters[INPUT_PENDING] -= done;
		st->counters[INPUT_DELIVERED] += done;
		chain_return(s, &c, done);
	}
}

static int is_full(const struct said *s)
{
	return HELD - s->state.output_len < CHAIN_MAX;
}

static uint32_t state(void *device)
{
	return is_full(device) ? VRINGER_WAITING : VRINGER_IDLE;
}

static void kick_port(void *device, uint32_t queue)
{
	struct said *s = device;
	struct state *st = &s->state;
	struct chain c;

	if (queue == RECEIVE)
		deliver(s);
	/* What it reads of a chain it keeps: without room it reads none. */
	while (queue != RECEIVE && !is_full(s) && chain_next(s, (uint16_t)queue, &c)) {
		uint32_t len = 0;

		if (queue == TRANSMIT)
			len = chain_copy(s, &c, st->output + st->output_len, CHAIN_MAX, 0);
		st->output_len += len;
		st->counters[OUTPUT_BYTES] += len;
		st->counters[OUTPUT_HELD] += len;
		chain_return(s, &c, 0);
	}
}

static uint32_t act(void *device, uint32_t what, uint32_t port, void *data, uint32_t len)
{
	struct said *s = device;
	struct state *st = &s->state;

	(void)port;
	if (what == VRINGER_CHANGE_CONFIG) {
		if (len == st->version)
			return 0;
		st->version = len;
		if (!bug("silent"))
			s->host->config_changed(s->host->ctx);
		return 1;
	}
	if (what == VRINGER_TYPE) {
		len = len < HELD - st->input_len ? len : HELD - st->input_len;
		memcpy(st->input + st->input_len, data, len);
		st->input_len += len;
		st->counters[INPUT_BYTES] += len;
		st->counters[INPUT_PENDING] += len;
		deliver(s);
		return len;
	}
	len = len < st->output_len ? len : st->output_len;
	memcpy(data, st->output, len);
	memmove(st->output, st->output + len, st->output_len - len);
	st->output_len -= len;
	st->counters[OUTPUT_HELD] -= len;
	st->counters[OUTPUT_TAKEN] += len + (bug("sum") && len > 0);
	for (uint32_t queue = TRANSMIT; queue < QUEUES; queue++)
		kick_port(s, queue);
	return len;
}

static uint64_t save(const void *device, void *out, uint64_t room)
{
	const struct said *s = device;

	if (room >= sizeof(s->state))
		memcpy(out, &s->state, sizeof(s->state));
	return sizeof(s->state);
}

static int32_t restore(void *device, const void *data, uint64_t len, uint64_t *at,
		       const char **what)
{
	struct said *s = device;
	const struct state *from = data;

	*at = 0;
	*what = "not as long as what it saves";
	if (len != sizeof(s->state) || bug("refuse"))
		return -EINVAL;
	memcpy(&s->state, from, sizeof(s->state));
	if ((s->state.output_len > HELD || s->state.input_len > HELD) && !bug("trust")) {
		memset(&s->state, 0, sizeof(s->state));
		*what = "more bytes than it holds";
		return -EINVAL;
	}
	if (bug("cursor") && s->state.next[TRANSMIT] > 0)
		s->state.next[TRANSMIT]--;
	return 0;
}

static void config_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	const struct said *s = device;
	const uint8_t config[] = { (uint8_t)(80 + s->state.version), 0, 25, 0 };

	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = offset + i < sizeof(config) ? config[offset + i] : 0;
}

static struct vringer_port ports[] = { {
	.from = TRANSMIT,
	.to = RECEIVE,
	.chain_max = CHAIN_MAX,
	.held_max = HELD,
	.held = "output_held",
	.pending = "input_pending",
} };
static struct vringer_backend port_backend = {
	.size = sizeof(port_backend),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE | 1u << VRINGER_CHANGE_CONFIG,
	.port_count = 1,
	.ports = ports,
	.act = act,
};
static struct vringer_snapshots snapshots = {
	.size = sizeof(snapshots),
	.save = save,
	.restore = restore,
};
/* The same bytes, looked at by another. */
static const char *impossible(const void *data, uint64_t len, uint64_t *at)
{
	uint32_t output_len;

	*at = offsetof(struct state, output_len);
	if (len != sizeof(struct state))
		return NULL;
	memcpy(&output_len, (const uint8_t *)data + *at, sizeof(output_len));
	return output_len > HELD ? "more output than it holds" : NULL;
}

static struct vringer_snapshots read_twice = {
	.size = sizeof(read_twice),
	.save = save,
	.restore = restore,
	.impossible = impossible,
};
static const struct vringer_sum equal_sums[] = {
	{ "output_bytes", "output_held output_taken" },
	{ 0, 0 },
};
static struct vringer_field fields[] = { { "cols", 0, 2, 0 }, { "rows", 2, 2, 0 }, { 0 } };
static struct vringer_shm shm[] = { { .id = 3, .base = 0x200000000, .len = 0x1000 } };
static struct vringer_queue_need needs[QUEUES] = { [EXTRA] = { .features = 1 << 1 } };
static struct vringer_queue queues[QUEUES] = {
	{ "receive", 64, 0, 0 },
	{ "transmit", 64, 1, 0 },
	{ "extra", 64, 1, 0 },
};
static uint32_t queue_counts[] = { 0, 1, 2, 3 };

#define SAID(id, called, count, ...)                                                               \
	static struct vringer_target id = { .version = VRINGER_VERSION,                            \
					    .size = sizeof(id),                                    \
					    .name = called,                                        \
					    .help = "says all",                                    \
					    .level = VRINGER_LEVEL_ACTIVATED,                      \
					    .memory = VRINGER_MEMORY_PURPOSES,                     \
					    .flags = VRINGER_JUDGE_LIMITS,                         \
					    .queue_count = count,                                  \
					    .opaque = &queue_counts[count],                        \
					    .features = 1ull << 32 | 1 << 1,                       \
					    .queues = queues,                                      \
					    .create = create,                                      \
					    .destroy = free,                                       \
					    .activate = activate,                                  \
					    .reset = reset,                                        \
					    .queue_stop = queue_stop,                              \
					    __VA_ARGS__ }

SAID(port, "said-port", 3, .device_id = 3, .kick = kick_port, .state = state, .virtio = 0x0102,
     .config_len = 4, .config_read = config_read, .fields = fields, .shm_count = 1, .shm = shm,
     .queue_needs = needs, .counter_count = 6, .counter_names = names, .counters = counters,
     .gauges = "output_held input_pending", .equal_sums = equal_sums, .backend = &port_backend,
     .snapshots = &snapshots);
/* The same, whose gauges are said to be none. */
SAID(falls, "said-falls", 3, .device_id = 3, .kick = kick_port, .state = state,
     .queue_needs = needs, .counter_count = 6, .counter_names = names, .counters = counters,
     .backend = &port_backend);
/* Altered snapshots are read by two. */
SAID(saved, "said-saved", 3, .device_id = 3, .kick = kick_port, .state = state,
     .queue_needs = needs, .snapshots = &read_twice, .flags = VRINGER_JUDGE_MODEL);
/* Always the largest queues, whatever a program says. */
SAID(fixed, "said-fixed", 3, .device_id = 3, .kick = kick_port, .state = state,
     .flags = VRINGER_FIXED_SIZES | VRINGER_FIXED_FEATURES | VRINGER_JUDGE_LIMITS);

/* ---- a stream: frames --------------------------------------------------------- */

static void kick_echo(void *device, uint32_t queue)
{
	struct said *s = device;
	struct chain from, to;

	while (queue == TRANSMIT && chain_next(s, TRANSMIT, &from)) {
		uint8_t bytes[CHAIN_MAX] = { 0 };
		uint32_t len = chain_copy(s, &from, bytes, sizeof(bytes), 0);

		if (bug("stream"))
			bytes[0] ^= 1;
		if (chain_next(s, RECEIVE, &to))
			chain_return(s, &to, chain_copy(s, &to, bytes, len, 1));
		chain_return(s, &from, 0);
	}
}

static struct vringer_stream streams[] = { {
	.from = TRANSMIT,
	.to = RECEIVE,
	.frame_max = CHAIN_MAX,
} };
static struct vringer_backend echo_backend = {
	.size = sizeof(echo_backend),
	.stream_count = 1,
	.streams = streams,
};
SAID(echo, "said-echo", 2, .device_id = 9, .kick = kick_echo, .backend = &echo_backend);

/* ---- pages that are given away ------------------------------------------------- */

static void discard(struct said *s, const struct chain *c, uint64_t addr)
{
	struct vringer_why why = { VRINGER_PAYLOAD, c->queue, c->walk };
	uint8_t zero[16] = { 0 };

	guest(s, why, addr, zero, sizeof(zero), 1);
}

static void kick_inflate(void *device, uint32_t queue)
{
	struct said *s = device;
	uint32_t numbers[64];
	struct chain c;

	while (chain_next(s, (uint16_t)queue, &c)) {
		uint32_t len = chain_copy(s, &c, numbers, sizeof(numbers), 0);

		for (uint32_t i = 0; i < len / 4; i++)
			discard(s, &c, ((uint64_t)numbers[i] + bug("page")) << 12);
		chain_return(s, &c, 0);
	}
}

static const struct vringer_queue inflate[] = { { "inflate", 64, 1, VRINGER_GIVES_AWAY } };
SAID(away, "said-away", 1, .device_id = 5, .queues = inflate, .kick = kick_inflate);
SAID(away_told, "said-away-told", 1, .device_id = 5, .queues = inflate, .kick = kick_inflate,
     .memory = VRINGER_MEMORY_ACCESSORS);
SAID(away_plain, "said-away-plain", 1, .device_id = 5, .queues = inflate, .kick = kick_inflate,
     .memory = VRINGER_MEMORY_PLAIN);
SAID(keeps, "said-keeps", 1, .device_id = 5, .kick = kick_inflate);

/* ---- told what is outstanding ---------------------------------------------------- */

static void kick_later(void *device, uint32_t queue)
{
	(void)device;
	(void)queue;
}

/* As many as there are, and no more: it does not look. */
static int32_t settle_queues(void *device, uint32_t ms, const uint32_t *outstanding)
{
	struct said *s = device;
	struct chain c;

	(void)ms;
	for (uint32_t i = 0; i < outstanding[0]; i++)
		if (!chain_next(s, 0, &c))
			abort();
		else
			chain_return(s, &c, 0);
	return 0;
}
SAID(later, "said-later", 1, .device_id = 4, .queues = queues + 1, .kick = kick_later,
     .settle_queues = settle_queues);

/* ---- a file that is guest memory -------------------------------------------------- */

/* One mapping, in which a guest address is an offset. */
static void *create_by_file(const struct vringer_host *host, uint64_t offered,
			    const uint16_t *queue_max)
{
	const struct vringer_region *last = &host->regions[host->region_count - 1];
	uint8_t *all = mmap(NULL, last->addr + last->size, PROT_READ, MAP_SHARED, last->fd, 0);

	if (all == MAP_FAILED || last->addr + last->size != 64u << 20)
		abort();
	for (uint32_t i = 0; i < host->region_count; i++) {
		const struct vringer_region *r = &host->regions[i];

		if (r->fd_offset != r->addr || memcmp(all + r->addr, r->host, r->size) != 0)
			abort();
	}
	munmap(all, last->addr + last->size);
	return create(host, offered, queue_max);
}
SAID(file, "said-file", 1, .device_id = 4, .memory = VRINGER_MEMORY_PLAIN,
     .layout = VRINGER_LAYOUT_OFFSET, .create = create_by_file, .kick = kick_later,
     .settle_queues = settle_queues);

/* ---- descriptions that are wrong ---------------------------------------------------- */

#define WRONG(name, ...)                                                                           \
	if (strcmp(what, name) == 0) {                                                             \
		__VA_ARGS__;                                                                       \
	}

__attribute__((constructor)) static void spoil(void)
{
	static const struct vringer_sum unknown[] = { { "output_bytes", "used.0" }, { 0, 0 } };
	static const struct vringer_answer answers[] = { { .ask = 1 } };
	static const struct vringer_dialogue dialogue = { .answer_count = 1, .answers = answers };
	static struct vringer_calls calls = { .size = sizeof(calls) };
	static struct vringer_kept kept = { .size = sizeof(kept), .chains = 65536 };
	static struct vringer_kind kind = { .size = sizeof(kind), .pages_max = 1 };
	const char *what = getenv("SPOIL");

	if (what == NULL)
		return;
	WRONG("flag", port.flags |= 1u << 31)
	WRONG("reserved", port.reserved = 1)
	WRONG("queue-flag", queues[1].flags = 0x80)
	WRONG("need", needs[EXTRA].features = 1 << 2)
	WRONG("need-reserved", needs[EXTRA].reserved = 1)
	WRONG("field", fields[0].width = 3)
	WRONG("shm", shm[0].id = 256)
	WRONG("shm-reserved", shm[0].reserved = 1)
	WRONG("gauge", port.gauges = "output_held nonsense")
	WRONG("equal", port.equal_sums = unknown)
	WRONG("acts", port_backend.acts |= 1u << 9)
	WRONG("act", port_backend.act = NULL)
	WRONG("socket-port", ports[0].socket_port = 1024)
	WRONG("pages", port_backend.acts |= 1u << VRINGER_SET_NUM_PAGES)
	WRONG("dialogue", port_backend.dialogue = &dialogue)
	WRONG("stream", streams[0].to = 2)
	WRONG("stream-reserved", streams[0].reserved = 1)
	WRONG("backend-size", port_backend.size = 8)
	WRONG("save", snapshots.save = NULL)
	WRONG("snapshots-reserved", snapshots.reserved = 1)
	WRONG("destroy", port.destroy = NULL)
	WRONG("calls", port.calls = &calls)
	WRONG("kept", port.kept = &kept)
	WRONG("kind", port.kind = &kind)
	WRONG("line", port.flags |= VRINGER_LEVEL_LINE)
	WRONG("settles", later.settle = (int32_t(*)(void *, uint32_t))(void *)settle_queues)
	WRONG("offset", port.layout = VRINGER_LAYOUT_OFFSET)
	WRONG("version", port.virtio = 0x10000)
}

VRINGER_TARGETS(&port, &falls, &saved, &fixed, &echo, &away, &away_told, &away_plain, &keeps,
		&later, &file);
