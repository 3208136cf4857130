/* elf(5). */
#include "elf.h"

#include <elf.h>
#include <string.h>

/* What `uname -m` says, and what ELF does. */
struct machine {
	const char *name;
	uint16_t number;
	uint8_t class, order;
};

static const struct machine machines[] = {
	{"x86_64", EM_X86_64, ELFCLASS64, ELFDATA2LSB},
	{"i386", EM_386, ELFCLASS32, ELFDATA2LSB},
	{"i586", EM_386, ELFCLASS32, ELFDATA2LSB},
	{"i686", EM_386, ELFCLASS32, ELFDATA2LSB},
	{"aarch64", EM_AARCH64, ELFCLASS64, ELFDATA2LSB},
	{"armv6l", EM_ARM, ELFCLASS32, ELFDATA2LSB},
	{"armv7l", EM_ARM, ELFCLASS32, ELFDATA2LSB},
	{"riscv64", EM_RISCV, ELFCLASS64, ELFDATA2LSB},
	{"ppc64le", EM_PPC64, ELFCLASS64, ELFDATA2LSB},
	{"s390x", EM_S390, ELFCLASS64, ELFDATA2MSB},
};
enum { MACHINES = sizeof machines / sizeof machines[0] };

/* The file, in the byte order and with the word size that it says. */
struct elf {
	const uint8_t *bytes;
	size_t size_bytes;
	bool wide, big;
};

/* A number of a few bytes; 0 where the file has ended. */
static uint64_t get(const struct elf *elf, uint64_t at, unsigned count)
{
	uint64_t value = 0;
	if (at > elf->size_bytes || elf->size_bytes - at < count)
		return 0;
	for (unsigned i = 0; i < count; i++)
		value = value << 8 | elf->bytes[at + (elf->big ? i : count - 1 - i)];
	return value;
}

/* Offsets in the header and in an entry of the program table, of 64 and of 32 bits. */
static uint64_t pick(const struct elf *elf, uint64_t base, unsigned wide, unsigned narrow)
{
	return elf->wide ? get(elf, base + wide, 8) : get(elf, base + narrow, 4);
}

static int check_kind(const struct elf *elf, struct error *e)
{
	static const uint8_t magic[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};
	if (elf->size_bytes < sizeof(Elf32_Ehdr) || memcmp(elf->bytes, magic, sizeof magic) != 0)
		return error_set(e, ERROR_TYPE, 0, "it is no ELF program");
	uint64_t type = get(elf, offsetof(Elf64_Ehdr, e_type), 2);
	if (type != ET_EXEC && type != ET_DYN)
		return error_set(e, ERROR_TYPE, 0, "it is an ELF file, but no program");
	return 0;
}

static bool is_of(const struct elf *elf, const struct machine *machine)
{
	return get(elf, offsetof(Elf64_Ehdr, e_machine), 2) == machine->number &&
	       elf->bytes[EI_CLASS] == machine->class && elf->bytes[EI_DATA] == machine->order;
}

static int check_machine(const struct elf *elf, const char *architecture, struct error *e)
{
	const struct machine *wanted = NULL;
	const char *found = "another architecture";
	for (size_t i = 0; i < MACHINES; i++) {
		if (strcmp(machines[i].name, architecture) == 0)
			wanted = &machines[i];
		if (is_of(elf, &machines[i]))
			found = machines[i].name;
	}
	if (wanted == NULL)
		return error_set(e, ERROR_TARGET, 0, "which programs run on `%s` is not known here",
			architecture);
	if (!is_of(elf, wanted))
		return error_set(
			e, ERROR_TARGET, 0, "it is for %s, not for %s", found, architecture);
	return 0;
}

static int check_interpreter(const struct elf *elf, uint64_t entry, struct error *e)
{
	uint64_t at =
		pick(elf, entry, offsetof(Elf64_Phdr, p_offset), offsetof(Elf32_Phdr, p_offset));
	uint64_t size =
		pick(elf, entry, offsetof(Elf64_Phdr, p_filesz), offsetof(Elf32_Phdr, p_filesz));
	if (at >= elf->size_bytes || size == 0 || size > elf->size_bytes - at)
		return error_set(e, ERROR_TYPE, 0, "it is a damaged ELF program");
	return error_set(e, ERROR_TYPE, 0,
		"it is not static: it needs %.*s, and what that needs, which an initramfs lacks",
		(int)strnlen((const char *)elf->bytes + at, size < 200 ? size : 200),
		(const char *)elf->bytes + at);
}

/* An interpreter is an entry of the program table (PT_INTERP). */
static int check_table(const struct elf *elf, struct error *e)
{
	uint64_t table = pick(elf, 0, offsetof(Elf64_Ehdr, e_phoff), offsetof(Elf32_Ehdr, e_phoff));
	uint64_t count = elf->wide ? get(elf, offsetof(Elf64_Ehdr, e_phnum), 2)
				   : get(elf, offsetof(Elf32_Ehdr, e_phnum), 2);
	uint64_t step = elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (count == 0 || table > elf->size_bytes || (elf->size_bytes - table) / step < count)
		return error_set(e, ERROR_TYPE, 0, "it is a damaged ELF program");
	for (uint64_t i = 0; i < count; i++) {
		uint64_t entry = table + i * step;
		if (get(elf, entry, 4) == PT_INTERP)
			return check_interpreter(elf, entry, e);
	}
	return 0;
}

/* Xen's include/public/elfnote.h: XEN_ELFNOTE_PHYS32_ENTRY */
static bool is_pvh(const struct elf *elf, uint64_t at, uint64_t end)
{
	static const char owner[] = "Xen";
	enum { HEADER_BYTES = 12, PHYS32_ENTRY = 18 };
	while (at < end && end - at >= HEADER_BYTES) {
		uint64_t name = get(elf, at, 4), content = get(elf, at + 4, 4);
		uint64_t next = HEADER_BYTES + (name + 3) / 4 * 4 + (content + 3) / 4 * 4;
		if (next > end - at)
			return false;
		if (get(elf, at + 8, 4) == PHYS32_ENTRY && name == sizeof owner &&
			memcmp(elf->bytes + at + HEADER_BYTES, owner, sizeof owner) == 0)
			return true;
		at += next;
	}
	return false;
}

static struct elf begin(const uint8_t *bytes, size_t size_bytes)
{
	struct elf elf = {.bytes = bytes, .size_bytes = size_bytes};
	if (size_bytes > EI_DATA) {
		elf.wide = bytes[EI_CLASS] == ELFCLASS64;
		elf.big = bytes[EI_DATA] == ELFDATA2MSB;
	}
	return elf;
}

bool elf_has_pvh(const uint8_t *bytes, size_t size_bytes)
{
	const struct elf elf = begin(bytes, size_bytes);
	if (check_kind(&elf, NULL) != 0)
		return false;
	uint64_t table =
		pick(&elf, 0, offsetof(Elf64_Ehdr, e_phoff), offsetof(Elf32_Ehdr, e_phoff));
	uint64_t count = elf.wide ? get(&elf, offsetof(Elf64_Ehdr, e_phnum), 2)
				  : get(&elf, offsetof(Elf32_Ehdr, e_phnum), 2);
	uint64_t step = elf.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (table > size_bytes || (size_bytes - table) / step < count)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t entry = table + i * step;
		uint64_t at = pick(&elf, entry, offsetof(Elf64_Phdr, p_offset),
			offsetof(Elf32_Phdr, p_offset));
		uint64_t size = pick(&elf, entry, offsetof(Elf64_Phdr, p_filesz),
			offsetof(Elf32_Phdr, p_filesz));
		if (get(&elf, entry, 4) == PT_NOTE && at <= size_bytes && size <= size_bytes - at &&
			is_pvh(&elf, at, at + size))
			return true;
	}
	return false;
}

int elf_check_static(
	const uint8_t *bytes, size_t size_bytes, const char *architecture, struct error *e)
{
	const struct elf elf = begin(bytes, size_bytes);
	if (check_kind(&elf, e) != 0 || check_machine(&elf, architecture, e) != 0)
		return -1;
	return check_table(&elf, e);
}
