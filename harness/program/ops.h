/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The operations of guest programs, in one table.  Codes, the names of fields in C and
 * in text, their kinds, payloads and help come from it.
 *
 *   X(NAME, code, "verb", payload, "help", fields...)
 *   POS(NAME, FIELD, "field", kind)   always written, without its name
 *   OPT(NAME, FIELD, "field", kind)   written as field=, or left out if it is 0
 *   NONE(NAME) no fields
 *
 * OP_NAME is the code, NAME_FIELD the index in op.value and op.base.  Codes are bytes in
 * files: append new ones, never change or reuse one, keep them in ascending order. 0x01
 * is the code of the header record in the binary form.
 */
#ifndef VRINGER_HARNESS_OPS_H
#define VRINGER_HARNESS_OPS_H

/* clang-format off */
#define PROGRAM_OPS(X) \
	X(NOP, 0x00, "nop", PAYLOAD_NONE, \
	  "do nothing; stands for a code that this version does not know", \
	  POS(NOP, CODE, "code", FIELD_NOP)) \
	/* the driver, whatever the transport */ \
	X(START, 0x10, "start", PAYLOAD_NONE, \
	  "reset, then initialise up to this step; size 0: the largest, features 0: all offered;" \
	  " RING_PACKED if ring says so, and what accept names; rings of one queue at other places than they were", \
	  POS(START, RUNG, "rung", FIELD_RUNG), OPT(START, SIZE, "size", FIELD_U16), \
	  OPT(START, FEATURES, "features", FIELD_FEATURES), \
	  OPT(START, QUEUE, "queue", FIELD_QUEUE), OPT(START, DESC, "desc", FIELD_ADDR), \
	  OPT(START, AVAIL, "avail", FIELD_ADDR), OPT(START, USED, "used", FIELD_ADDR), \
	  OPT(START, FEATURES_HIGH, "features_high", FIELD_FEATURES_HIGH), \
	  OPT(START, RING, "ring", FIELD_RING), OPT(START, ACCEPT, "accept", FIELD_ACCEPT)) \
	X(STATUS, 0x11, "status", PAYLOAD_NONE, \
	  "write the device status", \
	  POS(STATUS, VALUE, "value", FIELD_STATUS)) \
	X(NEGOTIATE, 0x12, "negotiate", PAYLOAD_NONE, \
	  "accept exactly these features, offered or not", \
	  POS(NEGOTIATE, FEATURES, "features", FIELD_FEATURES), \
	  OPT(NEGOTIATE, FEATURES_HIGH, "features_high", FIELD_FEATURES_HIGH)) \
	X(QUEUE, 0x13, "queue", PAYLOAD_NONE, \
	  "set a queue up and make it ready; address 0: the default place", \
	  POS(QUEUE, QUEUE, "queue", FIELD_QUEUE), OPT(QUEUE, SIZE, "size", FIELD_U16), \
	  OPT(QUEUE, DESC, "desc", FIELD_ADDR), OPT(QUEUE, AVAIL, "avail", FIELD_ADDR), \
	  OPT(QUEUE, USED, "used", FIELD_ADDR)) \
	X(READY, 0x14, "ready", PAYLOAD_NONE, \
	  "write QueueReady of a queue", \
	  POS(READY, QUEUE, "queue", FIELD_QUEUE), POS(READY, VALUE, "value", FIELD_U32)) \
	X(NOTIFY, 0x15, "notify", PAYLOAD_NONE, \
	  "notify any queue number; with NOTIFICATION_DATA accepted, and say where the driver is in" \
	  " the ring, with these bits of that flipped; a value above 0xffff is written as it stands", \
	  POS(NOTIFY, QUEUE, "queue", FIELD_U32), OPT(NOTIFY, FLIP, "flip", FIELD_U16)) \
	X(TAKE, 0x16, "take", PAYLOAD_NONE, \
	  "take used entries as a driver does; count 0: all there are", \
	  POS(TAKE, QUEUE, "queue", FIELD_QUEUE), OPT(TAKE, COUNT, "count", FIELD_COUNT)) \
	X(ACK, 0x17, "ack", PAYLOAD_NONE, \
	  "acknowledge interrupts", \
	  POS(ACK, BITS, "bits", FIELD_INTERRUPT)) \
	X(CONFIG_READ, 0x18, "config_read", PAYLOAD_NONE, \
	  "read the device configuration", \
	  POS(CONFIG_READ, OFFSET, "offset", FIELD_U16), \
	  OPT(CONFIG_READ, WIDTH, "width", FIELD_WIDTH)) \
	X(CONFIG_WRITE, 0x19, "config_write", PAYLOAD_NONE, \
	  "write the device configuration", \
	  POS(CONFIG_WRITE, OFFSET, "offset", FIELD_U16), \
	  POS(CONFIG_WRITE, VALUE, "value", FIELD_U64), \
	  OPT(CONFIG_WRITE, WIDTH, "width", FIELD_WIDTH)) \
	X(RESET, 0x1a, "reset", PAYLOAD_NONE, \
	  "write 0 to the device status", \
	  NONE(RESET)) \
	X(RESET_QUEUE, 0x1b, "reset_queue", PAYLOAD_NONE, \
	  "write 1 to QueueReset of a queue; after that, `queue` sets it up again", \
	  POS(RESET_QUEUE, QUEUE, "queue", FIELD_QUEUE)) \
	X(ADVANCE, 0x1c, "advance", PAYLOAD_ELEMENTS, \
	  "honest traffic, as much of it as there is room for at a time, until the driver has made" \
	  " `index` chains available, modulo 2^16, or the device returns none: the target's first request of" \
	  " the queue, or chains of these buffers", \
	  POS(ADVANCE, QUEUE, "queue", FIELD_QUEUE), POS(ADVANCE, INDEX, "index", FIELD_COUNT)) \
	/* registers of the transport */ \
	X(READ, 0x20, "read", PAYLOAD_NONE, \
	  "read a register, or any offset and width", \
	  POS(READ, REGISTER, "register", FIELD_REG), OPT(READ, WIDTH, "width", FIELD_WIDTH)) \
	X(WRITE, 0x21, "write", PAYLOAD_NONE, \
	  "write a register, or any offset and width", \
	  POS(WRITE, REGISTER, "register", FIELD_REG), POS(WRITE, VALUE, "value", FIELD_U64), \
	  OPT(WRITE, WIDTH, "width", FIELD_WIDTH)) \
	/* memory */ \
	X(STORE, 0x30, "store", PAYLOAD_BYTES, \
	  "write bytes to memory", \
	  POS(STORE, ADDR, "addr", FIELD_ADDR)) \
	X(FILL, 0x31, "fill", PAYLOAD_NONE, \
	  "fill memory with one byte", \
	  POS(FILL, ADDR, "addr", FIELD_ADDR), OPT(FILL, LEN, "len", FIELD_U32), \
	  OPT(FILL, VALUE, "value", FIELD_U8)) \
	X(PATTERN, 0x32, "pattern", PAYLOAD_NONE, \
	  "fill memory with bytes that depend on their position", \
	  POS(PATTERN, ADDR, "addr", FIELD_ADDR), OPT(PATTERN, LEN, "len", FIELD_U32), \
	  OPT(PATTERN, SEED, "seed", FIELD_U8)) \
	X(UNMAP, 0x33, "unmap", PAYLOAD_NONE, \
	  "make these bytes unreachable for the device", \
	  POS(UNMAP, ADDR, "addr", FIELD_ADDR), OPT(UNMAP, LEN, "len", FIELD_U32)) \
	X(MAP, 0x34, "map", PAYLOAD_NONE, \
	  "undo unmap", \
	  POS(MAP, ADDR, "addr", FIELD_ADDR), OPT(MAP, LEN, "len", FIELD_U32)) \
	X(BUFFER, 0x35, "buffer", PAYLOAD_NONE, \
	  "move a buffer slot to any address and set its length", \
	  POS(BUFFER, SLOT, "slot", FIELD_SLOT), OPT(BUFFER, AT, "at", FIELD_ADDR), \
	  OPT(BUFFER, LEN, "len", FIELD_U32)) \
	/* rings */ \
	X(DESC, 0x40, "desc", PAYLOAD_NONE, \
	  "write one descriptor", \
	  POS(DESC, QUEUE, "queue", FIELD_QUEUE), POS(DESC, INDEX, "index", FIELD_U16), \
	  OPT(DESC, ADDR, "addr", FIELD_ADDR), OPT(DESC, LEN, "len", FIELD_U32), \
	  OPT(DESC, FLAGS, "flags", FIELD_DESC_FLAGS), OPT(DESC, NEXT, "next", FIELD_U16)) \
	X(SET_DESC, 0x41, "set_desc", PAYLOAD_NONE, \
	  "write one field of a descriptor", \
	  POS(SET_DESC, QUEUE, "queue", FIELD_QUEUE), \
	  POS(SET_DESC, INDEX, "index", FIELD_U16), \
	  POS(SET_DESC, FIELD, "field", FIELD_DESC_FIELD), \
	  POS(SET_DESC, VALUE, "value", FIELD_U64)) \
	X(CHAIN, 0x42, "chain", PAYLOAD_ELEMENTS, \
	  "write a chain of buffers into the descriptors from head on", \
	  POS(CHAIN, QUEUE, "queue", FIELD_QUEUE), OPT(CHAIN, HEAD, "head", FIELD_U16)) \
	X(PUBLISH, 0x43, "publish", PAYLOAD_NONE, \
	  "make a head available", \
	  POS(PUBLISH, QUEUE, "queue", FIELD_QUEUE), POS(PUBLISH, HEAD, "head", FIELD_U16)) \
	X(OFFER, 0x44, "offer", PAYLOAD_ELEMENTS, \
	  "chain and publish", \
	  POS(OFFER, QUEUE, "queue", FIELD_QUEUE), OPT(OFFER, HEAD, "head", FIELD_U16)) \
	X(SEND, 0x45, "send", PAYLOAD_ELEMENTS, \
	  "chain, publish and notify", \
	  POS(SEND, QUEUE, "queue", FIELD_QUEUE), OPT(SEND, HEAD, "head", FIELD_U16)) \
	X(AVAIL_IDX, 0x46, "avail_idx", PAYLOAD_NONE, \
	  "move the available index by any amount", \
	  POS(AVAIL_IDX, QUEUE, "queue", FIELD_QUEUE), \
	  POS(AVAIL_IDX, DELTA, "delta", FIELD_I16)) \
	X(AVAIL_FLAGS, 0x47, "avail_flags", PAYLOAD_NONE, \
	  "write the flags of the available ring", \
	  POS(AVAIL_FLAGS, QUEUE, "queue", FIELD_QUEUE), \
	  POS(AVAIL_FLAGS, VALUE, "value", FIELD_U16)) \
	X(AVAIL_ENTRY, 0x48, "avail_entry", PAYLOAD_NONE, \
	  "write one entry of the available ring", \
	  POS(AVAIL_ENTRY, QUEUE, "queue", FIELD_QUEUE), \
	  POS(AVAIL_ENTRY, INDEX, "index", FIELD_U16), \
	  POS(AVAIL_ENTRY, HEAD, "head", FIELD_U16)) \
	X(USED_EVENT, 0x49, "used_event", PAYLOAD_NONE, \
	  "write used_event", \
	  POS(USED_EVENT, QUEUE, "queue", FIELD_QUEUE), \
	  POS(USED_EVENT, VALUE, "value", FIELD_U16)) \
	/* well-formed requests, as the target declares them */ \
	X(CHAIN_REQUEST, 0x4a, "chain_request", PAYLOAD_NONE, \
	  "write a well-formed request and its chain, into the first free descriptors or from head on", \
	  POS(CHAIN_REQUEST, QUEUE, "queue", FIELD_QUEUE), \
	  OPT(CHAIN_REQUEST, WHICH, "which", FIELD_WHICH), \
	  OPT(CHAIN_REQUEST, HEAD, "head", FIELD_U16), OPT(CHAIN_REQUEST, AT, "at", FIELD_ADDR), \
	  OPT(CHAIN_REQUEST, SPLIT, "split", FIELD_U16), \
	  OPT(CHAIN_REQUEST, LAYOUT, "layout", FIELD_LAYOUT), \
	  OPT(CHAIN_REQUEST, FLIP_AT, "flip_at", FIELD_U16), \
	  OPT(CHAIN_REQUEST, FLIP, "flip", FIELD_U8)) \
	X(OFFER_REQUEST, 0x4b, "offer_request", PAYLOAD_NONE, \
	  "chain_request and publish", \
	  POS(OFFER_REQUEST, QUEUE, "queue", FIELD_QUEUE), \
	  OPT(OFFER_REQUEST, WHICH, "which", FIELD_WHICH), \
	  OPT(OFFER_REQUEST, HEAD, "head", FIELD_U16), OPT(OFFER_REQUEST, AT, "at", FIELD_ADDR), \
	  OPT(OFFER_REQUEST, SPLIT, "split", FIELD_U16), \
	  OPT(OFFER_REQUEST, LAYOUT, "layout", FIELD_LAYOUT), \
	  OPT(OFFER_REQUEST, FLIP_AT, "flip_at", FIELD_U16), \
	  OPT(OFFER_REQUEST, FLIP, "flip", FIELD_U8)) \
	X(SEND_REQUEST, 0x4c, "send_request", PAYLOAD_NONE, \
	  "chain_request, publish, notify, and let the device go on until it rests", \
	  POS(SEND_REQUEST, QUEUE, "queue", FIELD_QUEUE), \
	  OPT(SEND_REQUEST, WHICH, "which", FIELD_WHICH), \
	  OPT(SEND_REQUEST, HEAD, "head", FIELD_U16), OPT(SEND_REQUEST, AT, "at", FIELD_ADDR), \
	  OPT(SEND_REQUEST, SPLIT, "split", FIELD_U16), \
	  OPT(SEND_REQUEST, LAYOUT, "layout", FIELD_LAYOUT), \
	  OPT(SEND_REQUEST, FLIP_AT, "flip_at", FIELD_U16), \
	  OPT(SEND_REQUEST, FLIP, "flip", FIELD_U8)) \
	/* mistakes in rings */ \
	X(PACKED_DESC, 0x4d, "packed_desc", PAYLOAD_NONE, \
	  "write one descriptor of a packed ring, counted from the next that the driver makes available;" \
	  " AVAIL and USED are as they should be there, turned over by these flags", \
	  POS(PACKED_DESC, QUEUE, "queue", FIELD_QUEUE), \
	  POS(PACKED_DESC, ENTRY, "entry", FIELD_I16), \
	  OPT(PACKED_DESC, ADDR, "addr", FIELD_ADDR), OPT(PACKED_DESC, LEN, "len", FIELD_U32), \
	  OPT(PACKED_DESC, ID, "id", FIELD_U16), \
	  OPT(PACKED_DESC, FLAGS, "flags", FIELD_PACKED_FLAGS)) \
	X(PACKED_MOVE, 0x4e, "packed_move", PAYLOAD_NONE, \
	  "the driver of a packed ring goes on by so many entries as if it had written a chain there," \
	  " or back; flip 1: its wrap counter turns over besides", \
	  POS(PACKED_MOVE, QUEUE, "queue", FIELD_QUEUE), \
	  POS(PACKED_MOVE, ENTRIES, "entries", FIELD_I16), \
	  OPT(PACKED_MOVE, FLIP, "flip", FIELD_FLIP)) \
	X(DRIVER_EVENT, 0x4f, "driver_event", PAYLOAD_NONE, \
	  "write the driver's event suppression of a packed ring: an offset, with the wrap counter in" \
	  " bit 15, and flags", \
	  POS(DRIVER_EVENT, QUEUE, "queue", FIELD_QUEUE), \
	  OPT(DRIVER_EVENT, VALUE, "value", FIELD_U16), \
	  OPT(DRIVER_EVENT, FLAGS, "flags", FIELD_EVENT_FLAGS)) \
	/* races and faults */ \
	X(RACE, 0x50, "race", PAYLOAD_BYTES, \
	  "just before the Nth device read of any of these bytes, they become the payload", \
	  POS(RACE, READ, "read", FIELD_COUNT), POS(RACE, ADDR, "addr", FIELD_ADDR)) \
	X(RACE_WRITE, 0x51, "race_write", PAYLOAD_BYTES, \
	  "just after the Nth device write of the byte at `of`, the bytes at addr become the payload", \
	  POS(RACE_WRITE, WRITE, "write", FIELD_COUNT), POS(RACE_WRITE, OF, "of", FIELD_ADDR), \
	  POS(RACE_WRITE, ADDR, "addr", FIELD_ADDR)) \
	X(FAULT_ACCESS, 0x58, "fault_access", PAYLOAD_NONE, \
	  "the Nth device access from here on, of this kind and purpose, fails", \
	  POS(FAULT_ACCESS, NTH, "nth", FIELD_COUNT), \
	  OPT(FAULT_ACCESS, KIND, "kind", FIELD_ACCESS), \
	  OPT(FAULT_ACCESS, PURPOSE, "purpose", FIELD_PURPOSE)) \
	X(FAULT_ALLOC, 0x59, "fault_alloc", PAYLOAD_NONE, \
	  "the device's Nth allocation from here on fails", \
	  POS(FAULT_ALLOC, NTH, "nth", FIELD_COUNT)) \
	X(DISARM, 0x5a, "disarm", PAYLOAD_NONE, \
	  "cancel the races and faults that have not happened", \
	  NONE(DISARM)) \
	/* events, whatever the ring */ \
	X(EVENT_AT, 0x5b, "event_at", PAYLOAD_NONE, \
	  "ask to hear of what the device uses next, or of so many later: write used_event, or the driver's" \
	  " event suppression of a packed ring, whose entries are counted", \
	  POS(EVENT_AT, QUEUE, "queue", FIELD_QUEUE), POS(EVENT_AT, STEP, "step", FIELD_I16)) \
	/* the host */ \
	X(WORK, 0x60, "work", PAYLOAD_NONE, \
	  "let the device go on with left-over work, once", \
	  NONE(WORK)) \
	X(SETTLE, 0x61, "settle", PAYLOAD_NONE, \
	  "let the device go on until it has nothing left to do", \
	  NONE(SETTLE)) \
	X(TYPE, 0x62, "type", PAYLOAD_BYTES, \
	  "the host gives a port these bytes and then len bytes of a pattern", \
	  POS(TYPE, PORT, "port", FIELD_PORT), OPT(TYPE, LEN, "len", FIELD_COUNT), \
	  OPT(TYPE, SEED, "seed", FIELD_U8)) \
	X(TAKE_OUTPUT, 0x63, "take_output", PAYLOAD_NONE, \
	  "the host takes the bytes that the guest sent to a port; max 0: all of them", \
	  POS(TAKE_OUTPUT, PORT, "port", FIELD_PORT), \
	  OPT(TAKE_OUTPUT, MAX, "max", FIELD_COUNT)) \
	X(PUT_BACK, 0x64, "put_back", PAYLOAD_BYTES, \
	  "the host puts bytes (given as for type) back in front of a port's output", \
	  POS(PUT_BACK, PORT, "port", FIELD_PORT), OPT(PUT_BACK, LEN, "len", FIELD_COUNT), \
	  OPT(PUT_BACK, SEED, "seed", FIELD_U8)) \
	X(REFUSE, 0x65, "refuse", PAYLOAD_NONE, \
	  "the host takes only `taken` bytes of each of the next count frames; 0: it refuses them", \
	  POS(REFUSE, PORT, "port", FIELD_PORT), POS(REFUSE, COUNT, "count", FIELD_COUNT), \
	  OPT(REFUSE, TAKEN, "taken", FIELD_COUNT)) \
	X(HOLD, 0x66, "hold", PAYLOAD_NONE, \
	  "keep what is typed from here on until the device sends its Nth frame", \
	  POS(HOLD, PORT, "port", FIELD_PORT), POS(HOLD, SENDS, "sends", FIELD_COUNT)) \
	X(PRETEND, 0x67, "pretend", PAYLOAD_NONE, \
	  "when asked next, the host claims that this many frames wait", \
	  POS(PRETEND, PORT, "port", FIELD_PORT), POS(PRETEND, COUNT, "count", FIELD_COUNT)) \
	X(SET_NUM_PAGES, 0x68, "set_num_pages", PAYLOAD_NONE, \
	  "the host sets num_pages: how many pages it wants in the balloon", \
	  POS(SET_NUM_PAGES, VALUE, "value", FIELD_U32)) \
	X(SAVE, 0x69, "save", PAYLOAD_NONE, \
	  "take a snapshot of the device", \
	  NONE(SAVE)) \
	X(RESTORE, 0x6a, "restore", PAYLOAD_NONE, \
	  "restore the snapshot into a new device; if that succeeds, it replaces the old one", \
	  NONE(RESTORE)) \
	X(CORRUPT, 0x6b, "corrupt", PAYLOAD_NONE, \
	  "flip bits of one byte of the snapshot; at 0xffffffff: of the last byte", \
	  POS(CORRUPT, AT, "at", FIELD_U32), POS(CORRUPT, XOR, "xor", FIELD_U8)) \
	X(CUT, 0x6c, "cut", PAYLOAD_NONE, \
	  "set the length of the snapshot, not 0; added bytes are 0", \
	  POS(CUT, LEN, "len", FIELD_U32)) \
	X(CHANGE_CONFIG, 0x6d, "change_config", PAYLOAD_NONE, \
	  "the host changes the configuration, to its version of that number; 0: a new device's", \
	  POS(CHANGE_CONFIG, VALUE, "version", FIELD_U32)) \
	X(ALTER, 0x6e, "alter", PAYLOAD_NONE, \
	  "flip bits of a field of the snapshot: of the transport's part, or one by which it differs from a new" \
	  " device's, or a byte near the beginning or the end; also=N: and of the Nth other that holds the same number", \
	  POS(ALTER, FIELD, "field", FIELD_COUNT), POS(ALTER, XOR, "xor", FIELD_U64), \
	  OPT(ALTER, ALSO, "also", FIELD_COUNT)) \
	X(REPEAT, 0x70, "repeat", PAYLOAD_OPS, \
	  "run the operations up to `end` this many times", \
	  POS(REPEAT, TIMES, "times", FIELD_COUNT))
/* clang-format on */

#define X(op, code, verb, payload, help, ...) OP_##op = code,
enum op_code { PROGRAM_OPS(X) };
#undef X

/* Codes that are assigned. */
#define X(...) +1
enum { OP_COUNT = 0 PROGRAM_OPS(X) };
#undef X

#define POS(op, field, name, kind) op##_##field
#define OPT(op, field, name, kind) op##_##field
#define NONE(op) op##_NO_FIELD
#define X(op, code, verb, payload, help, ...) enum { __VA_ARGS__ };
PROGRAM_OPS(X)
#undef X
#undef POS
#undef OPT
#undef NONE

/* Assert that two operations keep a field at the same index, so that one function
 * serves both. */
#define SAME_FIELD(a, b) _Static_assert((int)(a) == (int)(b), #a " and " #b)

#endif
