/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Crypto devices: VIRTIO 1.4, 5.9, with one data queue: where there are more, the control
 * queue is another.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_crypto.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

/* Not in the header of Debian 12. */
#define F_REVISION_1 KIND_F(0)
#define F_CIPHER_STATELESS KIND_F(1)
#define F_HASH_STATELESS KIND_F(2)
#define F_MAC_STATELESS KIND_F(3)
#define F_AEAD_STATELESS KIND_F(4)
#define F_AKCIPHER_STATELESS KIND_F(5)

enum { DATAQ, CONTROLQ };

static const struct vringer_queue crypto_queues[] = {
	[DATAQ] = KIND_ASKS("dataq1"),
	[CONTROLQ] = KIND_ASKS("controlq"),
};

static const struct vringer_field crypto_fields[] = {
	{ "status", 0, 4, 1 },
	{ "max_dataqueues", 4, 4, 1 },
	{ "crypto_services", 8, 4, 1 },
	{ "cipher_algo_l", 12, 4, 1 },
	{ "cipher_algo_h", 16, 4, 1 },
	{ "hash_algo", 20, 4, 1 },
	{ "mac_algo_l", 24, 4, 1 },
	{ "mac_algo_h", 28, 4, 1 },
	{ "aead_algo", 32, 4, 1 },
	{ "max_cipher_key_len", 36, 4, 1 },
	{ "max_auth_key_len", 40, 4, 1 },
	{ "akcipher_algo", 44, 4, 1 },
	{ "max_size", 48, 8, 1 },
	{ .name = NULL },
};

#define ZEROES_8 "\0\0\0\0\0\0\0\0"
#define ZEROES_40 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8
/* The header of a control request: two bytes of operation, and an algorithm. */
#define HEAD(opcode, algorithm) opcode "\0\0" algorithm "\0\0\0" ZEROES_8
#define NO_SESSION "\xff\xff\xff\xff\xff\xff\xff\x7f"
/* AES-CBC with a key of 16 bytes, to encrypt: parameters of a session. */
#define AES_CBC                                                                                    \
	"\3\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0" ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 "\1\0\0\0\0\0\0"  \
	"\0"
#define KEY "0123456789abcdef"
/* The header of a data request, of a session. */
#define DATA_HEAD(opcode, session) opcode "\0\0\0\0\0\0" session ZEROES_8
#define SESSION_BYTES 16u

/* Fixed parameters are padded to 56 bytes unless VIRTIO_CRYPTO_F_REVISION_1 is accepted. */
static const struct vringer_request crypto_requests[] = {
	/* The device may have no such service. */
	{ .name = "hash-session",
	  .queue = CONTROLQ,
	  KIND_BYTES(HEAD("\2\1", "\2") "\2\0\0\0\x14\0\0\0" ZEROES_8 ZEROES_40),
	  .writable_len = SESSION_BYTES,
	  .used_max = SESSION_BYTES,
	  .features_off = F_REVISION_1 },
	{ .name = "destroy-none",
	  .queue = CONTROLQ,
	  KIND_BYTES(HEAD("\3\0", "\0") NO_SESSION ZEROES_8 ZEROES_40),
	  .writable_len = 1,
	  .used_max = 1,
	  .features_off = F_REVISION_1 },
	KIND_HINT(CONTROLQ, HEAD("\2\0", "\3") AES_CBC KEY, SESSION_BYTES),
	KIND_HINT(CONTROLQ, HEAD("\3\0", "\0") ZEROES_8 ZEROES_8 ZEROES_40, 1),
	KIND_HINT(CONTROLQ, HEAD("\2\2", "\2") "\2\0\0\0\x14\0\0\0\x10\0\0\0\0\0\0\0" ZEROES_40 KEY,
		  SESSION_BYTES),
	KIND_HINT(CONTROLQ, HEAD("\x77\x77", "\0") ZEROES_8 ZEROES_8 ZEROES_40, SESSION_BYTES),
	/* 16 bytes, with an initialization vector of as many. */
	KIND_HINT(DATAQ,
		  DATA_HEAD("\0\0", ZEROES_8) "\x10\0\0\0\x10\0\0\0\x10\0\0\0\0\0\0\0" ZEROES_8
			  ZEROES_8 ZEROES_8 "\1\0\0\0\0\0\0\0" KEY KEY,
		  16 + 1),
	KIND_HINT(DATAQ, DATA_HEAD("\0\1", ZEROES_8) "\x10\0\0\0\x14\0\0\0" ZEROES_40 KEY, 20 + 1),
	{ .name = NULL },
};

const struct kind kind_crypto = {
	.name = "crypto",
	.device_id = VIRTIO_ID_CRYPTO,
	.queue_count = KIND_COUNT(crypto_queues),
	.queues = crypto_queues,
	.features = F_REVISION_1 | F_CIPHER_STATELESS | F_HASH_STATELESS | F_MAC_STATELESS |
		    F_AEAD_STATELESS | F_AKCIPHER_STATELESS,
	.config_len = 56,
	.fields = crypto_fields,
	.requests = crypto_requests,
};
