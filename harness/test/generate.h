/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Random guest programs, the same on every machine: every operation, every
 * field over its whole range and at its edges, payloads full of the bytes that
 * the binary form escapes, repeats nested and clipped.
 */
#ifndef VRINGER_HARNESS_TEST_GENERATE_H
#define VRINGER_HARNESS_TEST_GENERATE_H

#include "harness/program/program.h"

struct generator {
	uint64_t state; /* not 0 */
};

uint64_t generate_number(struct generator *g);
/* 0 to n - 1. */
uint64_t generate_below(struct generator *g, uint64_t n);
/* A number near an edge of some width, more often than not. */
uint64_t generate_edge(struct generator *g);
/* Bytes, half of them ones that the binary form treats in its own way. */
void generate_bytes(struct generator *g, uint8_t *bytes, size_t len);

/* Append an operation of that code with random fields and payload; false if
 * the program has no room. */
bool generate_op(struct generator *g, struct program *prog, uint8_t code, size_t payload_max);
/* A valid program of at most `ops_max` operations. */
void generate_program(struct generator *g, struct program *prog, uint32_t ops_max);

#endif
