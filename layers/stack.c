#include "stack_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *media_name(enum media media)
{
	return (unsigned)media < MEDIA_TYPES ? media_names[media] : "unknown";
}

const char *upper_name(enum upper upper)
{
	return (unsigned)upper < UPPER_KINDS ? upper_names[upper] : "unknown";
}

const char *upper_change_name(enum upper_change change)
{
	if (change == UPPER_CHANGE_KEEP)
		return "keep";
	return (unsigned)change < UPPER_CHANGES ? upper_change_names[change] : "unknown";
}

const char *on_failure_name(enum on_failure on_failure)
{
	return (unsigned)on_failure < ON_FAILURE_KINDS ? on_failure_names[on_failure] : "unknown";
}

void stack_free(struct stack *stack)
{
	free(stack->persist);
	free(stack->layers);
	*stack = (struct stack){.layers = NULL};
}

int stack_check_floor(const struct stack *stack, struct error *e)
{
	if (stack->floor <= stack->version)
		return 0;
	return error_set(e, ERROR_LIMIT, 0, "floor %" PRIu64 " is above version %" PRIu64,
		stack->floor, stack->version);
}

int stack_check_layer_count(const struct stack *stack, struct error *e)
{
	if (stack->layer_count >= 1 && stack->layer_count <= LIMIT_LAYERS)
		return 0;
	return error_set(e, ERROR_LIMIT, 0, "%zu layers, a stack has 1 to %u", stack->layer_count,
		LIMIT_LAYERS);
}

int stack_check_upper(const struct stack *stack, struct error *e)
{
	if (stack->upper_change != UPPER_CHANGE_KEEP && stack->upper != UPPER_PERSISTENT)
		return error_set(
			e, ERROR_FORMAT, 0, "upper-change is there only with `upper persistent`");
	if (stack->upper_bytes != 0 && stack->upper != UPPER_VOLATILE)
		return error_set(
			e, ERROR_FORMAT, 0, "upper-size is there only with `upper volatile`");
	return 0;
}

int stack_check_target(
	const struct stack *stack, const char *machine, const char *kernel_release, struct error *e)
{
	if (strcmp(stack->architecture, machine) != 0)
		return error_set(e, ERROR_TARGET, 0,
			"stack %s version %" PRIu64 " is for architecture %s, this machine is %s: "
			"write a stack for %s",
			stack->name, stack->version, stack->architecture, machine, machine);
	if (stack->kernel[0] != '\0' && strcmp(stack->kernel, kernel_release) != 0)
		return error_set(e, ERROR_TARGET, 0,
			"stack %s version %" PRIu64
			" is for kernel %s, this kernel is %s: boot that "
			"kernel, or write a stack with the modules of this one",
			stack->name, stack->version, stack->kernel, kernel_release);
	return 0;
}

int layer_record_id(const struct layer_record *record, struct digest *out, struct error *e)
{
	char text[LAYER_RECORD_TEXT_SIZE];
	size_t size_bytes;
	if (layer_record_encode(record, text, &size_bytes, e) != 0)
		return -1;
	digest_of(text, size_bytes, out);
	return 0;
}

void stack_file_name(const struct stack *stack, char out[STACK_FILE_NAME_SIZE])
{
	(void)snprintf(
		out, STACK_FILE_NAME_SIZE, "%s-%" PRIu64 ".stack", stack->name, stack->version);
}

int stack_check_file_name(const struct stack *stack, const char *file_name, struct error *e)
{
	char expected[STACK_FILE_NAME_SIZE];
	stack_file_name(stack, expected);
	if (strcmp(file_name, expected) == 0)
		return 0;
	return error_set(e, ERROR_FORMAT, 0, "the file is named `%s`, but is %s: rename it",
		file_name, expected);
}
