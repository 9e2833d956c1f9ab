# SPDX-License-Identifier: GPL-2.0-or-later
# The initramfs: cmake -DCACHE=... -DMANIFEST=list -DINIT=file -DINSPECT=file -DKEEPER=file -DMENU=file -DREADER=file -DUNPACK=file -DKEYMAPS=file -DPERSIST=file -DWSL=file -DKERNEL_FILES=file -DBLKID=file -DFSCK_EXFAT=file -DVHDTOOL=file
# -DGENERATOR_SOURCE=gen_init_cpio.c -DCC=compiler
# -DWORK=folder -DOUT=file -P initramfs.cmake. The same input gives the same bytes: owners, modes and order are the
# manifest's, times are fixed.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/apt.cmake)

# The limit of the design.
file(SIZE ${INIT} size)
if(size GREATER 1310720)
  message(FATAL_ERROR "${INIT} has ${size} bytes; vhdboot-init may have at most 1.25 MiB")
endif()

vhdboot_package(package version busybox-static)
file(GLOB busybox ${package}/files/bin/busybox ${package}/files/usr/bin/busybox) # Debian 13 has all in /usr

# Every link to busybox must be something it can do.
execute_process(COMMAND ${busybox} --list OUTPUT_VARIABLE applets COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS ${MANIFEST} links REGEX "^slink [^ ]+ busybox ")
foreach(link ${links})
  string(REGEX REPLACE "^slink [^ ]*/([^ /]+) busybox .*" "\\1" applet "${link}")
  string(FIND "\n${applets}" "\n${applet}\n" position) # not a list: the applet [ would upset CMake
  if(position LESS 0)
    message(FATAL_ERROR "${MANIFEST}: busybox-static ${version} has no ${applet}")
  endif()
endforeach()

file(MAKE_DIRECTORY ${WORK})
set(generator ${WORK}/gen_init_cpio)
execute_process(COMMAND ${CC} -O1 -o ${generator} ${GENERATOR_SOURCE} COMMAND_ERROR_IS_FATAL ANY)
set(ENV{INIT} ${INIT})
set(ENV{INSPECT} ${INSPECT})
set(ENV{ARRIVE} ${ARRIVE})
set(ENV{KEEPER} ${KEEPER})
set(ENV{MENU} ${MENU})
set(ENV{READER} ${READER})
set(ENV{UNPACK} ${UNPACK})
set(ENV{KEYMAPS} ${KEYMAPS})
set(ENV{PERSIST} ${PERSIST})
set(ENV{WSL} ${WSL})
set(ENV{KERNEL_FILES} ${KERNEL_FILES})
set(ENV{BLKID} ${BLKID})
set(ENV{BUSYBOX} ${busybox})
set(ENV{FSCK_EXFAT} ${FSCK_EXFAT})
set(ENV{VHDTOOL} ${VHDTOOL})
execute_process(COMMAND ${generator} -t 1704067200 ${MANIFEST} OUTPUT_FILE ${WORK}/initramfs.cpio
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND zstd -q -19 -T1 -f ${WORK}/initramfs.cpio -o ${WORK}/initramfs.cpio.zst
  COMMAND_ERROR_IS_FATAL ANY)
# Another archive may be put behind it, and must begin at a multiple of four.
execute_process(COMMAND truncate -s %4 ${WORK}/initramfs.cpio.zst COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${WORK}/initramfs.cpio.zst ${OUT})
file(SIZE ${OUT} packed)
message(STATUS "initramfs: ${packed} bytes, vhdboot-init ${size} bytes, busybox ${version}")
