#include "modules.h"

#include <errno.h>
#include <linux/module.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "scope.h"
#include "syscalls.h"

static int load(const struct initconf_module *module)
{
	size_t length = strlen(module->path);
	bool plain = length > 3 && strcmp(module->path + length - 3, ".ko") == 0;
	SCOPED_FD fd = open(module->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (sys_finit_module(fd, module->parameters, plain ? 0 : MODULE_INIT_COMPRESSED_FILE) == 0)
		return 0;
	return errno == EEXIST ? 0 : -1; /* built in, or loaded for another one */
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
		(void)snprintf(line, sizeof line, "module %s is not loaded: %s", module->path,
			strerror(errno));
		warn(context, line);
	}
}
