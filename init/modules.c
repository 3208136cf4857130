#include "modules.h"

#include <errno.h>
#include <linux/module.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "scope.h"
#include "syscalls.h"

static bool is_plain(const char *path)
{
	size_t length = strlen(path);
	return length > 3 && strcmp(path + length - 3, ".ko") == 0;
}

static int load(const struct initconf_module *module)
{
	SCOPED_FD fd = open(module->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (sys_finit_module(fd, module->parameters,
		    is_plain(module->path) ? 0 : MODULE_INIT_COMPRESSED_FILE) == 0)
		return 0;
	return errno == EEXIST ? 0 : -1; /* built in, or loaded for another one */
}

/* What strerror() leaves open. */
static const char *hint(int sys_errno, const char *path)
{
	if (sys_errno == ENOEXEC)
		return ": it is no module of this kernel";
	if (sys_errno == EOPNOTSUPP || (sys_errno == EINVAL && !is_plain(path)))
		return ": it is compressed, which needs CONFIG_MODULE_DECOMPRESS=y (Linux 5.17)";
	if (sys_errno == ENOSYS)
		return ": the kernel loads no modules (CONFIG_MODULES=y)";
	return "";
}

void modules_load(
	const struct initconf *conf, void (*warn)(void *context, const char *line), void *context)
{
	for (size_t i = 0; i < conf->module_count; i++) {
		const struct initconf_module *module = &conf->modules[i];
		char line[400];
		console_debug("module %s", module->path);
		if (load(module) == 0)
			continue;
		(void)snprintf(line, sizeof line, "module %s is not loaded: %s%s", module->path,
			strerror(errno), hint(errno, module->path));
		warn(context, line);
	}
}
