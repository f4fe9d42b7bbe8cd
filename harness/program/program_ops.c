/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The operation table, the kinds of their fields and the names of registers: what
 * text, binary, mutator and runner all read.  It runs nothing.  See program.h.
 */
#include "devices/device.h"
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/program/program.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define POS(op, field, name, kind)                                                                 \
	{                                                                                          \
		name, kind, true                                                                   \
	}
#define OPT(op, field, name, kind)                                                                 \
	{                                                                                          \
		name, kind, false                                                                  \
	}
#define NONE(op)                                                                                   \
	{                                                                                          \
		NULL, FIELD_NONE, false                                                            \
	}
#define X(op, code, verb, payload, help, ...) { OP_##op, verb, { __VA_ARGS__ }, payload, help },

/* In the order of the codes. */
static const struct op_desc ops[] = { PROGRAM_OPS(X) };

/* Names in the order of their values, and NULL. */
TABLE(static const char *const, rung_names, RUNG_COUNT + 1, 1,
      [RUNG_RESET] = "reset",
      [RUNG_ACKNOWLEDGE] = "acknowledge",
      [RUNG_DRIVER] = "driver",
      [RUNG_FEATURES] = "features",
      [RUNG_FEATURES_OK] = "features_ok",
      [RUNG_QUEUES] = "queues",
      [RUNG_DRIVER_OK] = "driver_ok",
      [RUNG_COUNT] = NULL);
TABLE(static const char *const, desc_field_names, DESC_FIELD_COUNT + 1, 1,
      [DESC_FIELD_ADDR] = "addr",
      [DESC_FIELD_LEN] = "len",
      [DESC_FIELD_FLAGS] = "flags",
      [DESC_FIELD_NEXT] = "next",
      [DESC_FIELD_COUNT] = NULL);
TABLE(static const char *const, access_names, ACCESS_KIND_COUNT + 1, 1,
      [ACCESS_ANY] = "any",
      [ACCESS_READ] = "read",
      [ACCESS_WRITE] = "write",
      [ACCESS_KIND_COUNT] = NULL);
TABLE(static const char *const, layout_names, LAYOUT_COUNT + 1, 1,
      [LAYOUT_DIRECT] = "direct",
      [LAYOUT_REVERSED] = "reversed",
      [LAYOUT_INDIRECT] = "indirect",
      [LAYOUT_MIXED] = "mixed",
      [LAYOUT_COUNT] = NULL);
TABLE(static const char *const, ring_names, RING_FORMAT_COUNT + 1, 1,
      [RING_FORMAT_SPLIT] = "split",
      [RING_FORMAT_PACKED] = "packed",
      [RING_FORMAT_COUNT] = NULL);
#define PURPOSE(purpose) [GUEST_##purpose + 1]
TABLE(static const char *const, purpose_names, GUEST_PURPOSE_COUNT + 2, 1,
      [0] = "any",
      PURPOSE(PAYLOAD) = "payload",
      PURPOSE(DESC) = "desc",
      PURPOSE(INDIRECT) = "indirect",
      PURPOSE(AVAIL_FLAGS) = "avail_flags",
      PURPOSE(AVAIL_IDX) = "avail_idx",
      PURPOSE(AVAIL_ENTRY) = "avail_entry",
      PURPOSE(USED_EVENT) = "used_event",
      PURPOSE(USED_FLAGS) = "used_flags",
      PURPOSE(USED_IDX) = "used_idx",
      PURPOSE(USED_ENTRY) = "used_entry",
      PURPOSE(AVAIL_EVENT) = "avail_event",
      PURPOSE(PACKED_DESC) = "packed_desc",
      PURPOSE(PACKED_FLAGS) = "packed_flags",
      PURPOSE(PACKED_USED) = "packed_used",
      PURPOSE(DRIVER_EVENT) = "driver_event",
      PURPOSE(DEVICE_EVENT) = "device_event",
      PURPOSE(PURPOSE_COUNT) = NULL);

TABLE(const char *const, base_names, BASE_NAMED_COUNT, 1,
      [BASE_ABSOLUTE] = "",
      [BASE_LOW] = "low",
      [BASE_SEAM] = "seam",
      [BASE_TOP] = "top",
      [BASE_HOLE] = "hole");
TABLE(const char *const, virtqueue_area_names, VIRTQUEUE_AREA_COUNT, 1,
      [VIRTQUEUE_DESC] = "desc",
      [VIRTQUEUE_DRIVER] = "avail",
      [VIRTQUEUE_DEVICE] = "used");

static const struct bit_name status_bits[] = {
	{ VIRTIO_CONFIG_S_ACKNOWLEDGE, "ACKNOWLEDGE" },
	{ VIRTIO_CONFIG_S_DRIVER, "DRIVER" },
	{ VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK" },
	{ VIRTIO_CONFIG_S_FEATURES_OK, "FEATURES_OK" },
	{ VIRTIO_CONFIG_S_SUSPEND, "SUSPEND" },
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
static const struct bit_name packed_bits[] = {
	{ VRING_DESC_F_NEXT, "next" },	       { VRING_DESC_F_WRITE, "write" },
	{ VRING_DESC_F_INDIRECT, "indirect" }, { RING_PACKED_AVAIL, "avail" },
	{ RING_PACKED_USED, "used" },	       { 0, NULL },
};
/* 0: told of everything; both: a value that is reserved. */
static const struct bit_name event_bits[] = {
	{ VRING_PACKED_EVENT_FLAG_DISABLE, "disable" },
	{ VRING_PACKED_EVENT_FLAG_DESC, "desc" },
	{ 0, NULL },
};
static const struct bit_name feature_bits[] = {
	{ 1ULL << VIRTIO_F_VERSION_1, "VERSION_1" },
	{ 0, NULL },
};

/* FIELD_ACCEPT, by enum accept_bit. */
static const struct bit_name accept_bits[] = {
	{ ACCEPT_IN_ORDER, "IN_ORDER" },
	{ ACCEPT_NOTIFICATION_DATA, "NOTIFICATION_DATA" },
	{ ACCEPT_RING_RESET, "RING_RESET" },
	{ ACCEPT_SUSPEND, "SUSPEND" },
	{ 0, NULL },
};

static uint64_t reduce_i16(uint64_t value)
{
	return (uint64_t)(int64_t)(int16_t)(uint16_t)value;
}

/* 0, the default, is 4. */
static uint64_t reduce_width(uint64_t value)
{
	return (value & 0xff) == 0 ? 4 : ((value & 0xff) - 1) % 8 + 1;
}

static uint64_t reduce_nop(uint64_t value)
{
	value &= 0xff;
	return op_find((uint8_t)value) == NULL ? value : 0;
}

/* What is no queue becomes one that most devices have. */
static uint64_t reduce_queue(uint64_t value)
{
	value &= 0xff;
	return value < PROGRAM_QUEUES ? value : value % PROGRAM_QUEUES_LOW;
}

/* What is none becomes one of a split ring, as it did when there were no others. */
static uint64_t reduce_purpose(uint64_t value)
{
	value &= 0xff;
	return value <= GUEST_PURPOSE_COUNT ? value : value % (GUEST_AVAIL_EVENT + 2);
}

struct kind {
	uint8_t width; /* bytes in the binary form */
	uint8_t bits;  /* of a number */
	const char *const *names;
	const struct bit_name *flags;
	uint64_t (*reduce)(uint64_t value); /* where the others do not tell the range */
};

TABLE(static const struct kind, kinds, FIELD_KIND_COUNT, 5,
	[FIELD_NONE] = { 0, 0, NULL, NULL, NULL },
	[FIELD_U8] = { 1, 8, NULL, NULL, NULL },
	[FIELD_U16] = { 2, 16, NULL, NULL, NULL },
	[FIELD_U32] = { 4, 32, NULL, NULL, NULL },
	[FIELD_U64] = { 8, 64, NULL, NULL, NULL },
	[FIELD_I16] = { 2, 0, NULL, NULL, reduce_i16 },
	[FIELD_COUNT] = { 2, 16, NULL, NULL, NULL },
	[FIELD_ADDR] = { 9, 64, NULL, NULL, NULL },
	[FIELD_SLOT] = { 1, 4, NULL, NULL, NULL },
	[FIELD_QUEUE] = { 1, 0, NULL, NULL, reduce_queue },
	[FIELD_REG] = { 2, 12, NULL, NULL, NULL },
	[FIELD_WIDTH] = { 1, 0, NULL, NULL, reduce_width },
	[FIELD_RUNG] = { 1, 0, rung_names, NULL, NULL },
	[FIELD_STATUS] = { 4, 32, NULL, status_bits, NULL },
	[FIELD_INTERRUPT] = { 4, 32, NULL, interrupt_bits, NULL },
	[FIELD_FEATURES] = { 8, 64, NULL, feature_bits, NULL },
	[FIELD_DESC_FLAGS] = { 2, 16, NULL, desc_bits, NULL },
	[FIELD_DESC_FIELD] = { 1, 0, desc_field_names, NULL, NULL },
	[FIELD_ACCESS] = { 1, 0, access_names, NULL, NULL },
	[FIELD_PURPOSE] = { 1, 0, purpose_names, NULL, reduce_purpose },
	[FIELD_PORT] = { 1, 8, NULL, NULL, NULL },
	[FIELD_WHICH] = { 1, 8, NULL, NULL, NULL },
	[FIELD_LAYOUT] = { 1, 0, layout_names, NULL, NULL },
	[FIELD_FEATURES_HIGH] = { 8, 64, NULL, NULL, NULL },
	[FIELD_RING] = { 1, 0, ring_names, NULL, NULL },
	[FIELD_ACCEPT] = { 2, 16, NULL, accept_bits, NULL },
	[FIELD_PACKED_FLAGS] = { 2, 16, NULL, packed_bits, NULL },
	[FIELD_EVENT_FLAGS] = { 2, 16, NULL, event_bits, NULL },
	[FIELD_FLIP] = { 1, 1, NULL, NULL, NULL },
	[FIELD_NOP] = { 1, 0, NULL, NULL, reduce_nop });

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
	{ "QueueReset", VIRTIO_MMIO_QUEUE_RESET },
	{ "ConfigGeneration", VIRTIO_MMIO_CONFIG_GENERATION },
	{ "Config", VIRTIO_MMIO_CONFIG },
};
/* clang-format on */

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
	if (kinds[kind].reduce != NULL)
		return kinds[kind].reduce(value);
	if (kinds[kind].names != NULL)
		return (value & 0xff) % name_count(kinds[kind].names);
	if (kinds[kind].bits < 64)
		return value & ((1ULL << kinds[kind].bits) - 1);
	return value;
}

uint64_t desc_value_reduce(enum desc_field field, uint64_t value)
{
	TABLE(static const uint8_t, bits, DESC_FIELD_COUNT, 1,
	      [DESC_FIELD_ADDR] = 64, [DESC_FIELD_LEN] = 32, [DESC_FIELD_FLAGS] = 16, [DESC_FIELD_NEXT] = 16);

	return bits[field] < 64 ? value & ((1ULL << bits[field]) - 1) : value;
}

uint8_t base_reduce(uint8_t base)
{
	if (base >= BASE_COUNT)
		base &= BASE_RING_HIGH - 1;
	if (base >= BASE_RING_HIGH)
		return base;
	if (base >= BASE_RING)
		return (base & 3) < VIRTQUEUE_AREA_COUNT ? base : BASE_ABSOLUTE;
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
