# SPDX-License-Identifier: GPL-2.0
# Everything a person does with this tree is a target here; `make help` lists them.

# The kernel to build for: a series such as 6.1 or 6.12, which stands for the newest release of it
# whose headers are installed, or a full release.
KVER ?= 6.12
KREL = $(shell tools/krel $(KVER))
KDIR = /lib/modules/$(KREL)/build
ifeq ($(ARCH),arm64) # the modules only; tools/arm64-root fetches what they are built with
KREL = $(shell tools/krel $(KVER) build/lab/arm64/modules)
KDIR = $(CURDIR)/build/lab/arm64/modules/$(KREL)/build
endif
OUT = $(CURDIR)/build/$(KREL)
JOBS ?= $(shell nproc)

# Rooms with kernel code. The kernel's build system puts its results beside the sources; so that one
# tree serves several kernels, it is shown a tree of symbolic links per kernel.
ROOMS := include shmem_ring offset_mgr ipi window vni node

TOOL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Iinclude

# User-Mode Linux: a kernel that is a process; see tools/uml-kernel.
UML = ARCH=um KDIR=$(CURDIR)/build/uml KREL=$$(tools/uml-kernel release)

.PHONY: all modules uml uml-sparse tools sparse links deps demo test test-full help clean

all: modules tools ## build the modules for KVER (6.12 or 6.1) and the commands

links:
	@test -n "$(KREL)"
	@mkdir -p $(OUT)
	@find $(OUT) -xtype l -delete
	@for f in Kbuild $$(find $(ROOMS) -type f -name '*.[chS]' -o -type f -name Kbuild.inc); do \
		mkdir -p $(OUT)/$$(dirname $$f) && ln -sfn $(CURDIR)/$$f $(OUT)/$$f; done

modules: links ## build only the modules for KVER
	$(MAKE) -j$(JOBS) -C $(KDIR) M=$(OUT) W=1 modules

sparse: links ## build the modules anew under sparse; a finding is an error
	$(MAKE) -C $(KDIR) M=$(OUT) clean
	$(MAKE) -j$(JOBS) -C $(KDIR) M=$(OUT) W=1 C=2 CF="-Wsparse-error" modules

uml: ## build User-Mode Linux (once, some minutes) and the modules for it
	tools/uml-kernel >/dev/null
	$(MAKE) modules $(UML)

uml-sparse: ## the modules for User-Mode Linux under sparse
	tools/uml-kernel >/dev/null
	$(MAKE) sparse $(UML)

tools: build/bin/vni-node build/bin/ivshmem-server build/bin/link_vni.so ## build only the commands

build/bin/vni-node: $(wildcard tools/vni-node/*.[ch]) $(wildcard include/*.h include/uapi/*.h)
	@mkdir -p build/bin
	$(CC) $(TOOL_CFLAGS) -static -o $@ $(filter %.c,$^)

build/bin/ivshmem-server: $(wildcard tools/ivshmem-server/*.[ch])
	@mkdir -p build/bin
	$(CC) $(TOOL_CFLAGS) -o $@ $(filter %.c,$^)

build/bin/link_vni.so: tools/ip-plugin/link_vni.c include/uapi/vni_link.h
	@mkdir -p build/bin
	$(CC) $(TOOL_CFLAGS) -fPIC -shared -o $@ $<

deps: ## install the Debian packages that are missing (root)
	@tools/deps install

# Where the nodes of the demo live: partition, ivshmem, uml or pair.
WHERE ?= partition
demo: ## two nodes, iperf3 between them, a table; WHERE=partition, ivshmem, uml or pair
	@tools/demo/start "$(WHERE)" "$(KVER)"

test: ## the tests' quick set, all boundaries and both kernels (installs and builds first)
	@tools/deps install 6.12 6.1 uml
	@tests/all

test-full: ## every test there is: some hours
	@tools/deps install 6.12 6.1 uml
	@tests/all --full

include tools/bench/bench.mk
include tests/unit/unit.mk
include tests/server/server.mk
include tests/model/model.mk
include tests/fuzz/fuzz.mk

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

clean: ## remove what was built, but not the downloaded kernels
	@for d in build/*; do [ "$$d" = build/lab ] || rm -rf "$$d"; done
