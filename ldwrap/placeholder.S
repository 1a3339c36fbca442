/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The placeholder object: one more input of each link, all of it a note whose sixteen zero bytes become the
 * program's watermark. Preprocessed and assembled once for each machine type.
 *
 * It must not change the program otherwise:
 * - .note.GNU-stack, else the stack becomes executable;
 * - .note.gnu.property with every feature that is kept only if all inputs have it (control-flow
 *   protection), else one input without it would switch it off for the program. All bits are set: the
 *   other inputs decide. For x86 also the two "used" properties, which an output has only if all
 *   inputs have them, with no bit of their own;
 * - alignment 4: the note joins the segment of the build-id, and needs no program header of its own.
 */
	.section .note.runmark, "a", %note
	.balign	4
	.long	12, 16, 1		/* bytes of owner and descriptor, type */
	.asciz	"RunmarkNote"
	.zero	16

#if defined(__x86_64__) || defined(__i386__)
#define FEATURE_AND 0xc0000002		/* GNU_PROPERTY_X86_FEATURE_1_AND: IBT, SHSTK, LAM_U48, LAM_U57 */
#elif defined(__aarch64__)
#define FEATURE_AND 0xc0000000		/* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI, PAC, GCS */
#endif

#ifdef FEATURE_AND
#if defined(__LP64__)
#define WORD 8
#else
#define WORD 4
#endif
	.section .note.gnu.property, "a", %note
	.balign	WORD
	.long	4, 2f - 1f, 5		/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
1:	.long	FEATURE_AND, 4, 0xffffffff
	.balign	WORD
#if defined(__x86_64__) || defined(__i386__)
	.long	0xc0010001, 4, 0	/* GNU_PROPERTY_X86_FEATURE_2_USED */
	.balign	WORD
	.long	0xc0010002, 4, 0	/* GNU_PROPERTY_X86_ISA_1_USED */
	.balign	WORD
#endif
2:
#endif

	.section .note.GNU-stack, "", %progbits
