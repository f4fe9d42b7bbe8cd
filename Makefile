# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# vringer's build.  `make help` lists the commands.
#
# Objects live in build/obj/FLAVOUR/; a flavour is a compiler and its flags:
#
#   gcc    gcc,   -O2, ASan + UBSan     build/vringer, tests, replayers
#   clang  clang, -O2, ASan + UBSan     tests
#   fuzz   clang, -O2, ASan + UBSan, coverage feedback      build/fuzz/fuzz_* (see JUDGE)
#   codec  as fuzz, the two forms too  build/fuzz/fuzz_text, fuzz_binary (aflcodec: as afl)
#   release gcc,  -O2, no sanitizer     benchmarks, valgrind
#   cov    clang, -O1, source coverage  `make coverage`
#   afl    afl-clang-fast, -O2,  ASan + UBSan      build/afl/fuzz_* (see JUDGE)
#   aflplain  as afl, without sanitizers  build/afl-plain/fuzz_*, for JOBS above 1
#   lib    gcc,   -O2, no sanitizer     libvringer.a, for devices that are not ours, and the
#                                       mutator as afl-fuzz loads it
#   pic    stands in for lib in the mutator where CC or CFLAGS is given
#   s390x  gcc,   -O2, no sanitizer     the command on a big-endian machine, under qemu-s390x
#   msan   clang, -O1, MemorySanitizer  `make msan`
#   cli    stands in for gcc in build/vringer where CC or CFLAGS is given
#
# CC, CFLAGS and LDFLAGS have their usual meaning: CFLAGS replaces the
# optimisation flags, the sanitizers stay. If LIB_FUZZING_ENGINE or OUT is
# given, OSS-Fuzz, ClusterFuzzLite or the like runs the build: the flavour fuzz
# then uses exactly CC, CFLAGS, CXX and CXXFLAGS and links that engine or,
# without one, the main of a standalone replayer.

MAKEFLAGS += -r --no-print-directory
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

T       ?= net_loopback
SECONDS ?= 60
ENGINE  ?= libfuzzer
JOBS    ?= 1
CLANG   ?= clang
AR      ?= ar
LD      ?= ld
OBJCOPY ?= objcopy
PREFIX  ?= /usr/local
comma   := ,

# ---- sources: a new file needs no line here ---------------------------------

DEV_SRC   := $(wildcard devices/*.c)
HARNESS   := files rules program arena target peers models ledger guest run page serve minimize
CLI_SRC   := $(wildcard harness/command/*.c)
# What VIRTIO says and where, from conformance/: see harness/program/clause.h.
CLAUSES   := build/gen/clause_table.c
# The style and the script of `run --html`.
ASSETS    := build/gen/page_assets.c
LIB_SRC   := $(DEV_SRC) $(wildcard $(HARNESS:%=harness/%/*.c)) $(CLAUSES) $(ASSETS)
# libvringer.a: no models of ours, an entry for every engine, the commands.
OUR_SRC   := harness/command/main.c $(wildcard harness/models/*.c) \
	     $(filter-out devices/device.c devices/mmio% devices/snapshot% devices/virtqueue%,$(DEV_SRC))
FOREIGN_SRC := $(filter-out $(OUR_SRC),$(LIB_SRC) $(CLI_SRC)) \
	       fuzzers/engine.c fuzzers/session.c fuzzers/foreign.c fuzzers/feedback.c fuzzers/meter.c $(wildcard fuzzers/mutate*.c) \
	       fuzzers/mutator_libfuzzer.c
MUT_SRC   := $(wildcard fuzzers/mutate*.c)
TEST_SRC  := $(wildcard devices/test/test_*.c harness/test/test_*.c fuzzers/test/test_*.c)
# What fuzzes peers, all of them by one binary.
PEER_SRC  := fuzzers/peer.c
# What chooses inputs for `make corpus`, in place of an engine.
COVER_SRC := $(wildcard fuzzers/cover*.c)
GLUE_SRC  := $(filter-out fuzzers/fuzz_% fuzzers/bench% $(COVER_SRC) fuzzers/standalone_main.c fuzzers/mutator_afl.c \
	       fuzzers/afl_main.c fuzzers/foreign% fuzzers/measure% $(PEER_SRC),$(wildcard fuzzers/*.c))
AFL_SRC   := $(filter-out fuzzers/mutat%,$(GLUE_SRC)) fuzzers/afl_main.c
# The two forms of a guest program, and what they are made of (.ci/arrows).
CODECS    := text binary
CODEC_SRC := $(wildcard harness/files/*.c harness/rules/*.c harness/program/*.c)
DEVICE_FUZZERS := $(filter-out $(CODECS:%=fuzzers/fuzz_%.c) fuzzers/fuzz_mmds.c,$(wildcard fuzzers/fuzz_*.c))
# What is fed to a parser, not driven as a device.
PARSERS   := $(shell . fuzzers/inputs.sh && parsers)
TARGETS   := $(patsubst fuzzers/fuzz_%.c,%,$(wildcard fuzzers/fuzz_*.c))
# What fuzzers/user.sh shares with `make fuzz`.
USER_SH   := fuzzers/encode.sh fuzzers/findings.sh fuzzers/campaign.sh fuzzers/libfuzzer.sh \
	     fuzzers/aflplusplus.sh $(wildcard fuzzers/page*)
BUGS      := $(patsubst fuzzers/bugs/%.patch,%,$(wildcard fuzzers/bugs/*.patch))
# Those that nothing but a sanitizer sees, and those that other suites run.
BUGS_GCC  := $(patsubst fuzzers/bugs/%.patch,%,$(shell grep -lE '^Build:[[:space:]]*gcc' fuzzers/bugs/*.patch))
BUGS_USED := n1-header-slots rule-completion-len rule-fetch-walk rule-status-features rule-wakeup-missing
BUGS_BUILT = $(patsubst %,build/bugs/%/built-gcc,$(sort $(BUGS_GCC) $(BUGS_USED))) \
	     $(patsubst %,build/bugs/%/built-release,$(filter-out $(BUGS_GCC),$(BUGS)))

# ---- flavours ---------------------------------------------------------------

SAN    := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
WERROR := -Werror
WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	  -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Wswitch-enum

given    = $(filter environment command override,$(firstword $(origin $1)))
FOREIGN := $(strip $(LIB_FUZZING_ENGINE) $(OUT))
# With what a build that somebody else runs has compiled for the targets, or for the library.
CLI     := $(if $(FOREIGN),lib,$(if $(call given,CC)$(call given,CFLAGS),cli,gcc))

FLAVOURS := gcc clang fuzz codec release cov cli afl aflcodec aflplain pic lib s390x msan

CC_gcc   := gcc
CC_clang := $(CLANG)
CC_fuzz  := $(if $(call given,CC),$(CC),$(CLANG))
CC_release := $(if $(call given,CC),$(CC),gcc)
CC_cov   := $(CLANG)
CC_cli   := $(if $(call given,CC),$(CC),gcc)
CC_afl   := AFL_QUIET=1 AFL_LLVM_ALLOWLIST=fuzzers/afl.allow afl-clang-fast
CC_aflcodec := AFL_QUIET=1 AFL_LLVM_ALLOWLIST=fuzzers/afl_codec.allow afl-clang-fast
CC_aflplain := $(CC_afl)
CC_pic   := gcc
CC_lib   := $(if $(call given,CC),$(CC),gcc)
CC_s390x := s390x-linux-gnu-gcc
CC_msan  := $(CLANG)

# Edge counters only. Tracing comparisons also traces each check that UBSan adds
# and halves the speed, and a program has few magic numbers to guess.
COV    := -fsanitize-coverage=edge,inline-8bit-counters,pc-table

FLAGS_gcc   := -O2 -g $(SAN)
FLAGS_clang := -O2 -g $(SAN)
FLAGS_fuzz  := $(if $(FOREIGN),$(CFLAGS),$(or $(CFLAGS),-O2 -g) $(SAN) $(COV))
FLAGS_release := -O2 -g
FLAGS_cov   := -O1 -g -fprofile-instr-generate -fcoverage-mapping -fcoverage-compilation-dir=.
FLAGS_afl   := $(or $(CFLAGS),-O2 -g) $(SAN)
FLAGS_aflplain := $(or $(CFLAGS),-O2 -g)
FLAGS_pic   := -O2 -g -fPIC
# A report about somebody's device tells its frames from ours by the path.
FLAGS_lib    = $(or $(CFLAGS),-O2 -g) $(if $(FOREIGN),$(call knows,$(CC_lib),$(NO_COV) $(NO_LINES))) -fPIC -D'HARNESS_PATH="vringer-src/"' \
	       -ffile-prefix-map=$(call quote,$(CURDIR))=. \
	       $(foreach d,devices harness fuzzers,-ffile-prefix-map=$d/=vringer-src/$d/)
FLAGS_cli   := $(or $(CFLAGS),-O1 -g) $(SAN)
FLAGS_s390x := -O2 -g -static
FLAGS_msan  := -O1 -g -fno-omit-frame-pointer -fsanitize=memory -fsanitize-memory-track-origins

# In the fuzz flavour the device under test is instrumented, and so is the file
# that copies between it and guest memory. The judge and the mutator are not:
# coverage of the judge's own branches misleads an engine and costs more than
# half of the speed. The tests run the judge with all sanitizers of gcc and
# clang. From flags given from outside only the coverage feedback is dropped, if
# the compiler can do that. afl-clang-fast reads fuzzers/afl.allow.
INSTRUMENTED := harness/arena/instrumented.c
NO_COV     := -fno-sanitize=fuzzer-no-link -fno-sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-pc-guard,trace-cmp,indirect-calls
# A report of what a user's device covers is not about the judge.
NO_LINES   := -fno-profile-instr-generate -fno-coverage-mapping
knows       = $(if $(shell $1 $2 -x c -c /dev/null -o /dev/null 2>&1 || echo no),,$2)
JUDGE_fuzz := $(if $(FOREIGN),$(call knows,$(CC_fuzz),$(NO_COV)),$(NO_COV) -fno-sanitize=all)
INSTRUMENTED_fuzz := $(if $(FOREIGN),$(JUDGE_fuzz),$(NO_COV))
judge       = $(if $(filter harness/% build/gen/% fuzzers/mutat% fuzzers/mutants/% fuzzers/feedback% fuzzers/meter%,$2),$(if $(filter $(INSTRUMENTED),$2),$(INSTRUMENTED_$1),$(JUDGE_$1)))

JUDGE_afl  := -fno-sanitize=all

# So afl-clang-fast, which afl.allow keeps from it too, would make the same of the judge as
# clang has for libFuzzer: that is linked.
JUDGED_BY_afl := $(if $(call given,CC),,fuzz)
judging        = $(filter-out $(INSTRUMENTED),$(filter harness/% build/gen/%,$1))
lib_objs       = $(if $(JUDGED_BY_$1),$(call objs,$(JUDGED_BY_$1),$(call judging,$2)) \
		 $(call objs,$1,$(filter-out $(call judging,$2),$2)),$(call objs,$1,$2))

# A compiler that we did not choose may have warnings that ours does not have.
WERROR_cli   :=
WERROR_lib   := $(if $(call given,CC)$(call given,CFLAGS),,$(WERROR))
WERROR_fuzz  := $(if $(FOREIGN)$(call given,CC)$(call given,CFLAGS),,$(WERROR))
WERROR_release := $(if $(call given,CC),,$(WERROR))

# An engine may be a C++ library, so somebody else's is linked with CXX.
ENGINE_MAIN := $(if $(FOREIGN),$(if $(LIB_FUZZING_ENGINE),,fuzzers/standalone_main.c))
LINK_fuzz   := $(if $(FOREIGN),$(or $(CXX),c++) $(or $(CXXFLAGS),$(CFLAGS)),$(CC_fuzz) $(FLAGS_fuzz))

# The fuzz targets of the two forms are about that part of the harness: for them
# it is instrumented.  They run nothing else of it.
CC_codec     := $(CC_fuzz)
FLAGS_codec  := $(FLAGS_fuzz)
WERROR_codec := $(WERROR_fuzz)
FLAGS_aflcodec := $(FLAGS_afl)
ENGINE_LIB  := $(if $(FOREIGN),$(LIB_FUZZING_ENGINE),-fsanitize=fuzzer)

# ---- commands ---------------------------------------------------------------
# Each command first has .ci/deps install, or name, what it lacks; only then
# does a sub-make look at the files.

FUZZ_NEEDS := gcc fuzz llvm-symbolizer jq
AFL_NEEDS  := gcc clang afl llvm-symbolizer jq
TEST_NEEDS := $(FUZZ_NEEDS) $(AFL_NEEDS) cmocka valgrind patch zip unzip xmllint pkg-config rust ?s390x ?lld
COV_NEEDS  := coverage llvm-profdata llvm-cov
LINT_NEEDS := clang-format clang-tidy cppcheck shellcheck

J      = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
# Only one make at a time builds in a tree, and each command runs only once at a
# time.
ALONE  = .ci/alone
SUB    = +@$(ALONE) build $(MAKE) $(J)
SLUG  := $(if $(filter peer:%,$(T)),$(T),$(subst -,_,$(T)))
PICKED = $(if $(filter all,$(T)),$(TARGETS),$(SLUG))
# peer:NAME is fuzzed by one binary for all peers.
FUZZER = $(patsubst peer:%,peer,$(PICKED))
BUILT_libfuzzer = $(FUZZER:%=build/fuzz/fuzz_%)
BUILT_afl       = $(FUZZER:%=build/afl/fuzz_%) build/afl/vringer_mutator.so \
		  $(if $(filter-out 1,$(JOBS)),$(patsubst %,build/afl-plain/fuzz_%,$(filter-out peer $(CODECS),$(FUZZER))))

# What the table of planted bugs needs, by the flavours that its columns need.
# COLUMNS in the environment is the width of a terminal, so ignore it.
CRASH_SECONDS ?= 10
BUG_COLUMNS    = $(if $(filter command,$(firstword $(origin COLUMNS))),$(COLUMNS),all)
BUG_JOBS       = $(if $(call given,JOBS),$(JOBS),$(shell nproc))
BUG_ROWS       = $(or $(B),unpatched $(BUGS))
BUG_FLAVOURS   = $(shell fuzzers/bugs.sh flavours "$(ENGINE)" "$(BUG_COLUMNS)")
BUG_FUZZERS    = $(shell fuzzers/bugs.sh targets $(BUG_ROWS))
BUG_NEEDS_gcc  = gcc
BUG_NEEDS_fuzz = gcc fuzz
BUG_NEEDS_afl  = gcc clang afl
# Fuzzing from nothing needs none.
BUG_SEEDS      = $(if $(filter-out nothing crash-nothing,$(subst $(comma), ,$(BUG_COLUMNS))),seeds)
BUG_BASE_fuzz  = build/bench/live $(BUG_SEEDS) $(BUG_FUZZERS:%=build/fuzz/fuzz_%)
BUG_BASE_afl   = build/bench/live $(BUG_SEEDS) $(BUG_FUZZERS:%=build/afl/fuzz_%) build/afl/vringer_mutator.so

.PHONY: all install test test-suites oss-fuzz-check msan fuzz peers drivers corpus bugs bugs-table bugs-tap mutants mutants-table bench coverage clauses lint format deps help clean fuzzers seeds \
	targets test-files FORCE

all: ## Build build/vringer (with ASan and UBSan; uses CC and CFLAGS if given) and build/libvringer.a
	@.ci/deps $(if $(call given,CC),,gcc)
	$(SUB) build/vringer build/libvringer.a

# An afl-fuzz that somebody else runs loads none.
MUTATOR := $(if $(FOREIGN),,build/afl/vringer_mutator.so)

install: ## Install library, header, command and scripts for your own device (PREFIX=/usr/local DESTDIR=)
	@.ci/deps $(if $(call given,CC),,gcc)
	$(SUB) build/vringer build/libvringer.a build/vringer.pc $(MUTATOR)
	install -d $(foreach d,bin include lib/pkgconfig lib/vringer share/vringer,'$(DESTDIR)$(PREFIX)/$d')
	install -m 755 build/vringer '$(DESTDIR)$(PREFIX)/bin/vringer'
	install -m 644 harness/target/vringer.h '$(DESTDIR)$(PREFIX)/include/vringer.h'
	install -m 644 build/libvringer.a '$(DESTDIR)$(PREFIX)/lib/libvringer.a'
	install -m 644 build/vringer.pc '$(DESTDIR)$(PREFIX)/lib/pkgconfig/vringer.pc'
	$(if $(MUTATOR),install -m 755 $(MUTATOR) '$(DESTDIR)$(PREFIX)/lib/vringer/vringer_mutator.so')
	install -m 644 fuzzers/fuzz_net_loopback.dict '$(DESTDIR)$(PREFIX)/share/vringer/vringer.dict'
	rm -rf '$(DESTDIR)$(PREFIX)/share/vringer/conformance'
	cp -R conformance '$(DESTDIR)$(PREFIX)/share/vringer/conformance'
	rm -rf '$(DESTDIR)$(PREFIX)/share/vringer/peers'
	[ ! -d corpus/peers ] || cp -R corpus/peers '$(DESTDIR)$(PREFIX)/share/vringer/peers'
	install -d '$(DESTDIR)$(PREFIX)/share/vringer/fuzz'
	install -m 755 fuzzers/user.sh '$(DESTDIR)$(PREFIX)/share/vringer/fuzz/user.sh'
	install -m 644 $(USER_SH) '$(DESTDIR)$(PREFIX)/share/vringer/fuzz'

test: ## Build and run the tests with gcc's and clang's sanitizers (ONLY=word: suites with word in their name; FULL=1: all of each, as CI)
	@.ci/deps $(TEST_NEEDS)
	+@$(ALONE) test $(MAKE) test-suites

INSTALLED = PREFIX=$(call quote,$(CURDIR))/build/installed DESTDIR=

test-suites:
	$(SUB) test-files
	$(SUB) -s install $(INSTALLED)
	@# Apart: both make the library.
	$(SUB) -s build/test/run-zoo build/test/run-broken $(PEERS) $(INSTALLED)
	@harness/test/run_tests.sh "$(ONLY)"

fuzz: ## Fuzz T=net_loopback (or all, or peer:NAME) for SECONDS=60 (0: until stopped) with ENGINE=libfuzzer (or afl) in JOBS=1 processes; KNOWN=file lists known findings
	@fuzzers/fuzz.sh check "$(ENGINE)" "$(SECONDS)" "$(JOBS)" "$(PICKED)" "$(TARGETS)" \
		"$(if $(ENGINE_MAIN),none,ok)"
	@.ci/deps $(if $(FOREIGN),,$(if $(filter afl,$(ENGINE)),$(AFL_NEEDS),$(FUZZ_NEEDS)))
	$(if $(filter peer:%,$(T)),$(SUB) build/vringer)
	@fuzzers/fuzz.sh peers $(PICKED)
	$(SUB) SEEDED="$(PICKED)" seeds build/vringer $(BUILT_$(ENGINE))
	@exec fuzzers/fuzz.sh run "$(ENGINE)" "$(SECONDS)" "$(JOBS)" $(PICKED)

peers: ## Run the portable suite on QEMU, vhost-user backends, ... that are installed (PEER=name, FULL=1, QUICK=1, COMMAND=a build of yours)
	@.ci/deps gcc jq $(if $(PEER),,qemu qemu-storage-daemon)
	$(SUB) build/vringer
	@$(ALONE) peers harness/peers/table.sh $(PEER)

drivers: ## Have Linux (user mode) and DPDK drive our models and check what comes back (DRIVER=uml, dpdk or qemu; DEVICE=name QUICK=1 SHORT=1 RECORD=folder KERNEL=folder)
	@harness/drivers/drivers.sh check "$(DRIVER)"
	@.ci/deps gcc $(if $(DRIVER),guest $(DRIVER),?guest ?uml ?dpdk)
	$(SUB) build/vringer build/drivers/traffic
	@$(ALONE) drivers harness/drivers/drivers.sh run $(DRIVER)

corpus: ## Keep inputs from fuzzing T that reach code no committed input reaches, in corpus/T/coverage (at most KEEP=60)
	@.ci/deps $(FUZZ_NEEDS)
	$(SUB) build/vringer seeds $(PICKED:%=build/cover/cover_%)
	@for t in $(PICKED); do KEEP="$(or $(KEEP),60)" $(ALONE) corpus fuzzers/grow.sh $$t || exit; done

bugs: ## Plant each bug of fuzzers/bugs/ (or B=name) and show what catches it, and how soon fuzzing does (COLUMNS=scripts,corpus: quick; RUNS=3)
	@fuzzers/bugs.sh check "$(ENGINE)" "$(SECONDS)" "$(CRASH_SECONDS)" "$(BUG_JOBS)" "$(BUG_COLUMNS)" \
		"$(BUG_ROWS)" "$(BUGS)"
	+@$(ALONE) bugs $(MAKE) bugs-table

# Only now does make look at what was asked for.
bugs-table:
	@.ci/deps patch $(foreach f,$(BUG_FLAVOURS),$(BUG_NEEDS_$f))
	$(SUB) build/obj/gcc/vringer $(foreach f,$(BUG_FLAVOURS),$(BUG_BASE_$f) \
		$(patsubst %,build/bugs/%/built-$f,$(filter-out unpatched,$(BUG_ROWS))))
	@fuzzers/bugs.sh table "$(ENGINE)" "$(SECONDS)" "$(CRASH_SECONDS)" "$(BUG_JOBS)" "$(BUG_COLUMNS)" $(BUG_ROWS)

bugs-tap: $(BUGS_BUILT)
	@fuzzers/bugs.sh tap $(BUGS)

# COLUMNS in the environment is the width of a terminal, so ignore it.
MUTANT_COLUMNS = $(if $(filter command,$(firstword $(origin COLUMNS))),$(COLUMNS),scripts)
MUTANT_SECONDS = $(if $(call given,SECONDS),$(SECONDS),20)
MUTANT_FUZZ    = $(filter fuzz,$(subst $(comma), ,$(MUTANT_COLUMNS)))

mutants: ## Change devices/*.c at one place at a time and show which changes no script notices (FILES="devices/net.c" SAMPLE=120 SEED=1 JOBS=2 COLUMNS="scripts corpus fuzz" SECONDS=20)
	@fuzzers/mutants.sh check "$(BUG_JOBS)" "$(MUTANT_SECONDS)" "$(or $(SAMPLE),0)" "$(MUTANT_COLUMNS)" $(FILES)
	+@$(ALONE) mutants $(MAKE) mutants-table

mutants-table:
	@.ci/deps gcc $(if $(MUTANT_FUZZ),$(FUZZ_NEEDS))
	$(SUB) build/mutants/run build/mutants/run-gcc $(if $(MUTANT_FUZZ),build/bench/live seeds $(MUTANT_FUZZERS))
	@fuzzers/mutants.sh table "$(BUG_JOBS)" "$(MUTANT_SECONDS)" "$(or $(SAMPLE),0)" "$(or $(SEED),1)" \
		"$(MUTANT_COLUMNS)" $(FILES)

OSS_FUZZ_KINDS := $(foreach s,address undefined memory,$s/libfuzzer $s/afl) address/honggfuzz \
		  address/centipede none/centipede coverage/libfuzzer none/standalone
OSS_FUZZ_USERS := entropy-c blk-rust

oss-fuzz-check: ## Build all targets, and the examples, as OSS-Fuzz does, and check what it checks (KINDS="address/libfuzzer ...")
	@.ci/deps $(TEST_NEEDS) $(COV_NEEDS)
	+@$(ALONE) oss-fuzz fuzzers/oss-fuzz/check_all.sh "$(or $(KINDS),$(OSS_FUZZ_KINDS))" $(OSS_FUZZ_USERS)

msan: ## Run every script and corpus file with MemorySanitizer
	@.ci/deps clang
	$(SUB) SEEDED="$(PARSERS)" ENCODER=build/obj/msan/vringer $(foreach t,$(PARSERS),build/replay-msan/fuzz_$t) seeds
	@fuzzers/msan.sh $(PARSERS)

# Live fuzzing: of which devices, by which engines.
LIVE_TARGETS = $(if $(filter command,$(firstword $(origin T))),$(PICKED),$(filter-out $(PARSERS),$(TARGETS)))
LIVE_ENGINES = $(if $(filter command,$(firstword $(origin ENGINE))),$(ENGINE),libfuzzer afl)
# AFL++ starts from seeds that libFuzzer has chosen.
LIVE_NEEDS   = SEEDED="$(LIVE_TARGETS)" seeds build/bench/live $(LIVE_TARGETS:%=build/fuzz/fuzz_%) \
	       $(if $(filter afl,$(LIVE_ENGINES)),$(LIVE_TARGETS:%=build/afl/fuzz_%) build/afl/vringer_mutator.so)

bench: ## Measure executions and chains per second, with and without sanitizers; or live fuzzing (LIVE=executions, of T, by ENGINE); or sessions of PEER=name
	@.ci/deps $(if $(PEER),gcc,$(FUZZ_NEEDS) $(if $(LIVE),$(AFL_NEEDS)))
	$(SUB) $(if $(PEER),build/bench/release,$(if $(LIVE),$(LIVE_NEEDS),seeds build/bench/fuzz build/bench/release))
	@$(ALONE) bench $(if $(PEER),build/bench/release --peer $(PEER),$(if $(LIVE),fuzzers/bench_live.sh "$(LIVE)" "$(LIVE_ENGINES)" $(LIVE_TARGETS),fuzzers/bench.sh))

coverage: ## Report which lines of devices/ and harness/ the scripts and the corpus reach (build/coverage/html)
	@.ci/deps $(COV_NEEDS)
	$(SUB) build/obj/cov/vringer
	@$(ALONE) coverage .ci/coverage

clauses: ## Check the map of VIRTIO's statements, and count those that are judged (CANDIDATES=1: who cites which)
	@mkdir -p build
	@.ci/lint citations || exit 2
	@.ci/clauses $(if $(CANDIDATES),candidates >build/clauses-candidates.tsv)

lint: ## Check formatting, clang-tidy, cppcheck, shellcheck and the tree's own rules
	@.ci/deps gcc cmocka $(LINT_NEEDS)
	@.ci/lint

format: ## Format the C sources with clang-format
	@.ci/deps clang-format
	@clang-format -i $$(.ci/lint c-files)

deps: ## Install the packages that these commands need
	@.ci/deps $(TEST_NEEDS) $(COV_NEEDS) $(LINT_NEEDS)

fuzzers: $(TARGETS:%=build/fuzz/fuzz_%) ## Build the fuzz targets (installs no packages)

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

clean: ## Remove build/, with grown corpora and findings
	rm -rf build

targets:
	@echo $(TARGETS)

# ---- from sources to objects ------------------------------------------------

INC        := -I. -D_GNU_SOURCE $(if $(FOREIGN),-DSANITIZERS_GIVEN)
compile     = $(CC_$1) -std=gnu11 $(INC) $(CPPFLAGS) $(WARN) $(WERROR_$1) $(FLAGS_$1)
quote       = '$(subst ','\'',$1)'
say         = $(if $(V),,@printf '  %-5s %s\n' $1 $@ &&)
objs        = $(patsubst %.c,build/obj/$1/%.o,$2)

# $(call remember,TEXT): the target changes only when TEXT does.  What a killed one left
# beside it goes.
remember = @mkdir -p $(@D); for old in $@.[0-9]*; do \
		[ ! -f "$$old" ] || kill -0 "$${old\#\#*.}" 2>/dev/null || rm -f "$$old"; done; \
	   printf '%s\n' $(call quote,$1) >$@.$$$$; \
	   if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

define flavour
WERROR_$1 ?= $$(WERROR)

build/obj/$1/flags: FORCE
	$$(call remember,$$(call compile,$1) $$(JUDGE_$1) $$(LDFLAGS) $$(if $$(filter fuzz,$1),$$(LINK_fuzz) $$(ENGINE_LIB)))

build/obj/$1/sources: FORCE
	$$(call remember,$$(LIB_SRC))

build/obj/$1/%.o: %.c build/obj/$1/flags
	@mkdir -p $$(@D)
	$$(call say,CC) $$(call compile,$1) $$(call judge,$1,$$<) -MMD -MP -c -o $$@ $$<

build/obj/$1/libvringer.a: $(call lib_objs,$1,$(LIB_SRC)) build/obj/$1/sources
	@rm -f $$@
	$$(call say,AR) $$(AR) rcs $$@ $$(filter %.o,$$^)

build/obj/$1/vringer: $(call objs,$1,$(CLI_SRC)) build/obj/$1/libvringer.a
	$$(call say,LINK) $$(CC_$1) $$(FLAGS_$1) $$(LDFLAGS) -o $$@ $$^

-include $(patsubst %.o,%.d,$(call objs,$1,$(LIB_SRC) $(CLI_SRC) $(FOREIGN_SRC) $(TEST_SRC) $(HELPER_SRC) \
	$(wildcard fuzzers/*.c fuzzers/mutants/*.c))))
endef

# Of what AFL++ compiles for somebody else's engine, too, the device alone gives feedback.
build/obj/fuzz/%.o: export AFL_LLVM_ALLOWLIST := fuzzers/afl.allow
build/obj/codec/%.o: export AFL_LLVM_ALLOWLIST := fuzzers/afl_codec.allow
build/obj/lib/%.o: export AFL_LLVM_ALLOWLIST := fuzzers/afl_none.allow

HELPER_SRC := $(filter-out $(TEST_SRC),$(wildcard devices/test/*.c harness/test/*.c fuzzers/test/*.c))
$(foreach f,$(FLAVOURS),$(eval $(call flavour,$f)))

# Many programs are linked for the tests, which takes lld a third of the time.
FAST_LINK := $(if $(shell command -v ld.lld),-fuse-ld=lld)

# Unit tests: one program per test_*.c, with its folder's other files.
define tests
build/obj/$1/$2/test/test_%: build/obj/$1/$2/test/test_%.o build/obj/$1/libvringer.a \
		$(call objs,$1,$(filter $2/%,$(HELPER_SRC)))
	$$(call say,LINK) $$(CC_$1) $$(FLAGS_$1) $$(FAST_LINK) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka
endef
$(foreach f,gcc clang,$(foreach d,devices harness,$(eval $(call tests,$f,$d))))

$(foreach f,gcc clang,$(foreach t,no_memory live,build/obj/$f/harness/test/test_$t)): private LDFLAGS += -Wl,--wrap=malloc -Wl,--wrap=calloc

# Tests of the mutator, which is in no library; test_mutator_*: of an engine's side of it.
define mutator_tests
$(patsubst %.c,build/obj/$1/%,$(filter fuzzers/test/test_mutator_%,$(TEST_SRC))): \
		build/obj/$1/fuzzers/test/test_%: build/obj/$1/fuzzers/%.o

build/obj/$1/fuzzers/test/test_feedback: build/obj/$1/fuzzers/feedback.o
build/obj/$1/fuzzers/test/test_meter: build/obj/$1/fuzzers/meter.o

$(patsubst %.c,build/obj/$1/%,$(filter fuzzers/%,$(TEST_SRC))): \
		%: %.o $(call objs,$1,$(MUT_SRC) $(filter fuzzers/%,$(HELPER_SRC)) \
		harness/test/generate.c) build/obj/$1/libvringer.a
	$$(call say,LINK) $$(CC_$1) $$(FLAGS_$1) $$(FAST_LINK) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka
endef
$(foreach f,gcc clang,$(eval $(call mutator_tests,$f)))

# Sorted here, and searched by halves there: both by bytes.
$(CLAUSES): harness/program/clause_table.awk conformance/clauses.tsv conformance/sections.txt
	@mkdir -p $(@D)
	$(call say,GEN) { sed 1d conformance/clauses.tsv && sed '/^#/d; s/$$/\t\t\t/' conformance/sections.txt; } | \
		LC_ALL=C sort -t "$$(printf '\t')" -k1,1 | LC_ALL=C awk -f $< >$@

$(ASSETS): harness/page/page_assets.awk harness/page/page.css harness/page/page.js
	@mkdir -p $(@D)
	$(call say,GEN) sha256sum harness/page/page.js | LC_ALL=C awk -f $< - $(filter-out $<,$^) >$@

# ---- programs ---------------------------------------------------------------

# For guests, which have no libraries and no sanitizer's shadow.
build/drivers/traffic: harness/drivers/traffic.c build/obj/release/flags
	@mkdir -p $(@D)
	$(call say,LINK) $(call compile,release) -static $(filter %.c,$^) -o $@

# CC may have changed since: compare, do not trust times.
build/vringer: build/%: build/obj/$(CLI)/% FORCE
	@cmp -s $< $@ || cp -f $< $@

# One object, so that none of our names meets one of the author's; and apart from it
# main, which an engine's takes the place of, and a list of no targets, which the
# author's does.
build/libvringer.a: build/obj/lib/vringer.o build/obj/lib/fuzzers/foreign_main.o \
		build/obj/lib/fuzzers/foreign_none.o
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $^

build/obj/lib/vringer.o: $(call objs,lib,$(FOREIGN_SRC)) fuzzers/foreign.symbols Makefile
	$(call say,LINK) $(LD) -r -o $@.all $(filter %.o,$^) && \
		$(OBJCOPY) --keep-global-symbols=fuzzers/foreign.symbols $@.all $@ && rm $@.all

build/obj/lib/harness/command/scripts.o: CPPFLAGS += -D'SCRIPTS_FOLDER="$(PREFIX)/share/vringer/conformance"'
build/obj/lib/harness/command/scripts.o: build/obj/lib/prefix
build/obj/lib/prefix: FORCE
	$(call remember,$(PREFIX))

build/vringer.pc: harness/target/vringer.pc.in build/obj/lib/prefix
	@sed 's|@PREFIX@|$(PREFIX)|' $< >$@

# $(call fuzzer,FLAVOUR,NAMES,SOURCES): what is of that flavour; all else is as in the
# others.  First come, first linked: the archive's own copies are then not wanted.
define fuzzer
$2: build/fuzz/fuzz_%: build/obj/$1/fuzzers/fuzz_%.o $(call objs,$1,$3) \
		$(call objs,fuzz,$(GLUE_SRC) $(ENGINE_MAIN)) build/obj/fuzz/libvringer.a
	@mkdir -p $$(@D)
	$$(call say,LINK) $$(LINK_fuzz) $$(LDFLAGS) -o $$@ $$^ $$(ENGINE_LIB)
endef
$(eval $(call fuzzer,fuzz,$(patsubst %,build/fuzz/fuzz_%,$(filter-out $(CODECS),$(TARGETS)))))
# Of replayers whose judge has the flags of the rest, all is the same.
$(eval $(call fuzzer,$(if $(JUDGE_fuzz)$(LIB_FUZZING_ENGINE),codec,fuzz),$(CODECS:%=build/fuzz/fuzz_%),$(CODEC_SRC)))

# $(call coverer,FLAVOUR,NAMES,SOURCES): as `fuzzer`, with no engine.
define coverer
$2: build/cover/cover_%: build/obj/$1/fuzzers/fuzz_%.o $(call objs,$1,$3) \
		$(call objs,fuzz,$(filter-out fuzzers/mutat%,$(GLUE_SRC)) $(COVER_SRC)) build/obj/fuzz/libvringer.a
	@mkdir -p $$(@D)
	$$(call say,LINK) $$(CC_fuzz) $$(FLAGS_fuzz) $$(LDFLAGS) -o $$@ $$^
endef
$(eval $(call coverer,fuzz,$(patsubst %,build/cover/cover_%,$(filter-out $(CODECS),$(TARGETS)))))
$(eval $(call coverer,codec,$(CODECS:%=build/cover/cover_%),$(CODEC_SRC)))

build/fuzz/fuzz_peer: $(call objs,fuzz,$(PEER_SRC) $(GLUE_SRC) $(ENGINE_MAIN)) build/obj/fuzz/libvringer.a
	@mkdir -p $(@D)
	$(call say,LINK) $(LINK_fuzz) $(LDFLAGS) -o $@ $^ $(ENGINE_LIB)

build/afl/fuzz_peer: $(call objs,afl,$(PEER_SRC) $(AFL_SRC)) build/obj/afl/libvringer.a
	@mkdir -p $(@D)
	$(call say,LINK) $(CC_afl) $(FLAGS_afl) $(LDFLAGS) -o $@ $^

build/afl-plain/fuzz_%: build/obj/aflplain/fuzzers/fuzz_%.o $(call objs,aflplain,$(AFL_SRC)) \
		build/obj/aflplain/libvringer.a
	@mkdir -p $(@D)
	$(call say,LINK) $(CC_aflplain) $(FLAGS_aflplain) $(LDFLAGS) -o $@ $^

# $(call afl_fuzzer,FLAVOUR,NAMES,SOURCES)
define afl_fuzzer
$2: build/afl/fuzz_%: build/obj/$1/fuzzers/fuzz_%.o $(call objs,$1,$3) \
		$(call objs,afl,$(AFL_SRC)) build/obj/afl/libvringer.a
	@mkdir -p $$(@D)
	$$(call say,LINK) $$(CC_$1) $$(FLAGS_$1) $$(LDFLAGS) -o $$@ $$^
endef
$(eval $(call afl_fuzzer,afl,$(patsubst %,build/afl/fuzz_%,$(filter-out $(CODECS),$(TARGETS)))))
$(eval $(call afl_fuzzer,aflcodec,$(CODECS:%=build/afl/fuzz_%),$(CODEC_SRC)))

# The library's objects are for a shared one too, as long as no sanitizer of somebody else's
# is in them.
MUTATOR_OF := $(if $(FOREIGN)$(call given,CC)$(call given,CFLAGS),pic,lib)
build/afl/vringer_mutator.so: $(call objs,$(MUTATOR_OF),fuzzers/mutator_afl.c $(MUT_SRC)) \
		build/obj/$(MUTATOR_OF)/libvringer.a
	@mkdir -p $(@D)
	$(call say,LINK) $(CC_$(MUTATOR_OF)) $(FLAGS_$(MUTATOR_OF)) $(LDFLAGS) -shared -o $@ $^

# The standalone replayers: the same objects, no engine.
define replayer
$2/fuzz_%: build/obj/$1/fuzzers/fuzz_%.o $(call objs,$1,$(GLUE_SRC) fuzzers/standalone_main.c) \
		build/obj/$1/libvringer.a
	@mkdir -p $$(@D)
	$$(call say,LINK) $$(CC_$1) $$(FLAGS_$1) $$(LDFLAGS) -o $$@ $$^
endef
$(eval $(call replayer,gcc,build/replay))
$(eval $(call replayer,release,build/replay-release))
$(eval $(call replayer,s390x,build/replay-s390x))
$(eval $(call replayer,msan,build/replay-msan))

build/bench/%: build/obj/%/fuzzers/bench.o build/obj/%/libvringer.a
	@mkdir -p $(@D)
	$(call say,LINK) $(CC_$*) $(FLAGS_$*) $(LDFLAGS) -o $@ $^

build/bench/live: build/obj/release/fuzzers/bench_live.o
	@mkdir -p $(@D)
	$(call say,LINK) $(CC_release) $(FLAGS_release) $(LDFLAGS) -o $@ $^

# Small devices that are not ours, right and wrong, with an engine, as an author would
# build them.
ZOO_FLAGS := -std=gnu11 -g -O1 -I. -Iharness/target $(WARN) $(WERROR) $(SAN) -fsanitize=fuzzer
zoo_objs   = $(patsubst harness/test/%.c,build/test/%.o,$(wildcard harness/test/$1/*.c))

build/test/%.o: harness/test/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC) $(CLANG) $(ZOO_FLAGS) -MMD -MP -c -o $@ $<

build/test/run-zoo: $(call zoo_objs,zoo)
build/test/run-broken: $(call zoo_objs,broken) $(addprefix build/test/zoo/,device.o packed.o memory.o registers.o)
build/test/run-zoo build/test/run-broken: build/libvringer.a
	$(call say,LINK) $(CLANG) $(ZOO_FLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -pthread

-include $(patsubst %.o,%.d,$(call zoo_objs,zoo) $(call zoo_objs,broken))

# Processes that stand in for other people's.  Without sanitizers: how they die is their own.
PEER_FLAGS := -std=gnu11 -g -O1 -D_GNU_SOURCE $(WARN) $(WERROR) -pthread
PEERS      := $(addprefix build/test/peer/,vhost_user_rng qtest_server bad_front)
peer_objs   = $(patsubst %,build/test/peer/%.o,luck memory ring $1)

build/test/peer/%.o: harness/test/peer/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC) $(CC_gcc) $(PEER_FLAGS) -MMD -MP -c -o $@ $<

build/test/peer/vhost_user_rng: $(call peer_objs,vhost_user_rng vhost_device vhost_answers vhost_wire)
build/test/peer/qtest_server: $(call peer_objs,qtest_server mmio)
build/test/peer/bad_front: $(call peer_objs,bad_front vhost_wire)
$(PEERS):
	$(call say,LINK) $(CC_gcc) $(PEER_FLAGS) -o $@ $^

-include $(wildcard build/test/peer/*.d)

# Where each fuzz target starts: committed scripts, in the form its input has.
ENCODER = $(if $(FOREIGN),build/obj/fuzz/vringer,build/vringer)
seeds: $(ENCODER)
	@$(if $(FOREIGN),export BRIEF=yes &&) for t in $(or $(SEEDED),$(TARGETS)); do fuzzers/seeds.sh $< $$t build/seeds/$${t#peer:} || exit; done

# A planted bug: the patched files compiled anew, all else as in build/obj/gcc or build/obj/release.
# A patch that does not apply or compile is a row in the table, not an error here,
# and is tried again.  There are hundreds, so what is compiled anew is not optimised, and no lines
# are kept, neither of it nor of the rest: half the time and a third of the space.
define bug_built
build/bugs/%/built-$1: fuzzers/bugs/%.patch build/obj/$1/vringer
	$$(call say,BUG) COMPILE=$$(call quote,$$(call compile,$1) -O0 -g0 -w) \
		LINK=$$(call quote,$$(CC_$1) $$(FLAGS_$1) $$(FAST_LINK) -Wl$$(comma)--strip-debug $$(LDFLAGS)) \
		fuzzers/bugs.sh build $1 $$* $$(call objs,$1,$$(CLI_SRC)) build/obj/$1/libvringer.a
endef
$(eval $(call bug_built,gcc))
$(eval $(call bug_built,release))

build/bugs/%/built-fuzz: fuzzers/bugs/%.patch $(call objs,fuzz,$(GLUE_SRC) $(DEVICE_FUZZERS)) \
		build/obj/fuzz/libvringer.a
	$(call say,BUG) COMPILE=$(call quote,$(call compile,fuzz) -w) \
		LINK=$(call quote,$(LINK_fuzz) $(LDFLAGS)) LIBS=$(call quote,$(ENGINE_LIB)) \
		fuzzers/bugs.sh build fuzz $* $(call objs,fuzz,$(GLUE_SRC)) build/obj/fuzz/libvringer.a

build/bugs/%/built-afl: fuzzers/bugs/%.patch $(call objs,afl,$(AFL_SRC) $(DEVICE_FUZZERS)) \
		build/obj/afl/libvringer.a
	$(call say,BUG) export $(filter AFL_%,$(CC_afl)) && \
		COMPILE=$(call quote,$(filter-out AFL_%,$(call compile,afl)) -w) \
		LINK=$(call quote,$(filter-out AFL_%,$(CC_afl)) $(FLAGS_afl) $(LDFLAGS)) \
		fuzzers/bugs.sh build afl $* $(call objs,afl,$(AFL_SRC)) build/obj/afl/libvringer.a

# Mutants (fuzzers/mutants/source.h): the devices, each with all its mutants in it, in a program that
# judges them by scripts and in fuzzing binaries.  What UBSan sees ends a process, as a crash does.
mutant_objs    = $(patsubst %,build/obj/release/fuzzers/mutants/%.o,$1)
MUTATED        := $(sort $(DEV_SRC))
MUTANT_FUZZERS := $(patsubst fuzzers/fuzz_%.c,build/mutants/fuzz/fuzz_%,$(filter-out fuzzers/fuzz_snapshot.c,$(DEVICE_FUZZERS)))

build/mutants/write: $(call mutant_objs,write tokens expression statement) build/obj/release/harness/files/input.o
	@mkdir -p $(@D)
	$(call say,LINK) $(CC_release) $(FLAGS_release) $(LDFLAGS) -o $@ $^

# What stays as it was is not compiled again.
build/mutants/list.tsv: build/mutants/write $(MUTATED)
	@rm -rf $(@D)/new && mkdir -p $(@D)/new $(@D)/src
	$(call say,GEN) $< $(@D)/new $(MUTATED) >$@.new
	@for f in $(notdir $(MUTATED)); do \
		cmp -s $(@D)/new/$$f $(@D)/src/$$f || cp $(@D)/new/$$f $(@D)/src/$$f || exit; done
	@mv $@.new $@

$(MUTATED:devices/%=build/mutants/src/%): build/mutants/list.tsv
	@:

# $(call mutated,FOLDER,FLAVOUR,FLAGS)
define mutated
build/mutants/$1/%.o: build/mutants/src/%.c fuzzers/mutants/select.h build/obj/$2/flags
	@mkdir -p $$(@D)
	$$(call say,CC) $$(call compile,$2) -w -iquote devices -include fuzzers/mutants/select.h $3 -MMD -MP -c -o $$@ $$<

-include $$(patsubst devices/%.c,build/mutants/$1/%.d,$(MUTATED))
endef
$(eval $(call mutated,release,release,-O1 -fsanitize=undefined -fsanitize-undefined-trap-on-error))
$(eval $(call mutated,gcc,gcc,))
$(eval $(call mutated,obj-fuzz,fuzz,-O1))

build/mutants/run: $(call mutant_objs,run plan reach memory judge) $(MUTATED:devices/%.c=build/mutants/release/%.o) \
		build/obj/release/libvringer.a
	$(call say,LINK) $(CC_release) $(FLAGS_release) $(LDFLAGS) -o $@ $^

# What survives that meets AddressSanitizer.
build/mutants/run-gcc: $(patsubst %,build/obj/gcc/fuzzers/mutants/%.o,run plan reach memory judge) \
		$(MUTATED:devices/%.c=build/mutants/gcc/%.o) build/obj/gcc/libvringer.a
	$(call say,LINK) $(CC_gcc) $(FLAGS_gcc) $(LDFLAGS) -o $@ $^

# First come, first linked: the archive's own copies are then not wanted.
build/mutants/fuzz/fuzz_%: build/obj/fuzz/fuzzers/fuzz_%.o build/obj/fuzz/fuzzers/mutants/chosen.o \
		$(MUTATED:devices/%.c=build/mutants/obj-fuzz/%.o) $(call objs,fuzz,$(GLUE_SRC)) build/obj/fuzz/libvringer.a
	@mkdir -p $(@D)
	$(call say,LINK) $(LINK_fuzz) $(LDFLAGS) -o $@ $^ $(ENGINE_LIB)

# A machine of the other byte order, where there is a compiler for it.
BIG_ENDIAN := $(if $(shell command -v s390x-linux-gnu-gcc && command -v qemu-s390x), \
	build/obj/s390x/vringer $(PARSERS:%=build/replay-s390x/fuzz_%))

test-files: $(BIG_ENDIAN) build/drivers/traffic build/bench/live seeds $(BUGS_BUILT) build/bugs/rule-fetch-walk/built-fuzz \
		build/cover/cover_rng build/mutants/write build/mutants/run $(foreach f,gcc clang, \
		build/obj/$f/vringer \
		$(patsubst %.c,build/obj/$f/%,$(TEST_SRC))) build/obj/release/vringer \
		$(foreach t,$(TARGETS),build/fuzz/fuzz_$t build/afl/fuzz_$t build/replay/fuzz_$t build/replay-release/fuzz_$t)

FORCE:
