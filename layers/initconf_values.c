#include "initconf_private.h"

#include <string.h>

static const char *const device_names[INITCONF_DEVICES] = {
	[INITCONF_LAYERS] = "layers",
	[INITCONF_STATE] = "state",
	[INITCONF_RECORD] = "record",
};

const char *initconf_device_name(enum initconf_device device)
{
	return device_names[device];
}

const char *initconf_progress_name(enum initconf_progress progress)
{
	static const char *const names[INITCONF_PROGRESSES] = {"auto", "bar", "lines", "off"};
	return names[progress];
}

static bool is_one_of(const char *text, size_t max_length, const char *set)
{
	size_t length = strlen(text);
	return length >= 1 && length <= max_length && strspn(text, set) == length;
}

bool initconf_path_valid(const char *path)
{
	if (path[0] != '/' || strlen(path) > 255)
		return false;
	while (*path == '/') {
		const char *name = ++path;
		path += strcspn(path, "/");
		size_t length = (size_t)(path - name);
		if (length == 0 || (length == 1 && name[0] == '.') ||
			(length == 2 && name[0] == '.' && name[1] == '.'))
			return false;
	}
	return true;
}

bool initconf_program_valid(const char *path)
{
	return initconf_path_valid(path);
}

bool initconf_device_valid(enum initconf_device device, const char *text)
{
	static const char hex[] = "0123456789abcdefABCDEF-";
	static const struct {
		const char *tag;
		size_t max_length;
		const char *set; /* NULL: any */
	} tags[] = {
		{"LABEL=", 16, NULL},      /* s_volume_name of ext4 */
		{"PARTLABEL=", 108, NULL}, /* 36 UTF-16 units */
		{"UUID=", 36, hex},
		{"PARTUUID=", 36, hex},
	};
	if (strcmp(text, "none") == 0)
		return device != INITCONF_LAYERS;
	if (strncmp(text, "/dev/", 5) == 0)
		return initconf_path_valid(text);
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		size_t length = strlen(tags[i].tag);
		if (strncmp(text, tags[i].tag, length) != 0)
			continue;
		if (tags[i].set != NULL)
			return is_one_of(text + length, tags[i].max_length, tags[i].set);
		size_t rest = strlen(text + length);
		return rest >= 1 && rest <= tags[i].max_length;
	}
	return false;
}

bool initconf_stack_valid(const char *name)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	return is_one_of(name, STACK_NAME_SIZE - 1, set) && strchr("._-", name[0]) == NULL;
}

bool initconf_number_parse(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		uint64_t digit = (uint64_t)(*text - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool initconf_wait_parse(const char *text, unsigned *seconds)
{
	uint64_t value;
	if (!initconf_number_parse(text, INITCONF_MAX_WAIT_S, &value))
		return false;
	*seconds = (unsigned)value;
	return true;
}

bool initconf_log_parse(const char *text, enum initconf_log *log)
{
	static const char *const names[INITCONF_LOGS] = {"quiet", "normal", "debug"};
	for (unsigned i = 0; i < INITCONF_LOGS; i++) {
		if (strcmp(text, names[i]) == 0) {
			*log = (enum initconf_log)i;
			return true;
		}
	}
	return false;
}
