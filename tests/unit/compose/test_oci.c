/* The OCI documents: what is read, what is refused with which word, and what is written. */
#include "compose/oci.h"

#include <stdlib.h>

#include "tap.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define DESCRIPTOR(size) "{\"mediaType\":\"t\",\"digest\":\"" DIGEST "\",\"size\":" size "}"

/* Any of the three, told by its name. */
static int parse(const char *kind, const char *text, size_t size_bytes, struct error *e)
{
	struct oci_index index;
	struct oci_manifest manifest;
	struct oci_config config;
	int result;
	*e = (struct error){0};
	if (strcmp(kind, "index") == 0) {
		if ((result = oci_index_parse(text, size_bytes, &index, e)) == 0)
			oci_index_free(&index);
	} else if (strcmp(kind, "manifest") == 0) {
		if ((result = oci_manifest_parse(text, size_bytes, &manifest, e)) == 0)
			oci_manifest_free(&manifest);
	} else if ((result = oci_config_parse(text, size_bytes, &config, e)) == 0) {
		oci_config_free(&config);
	}
	return result;
}

static void refused(const char *kind, const char *text, enum error_code code, const char *name)
{
	struct error e;
	ok(parse(kind, text, strlen(text), &e) != 0 && e.code == code, "%s: %s (%s)", kind, name,
		e.text);
}

static void accepted(const char *kind, const char *text, const char *name)
{
	struct error e;
	ok(parse(kind, text, strlen(text), &e) == 0, "%s: %s (%s)", kind, name, e.text);
}

#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static void an_index(void)
{
	accepted("index", INDEX(""), "none");
	accepted("index", INDEX(DESCRIPTOR("1")), "one");
	accepted("index", INDEX(DESCRIPTOR("68719476736")), "of 64 GiB");
	refused("index", INDEX(DESCRIPTOR("68719476737")), ERROR_LIMIT, "over 64 GiB");
	refused("index", INDEX(DESCRIPTOR("99999999999999999999")), ERROR_LIMIT, "over 2^63");
	refused("index", INDEX(DESCRIPTOR("-1")), ERROR_FORMAT, "a negative size");
	refused("index", INDEX(DESCRIPTOR("1.0")), ERROR_FORMAT, "half a size");
	refused("index", INDEX(DESCRIPTOR("\"1\"")), ERROR_FORMAT, "a size that is a string");
	refused("index", INDEX(DESCRIPTOR("null")), ERROR_FORMAT, "no size");
	refused("index", INDEX("1"), ERROR_FORMAT, "an entry that is no object");
	refused("index", INDEX("{\"digest\":\"" DIGEST "\",\"size\":1}"), ERROR_FORMAT,
		"no media type");
	refused("index", INDEX("{\"mediaType\":\"t\",\"size\":1}"), ERROR_FORMAT, "no digest");
	refused("index",
		INDEX("{\"mediaType\":\"t\",\"size\":1,\"digest\":\"sha512:" HEX HEX "\"}"),
		ERROR_FORMAT, "SHA-512");
	refused("index", INDEX("{\"mediaType\":\"t\",\"size\":1,\"digest\":\"sha256:../" HEX "\"}"),
		ERROR_FORMAT, "a digest that is a path");
	refused("index",
		INDEX("{\"mediaType\":\"t\",\"size\":1,\"digest\":\"" DIGEST "\",\"platform\":[]}"),
		ERROR_FORMAT, "a platform that is a list");
	refused("index",
		INDEX("{\"mediaType\":\"t\",\"size\":1,\"digest\":\"" DIGEST
		      "\",\"platform\":{\"os\":1}}"),
		ERROR_FORMAT, "a system that is a number");
	refused("index",
		INDEX("{\"mediaType\":\"t\",\"size\":1,\"digest\":\"" DIGEST
		      "\",\"annotations\":{\"a\":1}}"),
		ERROR_FORMAT, "an annotation that is a number");
	refused("index", "{\"schemaVersion\":2}", ERROR_FORMAT, "no list");
	refused("index", "{\"schemaVersion\":2,\"manifests\":{}}", ERROR_FORMAT,
		"no list but an object");
	refused("index", "{\"schemaVersion\":1,\"manifests\":[]}", ERROR_FORMAT,
		"schema version 1");
	refused("index", "{\"manifests\":[]}", ERROR_FORMAT, "no schema version");
	refused("index", "{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}", ERROR_FORMAT,
		"a key twice");
}

static void no_json(void)
{
	static const char *const none[] = {"", "null", "[]", "{", "{}{}", "{\"a\":1,\"a\":2}",
		"{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}", "{\"a\":01}", "\xef\xbb\xbf{}"};
	static char text[OCI_DOCUMENT_BYTES + 1];
	struct error e;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		refused("config", none[i], ERROR_FORMAT, none[i]);
	memset(text, '[', sizeof text);
	memcpy(text, "{\"a\":", 5);
	ok(parse("index", text, sizeof text, &e) != 0 && e.code == ERROR_LIMIT, "too large");
	ok(parse("index", text, sizeof text - 1, &e) != 0 && e.code == ERROR_FORMAT,
		"4 MiB of brackets: %s", e.text);
	memset(text, ' ', sizeof text);
	memcpy(text, INDEX(""), strlen(INDEX("")));
	ok(parse("index", text, sizeof text - 1, &e) == 0, "4 MiB of blanks");
	ok(parse("index", text, sizeof text, &e) != 0 && e.code == ERROR_LIMIT, "and one more");
}

static void many(const char *kind, const char *before, const char *entry, const char *after,
	size_t count, enum error_code code)
{
	size_t size = strlen(before) + count * (strlen(entry) + 1) + strlen(after) + 1;
	char *text = malloc(size), *at = text + sprintf(text, "%s", before);
	struct error e;
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "%s%s", i == 0 ? "" : ",", entry);
	at += sprintf(at, "%s", after);
	int result = parse(kind, text, (size_t)(at - text), &e);
	ok(code == ERROR_NONE ? result == 0 : result != 0 && e.code == code, "%zu in %s (%s)",
		count, kind, e.text);
	free(text);
}

#define LAYERS_BEFORE "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("1") ",\"layers\":["

static void counts(void)
{
	many("manifest", LAYERS_BEFORE, DESCRIPTOR("1"), "]}", LIMIT_LAYERS, ERROR_NONE);
	many("manifest", LAYERS_BEFORE, DESCRIPTOR("1"), "]}", LIMIT_LAYERS + 1, ERROR_LIMIT);
	many("index", "{\"schemaVersion\":2,\"manifests\":[", DESCRIPTOR("1"), "]}", OCI_LIST_MOST,
		ERROR_NONE);
	many("index", "{\"schemaVersion\":2,\"manifests\":[", DESCRIPTOR("1"), "]}",
		OCI_LIST_MOST + 1, ERROR_LIMIT);
	many("config", "{\"rootfs\":{},\"config\":{\"Env\":[", "\"a\"", "]}}", OCI_LIST_MOST + 1,
		ERROR_LIMIT);
	many("config", "{\"rootfs\":{\"diff_ids\":[", "\"" DIGEST "\"", "]}}", LIMIT_LAYERS + 1,
		ERROR_LIMIT);
}

static void a_manifest(void)
{
	accepted("manifest", LAYERS_BEFORE "]}", "no layers");
	refused("manifest", "{\"schemaVersion\":2,\"layers\":[]}", ERROR_FORMAT, "no config");
	refused("manifest", "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", ERROR_FORMAT,
		"an empty config");
	refused("manifest", "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("1") "}", ERROR_FORMAT,
		"no list of layers");
}

static const char config_text[] =
	"{\"created\":\"2026-01-02T03:04:05Z\",\"author\":\"A\",\"architecture\":\"arm64\","
	"\"variant\":"
	"\"v8\",\"os\":\"linux\",\"config\":{\"User\":\"1:2\",\"WorkingDir\":\"/w\",\"StopSignal\":"
	"\"SIGINT\",\"Env\":[\"A=b\",\"C=d\"],\"Entrypoint\":[\"/e\",\"x y\"],\"Cmd\":[\"-c\"],"
	"\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/v\":{}},\"Labels\":{\"k\":\"\xc3\xa4\"}},"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]},\"history\":[{\"created\":"
	"\"2026-01-02T03:04:05Z\",\"created_by\":\"RUN\",\"author\":\"B\",\"comment\":\"c\","
	"\"empty_layer\":true},{}]}";

static void a_config(void)
{
	struct oci_config config;
	struct error e;
	char *text = NULL;
	size_t size = 0;
	if (!ok(oci_config_parse(config_text, strlen(config_text), &config, &e) == 0, "a config"))
		return;
	is_str(config.architecture, "arm64", "architecture");
	is_str(config.user, "1:2", "user");
	ok(config.entrypoint.count == 2 && strcmp(config.entrypoint.items[1], "x y") == 0,
		"entrypoint");
	ok(config.env.count == 2 && strcmp(config.env.items[1], "C=d") == 0, "environment");
	is_str(config.volumes.items[0], "/v", "volume");
	is_str(oci_pairs_find(&config.labels, "k"), "\xc3\xa4", "label");
	is_str(oci_pairs_find(&config.labels, "l"), NULL, "no label");
	ok(config.history_count == 2 && config.history[0].empty_layer &&
			!config.history[1].empty_layer,
		"history");
	ok(oci_config_write(&config, &text, &size, &e) == 0 && size == strlen(config_text),
		"is written");
	is_str(text, config_text, "... as it was");
	free(text);
	config.author = "\xff";
	ok(oci_config_write(&config, &text, &size, &e) != 0 && e.code == ERROR_FORMAT,
		"what is not UTF-8 is not written");
	oci_config_free(&config);
	accepted("config", "{\"config\":{\"Entrypoint\":null,\"Labels\":null},\"rootfs\":{}}",
		"nulls");
	accepted("config", "{\"config\":null,\"rootfs\":{\"diff_ids\":null}}", "more of them");
	refused("config", "{}", ERROR_FORMAT, "no rootfs");
	refused("config", "{\"rootfs\":[]}", ERROR_FORMAT, "a rootfs that is a list");
	refused("config", "{\"rootfs\":{\"diff_ids\":[1]}}", ERROR_FORMAT, "a number for a digest");
	refused("config", "{\"rootfs\":{\"diff_ids\":[\"md5:1\"]}}", ERROR_FORMAT,
		"another digest");
	refused("config", "{\"rootfs\":{},\"config\":[]}", ERROR_FORMAT, "a list");
	refused("config", "{\"rootfs\":{},\"os\":1}", ERROR_FORMAT, "a number for a system");
	refused("config", "{\"rootfs\":{},\"config\":{\"User\":1}}", ERROR_FORMAT, "for a user");
	refused("config", "{\"rootfs\":{},\"config\":{\"Cmd\":\"sh\"}}", ERROR_FORMAT, "no list");
	refused("config", "{\"rootfs\":{},\"config\":{\"Cmd\":[1]}}", ERROR_FORMAT, "of numbers");
	refused("config", "{\"rootfs\":{},\"config\":{\"Volumes\":[]}}", ERROR_FORMAT, "no set");
	refused("config", "{\"rootfs\":{},\"history\":[1]}", ERROR_FORMAT, "no history");
	refused("config", "{\"rootfs\":{},\"history\":[{\"author\":1}]}", ERROR_FORMAT,
		"no author");
	refused("config", "{\"rootfs\":{},\"history\":[{\"empty_layer\":1}]}", ERROR_FORMAT,
		"no flag");
}

static void written(void)
{
	struct oci_pair pair = {OCI_REF_NAME, "n"};
	struct oci_descriptor layer = {.media_type = "t",
		.size_bytes = 5,
		.architecture = "amd64",
		.os = "linux",
		.annotations = {1, &pair}};
	const struct oci_manifest manifest = {.media_type = OCI_TYPE_MANIFEST,
		.config = layer,
		.layers = {1, &layer},
		.annotations = {1, &pair}};
	const struct oci_index index = {.manifests = {1, &layer}};
	struct oci_manifest again;
	struct error e;
	char *text = NULL;
	size_t size = 0;
	digest_parse(DIGEST, strlen(DIGEST), &layer.digest);
	ok(oci_index_write(&index, &text, &size, &e) == 0, "an index");
	is_str(text,
		INDEX("{\"mediaType\":\"t\",\"digest\":\"" DIGEST
		      "\",\"size\":5,\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"},"
		      "\"annotations\":{\"" OCI_REF_NAME "\":\"n\"}}"),
		"... its text");
	free(text);
	ok(oci_manifest_write(&manifest, &text, &size, &e) == 0 &&
			oci_manifest_parse(text, size, &again, &e) == 0,
		"a manifest can be read again");
	ok(again.layers.count == 1 && again.layers.items[0].size_bytes == 5 &&
			digest_equal(&again.layers.items[0].digest, &layer.digest),
		"... with its layer");
	oci_manifest_free(&again);
	free(text);
}

static void put(const char *before, const char *after, const char *name)
{
	struct oci_pair pair = {OCI_REF_NAME, "n"};
	struct oci_descriptor entry = {
		.media_type = "t", .size_bytes = 1, .annotations = {1, &pair}};
	struct error e = {0};
	char *text = NULL;
	size_t size;
	digest_parse(DIGEST, strlen(DIGEST), &entry.digest);
	ok(oci_index_put(before, strlen(before), &entry, &text, &size, &e) == 0, "%s", name);
	is_str(text, after, "... the rest stays");
	free(text);
}

#define NAMED(name, size)                                                                          \
	"{\"mediaType\":\"t\",\"digest\":\"" DIGEST "\",\"size\":" size                            \
	",\"annotations\":{\"" OCI_REF_NAME "\":\"" name "\"}}"
#define UNKNOWN                                                                                    \
	"{\"mediaType\":\"t\",\"digest\":\"" DIGEST                                                \
	"\",\"size\":7,\"urls\":[\"u\"],\"x\":{\"y\":null}}"

static void an_entry_of_an_index(void)
{
	struct oci_descriptor entry = {.media_type = "t"};
	struct error e;
	char *text;
	size_t size;
	put(INDEX(""), INDEX(NAMED("n", "1")), "the first one");
	put(INDEX(UNKNOWN "," NAMED("m", "2")),
		INDEX(UNKNOWN "," NAMED("m", "2") "," NAMED("n", "1")), "a further one");
	put(INDEX(NAMED("m", "2") "," NAMED("n", "3") "," UNKNOWN),
		INDEX(NAMED("m", "2") "," NAMED("n", "1") "," UNKNOWN),
		"one in the place of another");
	put("{\"annotations\":{\"a\":\"b\"},\"manifests\":[],\"z\":1.5,\"schemaVersion\":2}",
		"{\"annotations\":{\"a\":\"b\"},\"manifests\":[" NAMED(
			"n", "1") "],\"z\":1.5,\"schemaVersion\":2}",
		"what is not known");
	ok(oci_index_put("{}", 2, &entry, &text, &size, &e) != 0 && e.code == ERROR_FORMAT,
		"not into what is no index");
}

static void media_types(void)
{
	static const struct {
		const char *name;
		int media; /* -1: refused */
	} types[] = {
		{OCI_TYPE_LAYER, MEDIA_TAR},
		{OCI_TYPE_LAYER "+gzip", MEDIA_TAR_GZIP},
		{OCI_TYPE_LAYER "+zstd", MEDIA_TAR_ZSTD},
		{"application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_TAR_GZIP},
		{OCI_TYPE_LAYER "+gzip+encrypted", -1},
		{OCI_TYPE_LAYER "+bzip2", -1},
		{OCI_TYPE_LAYER "+xz", -1},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", -1},
		{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", -1},
		{"application/octet-stream", -1},
		{"", -1},
	};
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		enum media media = MEDIA_TYPES;
		struct error e = {0};
		int result = oci_layer_media(types[i].name, &media, &e);
		ok(types[i].media < 0 ? result != 0 && e.code == ERROR_TYPE
				      : result == 0 && (int)media == types[i].media,
			"`%s` %s", types[i].name, e.text);
	}
	is_int(oci_kind(OCI_TYPE_INDEX), OCI_KIND_INDEX, "an index");
	is_int(oci_kind("application/vnd.docker.distribution.manifest.v2+json"), OCI_KIND_MANIFEST,
		"a manifest");
	is_int(oci_kind(OCI_TYPE_CONFIG), OCI_KIND_CONFIG, "a config");
	is_int(oci_kind(OCI_TYPE_LAYER), OCI_KIND_OTHER, "another");
}

int main(void)
{
	an_index();
	no_json();
	counts();
	a_manifest();
	a_config();
	written();
	an_entry_of_an_index();
	media_types();
	return done();
}
