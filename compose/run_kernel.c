#include "run_kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../qemu/accel.h"
#include "elf.h"
#include "program.h"
#include "report.h"

static int set_path(char **out, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int set_path(char **out, struct error *e, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int length = vasprintf(out, format, list);
	va_end(list);
	if (length >= 0)
		return 0;
	*out = NULL;
	return error_set(e, ERROR_NOSPACE, 0, "no memory");
}

/* Take the modules at this place, if there are any. */
static int try_modules(struct run_kernel *kernel, const char *root, const char *below,
	const char *release, struct error *e)
{
	SCOPED_FREE char *path = NULL;
	SCOPED_FREE char *dep = NULL;
	if (set_path(&path, e, "%s%s%s", root, below, release) != 0 ||
		set_path(&dep, e, "%s%s", path, release[0] != '\0' ? "/modules.dep" : "") != 0)
		return -1;
	if (kernel->modules != NULL || access(dep, F_OK) != 0)
		return 0;
	/* modules_open() finds the one release in a root. */
	return release[0] != '\0' ? set_path(&kernel->modules, e, "%s", path)
				  : set_path(&kernel->modules, e, "%s", root);
}

static int take_file(const char *path, struct run_kernel *kernel, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	SCOPED_FREE char *directory = NULL;
	const char *dash = strchr(base, '-');
	if (set_path(&directory, e, "%.*s", slash != NULL ? (int)(slash - path) : 1,
		    slash != NULL ? path : ".") != 0 ||
		set_path(&kernel->file, e, "%s", path) != 0)
		return -1;
	if (strcmp(directory, "/boot") == 0 && dash != NULL)
		return try_modules(kernel, "", "/lib/modules/", dash + 1, e);
	if (try_modules(kernel, directory, "/lib/modules", "", e) != 0)
		return -1;
	return try_modules(kernel, directory, "/usr/lib/modules", "", e);
}

/* QEMU starts no vmlinux without CONFIG_PVH, which a tree where one is compiled has beside the
 * bzImage that it does start. */
static bool boots(const char *path)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return false;
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	bool result = elf_has_pvh(bytes, (size_t)st.st_size);
	(void)munmap(bytes, (size_t)st.st_size);
	return result;
}

/* The first that is there; a vmlinux that can't boot only where there is no other. NULL: none, or
 * no memory. The caller frees. */
static char *find_in_directory(const char *path)
{
	static const char *const names[] = {
		"vmlinux", "vmlinuz", "bzImage", "arch/x86/boot/bzImage", "vmlinux"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		SCOPED_FREE char *file = NULL;
		if (set_path(&file, NULL, "%s/%s", path, names[i]) != 0)
			return NULL;
		if (access(file, F_OK) == 0 && (i > 0 || boots(file)))
			return SCOPE_TAKE(file);
	}
	return NULL;
}

static int take_directory(const char *path, struct run_kernel *kernel, struct error *e)
{
	SCOPED_FREE char *file = find_in_directory(path);
	if (file == NULL) {
		report_hint("it has vmlinux, vmlinuz or bzImage in it");
		return error_set(
			e, ERROR_MISSING, 0, "there is no kernel in the directory `%s`", path);
	}
	if (take_file(file, kernel, e) != 0 ||
		try_modules(kernel, path, "/lib/modules", "", e) != 0)
		return -1;
	return try_modules(kernel, path, "/usr/lib/modules", "", e);
}

/* --- a Debian package */

static int run(const char *name, const char *package, const char *const *arguments, int dir_fd,
	struct error *e)
{
	char path[PATH_MAX];
	if (program_find(name, package, path, e) != 0)
		return -1;
	const struct program_run run = {
		.path = path, .arguments = arguments, .keep_fd = -1, .directory_fd = dir_fd};
	return program_run(&run, e);
}

/* The one name in a directory that begins so; NULL: none. Caller frees. */
static char *find_name(int dir_fd, const char *below, const char *prefix)
{
	int fd = openat(dir_fd, below, O_DIRECTORY | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char *found = NULL;
	const struct dirent *entry;
	if (dir == NULL) {
		scope_close(&fd);
		return NULL;
	}
	while (found == NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			found = strdup(entry->d_name);
	}
	(void)closedir(dir);
	return found;
}

/* The package leaves modules.dep to its postinst. */
static int make(void *context, int dir_fd, struct error *e)
{
	const char *const unpack[] = {"dpkg-deb", "-x", context, ".", NULL};
	SCOPED_FREE char *kernel = NULL;
	SCOPED_FREE char *release = NULL;
	SCOPED_FREE char *from = NULL;
	if (run("dpkg-deb", "dpkg", unpack, dir_fd, e) != 0)
		return -1;
	kernel = find_name(dir_fd, "boot", "vmlinuz-");
	if (kernel == NULL)
		return error_set(e, ERROR_MISSING, 0, "the package has no boot/vmlinuz-*");
	if (faccessat(dir_fd, "lib/modules", F_OK, 0) != 0 &&
		faccessat(dir_fd, "usr/lib/modules", F_OK, 0) == 0 &&
		((mkdirat(dir_fd, "lib", 0755) != 0 && errno != EEXIST) ||
			renameat(dir_fd, "usr/lib/modules", dir_fd, "lib/modules") != 0))
		return error_errno(e, errno, "the package's modules");
	if (set_path(&from, e, "boot/%s", kernel) != 0)
		return -1;
	if (renameat(dir_fd, from, dir_fd, "vmlinuz") != 0)
		return error_errno(e, errno, "the package's kernel");
	release = find_name(dir_fd, "lib/modules", "");
	if (release == NULL)
		return error_set(e, ERROR_MISSING, 0, "the package has no modules");
	const char *const depmod[] = {"depmod", "-b", ".", release, NULL};
	return run("depmod", "kmod", depmod, dir_fd, e);
}

static int take_package(
	const char *path, struct run_cache *cache, struct run_kernel *kernel, struct error *e)
{
	static const char *const files[] = {"vmlinuz", NULL};
	static const char purpose[] = "plyboot run kernel 1";
	SCOPED_FREE char *real = realpath(path, NULL);
	struct sha256 hash;
	struct digest key;
	struct stat st;
	if (real == NULL || stat(real, &st) != 0)
		return error_errno(e, errno, "`%s`", path);
	const int64_t which[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, (int64_t)st.st_size,
		(int64_t)st.st_ctim.tv_sec, (int64_t)st.st_ctim.tv_nsec};
	sha256_start(&hash);
	sha256_update(&hash, purpose, sizeof purpose);
	sha256_update(&hash, which, sizeof which);
	sha256_finish(&hash, &key);
	if (run_cache_take(cache, &key, files, make, real, &kernel->entry, e) != 0)
		return error_wrap(e, "--kernel `%s`", path);
	if (set_path(&kernel->modules, e, "%s", kernel->entry.path) != 0)
		return -1;
	return set_path(&kernel->file, e, "%s/vmlinuz", kernel->entry.path);
}

static bool is_package(const char *path)
{
	size_t length = strlen(path);
	return length > 4 && strcmp(path + length - 4, ".deb") == 0;
}

static int take(
	const char *path, struct run_cache *cache, struct run_kernel *kernel, struct error *e)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return error_errno(e, errno, "the kernel `%s`", path);
	if (S_ISDIR(st.st_mode))
		return take_directory(path, kernel, e);
	return is_package(path) ? take_package(path, cache, kernel, e) : take_file(path, kernel, e);
}

/* --- where none was named */

/* PREFIX/lib/plyboot/kernel-ARCH, when this is PREFIX/bin/plyboot. */
static bool installed(const char *architecture, char out[PATH_MAX])
{
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	if (length <= 0)
		return false;
	own[length] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(own, '/');
		if (slash == NULL)
			return false;
		*slash = '\0';
	}
	length = snprintf(out, PATH_MAX, "%s/lib/plyboot/kernel-%s", own, architecture);
	return length > 0 && length < PATH_MAX && access(out, F_OK) == 0;
}

/* kconfig/build names them own-VERSION-ARCH-HASH, and touches the one that it gives out. */
static bool compiled(const char *architecture, char out[PATH_MAX])
{
	char kernels[PATH_MAX], path[PATH_MAX], middle[64];
	struct timespec newest = {0};
	bool found = false;
	if (!accel_cache_directory(kernels) || strlen(kernels) + sizeof "/kernels" > sizeof kernels)
		return false;
	(void)strcat(kernels, "/kernels");
	(void)snprintf(middle, sizeof middle, "-%s-", architecture);
	DIR *dir = opendir(kernels);
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct stat st;
		if (strncmp(entry->d_name, "own-", 4) != 0 ||
			strstr(entry->d_name, middle) == NULL ||
			snprintf(path, sizeof path, "%s/%s/vmlinux", kernels, entry->d_name) >=
				(int)sizeof path ||
			access(path, F_OK) != 0)
			continue;
		*strrchr(path, '/') = '\0';
		if (stat(path, &st) != 0 ||
			(found && (st.st_mtim.tv_sec < newest.tv_sec ||
					  (st.st_mtim.tv_sec == newest.tv_sec &&
						  st.st_mtim.tv_nsec < newest.tv_nsec))))
			continue;
		newest = st.st_mtim;
		found = true;
		memcpy(out, path, sizeof path);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

int run_kernel_find(const char *given, const char *architecture, struct run_cache *cache,
	struct run_kernel *out, struct error *e)
{
	const char *named = getenv("PLYBOOT_KERNEL");
	char path[PATH_MAX];
	if (given != NULL)
		return take(given, cache, out, e);
	if (named != NULL && named[0] != '\0')
		return take(named, cache, out, e) == 0 ? 0 : error_wrap(e, "PLYBOOT_KERNEL");
	if (installed(architecture, path) || compiled(architecture, path))
		return take(path, cache, out, e);
	report_hint("--kernel takes a bzImage, a directory, or a package such as "
		    "linux-image-6.1.0-41-amd64_*.deb (apt-get download); in plyboot's source, "
		    "`qemu/demo/kernel amd64` fetches that, and `make own-kernels` compiles ours");
	return error_set(e, ERROR_MISSING, 0, "no kernel for `%s` is here", architecture);
}

void run_kernel_close(struct run_kernel *kernel)
{
	free(kernel->file);
	free(kernel->modules);
	kernel->file = kernel->modules = NULL;
	run_entry_release(&kernel->entry);
}
