/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libgcc's unwinder asks of gcc's x86-64 Linux target description; gcc's build generates the rest. */
#define DWARF_FRAME_REGISTERS __LIBGCC_DWARF_FRAME_REGISTERS__
#define LIBGCC2_UNITS_PER_WORD 8
#define USE_PT_GNU_EH_FRAME 1
#define DWARF_REG_TO_UNWIND_COLUMN(X) (X)
