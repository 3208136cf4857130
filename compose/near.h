/* Words that look alike, for somebody who mistyped one. */
#ifndef PLYBOOT_NEAR_H
#define PLYBOOT_NEAR_H

#include <stdbool.h>

/* Whether `word` may have been meant as `other`: few letters differ (Levenshtein's distance), or it
 * is a part of it. */
bool near_match(const char *word, const char *other);

#endif
