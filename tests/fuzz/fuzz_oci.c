/* Each kind of OCI document: what is accepted is written, read again and written again the same; an
 * entry can be put into every index. */
#include <stdlib.h>
#include <string.h>

#include "compose/oci.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(const struct error *e)
{
	must(e->code == ERROR_FORMAT || e->code == ERROR_LIMIT);
}

/* Parse, write, parse, write: equal texts. Of one kind of document. */
#define CHECK_KIND(kind)                                                                           \
	static void check_##kind(const uint8_t *data, size_t size)                                 \
	{                                                                                          \
		struct oci_##kind first, second;                                                   \
		struct error e = {0};                                                              \
		char *text, *again;                                                                \
		size_t text_size, again_size;                                                      \
		if (oci_##kind##_parse(data, size, &first, &e) != 0) {                             \
			check_refusal(&e);                                                         \
			return;                                                                    \
		}                                                                                  \
		must(oci_##kind##_write(&first, &text, &text_size, &e) == 0);                      \
		must(oci_##kind##_parse(text, text_size, &second, &e) == 0);                       \
		must(oci_##kind##_write(&second, &again, &again_size, &e) == 0);                   \
		must(text_size == again_size && memcmp(text, again, text_size) == 0);              \
		free(text);                                                                        \
		free(again);                                                                       \
		oci_##kind##_free(&first);                                                         \
		oci_##kind##_free(&second);                                                        \
	}

CHECK_KIND(index)
CHECK_KIND(manifest)
CHECK_KIND(config)

static void check_put(const uint8_t *data, size_t size)
{
	struct oci_pair pair = {OCI_REF_NAME, "a name"};
	const struct oci_descriptor entry = {.media_type = "t", .annotations = {1, &pair}};
	struct error e = {0};
	char *text, *again;
	size_t text_size, again_size;
	if (oci_index_put(data, size, &entry, &text, &text_size, &e) != 0) {
		check_refusal(&e);
		return;
	}
	must(oci_index_put(text, text_size, &entry, &again, &again_size, &e) == 0);
	must(text_size == again_size && memcmp(text, again, text_size) == 0);
	free(text);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_index(data, size);
	check_manifest(data, size);
	check_config(data, size);
	check_put(data, size);
	return 0;
}
