/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * From one spelling of a guest program to the other and back, with assertions.
 * Include after cmocka.h.
 */
#ifndef VRINGER_HARNESS_TEST_SPELLINGS_H
#define VRINGER_HARNESS_TEST_SPELLINGS_H

#include "harness/program/binary.h"
#include "harness/program/program.h"
#include "harness/program/text.h"

/* Too large for the stack, and wanted by every test. */
extern struct program program;
extern struct script parsed;
extern uint8_t encoded[BINARY_SIZE_MAX];

/* The program as text; to be freed. */
char *print_program(const struct program *prog);
/* Parse a script that is right into `parsed`. */
void parse_good(const char *text);
/* parse(print(p)) == p, and printing again gives the same text. */
void assert_text_law(const struct program *prog);
/* decode(encode(p)) == p, with magic and without. */
void assert_binary_law(const struct program *prog);
/* A value of a kind parses back from what it is printed as. */
void assert_value_law(enum field_kind kind, uint64_t value);

#endif
