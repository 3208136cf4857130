/* Of the host command and the /init that it carries. */
#ifndef PLYBOOT_VERSION_H
#define PLYBOOT_VERSION_H

#define PLYBOOT_VERSION "0.1.0"

/* Of manual pages and of packages, which must not depend on when they are made. */
#define PLYBOOT_VERSION_DATE "2026-11-26"

#endif
