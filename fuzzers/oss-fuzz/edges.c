/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the compiler calls for coverage, as an engine defines it that OSS-Fuzz links as a
 * library (Honggfuzz, Centipede).  With standalone_main.c it takes the place of such an
 * engine in check.sh: it shows that a build takes one and is instrumented for it.  It does
 * not fuzz.
 */
#include <stdint.h>
#include <stdio.h>

/* Those names are the compiler's, and no program may define them as they stand. */
#define HOOK(name, ...) void name(__VA_ARGS__) __asm__("__sanitizer_cov_" #name)

HOOK(trace_pc_guard_init, uint32_t *start, uint32_t *stop);
HOOK(trace_pc_guard, uint32_t *guard);

static uint32_t edges, reached;

void trace_pc_guard_init(uint32_t *start, uint32_t *stop)
{
	if (start == stop || *start != 0)
		return;
	for (uint32_t *guard = start; guard < stop; guard++)
		*guard = ++edges;
}

void trace_pc_guard(uint32_t *guard)
{
	if (*guard != 0)
		reached++;
	*guard = 0;
}

__attribute__((destructor)) static void edges_print(void)
{
	printf("%u of %u edges\n", reached, edges);
}

/* What tells of comparisons and calls through pointers: such an engine has these too. */
HOOK(trace_pc_indir, void);
HOOK(pcs_init, void);
HOOK(trace_cmp1, void);
HOOK(trace_cmp2, void);
HOOK(trace_cmp4, void);
HOOK(trace_cmp8, void);
HOOK(trace_const_cmp1, void);
HOOK(trace_const_cmp2, void);
HOOK(trace_const_cmp4, void);
HOOK(trace_const_cmp8, void);
HOOK(trace_switch, void);

/* clang-format off */
void trace_pc_indir(void) {}
void pcs_init(void) {}
void trace_cmp1(void) {}
void trace_cmp2(void) {}
void trace_cmp4(void) {}
void trace_cmp8(void) {}
void trace_const_cmp1(void) {}
void trace_const_cmp2(void) {}
void trace_const_cmp4(void) {}
void trace_const_cmp8(void) {}
void trace_switch(void) {}
/* clang-format on */
