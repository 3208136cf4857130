/* The catalogue of bad inputs, rows "stack file" and "signature": each thing by name, put on a
 * layers partition as the newest stack, properly signed where the signature is not what is bad. It
 * must be refused with exactly its code, alone and beside another stack, which stays to boot; and
 * its twin, which differs only in not being bad, must be taken. */
#include <fcntl.h>
#include <sys/wait.h>

#include "layers/sandbox.h"

#include "catalogue.h"
#include "errors.h"
#include "init/boot.h"
#include "init/candidates.h"
#include "choose.h"
#include "record_io.h"

static struct sandbox sandbox;
static struct source *source;
static struct candidates found;
static struct report report;
static struct record record;

/* --- looking at the partition */

static void put_stack(const char *name, const struct bytes *file)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof path, "%s/stacks/%s", sandbox.root, name);
	write_file(path, file->data, file->size);
}

static void remove_stack(const char *name)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof path, "%s/stacks/%s", sandbox.root, name);
	if (unlink(path) != 0)
		abort();
}

/* What /init would find; its console is not part of it. */
static int look(const struct bad_input *item, bool bad, struct error *e)
{
	const struct public_key keys[] = {a.key, b.key};
	const bool low = item->floor != 0 || item->recorded_floor != 0;
	struct candidate_policy policy = {
		.signatures = {.keys = keys,
			.key_count = 2,
			.revoked = &a.key.id,
			.revoked_count = item->revoke && bad,
			.needed = item->needed != 0 ? item->needed : 1},
		.machine = "x86_64",
		.kernel_release = "6.1.0-40",
	};
	const uint64_t fixed = item->floor != 0 ? (bad ? item->floor : 8) : 0;
	floors_add_fixed(&policy.floors, &fixed);
	floors_add_record(&policy.floors, &record);
	record = (struct record){.sequence = low, .name_count = item->recorded_floor != 0};
	record.names[0] =
		(struct record_name){.name = "demo", .floor = bad ? item->recorded_floor : 8};
	report = (struct report){0};
	for (size_t i = 0; i < found.count; i++)
		stack_free(&found.list[i].stack);
	found.count = 0;
	*e = (struct error){0};
	int silent = open("/dev/null", O_WRONLY | O_CLOEXEC), loud = dup(2);
	(void)dup2(silent, 2);
	int result = candidates_find(source, &policy, &report, &found, e);
	(void)dup2(loud, 2);
	(void)close(silent);
	(void)close(loud);
	return result;
}

static bool is_refused_exactly(enum error_code code)
{
	if (report.refused_count == 1 && report.refused[0].code == code &&
		strcmp(report.refused[0].what, "demo-8.stack") == 0)
		return true;
	for (size_t i = 0; i < report.refused_count; i++)
		printf("# refused %s: %s: %s\n", report.refused[i].what,
			error_code_name(report.refused[i].code), report.refused[i].reason);
	return false;
}

static void check_item(const struct bad_input *item)
{
	void (*make)(const struct bad_input *, bool, struct bytes *) =
		item->make != NULL ? item->make : make_replaced;
	const char *next = item->next != NULL ? item->next : "demo-7.stack";
	struct bytes bad = {0}, twin = {0}, other = {0};
	struct error e;
	make(item, true, &bad);
	make(item, false, &twin);
	add_text(&other, item->next_text != NULL ? item->next_text : TEXT("7"));
	uint8_t by_a[KEY_SIGNATURE_BYTES], by_b[KEY_SIGNATURE_BYTES];
	sign_bytes(&a, other.data, other.size, by_a);
	sign_bytes(&b, other.data, other.size, by_b);
	add_line(&other, &a.key.id, by_a);
	add_line(&other, &b.key.id, by_b);

	put_stack("demo-8.stack", &bad);
	error_is(look(item, true, &e), &e, item->code, "catalogue: %s: %s: %s", item->row,
		item->name, error_code_name(item->code));
	ok(found.count == 0 && is_refused_exactly(item->code), "... and nothing is found");
	put_stack(next, &other);
	ok(look(item, true, &e) == 0 && found.count == 1 &&
			strcmp(found.list[0].file_name, next) == 0 &&
			choose_next(&found, &record, true) == 0 && is_refused_exactly(item->code),
		"... beside %s: that one boots", next);
	put_stack("demo-8.stack", &twin);
	bool taken = look(item, false, &e) == 0 && found.count == 2 && report.refused_count == 0;
	ok(taken, "... its twin is taken");
	if (!taken)
		(void)is_refused_exactly(ERROR_NONE);
	remove_stack("demo-8.stack");
	remove_stack(next);
	bytes_free(&bad);
	bytes_free(&twin);
	bytes_free(&other);
}

/* No text is known whose SHA-256 is zero, so this one is put to the function that would meet it. */
static void a_zero_hash_is_refused(void)
{
	struct digest zero = {{0}}, other = {{1}};
	uint8_t raw[KEY_SIGNATURE_BYTES];
	struct error e;
	signer_sign(&a, &zero, raw);
	error_is(key_verify(&a.key, &zero, raw, &e), &e, ERROR_SIGNATURE,
		"catalogue: signature: zero hash: SIGNATURE");
	signer_sign(&a, &other, raw);
	ok(key_verify(&a.key, &other, raw, &e) == 0, "... its twin is taken");
}

/* --- a key in the initramfs: nothing can be believed, so the boot ends there */

struct bad_key {
	const char *name, *hex;
};

/* 0, or the error's code, of boot_read_keys() in a root that has this one key. */
static int read_keys_in(const char *root, const uint8_t *der, size_t size)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof path, "%s/etc/plyboot/keys/k.der", root);
	write_file(path, der, size);
	pid_t child = fork();
	if (child == 0) {
		static struct boot boot;
		struct error e = {0};
		if (chroot(root) != 0)
			_exit(ERROR_CODES);
		_exit(boot_read_keys(&boot, &e) == 0 ? 0 : (int)e.code);
	}
	int status;
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : ERROR_CODES;
}

static void bad_keys_end_the_boot(void)
{
#define X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
	static const struct bad_key keys[] = {
		{"off the curve", P256_SPKI_PREFIX "04" X X},
		{"all zero", P256_SPKI_PREFIX "04" ZERO ZERO},
		{"all zero, every byte",
			ZERO ZERO "000000000000000000000000000000000000000000000000000000"},
		{"wrong length", P256_SPKI_PREFIX "04" X},
	};
#undef X
	char root[128];
	scratch_make(root);
	char path[PATH_MAX];
	static const char *const directories[] = {"etc", "etc/plyboot", "etc/plyboot/keys"};
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", root, directories[i]);
		if (mkdir(path, 0755) != 0)
			abort();
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		uint8_t der[128];
		from_hex(keys[i].hex, der);
		is_int(read_keys_in(root, der, strlen(keys[i].hex) / 2), ERROR_KEY,
			"catalogue: signature: key in the initramfs, at boot: %s: KEY",
			keys[i].name);
	}
	is_int(read_keys_in(root, a.key.spki, sizeof a.key.spki), 0, "... their twin is taken");
	scratch_remove(root);
}

int main(void)
{
	size_t rows[2] = {0, 0};
	if (!have_root())
		return 0; /* for chroot */
	signer_open("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", &a);
	signer_open("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &b);
	signer_open("00000000000000000000000000000000000000000000000000000000000000ff", &stranger);
	sandbox_open(&sandbox);
	struct error e;
	if (mkdirat(sandbox.root_fd, "stacks", 0755) != 0 ||
		source_dir_open(dup(sandbox.root_fd), &source, &e) != 0)
		abort();
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		check_item(&items[i]);
		rows[strcmp(items[i].row, "signature") == 0]++;
	}
	a_zero_hash_is_refused();
	bad_keys_end_the_boot();
	for (size_t i = 0; i < found.count; i++)
		stack_free(&found.list[i].stack);
	source_close(source);
	ok(sandbox_untouched(&sandbox), "nothing outside changed");
	sandbox_close(&sandbox);
	printf("# catalogue: %zu stack files; %zu signatures, a zero hash, 4 keys\n", rows[0],
		rows[1]);
	return done();
}
