// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU: which memory a packet's way through the kernel touches.
 *
 *	-plugin build/bench/lines.so,out=FILE
 *
 * tests/bench/inject marks its runs and their packets with instructions that
 * have no effect (inject.h). For each run a line of JSON is written: packets,
 * and, for all of them, instructions, distinct lines of 64 bytes that data was
 * read from or written to, summed up over the packets, and the misses of two
 * caches that are simulated, of 32 KiB and of 1 MiB. Between packets the caches
 * see what the injecting module does. Instructions are not fetched by them.
 * "blocks" has the instructions, and the lines that no other block touched
 * before, by the address of the translation block.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"

#define LINE_SHIFT	6
#define KERNEL		0xffff800000000000ULL

/* movabs $0x6862656e6368NNNN, %rax */
#define MARK_SIZE	10
static const uint8_t mark_opcode[] = { 0x48, 0xb8 };
static const uint8_t mark_magic[] = { 0x68, 0x63, 0x6e, 0x65, 0x62, 0x68 };

enum mark { RUN_BEGINS = 1, RUN_ENDS, PACKET_BEGINS, PACKET_ENDS };

struct cache {
	unsigned int sets, ways;
	uint64_t *lines;	/* by set, the one used last first; 0: none */
};

/* Which lines a packet has touched. */
#define TOUCHED		8192
struct touched {
	uint64_t line;
	uint64_t packet;
};

#define BLOCKS		(1 << 18)
struct block {
	uint64_t pc;
	uint64_t insns, lines;
};

static qemu_plugin_id_t self;
static FILE *out;
static bool instruments, resetting;
static bool running, counting;
static uint64_t packet;		/* the current one's number, over all runs */
static uint64_t packets, insns, accesses, lines, misses[2];
static struct cache caches[2];
static struct touched touched[TOUCHED];
static struct block blocks[BLOCKS];

static uint32_t hash(uint64_t value, unsigned int size)
{
	return (value * 0x9e3779b97f4a7c15ULL >> 32) % size;
}

static void cache_init(struct cache *cache, unsigned int size, unsigned int ways)
{
	cache->ways = ways;
	cache->sets = size / ways >> LINE_SHIFT;
	cache->lines = calloc((size_t)cache->sets * ways, sizeof(*cache->lines));
	if (!cache->lines)
		abort();
}

/* Is the line there? Afterwards it is. */
static bool cache_hit(struct cache *cache, uint64_t line)
{
	uint64_t *set = cache->lines + line % cache->sets * cache->ways;
	unsigned int i = 0;
	bool hit;

	while (i < cache->ways - 1 && set[i] != line)
		i++;
	hit = set[i] == line;
	memmove(set + 1, set, i * sizeof(*set));
	set[0] = line;
	return hit;
}

static void touch(uint64_t line, struct block *block)
{
	bool missed[2] = { false, false };
	uint32_t i;

	missed[0] = !cache_hit(&caches[0], line);
	missed[1] = missed[0] && !cache_hit(&caches[1], line);
	if (!counting)
		return;
	misses[0] += missed[0];
	misses[1] += missed[1];
	i = hash(line, TOUCHED);
	while (touched[i].packet == packet && touched[i].line != line)
		i = (i + 1) % TOUCHED;
	if (touched[i].packet == packet)
		return;
	touched[i] = (struct touched){ .line = line, .packet = packet };
	lines++;
	block->lines++;
}

static void accessed(unsigned int vcpu, qemu_plugin_meminfo_t info,
		     uint64_t vaddr, void *data)
{
	struct qemu_plugin_hwaddr *hwaddr;
	uint64_t addr, size;

	(void)vcpu;
	if (!running)
		return;
	hwaddr = qemu_plugin_get_hwaddr(info, vaddr);
	if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr))
		return;
	accesses += counting;
	addr = qemu_plugin_hwaddr_phys_addr(hwaddr);
	size = 1ULL << qemu_plugin_mem_size_shift(info);
	touch(addr >> LINE_SHIFT, data);
	if (addr >> LINE_SHIFT != (addr + size - 1) >> LINE_SHIFT)
		touch((addr >> LINE_SHIFT) + 1, data);
}

/* The entry of a block, by its address. */
static struct block *block_of(uint64_t pc)
{
	uint32_t i = hash(pc, BLOCKS), n;

	for (n = 0; n < BLOCKS; n++, i = (i + 1) % BLOCKS) {
		if (!blocks[i].pc)
			blocks[i].pc = pc;
		if (blocks[i].pc == pc)
			return &blocks[i];
	}
	abort();
}

struct step {
	struct block *block;
	size_t insns;
};

static void stepped(unsigned int vcpu, void *data)
{
	struct step *step = data;

	(void)vcpu;
	if (!counting)
		return;
	insns += step->insns;
	step->block->insns += step->insns;
}

static void report(void)
{
	const char *separator = "";
	uint32_t i;

	fprintf(out, "{\"packets\": %llu, \"instructions\": %llu, \"accesses\": %llu, \"lines\": %llu, \"misses\": [%llu, %llu], \"blocks\": {",
		(unsigned long long)packets, (unsigned long long)insns,
		(unsigned long long)accesses, (unsigned long long)lines,
		(unsigned long long)misses[0], (unsigned long long)misses[1]);
	for (i = 0; i < BLOCKS; i++) {
		if (!blocks[i].insns && !blocks[i].lines)
			continue;
		fprintf(out, "%s\"%llx\": [%llu, %llu]", separator,
			(unsigned long long)blocks[i].pc,
			(unsigned long long)blocks[i].insns,
			(unsigned long long)blocks[i].lines);
		separator = ", ";
		blocks[i].insns = blocks[i].lines = 0;
	}
	fputs("}}\n", out);
	fflush(out);
	packets = insns = accesses = lines = misses[0] = misses[1] = 0;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void was_reset(qemu_plugin_id_t id)
{
	instruments = true;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
}

static void marked(unsigned int vcpu, void *data)
{
	(void)vcpu;
	switch ((enum mark)(uintptr_t)data) {
	case RUN_BEGINS:
		/* All code is translated anew, so the first run is not counted. */
		if (!resetting) {
			resetting = true;
			qemu_plugin_reset(self, was_reset);
		}
		running = instruments;
		break;
	case RUN_ENDS:
		if (running)
			report();
		running = false;
		break;
	case PACKET_BEGINS:
		counting = running;
		packet++;
		packets += counting;
		break;
	case PACKET_ENDS:
		counting = false;
		break;
	}
}

static enum mark mark_of(const struct qemu_plugin_insn *insn)
{
	const uint8_t *data = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != MARK_SIZE ||
	    memcmp(data, mark_opcode, sizeof(mark_opcode)) ||
	    memcmp(data + 4, mark_magic, sizeof(mark_magic)))
		return 0;
	return data[2] | data[3] << 8;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t vaddr = qemu_plugin_tb_vaddr(tb);
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct block *block = NULL;

	(void)id;
	if (vaddr < KERNEL)
		return;
	if (instruments)
		block = block_of(vaddr);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		enum mark mark = mark_of(insn);

		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked,
							       QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(uintptr_t)mark);
		else if (instruments)
			qemu_plugin_register_vcpu_mem_cb(insn, accessed,
							 QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW, block);
	}
	if (instruments) {
		/* It lives as long as the block, of which nobody tells the end. */
		struct step *step = malloc(sizeof(*step));

		if (!step)
			abort();
		step->block = block;
		step->insns = n;
		qemu_plugin_register_vcpu_tb_exec_cb(tb, stepped,
						     QEMU_PLUGIN_CB_NO_REGS,
						     step);
	}
}

API_EXPORT int qemu_plugin_version = API_VERSION;

API_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
				   int argc, char **argv)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64")) {
		fputs("lines: only for machines of the type x86_64\n", stderr);
		return 1;
	}
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("lines: usage: -plugin lines.so,out=FILE\n", stderr);
		return 1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return 1;
	}
	self = id;
	cache_init(&caches[0], 32 << 10, 8);
	cache_init(&caches[1], 1 << 20, 16);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
