/* Compiled-in ceilings, above whatever a signer allows. A stack file over one of them is refused.
 */
#ifndef PLYBOOT_CEILINGS_H
#define PLYBOOT_CEILINGS_H

#define LIMIT_STACK_FILE_BYTES (512u * 1024u)
#define LIMIT_STACK_FILES 64u /* stack files looked at on one layers partition */
#define LIMIT_SIGNATURES 8u   /* signature lines in one stack file */
#define LIMIT_LAYERS 499u     /* overlayfs stacks 500 lowers; one is the synthetic layer */
#define LIMIT_PERSIST_PATHS 32u
#define LIMIT_KEYS 16u /* trusted or revoked keys in one initramfs */

#define LIMIT_PIECE_BYTES                                                                          \
	(16u * 1024u * 1024u) /* stored bytes of one piece: held in memory whole */
#define LIMIT_PIECE_TABLE_BYTES (4u * 1024u * 1024u)
#define LIMIT_LAYER_STORED_BYTES (UINT64_C(1) << 36)
#define LIMIT_LAYER_UNPACKED_BYTES (UINT64_C(1) << 36)
#define LIMIT_LAYER_ENTRIES UINT64_C(4000000)

#define LIMIT_PATH_BYTES 4095u     /* PATH_MAX less its NUL */
#define LIMIT_COMPONENT_BYTES 255u /* NAME_MAX */
#define LIMIT_PAX_BYTES (1024u * 1024u)
#define LIMIT_LIST_BYTES                                                                           \
	(16u * 1024u * 1024u) /* memory of a layer's opaque and implied directories */
#define LIMIT_XATTRS 64u      /* of one entry */
#define LIMIT_XATTR_NAME_BYTES 255u
#define LIMIT_XATTR_VALUE_BYTES 65536u

#define LIMIT_ZSTD_WINDOW_LOG 23 /* 8 MiB */
#define LIMIT_GZIP_HEADER_BYTES 4096u

/* What tmpfs costs beside file pages: inode, dentry and slab overhead of one entry (measured about
 * 1 KiB outside the mount's size=), and the rounding unit that `unpacked` in a stack file uses. */
#define LIMIT_ENTRY_KERNEL_BYTES 1229u
#define LIMIT_PAGE_BYTES 4096u

#endif
