/* What test_signature.c does to a case: changes to the signature and the hash, and to the key. */
#ifndef PLYBOOT_TEST_CHANGES_H
#define PLYBOOT_TEST_CHANGES_H

#include "subject.h"

/* False: it cannot be applied to this one. */
struct change {
	const char *name;
	bool (*apply)(struct subject *subject, uint64_t *random);
};

/* --- the signature and the hash */

static uint8_t *r_or_s(struct subject *subject, uint64_t *random)
{
	return subject->signature + (random_below(random, 2) == 0 ? 0 : NUMBER_BYTES);
}

static void flip(uint8_t *bytes, size_t size_bytes, uint64_t *random)
{
	size_t bit = random_below(random, size_bytes * 8);
	bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static bool flip_signature(struct subject *subject, uint64_t *random)
{
	flip(subject->signature, sizeof subject->signature, random);
	return true;
}

static bool flip_hash(struct subject *subject, uint64_t *random)
{
	flip(subject->hash, sizeof subject->hash, random);
	return true;
}

static bool fill_signature(struct subject *subject, uint64_t *random)
{
	random_fill(random, r_or_s(subject, random), NUMBER_BYTES);
	return true;
}

/* 0, 1, 2, n - 1, n, n + 1, p - 1, p, p + 1, 2^256 - 1 */
static void write_special(uint8_t out[NUMBER_BYTES], uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	BIGNUM *special = number();
	switch (random_below(random, 4)) {
	case 0:
		must(BN_set_word(special, random_below(random, 3)));
		break;
	case 1:
		must(BN_copy(special, p256.n) != NULL && BN_sub_word(special, 1) &&
			BN_add_word(special, random_below(random, 3)));
		break;
	case 2:
		must(BN_copy(special, p256.p) != NULL && BN_sub_word(special, 1) &&
			BN_add_word(special, random_below(random, 3)));
		break;
	default:
		must(BN_set_bit(special, 256) && BN_sub_word(special, 1));
	}
	must(number_write(special, out));
	BN_CTX_end(p256.ctx);
}

static bool special_number(struct subject *subject, uint64_t *random)
{
	write_special(r_or_s(subject, random), random);
	return true;
}

static bool two_special_numbers(struct subject *subject, uint64_t *random)
{
	write_special(subject->signature, random);
	write_special(subject->signature + NUMBER_BYTES, random);
	return true;
}

static bool special_hash(struct subject *subject, uint64_t *random)
{
	write_special(subject->hash, random);
	return true;
}

/* bytes = modulus - bytes, or false. */
static bool negate_number(uint8_t bytes[NUMBER_BYTES], const BIGNUM *modulus)
{
	BN_CTX_start(p256.ctx);
	BIGNUM *value = number();
	number_read(bytes, value);
	bool fits = BN_cmp(value, modulus) <= 0;
	if (fits)
		must(BN_sub(value, modulus, value) && number_write(value, bytes));
	BN_CTX_end(p256.ctx);
	return fits;
}

static bool negate_s(struct subject *subject, uint64_t *random)
{
	(void)random;
	return negate_number(subject->signature + NUMBER_BYTES, p256.n);
}

static bool negate_r(struct subject *subject, uint64_t *random)
{
	(void)random;
	return negate_number(subject->signature, p256.n);
}

static bool add_order(struct subject *subject, uint64_t *random)
{
	return add_number(r_or_s(subject, random), p256.n);
}

/* What is equal to the hash modulo n. */
static bool add_order_to_hash(struct subject *subject, uint64_t *random)
{
	(void)random;
	return add_number(subject->hash, p256.n);
}

static bool swap_r_and_s(struct subject *subject, uint64_t *random)
{
	uint8_t r[NUMBER_BYTES];
	(void)random;
	memcpy(r, subject->signature, sizeof r);
	memcpy(subject->signature, subject->signature + NUMBER_BYTES, sizeof r);
	memcpy(subject->signature + NUMBER_BYTES, r, sizeof r);
	return true;
}

/* One number, or all of it, of another signature by another key. */
static bool take_from_another(struct subject *subject, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	struct subject other = {.spki_bytes = 0};
	BIGNUM *d = number(), *k = number(), *hash = number();
	scalar_random(d, random);
	scalar_random(k, random);
	number_read(subject->hash, hash);
	bool made = subject_sign(&other, d, k, hash);
	BN_CTX_end(p256.ctx);
	unsigned which = (unsigned)random_below(random, 3);
	if (which != 0)
		memcpy(subject->signature, other.signature, NUMBER_BYTES);
	if (which != 1)
		memcpy(subject->signature + NUMBER_BYTES, other.signature + NUMBER_BYTES,
			NUMBER_BYTES);
	return made;
}

static const struct change signature_changes[] = {
	{"a bit of the signature", flip_signature},
	{"a bit of the hash", flip_hash},
	{"r or s random", fill_signature},
	{"r or s of 0, 1, 2, n, p, 2^256-1 or beside them", special_number},
	{"r and s both of them", two_special_numbers},
	{"hash of them", special_hash},
	{"s becomes n - s", negate_s},
	{"r becomes n - r", negate_r},
	{"n added to r or s", add_order},
	{"n added to the hash", add_order_to_hash},
	{"r and s swapped", swap_r_and_s},
	{"r, s or both of another signature", take_from_another},
};
enum { SIGNATURE_CHANGES = sizeof signature_changes / sizeof *signature_changes };

/* --- the key */

static uint8_t *point_of(struct subject *subject)
{
	return subject->spki + SPKI_PREFIX_BYTES;
}

static bool flip_key(struct subject *subject, uint64_t *random)
{
	flip(subject->spki, subject->spki_bytes, random);
	return true;
}

static bool random_key_byte(struct subject *subject, uint64_t *random)
{
	subject->spki[random_below(random, SPKI_PREFIX_BYTES + 1)] = (uint8_t)random_u64(random);
	return true;
}

static bool leave_the_curve(struct subject *subject, uint64_t *random)
{
	random_fill(random, point_of(subject) + 1 + NUMBER_BYTES, NUMBER_BYTES);
	return true;
}

static bool swap_coordinates(struct subject *subject, uint64_t *random)
{
	uint8_t x[NUMBER_BYTES], *at = point_of(subject) + 1;
	(void)random;
	memcpy(x, at, sizeof x);
	memcpy(at, at + NUMBER_BYTES, sizeof x);
	memcpy(at + NUMBER_BYTES, x, sizeof x);
	return true;
}

/* Still on the curve: the private key's negative. */
static bool negate_y(struct subject *subject, uint64_t *random)
{
	(void)random;
	return negate_number(point_of(subject) + 1 + NUMBER_BYTES, p256.p);
}

static bool add_prime(struct subject *subject, uint64_t *random)
{
	size_t at = random_below(random, 2) == 0 ? 0 : NUMBER_BYTES;
	return add_number(point_of(subject) + 1 + at, p256.p);
}

static bool special_coordinate(struct subject *subject, uint64_t *random)
{
	write_special(point_of(subject) + 1 + NUMBER_BYTES * random_below(random, 2), random);
	if (random_below(random, 2) == 0)
		write_special(
			point_of(subject) + 1 + NUMBER_BYTES * random_below(random, 2), random);
	return true;
}

/* The point becomes `size_bytes` long, and the lengths around it agree. */
static void resize_point(struct subject *subject, size_t size_bytes)
{
	subject->spki[1] = (uint8_t)(SPKI_PREFIX_BYTES - 2 + size_bytes);
	subject->spki[SPKI_PREFIX_BYTES - 2] = (uint8_t)(1 + size_bytes);
	subject->spki_bytes = SPKI_PREFIX_BYTES + size_bytes;
}

static bool compress(struct subject *subject, uint64_t *random)
{
	uint8_t *bytes = point_of(subject);
	bytes[0] = (uint8_t)(2 + (bytes[KEY_POINT_BYTES - 1] & 1));
	bytes[0] ^= (uint8_t)(random_below(random, 4) == 0); /* then it is another key */
	resize_point(subject, 1 + NUMBER_BYTES);
	return true;
}

static bool make_hybrid(struct subject *subject, uint64_t *random)
{
	uint8_t *bytes = point_of(subject);
	bytes[0] = (uint8_t)(6 + (bytes[KEY_POINT_BYTES - 1] & 1));
	bytes[0] ^= (uint8_t)(random_below(random, 4) == 0); /* then it is none */
	return true;
}

static bool make_infinity(struct subject *subject, uint64_t *random)
{
	memset(point_of(subject), 0, KEY_POINT_BYTES);
	if (random_below(random, 2) == 0)
		resize_point(subject, 1);
	else
		point_of(subject)[0] = random_below(random, 2) == 0 ? 4 : 0;
	return true;
}

static bool wrong_length(struct subject *subject, uint64_t *random)
{
	size_t change = random_below(random, 3); /* 1 or 2 bytes more, or fewer */
	size_t size_bytes = KEY_POINT_BYTES + (change == 0 ? (size_t)-1 : change);
	if (random_below(random, 2) == 0)
		resize_point(subject, size_bytes);
	else
		subject->spki_bytes = SPKI_PREFIX_BYTES + size_bytes;
	return true;
}

static bool cut_key(struct subject *subject, uint64_t *random)
{
	subject->spki_bytes = random_below(random, subject->spki_bytes);
	return true;
}

static const struct change key_changes[] = {
	{"a bit of the key", flip_key},
	{"a byte before the point", random_key_byte},
	{"y random", leave_the_curve},
	{"x and y swapped", swap_coordinates},
	{"y becomes p - y", negate_y},
	{"p added to x or y", add_prime},
	{"x or y of 0, 1, 2, n, p, 2^256-1 or beside them", special_coordinate},
	{"compressed form", compress},
	{"hybrid form", make_hybrid},
	{"infinity", make_infinity},
	{"a byte or two more or fewer", wrong_length},
	{"cut anywhere", cut_key},
};
enum { KEY_CHANGES = sizeof key_changes / sizeof *key_changes };

#endif
