/* JSON that any reader takes, whatever bytes it holds. */
#include "init/json.h"
#include "tap.h"

#include <stdlib.h>

static void is_json(const char *value, const char *expected, const char *name)
{
	struct json_text json = {0};
	json_text_string(&json, NULL, value);
	is_str(json.text, expected, "%s", name);
	free(json.text);
}

static void test_strings(void)
{
	is_json("", "\"\"", "empty");
	is_json(NULL, "null", "nothing");
	is_json("a\"b\\c/", "\"a\\\"b\\\\c/\"", "quotes and backslashes");
	is_json("\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"",
		"control characters");
	is_json("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
		"UTF-8 of 2, 3 and 4 bytes stays");
	is_json("a\xff z", "\"a\\ufffd z\"", "a byte that is never UTF-8");
	is_json("\xc3", "\"\\ufffd\"", "a cut sequence at the end");
	is_json("\xe2\x82", "\"\\ufffd\\ufffd\"", "a cut longer one");
	is_json("\xc0\xaf", "\"\\ufffd\\ufffd\"", "an overlong form");
	is_json("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"", "an overlong form of 3");
	is_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "a surrogate");
	is_json("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", "above U+10FFFF");
}

static void test_structure(void)
{
	struct json_text json = {0};
	json_text_open(&json, NULL, '{');
	json_text_number(&json, "n", 18446744073709551615u);
	json_text_ms(&json, "ms", 1234567);
	json_text_open(&json, "empty", '[');
	json_text_close(&json, ']');
	json_text_open(&json, "list", '[');
	json_text_string(&json, NULL, "a");
	json_text_open(&json, NULL, '{');
	json_text_close(&json, '}');
	json_text_open(&json, NULL, '{');
	json_text_string(&json, "deep", "1");
	json_text_open(&json, "er", '[');
	json_text_string(&json, NULL, "2");
	json_text_string(&json, NULL, "3");
	json_text_close(&json, ']');
	json_text_close(&json, '}');
	json_text_close(&json, ']');
	json_text_close(&json, '}');
	is_str(json.text,
		"{\n  \"n\": 18446744073709551615,\n  \"ms\": 1234.567,\n  \"empty\": [],\n"
		"  \"list\": [\n    \"a\",\n    {},\n    {\"deep\": \"1\", \"er\": [\"2\", "
		"\"3\"]}\n"
		"  ]\n}",
		"commas and lines where they belong");
	ok(!json.failed, "whole");
	free(json.text);
}

int main(void)
{
	test_strings();
	test_structure();
	return done();
}
