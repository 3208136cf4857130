# plyboot: a root file system composed at boot. `make help` lists the targets.
#
# Everything is built below build/; what is costly to make (static libraries, Debian's kernel, the
# demo's root trees) lies in a cache outside the tree, keyed by what it was made from.

ARCHES := x86_64
HOST_ARCH := $(shell uname -m)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Werror
CFLAGS := -Os -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -iquote layers -iquote qemu \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fstack-protector-strong \
	-ffile-prefix-map='$(CURDIR)=.' -MMD -MP
# Some distributions' gcc writes an ID into what it links.
LINK_FLAGS := -Wl,--gc-sections -Wl,--build-id=none
INIT_LIBS := -larchive -lzstd-decode -lz -lbearssl
HOST_LIBS := -larchive -lzstd -lz -lbearssl -ljansson -lm

LAYERS_SRC := $(wildcard layers/*.c)
INIT_SRC := $(wildcard init/*.c)
ENTRY_SRC := $(wildcard init/entry/*.c)
DOWN_SRC := $(wildcard init/down/*.c)
DOWN_PARTS := $(filter-out init/down/main.c,$(DOWN_SRC)) init/entry/say.c init/files.c
RUN_SRC := $(wildcard init/run/*.c)
RUN_PARTS := $(filter-out init/run/main.c,$(RUN_SRC)) $(filter-out init/entry/main.c,$(ENTRY_SRC))
COMPOSE_SRC := $(wildcard compose/*.c)
QEMU_SRC := $(wildcard qemu/*.c)

# A word for each step; `make V=1` shows the commands.
V := 0
say = $(if $(filter 0,$(V)),@printf '  %-6s %s\n' $(1) $@;)

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

# SOURCES=dir: what is built from source comes from tarballs there, without a network; the scripts that take them
# look for it in their environment.
all: $(ARCHES:%=build/%/init) $(ARCHES:%=build/%/entry) $(ARCHES:%=build/%/shutdown) $(ARCHES:%=build/%/run) build/plyboot ## build /init and the host command (the default); SOURCES=dir: offline

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\).*:.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

packages-boot packages-kernel packages-check packages-bench: packages-%: ## install the Debian packages that are missing (as root), or say which
	@.ci/need $*

# --- building ---------------------------------------------------------------------------------

# build/ARCH/prefix is a link to the static libraries of one architecture, in the cache. The file beside it says
# where that is, which is asked each time: the cache may be another one (PLYBOOT_CACHE), or gone.
$(ARCHES:%=build/%/prefix.path): build/%/prefix.path: FORCE
	@command -v gcc >/dev/null && command -v as >/dev/null || { echo "gcc or binutils is missing: on Debian," \
		"\`make packages-boot\` as root installs all that a build takes; elsewhere see README.md" >&2; exit 1; }
	@mkdir -p $(@D)
	@prefix=$$(layers/deps/build $*) && { echo "$$prefix" | cmp -s - $@ || \
		{ ln -sfn "$$prefix" build/$*/prefix && echo "$$prefix" >$@; }; }
.PHONY: FORCE

objects = $(patsubst %.c,build/$(1)/obj/%.o,$(2))

# Small files: no gaps for pages with other rights. (RELRO is for who relocates, and nobody does that here.)
COMPACT := -Wl,-z,noseparate-code -Wl,-z,norelro

define ARCH_RULES
build/$(1)/obj/%.o: %.c Makefile build/$(1)/prefix.path
	@mkdir -p $$(@D)
	$$(call say,CC)build/$(1)/prefix/bin/musl-gcc $$(ALL_CFLAGS) \
		-ffile-prefix-map='$$(file <build/$(1)/prefix.path)=prefix' -c -o $$@ $$<

build/$(1)/liblayers.a: $(call objects,$(1),$(LAYERS_SRC))
build/$(1)/libqemu.a: $(call objects,$(1),$(QEMU_SRC))
build/$(1)/libinit.a: $(call objects,$(1),$(filter-out init/main.c,$(INIT_SRC)))
build/$(1)/libentry.a: $(call objects,$(1),$(filter-out init/entry/main.c,$(ENTRY_SRC)))
build/$(1)/libdown.a: $(call objects,$(1),$(DOWN_PARTS))
build/$(1)/librun.a: $(call objects,$(1),$(RUN_PARTS))
build/$(1)/libcompose.a: $(call objects,$(1),$(filter-out compose/main.c,$(COMPOSE_SRC)))
build/$(1)/lib%.a:
	$$(call say,AR)rm -f $$@ && ar rcsD $$@ $$(filter %.o,$$^)

build/$(1)/init.debug: build/$(1)/obj/init/main.o build/$(1)/libinit.a build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) $$(COMPACT) -o $$@ $$^ $$(INIT_LIBS)

# The first process of a root without an init of its own, which `plyboot entry` puts there.
build/$(1)/entry.debug: build/$(1)/obj/init/entry/main.o build/$(1)/libentry.a build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) $$(COMPACT) -o $$@ $$^

# What takes the mounts away at shutdown: /run/initramfs/shutdown.
build/$(1)/shutdown.debug: build/$(1)/obj/init/down/main.o build/$(1)/libdown.a build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) $$(COMPACT) -o $$@ $$^

# The first process of a guest of `plyboot run`: /.plyboot/run.
build/$(1)/run.debug: build/$(1)/obj/init/run/main.o build/$(1)/librun.a build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) $$(COMPACT) -o $$@ $$^

# The /init of tests/boot/hostile.t, whose parser attacks what is around it.
build/$(1)/init-hostile: build/$(1)/obj/tests/boot/hostile.o build/$(1)/obj/init/main.o build/$(1)/libinit.a \
		build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) -s -Wl,--wrap=tree_add_symlink \
		-Wl,--wrap=jail_enter -o $$@ $$^ $$(INIT_LIBS)

# The /init of tests/powercut/planted.t, which can leave out an fsync.
build/$(1)/init-planted: build/$(1)/obj/tests/powercut/planted.o build/$(1)/obj/init/main.o build/$(1)/libinit.a \
		build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) -s -Wl,--wrap=fsync \
		-Wl,--wrap=syncfs -Wl,--wrap=posix_fadvise -o $$@ $$^ $$(INIT_LIBS)

# What tests/powercut/reset.t runs on each state that a power cut can leave.
build/$(1)/carry-out: build/$(1)/obj/tests/powercut/carry_out.o build/$(1)/libinit.a build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) -s -o $$@ $$^ $$(INIT_LIBS)

# What tests/boot/faithful.t makes its trees with, and looks at them in the guest.
build/$(1)/faithful: build/$(1)/obj/tests/boot/faithful.o build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) -s -o $$@ $$^ $$(INIT_LIBS)

# What tests/boot/fsck.t has in the place of e2fsck.
build/$(1)/fsck-fake: build/$(1)/obj/tests/boot/fsck.o
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) -s -o $$@ $$^

# A stack composed on the host, for tests/stacking.
build/$(1)/compose-stack: build/$(1)/obj/tests/stacking/compose.o build/$(1)/libinit.a build/$(1)/liblayers.a
	$$(call say,LINK)build/$(1)/prefix/bin/musl-gcc -static $$(LINK_FLAGS) -s -o $$@ $$^ $$(INIT_LIBS)

build/$(1)/init: build/$(1)/init.debug init/check-binary
	$$(call say,STRIP)strip -s -R .comment -o $$@ $$<
	@init/check-binary $$@ $$<

build/$(1)/entry: build/$(1)/entry.debug init/entry/check-binary
	$$(call say,STRIP)strip -s -R .comment -o $$@ $$<
	@init/entry/check-binary $$@ $$< 81920

build/$(1)/shutdown: build/$(1)/shutdown.debug init/entry/check-binary
	$$(call say,STRIP)strip -s -R .comment -o $$@ $$<
	@init/entry/check-binary $$@ $$< 49152

build/$(1)/run: build/$(1)/run.debug init/entry/check-binary
	$$(call say,STRIP)strip -s -R .comment -o $$@ $$<
	@init/entry/check-binary $$@ $$< 81920
endef
$(foreach arch,$(ARCHES),$(eval $(call ARCH_RULES,$(arch))))

# `plyboot doctor` carries kconfig/'s list: an .incbin, which the compiler's list of what was read does not have.
$(foreach dir,$(HOST_ARCH) asan coverage,build/$(dir)/obj/compose/required_config.o): kconfig/required.config

# The host command carries the programs for devices, for every architecture.
EMBEDDED_FLAGS = -DINIT_PATH='"build/$*/init"' -DENTRY_PATH='"build/$*/entry"' -DSHUTDOWN_PATH='"build/$*/shutdown"' \
	-DRUN_PATH='"build/$*/run"'
build/$(HOST_ARCH)/obj/compose/embedded_%.o: compose/embedded_%.S build/%/init build/%/entry build/%/shutdown build/%/run
	$(call say,CC)build/$(HOST_ARCH)/prefix/bin/musl-gcc $(EMBEDDED_FLAGS) -c -o $@ $<

build/plyboot.debug: build/$(HOST_ARCH)/obj/compose/main.o build/$(HOST_ARCH)/libcompose.a \
		$(ARCHES:%=build/$(HOST_ARCH)/obj/compose/embedded_%.o) \
		build/$(HOST_ARCH)/libqemu.a build/$(HOST_ARCH)/liblayers.a
	$(call say,LINK)build/$(HOST_ARCH)/prefix/bin/musl-gcc -static $(LINK_FLAGS) -o $@ $^ $(HOST_LIBS)

build/plyboot: build/plyboot.debug
	$(call say,STRIP)strip -s -R .comment -o $@ $<

# The host command of tests/powercut/planted.t, as it is shipped but for an fsync that can be left out.
build/plyboot-planted: build/$(HOST_ARCH)/obj/tests/powercut/planted.o build/$(HOST_ARCH)/obj/compose/main.o \
		build/$(HOST_ARCH)/libcompose.a $(ARCHES:%=build/$(HOST_ARCH)/obj/compose/embedded_%.o) \
		build/$(HOST_ARCH)/libqemu.a build/$(HOST_ARCH)/liblayers.a
	$(call say,LINK)build/$(HOST_ARCH)/prefix/bin/musl-gcc -static $(LINK_FLAGS) -s -Wl,--wrap=fsync -Wl,--wrap=syncfs \
		-Wl,--wrap=posix_fadvise -o $@ $^ $(HOST_LIBS)

build/manual/plyboot.1: build/plyboot $(wildcard compose/manual/*) init/BOOT.md init/ENTRY.md layers/FORMAT.md
	$(call say,MAN)compose/manual/build build/plyboot build/manual
build/plyboot.bash: build/plyboot
	$(call say,BASH)build/plyboot help --bash >$@
build/NOTICES: layers/deps/notices build/$(HOST_ARCH)/prefix.path
	$(call say,TEXT)layers/deps/notices build/$(HOST_ARCH)/prefix >$@
installable: all build/manual/plyboot.1 build/plyboot.bash build/NOTICES

PREFIX := /usr/local
install: installable ## put command, manual pages, completion, systemd unit below PREFIX (/usr/local); DESTDIR counts
	compose/installed install '$(DESTDIR)' '$(PREFIX)'
uninstall: ## take them away again, with the same PREFIX and DESTDIR
	compose/installed uninstall '$(DESTDIR)' '$(PREFIX)'
deb: installable ## a Debian package, build/plyboot_VERSION_ARCH.deb: the same bytes each time
	compose/debian/build

sources: ## SOURCES=dir: put the tarballs there that all other targets then take with SOURCES=dir
	@layers/deps/fetch $(if $(REFRESH),--newest) layers/deps/sources '$(SOURCES)'

# --- the demo -----------------------------------------------------------------------------------

# Debian's cloud kernel; or KERNEL=own, own-6.1, own-6.12: kconfig's, which is compiled once.
KERNEL ?= cloud-amd64

# The root trees take longest and need nothing of ours, so they are made beside the build.
boot: packages-$(if $(filter own%,$(KERNEL)),kernel,boot) ## build the demo and boot it in QEMU: a console to log in to, or without a terminal a check
	@$(MAKE) --no-print-directory -j2 all demo-inputs
	@KERNEL=$(KERNEL) qemu/demo/image build/plyboot build/demo
	@qemu/demo/boot build/plyboot build/demo

own-kernels: packages-kernel ## compile our own kernels, 6.1 and 6.12, from Debian's source
	@kconfig/build 6.1 >/dev/null
	@kconfig/build 6.12 >/dev/null

demo-inputs:
	@qemu/demo/kernel $(KERNEL) >/dev/null
	@qemu/demo/trees >/dev/null

# --- checks ---------------------------------------------------------------------------------------

check: packages-check ## everything: lint, unit, command-line and boot tests
	@$(MAKE) --no-print-directory all
	@tests/run

# Every promise's test that takes a count, with fresh seeds, for MINUTES in all; the table is build/campaign/table.txt.
MINUTES ?= 60
campaign: packages-check ## what plyboot promises, tried for MINUTES (60), and a table of the counts
	@$(MAKE) --no-print-directory -j2 all unit-binaries differential-binaries coverage-binaries boot-binaries \
		fuzz-binaries demo-inputs own-kernels
	@qemu/demo/image build/plyboot build/demo
	@tests/campaign $(MINUTES) $(PROMISES)

repro: packages-check ## build twice, as differently as can be, the second time offline; all must be equal
	@tests/repro

lint: ## clang-format, cppcheck, shellcheck, warnings of gcc and clang
	@tests/lint

format: ## put the C files into the one format that lint demands
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# Unit tests: tests/unit/ROOM/test_X.c, linked with the library of that room and the engine. Twice: static
# with musl as it is shipped, and with the address and undefined-behaviour sanitizers and glibc.
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
# In a static program --wrap would reach into the libraries as well, and libarchive does not survive that.
UNIT_BINARIES := $(patsubst tests/unit/%.c,build/unit/%,$(foreach source,$(UNIT_SRC),$(if \
	$(findstring /test_faults,$(source)),,$(source))))
ASAN_BINARIES := $(UNIT_SRC:tests/unit/%.c=build/asan/unit/%)
room = $(word 1,$(subst /, ,$(1)))

unit-binaries: $(UNIT_BINARIES) $(ASAN_BINARIES)
boot-binaries: build/$(HOST_ARCH)/init-hostile build/$(HOST_ARCH)/faithful build/$(HOST_ARCH)/fsck-fake build/$(HOST_ARCH)/compose-stack \
	build/$(HOST_ARCH)/init-planted build/plyboot-planted build/$(HOST_ARCH)/carry-out

# test_faults*.c make these fail (tests/unit/faults.h).
FAULT_CALLS := malloc calloc realloc reallocarray strdup open openat syscall fstat fstatat mkdirat unlinkat \
	symlinkat linkat mknodat fchown fchownat fchmod fchmodat futimens utimensat fsetxattr lsetxattr \
	fremovexattr fgetxattr flistxattr renameat fchdir fsync lseek ioctl fdopendir readdir fdopen close fclose \
	read write pread pwrite strndup newlocale mmap
FAULT_CALLS_verify := stack_encode layer_record_encode
FAULT_CALLS_readers := archive_read_new archive_entry_new archive_read_support_format_tar archive_read_open \
	archive_read_next_header2 archive_read_data_block archive_error_string archive_entry_pathname \
	archive_entry_size archive_entry_filetype archive_entry_hardlink archive_entry_symlink
FAULT_CALLS_crew := pipe2 fcntl fork poll waitpid clock_getcpuclockid setrlimit
FAULT_CALLS_checker := pipe2 fcntl fork
FAULT_CALLS_jail := prctl unshare chroot chdir getppid
FAULT_CALLS_parallel := pthread_create
FAULT_CALLS_seed := syncfs ftruncate readlinkat fstatvfs
FAULT_CALLS_reset := syncfs
FAULT_CALLS_parsers := inflateInit2_
FAULT_CALLS_relay := recv send
FAULT_CALLS_codecs := inflateInit2_ inflateGetHeader inflateReset inflate ZSTD_createDCtx ZSTD_DCtx_setParameter \
	ZSTD_decompressStream
fault_flags = $(if $(findstring /test_faults_,$@),$(patsubst %,-Wl$(comma)--wrap=%,$(FAULT_CALLS) \
	$(FAULT_CALLS_$(patsubst test_faults_%,%,$(notdir $@)))))
comma := ,

# test_promise*.c watch what these are given.
WATCHED_CALLS_bits := inflate ZSTD_decompressStream gate_push piece_table_decode
watch_flags = $(if $(findstring /test_promise_,$@),$(patsubst %,-Wl$(comma)--wrap=%,\
	$(WATCHED_CALLS_$(patsubst test_promise_%,%,$(notdir $@)))))

build/$(HOST_ARCH)/obj/tests/%.o: ALL_CFLAGS += -iquote tests/unit -iquote .
.SECONDEXPANSION:
build/unit/%: build/$(HOST_ARCH)/obj/tests/unit/%.o build/$(HOST_ARCH)/lib$$(call room,$$*).a \
		build/$(HOST_ARCH)/libqemu.a build/$(HOST_ARCH)/liblayers.a
	@mkdir -p $(@D)
	$(call say,LINK)build/$(HOST_ARCH)/prefix/bin/musl-gcc -static $(LINK_FLAGS) $(watch_flags) -o $@ $^ $(HOST_LIBS)

ASAN_CFLAGS = $(filter-out -Os,$(ALL_CFLAGS)) -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all -iquote tests/unit -iquote .
build/asan/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)gcc $(ASAN_CFLAGS) -c -o $@ $<
build/asan/liblayers.a: $(LAYERS_SRC:%.c=build/asan/obj/%.o)
build/asan/libqemu.a: $(QEMU_SRC:%.c=build/asan/obj/%.o)
build/asan/libinit.a: $(patsubst %.c,build/asan/obj/%.o,$(filter-out init/main.c,$(INIT_SRC)))
build/asan/libentry.a: $(patsubst %.c,build/asan/obj/%.o,$(filter-out init/entry/main.c,$(ENTRY_SRC)))
build/asan/libdown.a: $(DOWN_PARTS:%.c=build/asan/obj/%.o)
build/asan/librun.a: $(RUN_PARTS:%.c=build/asan/obj/%.o)
build/asan/libcompose.a: $(patsubst %.c,build/asan/obj/%.o,$(filter-out compose/main.c,$(COMPOSE_SRC)))
build/asan/lib%.a:
	$(call say,AR)rm -f $@ && ar rcsD $@ $(filter %.o,$^)
build/asan/unit/%: build/asan/obj/tests/unit/%.o build/asan/lib$$(call room,$$*).a build/asan/libqemu.a \
		build/asan/liblayers.a
	@mkdir -p $(@D)
	$(call say,LINK)gcc -fsanitize=address,undefined $(fault_flags) $(watch_flags) -o $@ $^ $(HOST_LIBS)

# Differential tests: tests/differential/test_X.c, ours beside OpenSSL, with the sanitizers. PLYBOOT_COUNT random
# cases (1000), of PLYBOOT_SEED.
DIFFERENTIAL_SRC := $(wildcard tests/differential/test_*.c)
DIFFERENTIAL_BINARIES := $(DIFFERENTIAL_SRC:tests/%.c=build/asan/%)
differential-binaries: $(DIFFERENTIAL_BINARIES)

build/asan/differential/%: build/asan/obj/tests/differential/%.o build/asan/libcompose.a build/asan/libqemu.a \
		build/asan/liblayers.a
	@mkdir -p $(@D)
	$(call say,LINK)gcc -fsanitize=address,undefined -o $@ $^ $(HOST_LIBS) -lcrypto

# SHA-256 by ARMv8's instructions, for qemu-aarch64-static to run: the engine's hashing alone, without BearSSL, with
# Debian's cross compiler and its libc.
AARCH64_OBJECTS := $(patsubst %.c,build/aarch64-test/obj/%.o,tests/unit/layers/test_sha256.c \
	tests/aarch64/sha256_bearssl.c layers/digest.c layers/sha256.c layers/sha256_arm.c)
aarch64-binaries: build/aarch64-test/test_sha256

build/aarch64-test/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)aarch64-linux-gnu-gcc $(ALL_CFLAGS) -iquote tests/unit -iquote . -c -o $@ $<
build/aarch64-test/test_sha256: $(AARCH64_OBJECTS)
	$(call say,LINK)aarch64-linux-gnu-gcc -static $(LINK_FLAGS) -o $@ $^

# The host command with the sanitizers, for the command-line tests.
build/asan/embedded_%.o: compose/embedded_%.S build/%/init build/%/entry build/%/shutdown build/%/run
	@mkdir -p $(@D)
	$(call say,CC)gcc $(EMBEDDED_FLAGS) -c -o $@ $<
build/asan/plyboot: build/asan/obj/compose/main.o build/asan/libcompose.a \
		$(ARCHES:%=build/asan/embedded_%.o) build/asan/libqemu.a build/asan/liblayers.a
	$(call say,LINK)gcc -fsanitize=address,undefined -o $@ $^ $(HOST_LIBS)

# Branch coverage: the unit tests and the stored fuzz corpora, without optimisation, so that a branch of the
# source is a branch of the program. tests/coverage runs them; tests/coverage.min says what it demands. What
# jailed children take counts too (tests/shared_counters.c).
COVERAGE_CFLAGS = $(filter-out -Os,$(ALL_CFLAGS)) -O0 --coverage -fprofile-update=atomic -iquote tests/unit -iquote .
COVERAGE_BINARIES := $(UNIT_SRC:tests/unit/%.c=build/coverage/unit/%)
COVERAGE_CORPORA = $(FUZZ:%=build/coverage/fuzz/fuzz_%)
build/coverage/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@rm -f $(@:.o=.gcda)
	$(call say,CC)gcc $(COVERAGE_CFLAGS) -frandom-seed=$< -c -o $@ $<
build/coverage/liblayers.a: $(LAYERS_SRC:%.c=build/coverage/obj/%.o)
build/coverage/libqemu.a: $(QEMU_SRC:%.c=build/coverage/obj/%.o)
build/coverage/libinit.a: $(patsubst %.c,build/coverage/obj/%.o,$(filter-out init/main.c,$(INIT_SRC)))
build/coverage/libentry.a: $(patsubst %.c,build/coverage/obj/%.o,$(filter-out init/entry/main.c,$(ENTRY_SRC)))
build/coverage/libdown.a: $(DOWN_PARTS:%.c=build/coverage/obj/%.o)
build/coverage/librun.a: $(RUN_PARTS:%.c=build/coverage/obj/%.o)
build/coverage/libcompose.a: $(patsubst %.c,build/coverage/obj/%.o,$(filter-out compose/main.c,$(COMPOSE_SRC)))
build/coverage/lib%.a:
	$(call say,AR)rm -f $@ && ar rcsD $@ $(filter %.o,$^)
build/coverage/unit/%: build/coverage/obj/tests/unit/%.o build/coverage/lib$$(call room,$$*).a \
		build/coverage/libqemu.a build/coverage/liblayers.a build/coverage/shared_counters.o
	@mkdir -p $(@D)
	$(call say,LINK)gcc --coverage $(fault_flags) $(watch_flags) -o $@ $^ -Wl,-T,tests/shared_counters.ld $(HOST_LIBS)
build/coverage/shared_counters.o: tests/shared_counters.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)gcc $(ALL_CFLAGS) -c -o $@ $<
build/coverage/fuzz/fuzz_%: build/coverage/obj/tests/fuzz/fuzz_%.o build/coverage/obj/tests/fuzz/driver.o \
		build/coverage/libinit.a build/coverage/libentry.a build/coverage/libdown.a \
		build/coverage/librun.a build/coverage/libcompose.a build/coverage/libqemu.a build/coverage/liblayers.a
	@mkdir -p $(@D)
	$(call say,LINK)gcc --coverage -o $@ $^ $(HOST_LIBS)

coverage-binaries: $(COVERAGE_BINARIES) $$(COVERAGE_CORPORA)
coverage: packages-check ## branch coverage of the code that guards, and what no test reaches
	@$(MAKE) --no-print-directory -j2 coverage-binaries
	@tests/coverage
seeded: packages-check ## put bugs into the code that guards, one at a time: a unit test must catch each
	@$(MAKE) --no-print-directory -j2 coverage-binaries
	@tests/seeded
fault-flags/%: FORCE
	@echo '$(fault_flags)'

bench-init: packages-check all ## the time /init takes, beside Debian's tiny-initramfs on the same kernel
	@tests/bench/init-time

bench-start: packages-check all ## the time from QEMU's start to the real init on our own kernel, and where it goes
	@tests/bench/start

bench-run: packages-check all ## the time of `plyboot run -- true`, beside the least that QEMU takes, and of 20 cases
	@tests/bench/run $(ROUNDS)

bench-hash: build/bench/sha256 ## the speed of each SHA-256 that this CPU can use
	@build/bench/sha256
build/bench/sha256: build/$(HOST_ARCH)/obj/tests/bench/sha256.o build/$(HOST_ARCH)/liblayers.a
	@mkdir -p $(@D)
	$(call say,LINK)build/$(HOST_ARCH)/prefix/bin/musl-gcc -static $(LINK_FLAGS) -o $@ $^ -lbearssl

# What it unpacks is compiled and linked as /init is.
build/bench/unpack: build/$(HOST_ARCH)/obj/tests/bench/unpack.o build/$(HOST_ARCH)/liblayers.a
build/bench/floor: build/$(HOST_ARCH)/obj/tests/bench/floor.o
build/bench/unpack build/bench/floor:
	@mkdir -p $(@D)
	$(call say,LINK)build/$(HOST_ARCH)/prefix/bin/musl-gcc -static $(LINK_FLAGS) -Wl,-z,noseparate-code -o $@ $^ $(INIT_LIBS)

bench: packages-bench all build/bench/unpack build/bench/floor ## unpacking, beside GNU tar, bsdtar, umoci: half an hour; ROUNDS=10
	@tests/bench/engine $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(INPUTS),--inputs $(INPUTS)) $(if $(UPDATE),--update)

bench-growth: packages-check all build/bench/unpack ## the cost of an entry and of a layer, up to 1,000,000 and 499
	@tests/bench/growth $(ROUNDS)

# Fuzz targets: with libFuzzer for FUZZ_SECONDS each, and without it over the stored corpora (`make check`). A new
# one is tests/fuzz/fuzz_NAME.c and some seeds in tests/fuzz/corpus/NAME/; NAME.dict, if it has words of its own.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS := 5
# libFuzzer's -seed; 0: another one each time.
FUZZ_SEED := 0
FUZZ_LIBRARY := $(LAYERS_SRC) init/cmdline.c init/entry/accounts.c init/down/mountinfo.c $(wildcard compose/oci*.c compose/merged*.c) \
	compose/layer_index.c compose/booted_parse.c $(wildcard compose/timeline*.c) compose/times_kernel.c compose/times_systemd.c compose/svg.c \
	compose/shown.c compose/path_order.c \
	compose/hoard.c compose/carrier.c compose/ustar.c compose/bytes.c compose/tar_members.c compose/elf.c \
	compose/ext4_read.c compose/ext4_map.c compose/cpio_read.c compose/initrd_read.c compose/unzip.c compose/interrupt.c compose/dos_table.c \
	compose/kconfig.c compose/case_file.c compose/run_given.c compose/options.c compose/near.c compose/report.c \
	init/run/job.c qemu/session.c qemu/console.c

build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)clang $(filter-out -Os,$(ALL_CFLAGS)) -O1 -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all -iquote tests/unit -iquote . -c -o $@ $<
build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o $(FUZZ_LIBRARY:%.c=build/fuzz/obj/%.o)
	$(call say,LINK)clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(HOST_LIBS)
build/asan/fuzz/fuzz_%: build/asan/obj/tests/fuzz/fuzz_%.o build/asan/obj/tests/fuzz/driver.o \
		$(FUZZ_LIBRARY:%.c=build/asan/obj/%.o)
	@mkdir -p $(@D)
	$(call say,LINK)gcc -fsanitize=address,undefined -o $@ $^ $(HOST_LIBS)

fuzz-binaries: $(FUZZ:%=build/fuzz/fuzz_%)
fuzz-corpora: $(FUZZ:%=build/asan/fuzz/fuzz_%)
fuzz: $(FUZZ:%=run-fuzz-%) ## run every fuzz target for FUZZ_SECONDS (5)
run-fuzz-%: build/fuzz/fuzz_%
	@mkdir -p build/fuzz/corpus/$*
	@echo "fuzz: $* for $(FUZZ_SECONDS) s"
	@build/fuzz/fuzz_$* -seed=$(FUZZ_SEED) -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -print_final_stats=1 \
		$(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) -verbosity=0 \
		-artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* tests/fuzz/corpus/$*

# Put what `make fuzz` has found into the stored corpus of a target, as few and small inputs as reach every edge.
# (The gate has the tars of tar: merge those.)
fuzz-merge-%: build/fuzz/fuzz_%
	@test ! -L tests/fuzz/corpus/$*
	@rm -rf build/fuzz/merged/$* && mkdir -p build/fuzz/corpus/$* build/fuzz/merged/$*
	@build/fuzz/fuzz_$* -set_cover_merge=1 -use_counters=0 -verbosity=0 build/fuzz/merged/$* tests/fuzz/corpus/$* build/fuzz/corpus/$*
	@rm -rf tests/fuzz/corpus/$* && cp -r build/fuzz/merged/$* tests/fuzz/corpus/$*
	@du -sh --apparent-size tests/fuzz/corpus/$*

clean: ## remove build/ (the cache outside the tree stays)
	rm -rf build

.PHONY: all campaign own-kernels install installable uninstall deb format bench bench-growth bench-init bench-start bench-hash help packages-boot \
	packages-kernel packages-check packages-bench demo-inputs boot check lint unit-binaries fuzz fuzz-binaries fuzz-corpora clean \
	differential-binaries coverage aarch64-binaries boot-binaries coverage-binaries seeded sources repro

-include $(shell find build -name '*.d' 2>/dev/null)
