# SPDX-License-Identifier: GPL-2.0

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
INSTALL_MOD_DIR ?= updates

PREFIX ?= /usr/local
INSTALL_MOD_PATH ?= $(DESTDIR)

DKMS ?= dkms
DKMS_SOURCES ?= /usr/src
KERNEL_HOOKS ?= /etc/kernel

MODULE_SOURCES := Kbuild VERSION $(wildcard module/*.[ch] module/*/*.[ch])

.PHONY: module
module: ## Build chatdnat.ko for the running kernel, or KVER=..., or KDIR=...
	@test -e $(KDIR)/Makefile || { \
		echo "chatdnat: no kernel headers in $(KDIR): install linux-headers-$(KVER)" >&2; \
		exit 1; }
	@test $(words $(CURDIR)) = 1 || { \
		echo "chatdnat: the kernel's Makefile takes no path with blanks: '$(CURDIR)'" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

.PHONY: tools
tools: ## Build chatdnatctl
	$(MAKE) -C tools

.PHONY: install
install: module tools ## Install the module and chatdnatctl, without debug information
	@scripts/unsigned $(KDIR) >/dev/null
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(INSTALL_MOD_PATH) INSTALL_MOD_STRIP=1 \
		INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) $$(scripts/unsigned $(KDIR) 2>/dev/null) modules_install
	$(MAKE) -C tools install PREFIX=$(PREFIX) INSTALL_PROGRAM='install -s -m 0755'
	$(if $(INSTALL_MOD_PATH),,depmod $(KVER))

.PHONY: uninstall
uninstall: ## Remove what install installed
	$(RM) $(INSTALL_MOD_PATH)/lib/modules/$(KVER)/$(INSTALL_MOD_DIR)/chatdnat.ko*
	$(MAKE) -C tools uninstall PREFIX=$(PREFIX)
	$(if $(INSTALL_MOD_PATH),,depmod $(KVER))

.PHONY: dkms-install
dkms-install: ## Let DKMS build the module for this kernel and later ones
	DKMS='$(DKMS)' DKMS_SOURCES='$(DKMS_SOURCES)' KERNEL_HOOKS='$(KERNEL_HOOKS)' scripts/dkms install $(KVER)

.PHONY: dkms-uninstall
dkms-uninstall: ## Remove the module from DKMS
	DKMS='$(DKMS)' DKMS_SOURCES='$(DKMS_SOURCES)' KERNEL_HOOKS='$(KERNEL_HOOKS)' scripts/dkms uninstall

.PHONY: dist
dist: ## Make build/chatdnat-VERSION.tar.xz of the commit
	scripts/dist

.PHONY: deb
deb: ## Make the Debian packages of the commit, in build/deb/
	scripts/deps build deb
	scripts/deb

.PHONY: deps
deps: ## Install the packages that building, testing and linting need (Debian)
	scripts/deps build headers vm machines check fuzz debug lint deb packages packaging

# A copy for each kernel, so that several can be built in parallel. Debug information does not change the code, but
# makes the file forty times as large, which is slow to write here and to load in an emulated machine.
build/%/chatdnat.ko: $(MODULE_SOURCES)
	mkdir -p $(@D)
	cp -rpu Kbuild VERSION module $(@D)/
	tests/vm/logged $(@D) '$(strip $(KCFLAGS) $(CONFIG_GCOV_KERNEL))' \
		$(MAKE) -C $(or $(HEADERS),/lib/modules/$*/build) M=$(CURDIR)/$(@D) W=1 \
		CONFIG_DEBUG_INFO= CONFIG_DEBUG_INFO_BTF_MODULES= modules

# The benchmark's packet generator, for a test machine only.
build/%/inject/inject.ko: $(wildcard tests/bench/inject/*)
	mkdir -p $(@D)
	cp -pu $^ $(@D)/
	$(MAKE) -C /lib/modules/$*/build M=$(CURDIR)/$(@D) W=1 modules

# The benchmark's programs in BPF.
build/bench/%.o: tests/bench/bpf/%.c tests/bench/bpf/proxy.h
	mkdir -p $(@D)
	clang -O2 -Wall -Wextra -Werror --target=bpf -I/usr/include/$(shell gcc -print-multiarch) -c -o $@ $<

# Its plugin for the emulator.
build/bench/lines.so: $(wildcard tests/bench/plugin/*)
	mkdir -p $(@D)
	$(CC) -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -o $@ tests/bench/plugin/lines.c

# A simulated switch with hardware forwarding.
build/%/switch/switch.ko: $(wildcard tests/e2e/switch/*)
	mkdir -p $(@D)
	cp -pu $^ $(@D)/
	$(MAKE) -C $(or $(HEADERS),/lib/modules/$*/build) M=$(CURDIR)/$(@D) W=1 \
		CONFIG_DEBUG_INFO= CONFIG_DEBUG_INFO_BTF_MODULES= modules

# Makes allocations fail.
build/%/fails/fails.ko: $(wildcard tests/debug/fails/*)
	mkdir -p $(@D)
	cp -pu $^ $(@D)/
	$(MAKE) -C $(or $(HEADERS),/lib/modules/$*/build) M=$(CURDIR)/$(@D) W=1 modules

# gcov for kernels without it, from the kernel's own sources.
build/%/gcov/gcov.ko: $(wildcard tests/coverage/gcov/*)
	mkdir -p $(@D)
	tar -xJf /usr/src/linux-source-6.12.tar.xz -C $(@D) --strip-components=3 --wildcards '*/kernel/gcov/*.[ch]'
	cp -pu $^ $(@D)/
	$(MAKE) -C /lib/modules/$*/build M=$(CURDIR)/$(@D) W=1 modules

# The unit tests.
build/%/kunit/chatdnat_kunit.ko: $(MODULE_SOURCES) $(wildcard tests/kunit/Kbuild tests/kunit/*.[ch])
	mkdir -p $(@D)
	cp -rpu VERSION module tests/kunit/Kbuild tests/kunit/*.[ch] $(@D)/
	cp -pu Kbuild $(@D)/Kbuild.chatdnat
	$(MAKE) -C $(or $(HEADERS),/lib/modules/$*/build) M=$(CURDIR)/$(@D) W=1 modules

# For test machines: the module for each of bookworm's kernels, and the tool. tests/vm/built builds for others.
.PHONY: built
built:
	tests/vm/built amd64

# Uninitialized variables get a pattern there. Debian's kernels from 6.1 on set them to zero.
.PHONY: built-debug
built-debug:
	kernel=$$(tests/vm/kernel) && release=$$(cat "$$kernel/release") && \
		$(MAKE) -s HEADERS="$$kernel/build" KCFLAGS=-ftrivial-auto-var-init=pattern \
		"build/$$release/chatdnat.ko" "build/$$release/fails/fails.ko"
	tests/vm/built tool

# The same with counters, except for code that is not run. The checks of UBSAN would count as branches.
.PHONY: built-coverage
built-coverage:
	release=$$(tests/vm/run --list | tail -n 1) && \
		$(MAKE) -s "build/$$release/gcov/gcov.ko" && \
		$(MAKE) -s UBSAN_SANITIZE=n CONFIG_GCOV_KERNEL=y \
		KBUILD_EXTRA_SYMBOLS="$(CURDIR)/build/$$release/gcov/Module.symvers" "build/$$release/chatdnat.ko" && \
		$(MAKE) -s "build/$$release/fails/fails.ko"
	$(MAKE) -s UBSAN_SANITIZE=n built-debug
	$(MAKE) -s built

DEMO_CACHE = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chatdnat

.PHONY: demo
demo: ## Send real mail through the module, in an emulated machine
	@scripts/space demo
	@echo '1 of 4: compiler and emulator, as packages of this machine (at most 140 MB to fetch)'
	@scripts/deps build vm
	@echo '2 of 4: the emulated machine, in $(DEMO_CACHE) (at most 290 MB to fetch, some minutes; kept for the next time)'
	@tests/vm/image amd64 >/dev/null
	@echo '3 of 4: module and tool, in build/'
	@tests/vm/built demo
	@echo '4 of 4: the demo (two minutes)'
	@tests/demo/run

.PHONY: check
check: ## Run the tests, in about ten minutes; the first time also fetch the kernels, which takes as long
	@scripts/space check
	@scripts/deps build headers vm check fuzz debug
	tests/run $(TESTS)

.PHONY: bench
bench: KERNELS ?= newest 6.12
bench: ## Measure the cost of a packet, and of alternatives; ROWS=... for some, KERNELS=... for some kernels
	scripts/deps build headers vm bench
	$(MAKE) -s build/bench/lookup.o build/bench/constant.o build/bench/lines.so
	for kernel in $(KERNELS); do \
		tests/vm/build $$kernel -s build/@/chatdnat.ko build/@/inject/inject.ko || exit; \
	done
	tests/bench/run --kernels '$(KERNELS)' $(ROWS)

.PHONY: check-long
check-long: ## Run all other tests: 6.1, guides, two proxies, firewalls, stateless engine, builds, other kernels and processors, faults
	@scripts/space check-long
	@scripts/deps build headers vm check machines debug deb packages packaging
	tests/run --long $(TESTS)

.PHONY: check-debug
check-debug: ## Run all tests on the debug kernel (KASAN, lockdep, kmemleak...)
	scripts/deps build headers vm check debug
	tests/run --debug $(TESTS)

.PHONY: kunit
kunit: ## Run the unit tests (KUnit) on the debug kernel; SUITES=... for some
	scripts/deps build headers vm debug
	tests/kunit/run $(SUITES)

.PHONY: fuzz
fuzz: ## Fuzz parsers and header code; TARGETS=... for some, TIME=... seconds for each
	scripts/deps build fuzz
	TIME='$(TIME)' tests/fuzz/run $(TARGETS)

.PHONY: mutations
mutations: ## Break the module in small ways and check that a test notices; NAMES=... for some; all take two or three hours
	scripts/deps build headers vm check fuzz debug
	tests/mutations/run $(NAMES)

.PHONY: coverage
coverage: ## Show which code of the module the tests run; TESTS=... for some
	scripts/deps build headers vm check debug
	tests/coverage/run $(TESTS)

.PHONY: lint
lint: ## Static checks
	scripts/deps build headers lint
	scripts/lint

.PHONY: clean
clean: ## Remove what was built
	$(RM) -r build
	$(RM) *.o .*.o *.ko *.mod *.mod.c .*.cmd Module.symvers modules.order
	$(RM) module/*.o module/.*.cmd module/*/*.o module/*/.*.cmd

.PHONY: help
help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | \
		awk -F '\t' '{ printf "  %-16s%s\n", $$1, $$2 }'
