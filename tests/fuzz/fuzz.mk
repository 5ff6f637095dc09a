# SPDX-License-Identifier: GPL-2.0
# Fuzzing the code that reads a peer's memory: libFuzzer where clang has it, and random inputs.

FUZZ_CLANG ?= $(firstword $(shell command -v clang-14 clang 2>/dev/null))
FUZZ_SECONDS ?= 15
FUZZ_SRC := tests/fuzz/hostile.c offset_mgr/vni_offset_mgr.c
FUZZ_HDR := $(wildcard include/*.h shmem_ring/*.h offset_mgr/*.h)
FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -Iinclude -Ishmem_ring -Ioffset_mgr \
	-fno-sanitize-recover=all

.PHONY: fuzz
fuzz: build/fuzz/random ## fuzz the ring, records and offset manager, 20 s
	@sh tests/fuzz/run.sh "$(FUZZ_CLANG)" $(FUZZ_SECONDS) "$(FUZZ_CFLAGS)" "$(FUZZ_SRC)"

build/fuzz/random: $(FUZZ_SRC) tests/fuzz/random.c $(FUZZ_HDR)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_CFLAGS) -fsanitize=address,undefined -o $@ $(filter %.c,$^)
