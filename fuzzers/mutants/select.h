/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What stands in a source that the mutator has written: each place asks whether its mutant is
 * the chosen one, and notes that it was asked where that would make a difference at once.
 * Included before all else.
 */
#ifndef VRINGER_FUZZERS_SELECT_H
#define VRINGER_FUZZERS_SELECT_H

#define MUTANTS_MAX 65536

extern unsigned vringer_mutant;
extern unsigned char vringer_reached[MUTANTS_MAX];

#define MUTANT_IS(n) (vringer_reached[n] = 1, __builtin_expect(vringer_mutant == (n), 0))

/* `op`, `edge` with mutant n, `not` with the one after it.  Operands are evaluated once. */
#define MUTANT_ORDER(n, op, edge, not, a, b)                                                       \
	({                                                                                         \
		__auto_type mutant_a = a;                                                          \
		__auto_type mutant_b = b;                                                          \
		_Bool mutant_op = mutant_a op mutant_b, mutant_edge = mutant_a edge mutant_b;      \
		vringer_reached[n] |= mutant_op != mutant_edge;                                    \
		vringer_mutant == (n) ? mutant_edge                                                \
		: MUTANT_IS((n) + 1)  ? mutant_a not mutant_b                                      \
				      : mutant_op;                                                  \
	})

/* True of any value: the opposite with mutant n. */
#define MUTANT_NOT(n, a) (!(a) == MUTANT_IS(n))

/* The second operand is evaluated where the operator, or the mutant, needs it. */
#define MUTANT_AND(n, a, b)                                                                        \
	({                                                                                         \
		_Bool mutant_a = a;                                                                \
		mutant_a != MUTANT_IS(n) ? (_Bool)(b) : mutant_a;                                  \
	})
#define MUTANT_OR(n, a, b)                                                                         \
	({                                                                                         \
		_Bool mutant_a = a;                                                                \
		mutant_a == MUTANT_IS(n) ? (_Bool)(b) : mutant_a;                                  \
	})

#define MUTANT_CONSTANT(n, a, b) (MUTANT_IS(n) ? (b) : (a))

#endif
