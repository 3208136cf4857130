#include <stdarg.h>
#include <stdio.h>

#include "../qemu/console.h"
#include "doctor.h"

static const char *const words[DOCTOR_KINDS] = {"FAULT", "WARN", "note", "good"};

static void put_json(struct doctor *doctor, enum doctor_kind kind, enum error_code code,
	const char *remedy, const char *text)
{
	json_t *object = json_pack("{s:s, s:s}", "kind", words[kind], "text", text);
	if (code != ERROR_NONE)
		(void)json_object_set_new(object, "code", json_string(error_code_name(code)));
	if (remedy != NULL)
		(void)json_object_set_new(object, "remedy", json_string(remedy));
	(void)json_array_append_new(doctor->findings, object);
}

void doctor_say(struct doctor *doctor, enum doctor_kind kind, enum error_code code,
	const char *remedy, const char *format, ...)
{
	char text[1024], line[1024];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(text, sizeof text, format, list);
	va_end(list);
	/* Names come from disks that nobody has verified. */
	console_harmless(text, line, sizeof line);
	doctor->counts[kind]++;
	if (kind == DOCTOR_GOOD && !doctor->given->verbose)
		return;
	if (doctor->findings != NULL) {
		put_json(doctor, kind, code, remedy, line);
		return;
	}
	printf("doctor: %s%s%s: %s\n", words[kind], code != ERROR_NONE ? " " : "",
		code != ERROR_NONE ? error_code_name(code) : "", line);
	if (remedy != NULL)
		printf("  what to do: %s\n", remedy);
}
