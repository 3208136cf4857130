/* entry.conf when there is no memory: a clean error, and nothing kept. */
#include "entryconf.h"
#include "faults.h"

#define TEXT                                                                                       \
	"plyboot entry 1\nargument \"a\"\nenvironment \"A=\\x0a\"\ndirectory \"/\"\nuser \"0\"\n"  \
	"stop-signal SIGTERM\non-exit status\n"

static int decode(struct error *e)
{
	struct entryconf conf;
	memset(&conf, UNTOUCHED, sizeof conf);
	faults_begin();
	int result = entryconf_decode((const uint8_t *)TEXT, strlen(TEXT), &conf, e);
	faults_end();
	if (result != 0)
		return is_untouched(&conf, sizeof conf) ? result : FAULTS_WRONG;
	entryconf_free(&conf);
	return 0;
}

static int encode(struct error *e)
{
	struct entryconf conf;
	char *text = NULL;
	size_t size_bytes = 99;
	if (entryconf_decode((const uint8_t *)TEXT, strlen(TEXT), &conf, e) != 0)
		abort();
	faults_begin();
	int result = entryconf_encode(&conf, &text, &size_bytes, e);
	faults_end();
	entryconf_free(&conf);
	if (result != 0)
		return text == NULL && size_bytes == 99 ? result : FAULTS_WRONG;
	bool right = strcmp(text, TEXT) == 0 && size_bytes == strlen(TEXT);
	free(text);
	return right ? 0 : FAULTS_WRONG;
}

int main(void)
{
	static const struct faults_case cases[] = {
		{.name = "entryconf_decode", .run = decode},
		{.name = "entryconf_encode", .run = encode},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		faults_all(&cases[i]);
	return done();
}
