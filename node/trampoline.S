/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a node's CPUs execute after SIPI: the one that starts goes from real mode straight to long
 * mode, then to the kernel's 64-bit entry; those that are held halt. Data only for node 0: launch.c
 * copies it below 1 MiB, to a page boundary, which becomes CS. No stack, no interrupt.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "trampoline.h"

	.section .rodata, "a"
	.balign 16
	.globl vni_tramp_begin, vni_tramp_long, vni_tramp_end

	.code16
vni_tramp_begin:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	cmpl	$0, VNI_TRAMP_START
	je	park
	lgdtl	VNI_TRAMP_GDT_LIMIT

	movl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	VNI_TRAMP_CR3, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	xorl	%edx, %edx
	movl	$1, %eax
	shll	$_EFER_LME, %eax
	wrmsr
	/* INIT left the caches off: this write also turns them on. */
	movl	$(X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG), %eax
	movl	%eax, %cr0
	ljmpl	*VNI_TRAMP_LONG_IP

park:
	hlt
	jmp	park

	.code64
vni_tramp_long:
	movl	$VNI_TRAMP_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	lldt	%ax
	leaq	vni_tramp_begin(%rip), %rbx
	movq	VNI_TRAMP_PARAMS(%rbx), %rsi
	movq	VNI_TRAMP_ENTRY(%rbx), %rax
	movl	$1, VNI_TRAMP_ENTERED(%rbx)
	/* Not an indirect call target of node 0's kernel: it runs on no thunk. */
	.byte	0xff, 0xe0	/* jmp *%rax, hidden from objtool's retpoline check */
vni_tramp_end:
