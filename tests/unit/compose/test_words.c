/* Small things that the host command decides by: sizes, the order of paths, words that look alike.
 */
#include "compose/near.h"
#include "compose/options.h"
#include "compose/path_order.h"
#include "tap.h"

static void sizes(void)
{
	uint64_t size = 7;
	ok(size_parse("0", &size) && size == 0, "0");
	ok(size_parse("4K", &size) && size == 4096, "4K");
	ok(size_parse("16T", &size) && size == UINT64_C(1) << 44, "16T");
	ok(size_parse("18446744073709551615", &size) && size == UINT64_MAX, "2^64 - 1");
	size = 7;
	for (size_t i = 0; i < 8; i++) {
		static const char *const none[] = {
			"", "K", "-1", "+1", "1k", "1KK", "18446744073709551616", "17179869184G"};
		ok(!size_parse(none[i], &size) && size == 7, "`%s` is no size", none[i]);
	}
}

/* A directory's entries follow it at once, whatever bytes its neighbours' names have. */
static void paths_in_order(void)
{
	static const char *const sorted[] = {"", "a", "a/b", "a/b/c", "a\x01", "a-", "a.b", "b"};
	enum { COUNT = sizeof sorted / sizeof sorted[0] };
	for (int i = 0; i < COUNT; i++) {
		for (int j = 0; j < COUNT; j++) {
			int order = path_compare(sorted[i], sorted[j]);
			if ((order < 0) != (i < j) || (order > 0) != (i > j))
				ok(false, "`%s` and `%s`", sorted[i], sorted[j]);
		}
	}
	ok(path_compare("a", "\xff") < 0, "bytes compare unsigned");
}

static void words_that_look_alike(void)
{
	ok(near_match("pck", "pack"), "a letter is missing");
	ok(near_match("verfiy", "verify"), "two are swapped");
	ok(near_match("init", "initramfs"), "the word is a part of it");
	ok(!near_match("import", "inspect"), "others are not meant");
	ok(!near_match("", "pack"), "nothing means nothing");
}

int main(void)
{
	sizes();
	paths_in_order();
	words_that_look_alike();
	return done();
}
