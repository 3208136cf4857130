/* Of the host command and the /init that it carries. */
#ifndef PLYBOOT_VERSION_H
#define PLYBOOT_VERSION_H

#define PLYBOOT_VERSION "0.1.0"

#endif
