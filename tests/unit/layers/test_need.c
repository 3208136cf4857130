/* The memory that a stack takes: the sum of its layers' room, the most of what unpacks one. */
#include "crew.h"
#include "need.h"
#include "store.h"
#include "tap.h"

static bool first_is_there(const void *context, size_t index)
{
	(void)context;
	return index == 0;
}

int main(void)
{
	struct layer_record layers[2] = {{.unpacked_bytes = 1000,
						 .entries = 10,
						 .stored_bytes = 500,
						 .largest_piece_bytes = 500},
		{.unpacked_bytes = 2000,
			.entries = 5,
			.stored_bytes = 900,
			.largest_piece_bytes = 700}};
	struct stack stack = {.layer_count = 0, .layers = layers};
	struct need none = need_of(&stack, 4096, 2, NULL, NULL);
	is_int((long long)none.working_bytes, 0, "without layers nothing is unpacked");
	stack.layer_count = 2;
	struct need both = need_of(&stack, 4096, 2, NULL, NULL);
	is_int((long long)(both.tmpfs_bytes - none.tmpfs_bytes), 3000, "the files of both");
	is_int((long long)both.kernel_bytes, 15 * LIMIT_ENTRY_KERNEL_BYTES, "the kernel's memory");
	is_int((long long)(both.inodes - none.inodes), 30, "inodes");
	uint64_t one = crew_bytes(&layers[0], 2), other = crew_bytes(&layers[1], 2);
	is_int((long long)both.working_bytes, (long long)(one > other ? one : other),
		"of the unpacking the most");
	is_int((long long)need_bytes(&both),
		(long long)(both.tmpfs_bytes + both.kernel_bytes + both.working_bytes), "the sum");
	struct need second = need_of(&stack, 4096, 2, first_is_there, NULL);
	is_int((long long)(second.tmpfs_bytes - none.tmpfs_bytes), 2000, "without what is there");
	layers[1].entries = UINT64_MAX;
	struct need most = need_of(&stack, 4096, 2, NULL, NULL);
	ok(need_bytes(&most) == UINT64_MAX, "it saturates");
	return done();
}
