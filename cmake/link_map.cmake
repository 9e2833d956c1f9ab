# SPDX-License-Identifier: GPL-2.0-or-later
# NAME.map beside each program of the product: which functions are in it, for a stripped file does not tell.
if(VHDBOOT_SYSROOT)
  foreach(program vhdboot-init vhdboot-arrive vhdboot-keeper vhdboot-reader vhdboot-unpack vhdboot-menu vhdboot vhdboot-inspect vhdtool raw2vhd)
    target_link_options(${program} PRIVATE LINKER:-Map=${PROJECT_BINARY_DIR}/${program}.map)
  endforeach()
endif()
