/* Programs made by hand: which run by themselves, and where. */
#include "compose/elf.h"

#include <elf.h>
#include <stdlib.h>

#include "little_endian.h"
#include "tap.h"

enum { INTERPRETER_AT = 300 };

static uint8_t file[512];
static size_t size;
static bool big;

static void put(size_t at, unsigned count, uint64_t value)
{
	put_little_endian(file + at, count, value);
	for (unsigned i = 0; big && i < count / 2; i++) {
		uint8_t other = file[at + count - 1 - i];
		file[at + count - 1 - i] = file[at + i];
		file[at + i] = other;
	}
}

/* A static program of two entries in its table. */
static void make(unsigned machine, unsigned class, unsigned order)
{
	bool wide = class == ELFCLASS64;
	memset(file, 0, sizeof file);
	memcpy(file, ELFMAG, SELFMAG);
	file[EI_CLASS] = (uint8_t) class;
	file[EI_DATA] = (uint8_t)order;
	big = order == ELFDATA2MSB;
	put(offsetof(Elf64_Ehdr, e_type), 2, ET_EXEC);
	put(offsetof(Elf64_Ehdr, e_machine), 2, machine);
	put(wide ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff), wide ? 8 : 4, 64);
	put(wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum), 2, 2);
	put(64, 4, PT_LOAD);
	put(64 + (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)), 4, PT_NOTE);
	size = 64 + 2 * (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
}

/* The second entry is an interpreter: of so many bytes at `at`. */
static void make_dynamic(bool wide, uint64_t at, uint64_t bytes)
{
	make(wide ? EM_X86_64 : EM_386, wide ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB);
	size_t entry = size - (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	put(entry, 4, PT_INTERP);
	put(entry + (wide ? offsetof(Elf64_Phdr, p_offset) : offsetof(Elf32_Phdr, p_offset)),
		wide ? 8 : 4, at);
	put(entry + (wide ? offsetof(Elf64_Phdr, p_filesz) : offsetof(Elf32_Phdr, p_filesz)),
		wide ? 8 : 4, bytes);
	memcpy(file + INTERPRETER_AT, "/lib/ld.so", 11);
	size = INTERPRETER_AT + 11;
}

static void make_good(void)
{
	make(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
}

/* ERROR_NONE: it is one. The message has `said` in it. */
static void is(const char *architecture, enum error_code code, const char *said, const char *name)
{
	struct error e = {.code = ERROR_NONE};
	uint8_t *copy = malloc(size > 0 ? size : 1); /* so that the sanitizer sees the end */
	if (size > 0)
		memcpy(copy, file, size);
	int result = elf_check_static(copy, size, architecture, &e);
	if (!ok(result == (code == ERROR_NONE ? 0 : -1) && e.code == code &&
			    strstr(e.text, said) != NULL,
		    "%s", name))
		printf("# %s: %s\n", error_code_name(e.code), e.text);
	free(copy);
	make_good();
}

static void architectures(void)
{
	static const struct {
		const char *name;
		unsigned machine, class, order;
	} all[] = {
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
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		make(all[i].machine, all[i].class, all[i].order);
		is(all[i].name, ERROR_NONE, "", all[i].name);
	}
	is("aarch64", ERROR_TARGET, "it is for x86_64, not for aarch64", "another one");
	is("vax", ERROR_TARGET, "`vax` is not known", "one that is not known");
	make(EM_VAX, ELFCLASS32, ELFDATA2LSB);
	is("x86_64", ERROR_TARGET, "it is for another architecture", "of one that is not known");
	make(EM_X86_64, ELFCLASS32, ELFDATA2LSB);
	is("x86_64", ERROR_TARGET, "for another", "x32 is another");
	make(EM_PPC64, ELFCLASS64, ELFDATA2MSB);
	is("ppc64le", ERROR_TARGET, "for another", "of the other byte order");
}

static void kinds(void)
{
	size = 0;
	is("x86_64", ERROR_TYPE, "no ELF program", "nothing");
	size = EI_DATA;
	is("x86_64", ERROR_TYPE, "no ELF program", "five bytes");
	size = sizeof(Elf32_Ehdr) - 1;
	is("x86_64", ERROR_TYPE, "no ELF program", "a header that is cut");
	size = sizeof(Elf32_Ehdr);
	is("x86_64", ERROR_TYPE, "damaged", "one of 64 bits as long as one of 32");
	size = offsetof(Elf64_Ehdr, e_phnum) + 1;
	is("x86_64", ERROR_TYPE, "damaged", "one that is cut within a number");
	file[3] = 'f';
	is("x86_64", ERROR_TYPE, "no ELF program", "no magic");
	put(offsetof(Elf64_Ehdr, e_type), 2, ET_REL);
	is("x86_64", ERROR_TYPE, "but no program", "an object");
	put(offsetof(Elf64_Ehdr, e_type), 2, ET_CORE);
	is("x86_64", ERROR_TYPE, "but no program", "a core");
	put(offsetof(Elf64_Ehdr, e_type), 2, ET_DYN);
	is("x86_64", ERROR_NONE, "", "one that can lie anywhere");
}

static void tables(void)
{
	put(offsetof(Elf64_Ehdr, e_phnum), 2, 0);
	is("x86_64", ERROR_TYPE, "damaged", "no table");
	put(offsetof(Elf64_Ehdr, e_phnum), 2, 3);
	is("x86_64", ERROR_TYPE, "damaged", "a table of one entry too many");
	size--;
	is("x86_64", ERROR_TYPE, "damaged", "a table that is cut");
	put(offsetof(Elf64_Ehdr, e_phoff), 8, size + 1);
	is("x86_64", ERROR_TYPE, "damaged", "a table behind the end");
	put(offsetof(Elf64_Ehdr, e_phoff), 8, size);
	is("x86_64", ERROR_TYPE, "damaged", "a table at the end");
	put(offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX - 55);
	is("x86_64", ERROR_TYPE, "damaged", "a table whose end comes round");
	make(EM_386, ELFCLASS32, ELFDATA2LSB);
	put(offsetof(Elf32_Ehdr, e_phoff), 4, UINT32_MAX);
	is("i686", ERROR_TYPE, "damaged", "a table of 32 bits far outside");
}

static void interpreters(void)
{
	make_dynamic(true, INTERPRETER_AT, 11);
	is("x86_64", ERROR_TYPE, "it needs /lib/ld.so, and", "an interpreter");
	make_dynamic(false, INTERPRETER_AT, 11);
	is("i686", ERROR_TYPE, "it needs /lib/ld.so, and", "one of 32 bits");
	make_dynamic(true, INTERPRETER_AT, 4);
	is("x86_64", ERROR_TYPE, "it needs /lib, and", "one without its end");
	make_dynamic(true, INTERPRETER_AT, 0);
	is("x86_64", ERROR_TYPE, "damaged", "one of no bytes");
	make_dynamic(true, INTERPRETER_AT, 12);
	is("x86_64", ERROR_TYPE, "damaged", "one that goes on behind the end");
	make_dynamic(true, INTERPRETER_AT + 11, 1);
	is("x86_64", ERROR_TYPE, "damaged", "one behind the end");
	make_dynamic(true, UINT64_MAX, 2);
	is("x86_64", ERROR_TYPE, "damaged", "one whose end comes round");
	make_dynamic(true, INTERPRETER_AT, UINT64_MAX);
	is("x86_64", ERROR_TYPE, "damaged", "one of all bytes that there are");
	make_dynamic(true, INTERPRETER_AT, 210);
	memset(file + INTERPRETER_AT, 'i', 210);
	size = INTERPRETER_AT + 210;
	is("x86_64", ERROR_TYPE, "iii, and what", "a long one");
}

/* --- the note that QEMU wants of a vmlinux */

enum { NOTE_AT = 300, NOTE_BYTES = 12 + 4 + 8, PVH = 18 };

static void put_note(size_t at, uint32_t name, uint32_t content, uint32_t type, const char *owner)
{
	put(at, 4, name);
	put(at + 4, 4, content);
	put(at + 8, 4, type);
	memcpy(file + at + 12, owner, 4);
}

/* Its second entry has notes of so many bytes at `at`. */
static void make_notes(unsigned class, unsigned order, uint64_t at, uint64_t bytes)
{
	const bool wide = class == ELFCLASS64;
	make(wide ? EM_X86_64 : EM_386, class, order);
	size_t entry = size - (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	put(entry + (wide ? offsetof(Elf64_Phdr, p_offset) : offsetof(Elf32_Phdr, p_offset)),
		wide ? 8 : 4, at);
	put(entry + (wide ? offsetof(Elf64_Phdr, p_filesz) : offsetof(Elf32_Phdr, p_filesz)),
		wide ? 8 : 4, bytes);
	put_note(NOTE_AT, 4, 8, PVH, "Xen");
	size = NOTE_AT + NOTE_BYTES;
}

static void make_note(void)
{
	make_notes(ELFCLASS64, ELFDATA2LSB, NOTE_AT, NOTE_BYTES);
}

static void boots(bool wanted, const char *name)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(copy, file, size);
	ok(elf_has_pvh(copy, size) == wanted, "%s", name);
	free(copy);
	make_note();
}

static void notes(void)
{
	make_note();
	boots(true, "a vmlinux with the note");
	make_notes(ELFCLASS32, ELFDATA2LSB, NOTE_AT, NOTE_BYTES);
	boots(true, "one of 32 bits");
	make_notes(ELFCLASS64, ELFDATA2MSB, NOTE_AT, NOTE_BYTES);
	boots(true, "one of the other byte order");
	put_note(NOTE_AT, 4, 8, PVH - 1, "Xen");
	boots(false, "a note of another type");
	put_note(NOTE_AT, 4, 8, PVH, "GNU");
	boots(false, "a note of another owner");
	put_note(NOTE_AT, 3, 8, PVH, "Xen");
	boots(false, "an owner without its end");
	put_note(NOTE_AT, 4, 9, PVH, "Xen");
	boots(false, "a note that goes on behind the end");
	put_note(NOTE_AT, UINT32_MAX, UINT32_MAX, PVH, "Xen");
	boots(false, "a note of 8 GiB");
	make_notes(ELFCLASS64, ELFDATA2LSB, NOTE_AT, 2 * NOTE_BYTES);
	put_note(NOTE_AT, 4, 8, 3, "GNU");
	put_note(NOTE_AT + NOTE_BYTES, 4, 8, PVH, "Xen");
	size += NOTE_BYTES;
	boots(true, "the second note");
	make_notes(ELFCLASS64, ELFDATA2LSB, NOTE_AT, NOTE_BYTES + 11);
	put_note(NOTE_AT, 4, 8, 3, "GNU");
	size += 11;
	boots(false, "what is too short for another note");
	make_notes(ELFCLASS64, ELFDATA2LSB, NOTE_AT, NOTE_BYTES + 1);
	boots(false, "notes that go on behind the end");
	make_notes(ELFCLASS64, ELFDATA2LSB, NOTE_AT + NOTE_BYTES + 1, 0);
	boots(false, "notes behind the end");
	make_notes(ELFCLASS64, ELFDATA2LSB, UINT64_MAX, 2);
	boots(false, "notes whose end comes round");
	put(64 + sizeof(Elf64_Phdr), 4, PT_LOAD);
	boots(false, "the same bytes elsewhere");
	put(offsetof(Elf64_Ehdr, e_phnum), 2, UINT16_MAX);
	boots(false, "a table that is too long");
	put(offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX);
	boots(false, "a table behind the end");
	put(offsetof(Elf64_Ehdr, e_phnum), 2, 0);
	boots(false, "no table");
	size = 0;
	boots(false, "nothing");
}

int main(void)
{
	make_good();
	architectures();
	kinds();
	tables();
	interpreters();
	notes();
	return done();
}
