#include "upper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "console.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"

#define VOLATILE_PATH "/run/plyboot/volatile"

/* An upper of a rung before this one goes with its tmpfs. */
static int make_volatile(uint64_t size_bytes, int model_fd, struct upper_dirs *out, struct error *e)
{
	char size[40] = "", options[64];
	(void)umount2(VOLATILE_PATH, MNT_DETACH);
	if (mkdir(VOLATILE_PATH, 0700) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make " VOLATILE_PATH);
	if (size_bytes > 0)
		(void)snprintf(size, sizeof size, ",size=%" PRIu64, size_bytes);
	(void)snprintf(options, sizeof options, "mode=0700%s", size);
	if (mount("plyboot-volatile", VOLATILE_PATH, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
		return error_set(e, ERROR_KERNEL, errno, "mount a tmpfs at " VOLATILE_PATH);
	if (mkdir(VOLATILE_PATH "/upper", 0755) != 0 || mkdir(VOLATILE_PATH "/work", 0755) != 0)
		return error_errno(e, errno, "make the volatile upper");
	SCOPED_FD upper = open(VOLATILE_PATH "/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0)
		return error_errno(e, errno, "open the volatile upper");
	if (store_copy_metadata(model_fd, upper, e) != 0)
		return -1;
	*out = (struct upper_dirs){.kind = UPPER_VOLATILE};
	(void)snprintf(out->upper, sizeof out->upper, "%s", VOLATILE_PATH "/upper");
	(void)snprintf(out->work, sizeof out->work, "%s", VOLATILE_PATH "/work");
	return 0;
}

static void note(struct report *report, const struct upper_dirs *dirs)
{
	report->upper = upper_name(dirs->kind);
	report->upper_trial = dirs->trial;
	(void)snprintf(report->upper_dirs[0], sizeof report->upper_dirs[0], "%s", dirs->upper);
	(void)snprintf(report->upper_dirs[1], sizeof report->upper_dirs[1], "%s", dirs->base);
	console_debug("upper: %s %s%s%s", report->upper, dirs->upper,
		dirs->base[0] != '\0' ? " over " : "", dirs->base);
}

static int volatile_upper(const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e)
{
	/* In the place of a persistent one it may be as large as tmpfs has it. */
	if (make_volatile(request->candidate->stack.upper_bytes, request->model_fd, out, e) != 0)
		return error_wrap(e, "volatile upper");
	note(report, out);
	return 0;
}

int upper_fall_back(const struct upper_request *request, const char *why, struct report *report,
	struct upper_dirs *out, struct error *e)
{
	report_alarm(
		report, "NOTHING WILL BE KEPT: the upper is volatile, not persistent: %s", why);
	(void)snprintf(report->upper_why, sizeof report->upper_why, "%s", why);
	return volatile_upper(request, report, out, e);
}

int upper_prepare(const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e)
{
	struct error why = {0};
	const struct stack *stack = &request->candidate->stack;
	*out = (struct upper_dirs){.kind = UPPER_NONE};
	if (stack->upper == UPPER_NONE) {
		note(report, out);
		return 0;
	}
	if (stack->upper == UPPER_VOLATILE)
		return volatile_upper(request, report, out, e);
	if (request->keep_nothing || strcmp(request->device, "none") == 0) {
		(void)snprintf(report->upper_why, sizeof report->upper_why, "%s",
			"init.conf or the command line asks for it");
		return volatile_upper(request, report, out, e);
	}
	if (state_prepare(request, report, out, &why) != 0) {
		if (why.code != ERROR_UPPER)
			return upper_fall_back(request, why.text, report, out, e);
		*e = why;
		return -1;
	}
	note(report, out);
	return 0;
}
