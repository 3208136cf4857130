/* The file of cases: what is taken holds all that case_file.h promises of it. */
#include <stdlib.h>
#include <string.h>

#include "compose/case_file.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_case(const struct case_file *file, size_t i)
{
	const struct case_item *item = &file->cases[i];
	struct error e = {.code = ERROR_NONE};
	must(item->name[0] != '\0' && strlen(item->name) <= CASE_FILE_MAX_NAME);
	must(strpbrk(item->name, "#\n") == NULL);
	must(item->given.words.count > 0);
	must(item->status >= 0 && item->status <= 255);
	must(item->given.memory_mib <= 1 << 24 && item->given.limit_s <= 1 << 24);
	must(run_given_check(&item->given, &e) == 0);
	for (size_t k = 0; k < i && k < 50; k++)
		must(strcmp(file->cases[k].name, item->name) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct case_file file;
	struct error e = {.code = ERROR_NONE};
	if (case_file_parse((const char *)data, size, &file, &e) != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT || e.code == ERROR_USAGE);
		return 0;
	}
	must(file.count > 0 && file.count <= CASE_FILE_MAX_CASES);
	for (size_t i = 0; i < file.count; i++)
		check_case(&file, i);
	case_file_free(&file);
	return 0;
}
