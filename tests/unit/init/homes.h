/* A home on a state partition, made by hand, and what /init does with what was asked for there. */
#ifndef PLYBOOT_TEST_HOMES_H
#define PLYBOOT_TEST_HOMES_H

#include "init/asking.h"

#include "asked.h"
#include "overlays.h"

#define HOME "plyboot/demo"

static struct report home_report;
static struct initconf home_conf;
static struct candidate home_candidate = {.stack = {.name = "demo", .version = 7}};
static struct record home_record;
static struct upper_request home_upper = {
	.candidate = &home_candidate, .record = &home_record, .device = "none"};

static inline void shell(const char *command)
{
	if (system(command) != 0) {
		printf("Bail out! %s\n", command);
		exit(1);
	}
}

static inline void put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* The next boot's part; `reset`: of the command line. Whether it said nothing louder than a warning
 * that has `says` in it, can be asked of home_report. */
static inline void carry_out(bool reset)
{
	const struct asking_request request = {
		.upper = &home_upper, .reset = reset, .conf = &home_conf};
	int all = open("plyboot", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	home_report.warning_count = 0;
	asking_carry_out_in(all, &request, &home_report);
	if (all >= 0)
		(void)close(all);
}

/* Is there a warning with this in it? */
static inline bool was_said(const char *words)
{
	for (size_t i = 0; i < home_report.warning_count; i++) {
		if (strstr(home_report.warnings[i], words) != NULL)
			return true;
	}
	return false;
}

/* Only if it has these words, the first of the warnings is shown. */
static inline bool says_alone(const char *words)
{
	bool good = home_report.warning_count == 1 && was_said(words);
	for (size_t i = 0; !good && i < home_report.warning_count; i++)
		printf("# %s\n", home_report.warnings[i]);
	return good;
}

static inline bool is_there(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

/* The names in a directory, sorted, a blank behind each. */
static inline const char *names_in(const char *path)
{
	static char out[1024];
	struct dirent **list;
	size_t used = 0;
	int count = scandir(path, &list, NULL, view_order);
	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0)
			used += (size_t)snprintf(
				out + used, sizeof out - used, "%s ", list[i]->d_name);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return out;
}

#endif
