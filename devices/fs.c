/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The file system device; fs.h says what it does and refuses.
 *
 * A request is a chain of readable buffers and then writable ones.  Its head, the
 * header and the body that goes with it, is copied once, however it is spread over
 * descriptors, and the copy is judged and answered; nothing else of it is read but
 * what a FUSE_REMOVEMAPPING lists, whole, before any of it is done.
 *
 * VIRTIO 1.4, 5.11.6 (device operation); <linux/fuse.h>.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/fuse.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "chain.h"
#include "drain.h"
#include "fs.h"
#include "fs_window.h"
#include "table.h"

/* What every version of an INIT has: major, minor, max_readahead, flags. */
#define INIT_IN_SIZE 16u
#define REMOVE_MAX 256u /* FUSE_REMOVEMAPPING_MAX_ENTRY of small pages */
#define FS_MINOR 31	/* of FUSE protocol 7 */
#define FS_MAX_WRITE (1u << 20)

/* An event moves the counters named for it and no other. */
enum fs_counter {
	FS_REQUESTS, /* with a header that makes sense; each is one of the next ten */
	FS_INITS,
	FS_INITS_REFUSED, /* answered with an error: version, or no room for the answer */
	FS_FORGETS,
	FS_READS,
	FS_MAPPED,
	FS_UNMAPPED,
	FS_REFUSED, /* no such file, no room, not in the window: answered with an error */
	FS_UNSUPPORTED,
	FS_NO_ROOM,	  /* not even for the reply header */
	FS_REPLY_FAILED,  /* could not be written */
	FS_TOO_SHORT,	  /* for its header, its header's length, or its body */
	FS_CHAIN_INVALID, /* torn, out of order, unreadable part, wraps */
	FS_ADD_USED_FAILURES,
	FS_INVALID_AVAIL_IDX, /* a queue became poisoned */
	FS_WINDOW_MAPPED,     /* bytes of the DAX window, each time that one is mapped */
	FS_WINDOW_UNMAPPED,   /* ... mapped over, removed, or gone with the session */
	FS_WINDOW_BYTES,      /* gauge: mapped now */
	FS_COUNTER_COUNT
};

TABLE(static const char *const, counter_names, FS_COUNTER_COUNT, 1,
	[FS_REQUESTS] = "requests",
	[FS_INITS] = "inits",
	[FS_INITS_REFUSED] = "inits_refused",
	[FS_FORGETS] = "forgets",
	[FS_READS] = "reads",
	[FS_MAPPED] = "mapped",
	[FS_UNMAPPED] = "unmapped",
	[FS_REFUSED] = "refused",
	[FS_UNSUPPORTED] = "unsupported",
	[FS_NO_ROOM] = "no_room",
	[FS_REPLY_FAILED] = "reply_failed",
	[FS_TOO_SHORT] = "too_short",
	[FS_CHAIN_INVALID] = "chain_invalid",
	[FS_ADD_USED_FAILURES] = "add_used_failures",
	[FS_INVALID_AVAIL_IDX] = "invalid_avail_idx_count",
	[FS_WINDOW_MAPPED] = "window_mapped",
	[FS_WINDOW_UNMAPPED] = "window_unmapped",
	[FS_WINDOW_BYTES] = "window_bytes");

TABLE(static const struct device_queue_desc, fs_queues, FS_QUEUE_COUNT, 4,
	[FS_HIPRIO] = { "hiprio", FS_QUEUE_SIZE_MAX, true, 0 },
	[FS_REQUEST0] = { "request0", FS_QUEUE_SIZE_MAX, true, 0 },
	[FS_REQUEST1] = { "request1", FS_QUEUE_SIZE_MAX, true, 0 });

static const struct device_shm fs_shm[] = {
	{ .id = VIRTIO_FS_SHMCAP_ID_CACHE, .base = FS_SHM_BASE, .len = FS_SHM_LEN },
};

struct fs {
	struct device dev;
	struct drain drain;
	bool big_endian; /* the session's byte order; little before there is one */
	struct fs_window window;

	/* Scratch from here on: the chain in hand. */
	struct virtqueue_buffer buffers[FS_QUEUE_SIZE_MAX];
	struct fuse_removemapping_one removed[REMOVE_MAX];
};

/* The head of a request, as the guest has it. */
struct fs_head {
	struct fuse_in_header in;
	union {
		uint8_t body[sizeof(struct fuse_setupmapping_in)]; /* the largest */
		struct {
			uint32_t major, minor, max_readahead, flags;
		} init; /* what every version of it has */
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_setupmapping_in map;
		struct fuse_removemapping_in unmap;
	};
};
_Static_assert(sizeof(((struct fs_head *)NULL)->init) == INIT_IN_SIZE, "no padding");

struct fs_reply {
	struct fuse_out_header out;
	struct fuse_init_out init;
};

/* A request in hand. */
struct fs_request {
	const struct virtqueue_chain *chain;
	const struct virtqueue_buffer *answer; /* the first writable buffer */
	uint64_t room;			       /* writable bytes */
	uint32_t rest;			       /* readable bytes that follow the head */
	struct chain_cursor at;		       /* ... and where */
	struct fs_head head;
};

static struct fs *fs_of(struct device *dev)
{
	return (struct fs *)dev;
}

static void fs_count(struct fs *fs, enum fs_counter which)
{
	fs->dev.counters[which]++;
}

/* The window is another one, with `mapped` more bytes put into it. */
static void set_window(struct fs *fs, const struct fs_window *window, uint64_t mapped,
		       uint64_t unmapped)
{
	uint64_t *counters = fs->dev.counters;

	fs->window = *window;
	counters[FS_WINDOW_MAPPED] += mapped;
	counters[FS_WINDOW_UNMAPPED] += unmapped;
	counters[FS_WINDOW_BYTES] = fs_window_bytes(window, 0, FS_SHM_LEN);
}

/* Nothing is mapped. */
static void clear_window(struct fs *fs)
{
	static const struct fs_window empty = { .count = 0 };

	set_window(fs, &empty, 0, fs_window_bytes(&fs->window, 0, FS_SHM_LEN));
}

static uint32_t get32(bool big_endian, uint32_t raw)
{
	return big_endian ? be32toh(raw) : le32toh(raw);
}

static uint32_t put32(bool big_endian, uint32_t value)
{
	return big_endian ? htobe32(value) : htole32(value);
}

static uint64_t get64(bool big_endian, uint64_t raw)
{
	return big_endian ? be64toh(raw) : le64toh(raw);
}

static uint16_t put16(bool big_endian, uint16_t value)
{
	return big_endian ? htobe16(value) : htole16(value);
}

/* The reply header and `extra` bytes behind it, for which there is room; how many
 * bytes were written, counted as `fate` if all were. */
static uint32_t fs_answer(struct fs *fs, const struct fs_request *request, struct fs_reply *reply,
			  int error, uint32_t extra, enum fs_counter fate)
{
	struct chain_cursor at = { .buffer = request->answer };
	uint32_t len = (uint32_t)sizeof(reply->out) + extra;

	reply->out.len = put32(fs->big_endian, len);
	reply->out.error = (int32_t)put32(fs->big_endian, (uint32_t)error);
	reply->out.unique = request->head.in.unique; /* the guest's, whatever its order */
	if (chain_write(request->chain, &at, reply, len) < len) {
		fs_count(fs, FS_REPLY_FAILED);
		return 0;
	}
	fs_count(fs, fate);
	return len;
}

static uint32_t fs_init(struct fs *fs, const struct fs_request *request)
{
	struct fs_reply reply;
	const bool big = fs->big_endian;

	clear_window(fs); /* another session */
	if (get32(big, request->head.init.major) < FUSE_KERNEL_VERSION)
		return fs_answer(fs, request, &reply, -EPROTO, 0, FS_INITS_REFUSED);
	if (request->room < sizeof(reply))
		return fs_answer(fs, request, &reply, -EIO, 0, FS_INITS_REFUSED);
	/* A later major is answered with ours, and the driver asks again. */
	reply.init = (struct fuse_init_out){
		.major = put32(big, FUSE_KERNEL_VERSION),
		.minor = put32(big, FS_MINOR),
		.max_write = put32(big, FS_MAX_WRITE),
		.time_gran = put32(big, 1),
		.max_background = put16(big, FS_QUEUE_SIZE_MAX),
	};
	if (get32(big, request->head.init.flags) & FUSE_MAP_ALIGNMENT) {
		reply.init.flags = put32(big, FUSE_MAP_ALIGNMENT);
		reply.init.map_alignment = put16(big, FS_MAP_ALIGNMENT);
	}
	return fs_answer(fs, request, &reply, 0, sizeof(reply.init), FS_INITS);
}

/* The answer of a request that is done, or refused with an error. */
static uint32_t fs_done(struct fs *fs, const struct fs_request *request, int err,
			enum fs_counter fate)
{
	struct fs_reply reply;

	return fs_answer(fs, request, &reply, err, 0, err ? FS_REFUSED : fate);
}

static bool is_root(const struct fs *fs, const struct fs_request *request)
{
	return get64(fs->big_endian, request->head.in.nodeid) == FUSE_ROOT_ID;
}

static uint32_t fs_read(struct fs *fs, const struct fs_request *request)
{
	return fs_done(fs, request, is_root(fs, request) ? 0 : -ENOENT, FS_READS);
}

static uint32_t fs_write(struct fs *fs, const struct fs_request *request)
{
	return fs_done(fs, request, is_root(fs, request) ? -ENOSPC : -ENOENT, FS_REFUSED);
}

/* VIRTIO 5.11.6.4.1: not beyond the window, and over whatever was there. */
static uint32_t fs_map(struct fs *fs, const struct fs_request *request)
{
	const struct fuse_setupmapping_in *in = &request->head.map;
	const uint64_t at = get64(fs->big_endian, in->moffset);
	const uint64_t len = get64(fs->big_endian, in->len);
	const uint64_t file = get64(fs->big_endian, in->foffset);
	struct fs_window window = fs->window;
	int err = -EINVAL;

	if (!is_root(fs, request))
		err = -ENOENT;
	else if (fs_window_has(at, len) && fs_window_takes(file, len))
		err = fs_window_map(&window, at, len, file);
	if (err == 0)
		set_window(fs, &window, len, fs_window_bytes(&fs->window, at, len));
	return fs_done(fs, request, err, FS_MAPPED);
}

/* All that is listed, or nothing. */
static int unmap_all(struct fs *fs, unsigned count)
{
	struct fs_window window = fs->window;
	uint64_t unmapped = 0;
	unsigned i;
	int err = 0;

	for (i = 0; i < count && err == 0; i++) {
		const uint64_t at = get64(fs->big_endian, fs->removed[i].moffset);
		const uint64_t len = get64(fs->big_endian, fs->removed[i].len);

		err = -EINVAL;
		if (fs_window_has(at, len)) {
			unmapped += fs_window_bytes(&window, at, len);
			err = fs_window_unmap(&window, at, len);
		}
	}
	if (err == 0)
		set_window(fs, &window, 0, unmapped);
	return err;
}

static uint32_t fs_unmap(struct fs *fs, const struct fs_request *request)
{
	const uint32_t count = get32(fs->big_endian, request->head.unmap.count);
	struct chain_cursor at = request->at;

	if (count == 0 || count > REMOVE_MAX || count * sizeof(fs->removed[0]) > request->rest)
		return fs_done(fs, request, -EINVAL, FS_REFUSED);
	if (chain_read(request->chain, &at, fs->removed, count * (uint32_t)sizeof(fs->removed[0])))
		return fs_done(fs, request, -EIO, FS_REFUSED);
	return fs_done(fs, request, unmap_all(fs, count), FS_UNMAPPED);
}

/* Requests that have a body which is read. */
static const struct fs_operation {
	uint32_t opcode, body_size;
	uint32_t (*serve)(struct fs *fs, const struct fs_request *request);
} operations[] = {
	{ FUSE_INIT, INIT_IN_SIZE, fs_init },
	{ FUSE_READ, sizeof(struct fuse_read_in), fs_read },
	{ FUSE_WRITE, sizeof(struct fuse_write_in), fs_write },
	{ FUSE_SETUPMAPPING, sizeof(struct fuse_setupmapping_in), fs_map },
	{ FUSE_REMOVEMAPPING, sizeof(struct fuse_removemapping_in), fs_unmap },
};

static const struct fs_operation *operation_of(uint32_t opcode)
{
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (operations[i].opcode == opcode)
			return &operations[i];
	return NULL;
}

/* A header that makes sense, with the body of `operation`, or NULL. */
static uint32_t fs_request(struct fs *fs, const struct fs_request *request, uint32_t opcode,
			   const struct fs_operation *operation)
{
	struct fs_reply reply;

	fs_count(fs, FS_REQUESTS);
	if (opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET) {
		fs_count(fs, FS_FORGETS);
		return 0;
	}
	if (request->room < sizeof(reply.out)) {
		fs_count(fs, FS_NO_ROOM);
		return 0;
	}
	if (operation)
		return operation->serve(fs, request);
	return fs_answer(fs, request, &reply, -ENOSYS, 0, FS_UNSUPPORTED);
}

/* The byte order of a request: an INIT says which one its session has. */
static bool order_of(uint32_t opcode, bool session)
{
	if (le32toh(opcode) == FUSE_INIT)
		return false;
	return be32toh(opcode) == FUSE_INIT || session;
}

static uint32_t fs_serve(struct device *dev, struct virtqueue_chain *chain)
{
	struct fs *fs = fs_of(dev);
	struct fs_request request = { .chain = chain, .at = { .buffer = fs->buffers } };
	const struct fs_operation *operation;
	uint32_t due = sizeof(request.head.in), opcode, len;
	bool big;
	unsigned in_count;
	uint64_t in;

	if (chain_collect_request(chain, fs->buffers, &in_count, &in, &request.room)) {
		fs_count(fs, FS_CHAIN_INVALID);
		return 0;
	}
	request.answer = fs->buffers + in_count;
	if (in < due) {
		fs_count(fs, FS_TOO_SHORT);
		return 0;
	}
	if (chain_read(chain, &request.at, &request.head.in, due)) {
		fs_count(fs, FS_CHAIN_INVALID);
		return 0;
	}
	big = order_of(request.head.in.opcode, fs->big_endian);
	opcode = get32(big, request.head.in.opcode);
	len = get32(big, request.head.in.len);
	operation = operation_of(opcode);
	if (operation)
		due += operation->body_size;
	if (len < due || len > in) {
		fs_count(fs, FS_TOO_SHORT);
		return 0;
	}
	if (operation && chain_read(chain, &request.at, request.head.body, operation->body_size)) {
		fs_count(fs, FS_CHAIN_INVALID);
		return 0;
	}
	request.rest = len - due;
	/* An INIT ends the session before it, and is answered in its own order. */
	fs->big_endian = big;
	return fs_request(fs, &request, opcode, operation);
}

static const struct drain_ops fs_drain = {
	.serve = fs_serve,
	.add_used_failures = FS_ADD_USED_FAILURES,
	.invalid_avail_idx = FS_INVALID_AVAIL_IDX,
};

static int fs_create(struct device *dev)
{
	(void)dev;
	return 0;
}

static void fs_destroy(struct device *dev)
{
	(void)dev;
}

static void fs_reset(struct device *dev)
{
	struct fs *fs = fs_of(dev);

	fs->drain = (struct drain){ .left = 0 };
	fs->big_endian = false;
	clear_window(fs);
}

static void fs_queue_reset(struct device *dev, unsigned queue)
{
	drain_queue_reset(&fs_of(dev)->drain, queue);
}

static void fs_notify(struct device *dev, unsigned queue)
{
	drain_notify(&fs_of(dev)->drain, &fs_drain, dev, queue);
}

static void fs_work(struct device *dev)
{
	drain_work(&fs_of(dev)->drain, &fs_drain, dev);
}

static enum device_state fs_state(const struct device *dev)
{
	return drain_state(&((const struct fs *)dev)->drain, dev);
}

static void fs_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	const struct virtio_fs_config config = {
		.tag = FS_TAG,
		.num_request_queues = htole32(FS_REQUEST_QUEUES),
	};
	const uint8_t *bytes = (const uint8_t *)&config;
	uint32_t i;

	(void)dev;
	for (i = 0; i < len; i++)
		buf[i] = offset < sizeof(config) && i < sizeof(config) - offset ? bytes[offset + i]
										: 0;
}

static void fs_save(const struct device *dev, struct snapshot_out *out)
{
	const struct fs *fs = (const struct fs *)dev;

	drain_save(&fs->drain, out);
	snapshot_put(out, 1, fs->big_endian);
	fs_window_save(&fs->window, out);
}

static void fs_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in)
{
	struct fs *fs = fs_of(dev);
	/* Before there is a session it is little. */
	bool live = device_started(view->status);
	bool big_endian;

	drain_restore(&fs->drain, dev, view, in);
	big_endian = snapshot_get_max(in, 1, live, "a byte order that cannot be");
	snapshot_check_gauge(in, view, FS_WINDOW_BYTES, fs_window_restore(&fs->window, live, in));
	if (in->commit)
		fs->big_endian = big_endian;
}

const struct device_ops fs_ops = {
	.name = "fs",
	.device_id = VIRTIO_ID_FS,
	.state_size = sizeof(struct fs),
	.scratch_size = sizeof(struct fs) - offsetof(struct fs, buffers),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1,
	.queue_count = FS_QUEUE_COUNT,
	.queues = fs_queues,
	.shm_count = sizeof(fs_shm) / sizeof(fs_shm[0]),
	.shm = fs_shm,
	.counter_count = FS_COUNTER_COUNT,
	.counter_names = counter_names,
	.create = fs_create,
	.destroy = fs_destroy,
	.reset = fs_reset,
	.queue_reset = fs_queue_reset,
	.notify = fs_notify,
	.work = fs_work,
	.state = fs_state,
	.config_read = fs_config_read,
	.save = fs_save,
	.restore = fs_restore,
};
