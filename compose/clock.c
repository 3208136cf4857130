#include "clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"

int clock_source_date(bool *set, uint64_t *seconds, struct error *e)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	*set = text != NULL && text[0] != '\0';
	if (*set && !number_parse(text, seconds))
		return error_set(e, ERROR_USAGE, 0, "SOURCE_DATE_EPOCH is `%s`, no number", text);
	return 0;
}

int clock_format(uint64_t seconds, char out[STACK_CREATED_SIZE], struct error *e)
{
	time_t time = (time_t)seconds;
	struct tm tm;
	if (seconds > UINT64_C(253402300799) || gmtime_r(&time, &tm) == NULL ||
		strftime(out, STACK_CREATED_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return error_set(e, ERROR_LIMIT, 0, "SOURCE_DATE_EPOCH is after the year 9999");
	return 0;
}

bool clock_parse(const char *text, uint64_t *seconds)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t time = end != NULL && *end == '\0' ? timegm(&tm) : -1;
	if (time < 0)
		return false;
	*seconds = (uint64_t)time;
	return true;
}
