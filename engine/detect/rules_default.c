/* rules_default.c -- default.rules, byte for byte, as part of the program.
 *
 * The assembler takes the file in: no tool to build first, no generated source, and the file stays one that people
 * read and write. RULES_DEFAULT_FILE is its path, from CMakeLists.txt. */
#include "engine/detect/rules.h"

__asm__(".pushsection .rodata\n"
	".global rules_default_begin\n"
	"rules_default_begin:\n"
	".incbin \"" RULES_DEFAULT_FILE "\"\n"
	".global rules_default_end\n"
	"rules_default_end:\n"
	".byte 0\n"
	".popsection\n");

extern const uint8_t rules_default_begin[], rules_default_end[];

struct span rules_default(void)
{
	return span_of(rules_default_begin, (size_t)((uintptr_t)rules_default_end - (uintptr_t)rules_default_begin));
}
