/* Xattrs of tar entries in tests: values of capabilities and ACLs. */
#ifndef PLYBOOT_TEST_XATTR_ITEMS_H
#define PLYBOOT_TEST_XATTR_ITEMS_H

#define CAP2 "\x01\0\0\x02\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ACL(entries) "\x02\0\0\0" entries
#define ACL_SMALL                                                                                  \
	"\x01\0\x07\0\xff\xff\xff\xff\x04\0\x05\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff"
#define ACL_NO_MASK                                                                                \
	"\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff\xff\xff\xff"         \
	"\x20\0\x05\0\xff\xff\xff\xff"
#define ACL_NAMED                                                                                  \
	"\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff\xff\xff\xff"         \
	"\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff"
#define XATTR(name, value) .xattr = name, .xattr_value = value, .xattr_bytes = sizeof(value) - 1

#endif
