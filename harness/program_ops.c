/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The operation table, the kinds of their fields and the names of registers: what
 * text, binary, mutator and runner all read.  It runs nothing.  See program.h.
 */
#include "harness/program.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

/* A row is read across, and P is a field that is written without its name. */
/* clang-format off */
#define P(name, kind) { name, kind, true }
#define F(name, kind) { name, kind, false }
#define NO_FIELDS { NULL, FIELD_NONE, false }

/* In the order of the codes. */
static const struct op_desc ops[] = {
	{ OP_NOP, "nop",
	  { P("code", FIELD_NOP) }, PAYLOAD_NONE,
	  "do nothing; a code that this version does not know" },
	{ OP_START, "start",
	  { P("rung", FIELD_RUNG), F("size", FIELD_U16), F("features", FIELD_FEATURES) }, PAYLOAD_NONE,
	  "reset, then initialise as far as rung; size 0: the largest, features 0: all offered" },
	{ OP_STATUS, "status",
	  { P("value", FIELD_STATUS) }, PAYLOAD_NONE,
	  "write the device status" },
	{ OP_NEGOTIATE, "negotiate",
	  { P("features", FIELD_FEATURES) }, PAYLOAD_NONE,
	  "accept exactly these features, offered or not" },
	{ OP_QUEUE, "queue",
	  { P("queue", FIELD_QUEUE), F("size", FIELD_U16), F("desc", FIELD_ADDR),
	    F("avail", FIELD_ADDR), F("used", FIELD_ADDR) }, PAYLOAD_NONE,
	  "set a queue up and make it ready; an address of 0: the default place" },
	{ OP_READY, "ready",
	  { P("queue", FIELD_QUEUE), P("value", FIELD_U32) }, PAYLOAD_NONE,
	  "write QueueReady of a queue" },
	{ OP_NOTIFY, "notify",
	  { P("queue", FIELD_U32) }, PAYLOAD_NONE,
	  "notify any queue number" },
	{ OP_TAKE, "take",
	  { P("queue", FIELD_QUEUE), F("count", FIELD_COUNT) }, PAYLOAD_NONE,
	  "take used entries as a driver does; count 0: all there are" },
	{ OP_ACK, "ack",
	  { P("bits", FIELD_INTERRUPT) }, PAYLOAD_NONE,
	  "acknowledge interrupts" },
	{ OP_CONFIG_READ, "config_read",
	  { P("offset", FIELD_U16), F("width", FIELD_WIDTH) }, PAYLOAD_NONE,
	  "read the device configuration" },
	{ OP_CONFIG_WRITE, "config_write",
	  { P("offset", FIELD_U16), P("value", FIELD_U64), F("width", FIELD_WIDTH) }, PAYLOAD_NONE,
	  "write the device configuration" },
	{ OP_RESET, "reset",
	  { NO_FIELDS }, PAYLOAD_NONE,
	  "write 0 to the device status" },
	{ OP_READ, "read",
	  { P("register", FIELD_REG), F("width", FIELD_WIDTH) }, PAYLOAD_NONE,
	  "read a register, or any offset and width" },
	{ OP_WRITE, "write",
	  { P("register", FIELD_REG), P("value", FIELD_U64), F("width", FIELD_WIDTH) }, PAYLOAD_NONE,
	  "write a register, or any offset and width" },
	{ OP_STORE, "store",
	  { P("addr", FIELD_ADDR) }, PAYLOAD_BYTES,
	  "write bytes to memory" },
	{ OP_FILL, "fill",
	  { P("addr", FIELD_ADDR), F("len", FIELD_U32), F("value", FIELD_U8) }, PAYLOAD_NONE,
	  "fill memory with one byte" },
	{ OP_PATTERN, "pattern",
	  { P("addr", FIELD_ADDR), F("len", FIELD_U32), F("seed", FIELD_U8) }, PAYLOAD_NONE,
	  "fill memory with bytes that depend on their position" },
	{ OP_UNMAP, "unmap",
	  { P("addr", FIELD_ADDR), F("len", FIELD_U32) }, PAYLOAD_NONE,
	  "the device can no longer reach these bytes" },
	{ OP_MAP, "map",
	  { P("addr", FIELD_ADDR), F("len", FIELD_U32) }, PAYLOAD_NONE,
	  "undo unmap" },
	{ OP_BUFFER, "buffer",
	  { P("slot", FIELD_SLOT), F("at", FIELD_ADDR), F("len", FIELD_U32) }, PAYLOAD_NONE,
	  "move a buffer slot, to any address" },
	{ OP_DESC, "desc",
	  { P("queue", FIELD_QUEUE), P("index", FIELD_U16), F("addr", FIELD_ADDR),
	    F("len", FIELD_U32), F("flags", FIELD_DESC_FLAGS), F("next", FIELD_U16) }, PAYLOAD_NONE,
	  "write one descriptor" },
	{ OP_SET_DESC, "set_desc",
	  { P("queue", FIELD_QUEUE), P("index", FIELD_U16), P("field", FIELD_DESC_FIELD),
	    P("value", FIELD_U64) }, PAYLOAD_NONE,
	  "write one field of a descriptor" },
	{ OP_CHAIN, "chain",
	  { P("queue", FIELD_QUEUE), F("head", FIELD_U16) }, PAYLOAD_ELEMENTS,
	  "write a chain of buffers, in descriptors from head on" },
	{ OP_PUBLISH, "publish",
	  { P("queue", FIELD_QUEUE), P("head", FIELD_U16) }, PAYLOAD_NONE,
	  "make a head available" },
	{ OP_OFFER, "offer",
	  { P("queue", FIELD_QUEUE), F("head", FIELD_U16) }, PAYLOAD_ELEMENTS,
	  "chain and publish" },
	{ OP_SEND, "send",
	  { P("queue", FIELD_QUEUE), F("head", FIELD_U16) }, PAYLOAD_ELEMENTS,
	  "chain, publish and notify" },
	{ OP_AVAIL_IDX, "avail_idx",
	  { P("queue", FIELD_QUEUE), P("delta", FIELD_I16) }, PAYLOAD_NONE,
	  "move the available index by any amount" },
	{ OP_AVAIL_FLAGS, "avail_flags",
	  { P("queue", FIELD_QUEUE), P("value", FIELD_U16) }, PAYLOAD_NONE,
	  "write the flags of the available ring" },
	{ OP_AVAIL_ENTRY, "avail_entry",
	  { P("queue", FIELD_QUEUE), P("index", FIELD_U16), P("head", FIELD_U16) }, PAYLOAD_NONE,
	  "write one entry of the available ring" },
	{ OP_USED_EVENT, "used_event",
	  { P("queue", FIELD_QUEUE), P("value", FIELD_U16) }, PAYLOAD_NONE,
	  "write used_event" },
	{ OP_RACE, "race",
	  { P("read", FIELD_COUNT), P("addr", FIELD_ADDR) }, PAYLOAD_BYTES,
	  "just before the Nth device read that touches these bytes, they become the payload" },
	{ OP_RACE_WRITE, "race_write",
	  { P("write", FIELD_COUNT), P("of", FIELD_ADDR), P("addr", FIELD_ADDR) }, PAYLOAD_BYTES,
	  "just after the Nth device write of the byte at of, those at addr become the payload" },
	{ OP_FAULT_ACCESS, "fault_access",
	  { P("nth", FIELD_COUNT), F("kind", FIELD_ACCESS), F("purpose", FIELD_PURPOSE) }, PAYLOAD_NONE,
	  "the Nth device access of that kind from here on fails" },
	{ OP_FAULT_ALLOC, "fault_alloc",
	  { P("nth", FIELD_COUNT) }, PAYLOAD_NONE,
	  "the Nth host allocation from here on fails" },
	{ OP_DISARM, "disarm",
	  { NO_FIELDS }, PAYLOAD_NONE,
	  "forget the races and faults that have not happened" },
	{ OP_WORK, "work",
	  { NO_FIELDS }, PAYLOAD_NONE,
	  "let the device go on with left-over work, once" },
	{ OP_SETTLE, "settle",
	  { NO_FIELDS }, PAYLOAD_NONE,
	  "let the device go on until it has nothing left to do" },
	{ OP_TYPE, "type",
	  { P("port", FIELD_PORT), F("len", FIELD_COUNT), F("seed", FIELD_U8) }, PAYLOAD_BYTES,
	  "the host gives a port these bytes, and len more that depend on their position" },
	{ OP_TAKE_OUTPUT, "take_output",
	  { P("port", FIELD_PORT), F("max", FIELD_COUNT) }, PAYLOAD_NONE,
	  "the host takes what the guest gave a port; max 0: all there is" },
	{ OP_PUT_BACK, "put_back",
	  { P("port", FIELD_PORT), F("len", FIELD_COUNT), F("seed", FIELD_U8) }, PAYLOAD_BYTES,
	  "the host puts bytes, as type gives them, in front of what it can take of a port" },
	{ OP_REFUSE, "refuse",
	  { P("port", FIELD_PORT), P("count", FIELD_COUNT), F("taken", FIELD_COUNT) }, PAYLOAD_NONE,
	  "of each of the next count frames the host of a port takes so many bytes; 0: it refuses them" },
	{ OP_HOLD, "hold",
	  { P("port", FIELD_PORT), P("sends", FIELD_COUNT) }, PAYLOAD_NONE,
	  "what is typed from here on arrives while the device sends that frame, counted from here" },
	{ OP_PRETEND, "pretend",
	  { P("port", FIELD_PORT), P("count", FIELD_COUNT) }, PAYLOAD_NONE,
	  "asked next, the host says that so many frames wait" },
	{ OP_SET_TARGET, "set_target",
	  { P("value", FIELD_U32) }, PAYLOAD_NONE,
	  "the host wants so much of the driver: a balloon's pages" },
	{ OP_SAVE, "save",
	  { NO_FIELDS }, PAYLOAD_NONE,
	  "take a snapshot of the device" },
	{ OP_RESTORE, "restore",
	  { NO_FIELDS }, PAYLOAD_NONE,
	  "the snapshot into a new device, which takes the old one's place if it takes it" },
	{ OP_CORRUPT, "corrupt",
	  { P("at", FIELD_U32), P("xor", FIELD_U8) }, PAYLOAD_NONE,
	  "change a byte of the snapshot; -1 as 32 bits, 0xffffffff, is the last" },
	{ OP_CUT, "cut",
	  { P("len", FIELD_U32) }, PAYLOAD_NONE,
	  "the snapshot is so many bytes long, what is missing is 0; not 0" },
	{ OP_REPEAT, "repeat",
	  { P("times", FIELD_COUNT) }, PAYLOAD_OPS,
	  "run the operations up to its end that many times" },
};
/* clang-format on */

static const char *const rung_names[] = { "reset",	 "acknowledge", "driver",    "features",
					  "features_ok", "queues",	"driver_ok", NULL };
static const char *const desc_field_names[] = { "addr", "len", "flags", "next", NULL };
static const char *const access_names[] = { "any", "read", "write", NULL };
static const char *const purpose_names[] = { "any",	    "payload",	   "desc",
					     "indirect",    "avail_flags", "avail_idx",
					     "avail_entry", "used_event",  "used_flags",
					     "used_idx",    "used_entry",  "avail_event",
					     NULL };

static const struct bit_name status_bits[] = {
	{ VIRTIO_CONFIG_S_ACKNOWLEDGE, "ACKNOWLEDGE" },
	{ VIRTIO_CONFIG_S_DRIVER, "DRIVER" },
	{ VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK" },
	{ VIRTIO_CONFIG_S_FEATURES_OK, "FEATURES_OK" },
	{ VIRTIO_CONFIG_S_NEEDS_RESET, "NEEDS_RESET" },
	{ VIRTIO_CONFIG_S_FAILED, "FAILED" },
	{ 0, NULL },
};
static const struct bit_name interrupt_bits[] = {
	{ VIRTIO_MMIO_INT_VRING, "used" },
	{ VIRTIO_MMIO_INT_CONFIG, "config" },
	{ 0, NULL },
};
static const struct bit_name desc_bits[] = {
	{ VRING_DESC_F_NEXT, "next" },
	{ VRING_DESC_F_WRITE, "write" },
	{ VRING_DESC_F_INDIRECT, "indirect" },
	{ 0, NULL },
};
static const struct bit_name feature_bits[] = {
	{ 1ULL << VIRTIO_F_VERSION_1, "VERSION_1" },
	{ 0, NULL },
};

static const struct {
	uint8_t width; /* bytes in the binary spelling */
	uint8_t bits;  /* of a number; 0: see field_reduce */
	const char *const *names;
	const struct bit_name *flags;
} kinds[FIELD_KIND_COUNT] = {
	[FIELD_U8] = { 1, 8, NULL, NULL },
	[FIELD_U16] = { 2, 16, NULL, NULL },
	[FIELD_U32] = { 4, 32, NULL, NULL },
	[FIELD_U64] = { 8, 64, NULL, NULL },
	[FIELD_I16] = { 2, 0, NULL, NULL },
	[FIELD_COUNT] = { 2, 16, NULL, NULL },
	[FIELD_ADDR] = { 9, 64, NULL, NULL },
	[FIELD_SLOT] = { 1, 4, NULL, NULL },
	[FIELD_QUEUE] = { 1, 3, NULL, NULL },
	[FIELD_REG] = { 2, 12, NULL, NULL },
	[FIELD_WIDTH] = { 1, 0, NULL, NULL },
	[FIELD_RUNG] = { 1, 0, rung_names, NULL },
	[FIELD_STATUS] = { 4, 32, NULL, status_bits },
	[FIELD_INTERRUPT] = { 4, 32, NULL, interrupt_bits },
	[FIELD_FEATURES] = { 8, 64, NULL, feature_bits },
	[FIELD_DESC_FLAGS] = { 2, 16, NULL, desc_bits },
	[FIELD_DESC_FIELD] = { 1, 0, desc_field_names, NULL },
	[FIELD_ACCESS] = { 1, 0, access_names, NULL },
	[FIELD_PURPOSE] = { 1, 0, purpose_names, NULL },
	[FIELD_PORT] = { 1, 8, NULL, NULL },
	[FIELD_NOP] = { 1, 0, NULL, NULL },
};

/* clang-format off */
static const struct {
	const char *name;
	uint16_t offset;
} registers[] = {
	{ "MagicValue", VIRTIO_MMIO_MAGIC_VALUE },
	{ "Version", VIRTIO_MMIO_VERSION },
	{ "DeviceID", VIRTIO_MMIO_DEVICE_ID },
	{ "VendorID", VIRTIO_MMIO_VENDOR_ID },
	{ "DeviceFeatures", VIRTIO_MMIO_DEVICE_FEATURES },
	{ "DeviceFeaturesSel", VIRTIO_MMIO_DEVICE_FEATURES_SEL },
	{ "DriverFeatures", VIRTIO_MMIO_DRIVER_FEATURES },
	{ "DriverFeaturesSel", VIRTIO_MMIO_DRIVER_FEATURES_SEL },
	{ "QueueSel", VIRTIO_MMIO_QUEUE_SEL },
	{ "QueueNumMax", VIRTIO_MMIO_QUEUE_NUM_MAX },
	{ "QueueSizeMax", VIRTIO_MMIO_QUEUE_NUM_MAX },
	{ "QueueNum", VIRTIO_MMIO_QUEUE_NUM },
	{ "QueueSize", VIRTIO_MMIO_QUEUE_NUM },
	{ "QueueReady", VIRTIO_MMIO_QUEUE_READY },
	{ "QueueNotify", VIRTIO_MMIO_QUEUE_NOTIFY },
	{ "InterruptStatus", VIRTIO_MMIO_INTERRUPT_STATUS },
	{ "InterruptACK", VIRTIO_MMIO_INTERRUPT_ACK },
	{ "Status", VIRTIO_MMIO_STATUS },
	{ "QueueDescLow", VIRTIO_MMIO_QUEUE_DESC_LOW },
	{ "QueueDescHigh", VIRTIO_MMIO_QUEUE_DESC_HIGH },
	{ "QueueDriverLow", VIRTIO_MMIO_QUEUE_AVAIL_LOW },
	{ "QueueDriverHigh", VIRTIO_MMIO_QUEUE_AVAIL_HIGH },
	{ "QueueDeviceLow", VIRTIO_MMIO_QUEUE_USED_LOW },
	{ "QueueDeviceHigh", VIRTIO_MMIO_QUEUE_USED_HIGH },
	{ "SHMSel", VIRTIO_MMIO_SHM_SEL },
	{ "SHMLenLow", VIRTIO_MMIO_SHM_LEN_LOW },
	{ "SHMLenHigh", VIRTIO_MMIO_SHM_LEN_HIGH },
	{ "SHMBaseLow", VIRTIO_MMIO_SHM_BASE_LOW },
	{ "SHMBaseHigh", VIRTIO_MMIO_SHM_BASE_HIGH },
	{ "QueueReset", 0x0c0 }, /* not in the kernel's header of Debian 12 */
	{ "ConfigGeneration", VIRTIO_MMIO_CONFIG_GENERATION },
	{ "Config", VIRTIO_MMIO_CONFIG },
};
/* clang-format on */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

const struct op_desc *op_table(size_t *count)
{
	*count = ARRAY_SIZE(ops);
	return ops;
}

const struct op_desc *op_find(uint8_t code)
{
	static const struct op_desc *by_code[256];
	static bool filled;

	if (!filled) {
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
			by_code[ops[i].code] = &ops[i];
		filled = true;
	}
	return by_code[code];
}

const struct op_desc *op_find_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (strlen(ops[i].name) == len && memcmp(ops[i].name, name, len) == 0)
			return &ops[i];
	return NULL;
}

unsigned field_width(enum field_kind kind)
{
	return kinds[kind].width;
}

const char *const *field_names(enum field_kind kind)
{
	return kinds[kind].names;
}

const struct bit_name *field_bits(enum field_kind kind)
{
	return kinds[kind].flags;
}

/* Every kind with names has one at least. */
static uint64_t name_count(const char *const *names)
{
	uint64_t n = 1;

	while (names[n] != NULL)
		n++;
	return n;
}

uint64_t field_reduce(enum field_kind kind, uint64_t value)
{
	switch (kind) {
	case FIELD_I16:
		return (uint64_t)(int64_t)(int16_t)(uint16_t)value;
	case FIELD_WIDTH: /* 0, the default, is 4 */
		return (value & 0xff) == 0 ? 4 : ((value & 0xff) - 1) % 8 + 1;
	case FIELD_NOP:
		value &= 0xff;
		return op_find((uint8_t)value) == NULL ? value : 0;
	default:
		break;
	}
	if (kinds[kind].names != NULL)
		return (value & 0xff) % name_count(kinds[kind].names);
	if (kinds[kind].bits < 64)
		return value & ((1ULL << kinds[kind].bits) - 1);
	return value;
}

uint64_t desc_value_reduce(enum desc_field field, uint64_t value)
{
	static const uint8_t bits[DESC_FIELD_COUNT] = { 64, 32, 16, 16 };

	return bits[field] < 64 ? value & ((1ULL << bits[field]) - 1) : value;
}

uint8_t base_reduce(uint8_t base)
{
	base &= BASE_COUNT - 1;
	if (base >= BASE_RING)
		return (base & 3) < RING_PART_COUNT ? base : BASE_ABSOLUTE;
	return base > BASE_HOLE && base < BASE_SLOT ? BASE_ABSOLUTE : base;
}

const char *register_name(uint32_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].offset == offset)
			return registers[i].name;
	return NULL;
}

int register_offset(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (strlen(registers[i].name) == len && memcmp(registers[i].name, name, len) == 0)
			return registers[i].offset;
	return -1;
}
