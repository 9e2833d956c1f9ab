# SPDX-License-Identifier: GPL-2.0-or-later
# The product build: toolchain, libraries and boot kernel from the Debian archive (cmake/sources.cmake), then this very
# tree with them, then vhdboot.efi. Products are in out/ below the build tree. Whatever is expensive is kept in
# VHDBOOT_CACHE, found by the hash of what it was made from, so that another build tree takes seconds.
#
# Long steps use all processors and therefore ninja's console pool: one at a time, and one sees what they say.
include(ExternalProject)

if(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(cache_home $ENV{XDG_CACHE_HOME})
else()
  set(cache_home $ENV{HOME}/.cache)
endif()
set(VHDBOOT_CACHE ${cache_home}/vhdboot CACHE PATH "Downloads, toolchain and kernels, shared by all build trees")
execute_process(COMMAND nproc OUTPUT_VARIABLE processors OUTPUT_STRIP_TRAILING_WHITESPACE)
set(VHDBOOT_JOBS ${processors} CACHE STRING "How many compilers may run at a time")
set(VHDBOOT_KERNEL_PACKAGE linux-source-6.12 CACHE STRING "Debian package with the boot kernel's source")
set(VHDBOOT_KERNEL_SOURCE "" CACHE PATH "Another kernel source tree (default: linux/ beside this file's folder, if any)")

option(VHDBOOT_KERNEL_KEEP "Keep the kernel's objects, so that a change of kconfig/ compiles only what it touches" OFF)

set(script ${PROJECT_SOURCE_DIR}/cmake/script)
set(toolchain ${PROJECT_SOURCE_DIR}/cmake/toolchain)
set(sysroot ${CMAKE_BINARY_DIR}/sysroot)
set(out ${CMAKE_BINARY_DIR}/out)
include(cmake/sources.cmake)

# ---- What the machine must have
set(missing)
foreach(pair gcc-12:gcc-12 g++-12:g++-12 musl-gcc:musl-tools make:make dpkg-source:dpkg-dev xz:xz-utils bzip2:bzip2
    patch:patch zstd:zstd bc:bc bison:bison flex:flex objcopy:binutils ld.gold:binutils-gold apt-get:apt ninja:ninja-build)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 program)
  list(GET pair 1 package)
  find_program(VHDBOOT_PROGRAM_${program} ${program})
  mark_as_advanced(VHDBOOT_PROGRAM_${program})
  if(NOT VHDBOOT_PROGRAM_${program})
    list(APPEND missing ${package})
  endif()
endforeach()
foreach(pair /usr/include/libelf.h:libelf-dev /usr/include/efi/efi.h:gnu-efi
    /usr/include/linux/fs.h:linux-libc-dev /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 file)
  list(GET pair 1 package)
  if(NOT EXISTS ${file})
    list(APPEND missing ${package})
  endif()
endforeach()
if(missing)
  list(JOIN missing " " missing)
  message(FATAL_ERROR "The build needs more packages: apt install ${missing}")
endif()

# ---- Downloads
set(names ${VHDBOOT_SOURCES})
list(FILTER names EXCLUDE REGEX "^linux-source-")
set(kernel_tree ${VHDBOOT_KERNEL_SOURCE})
if(NOT kernel_tree AND EXISTS ${PROJECT_SOURCE_DIR}/linux/Kbuild)
  set(kernel_tree ${PROJECT_SOURCE_DIR}/linux)
endif()
if(NOT kernel_tree)
  list(APPEND names ${VHDBOOT_KERNEL_PACKAGE})
endif()
set(update_commands)
foreach(name ${names})
  set(fetch ${CMAKE_COMMAND} -DNAME=${name} -DCACHE=${VHDBOOT_CACHE} -DSTAMP=${CMAKE_BINARY_DIR}/fetch/${name})
  add_custom_command(OUTPUT fetch/${name} COMMAND ${fetch} -P ${script}/fetch.cmake
    DEPENDS cmake/sources.cmake COMMENT "Fetching ${name}" VERBATIM)
  list(APPEND update_commands COMMAND ${fetch} -DUPDATE=ON -P ${script}/fetch.cmake)
endforeach()
add_custom_target(update ${update_commands} COMMENT "Asking the Debian archive for newer sources" USES_TERMINAL VERBATIM)

# ---- Compiler for musl
foreach(wrapper musl-cc musl-c++ musl-c++-boot)
  configure_file(${toolchain}/${wrapper} ${sysroot}/bin/${wrapper} COPYONLY)
endforeach()
file(MAKE_DIRECTORY ${sysroot}/kernel-headers)
foreach(folder linux asm-generic mtd)
  file(CREATE_LINK /usr/include/${folder} ${sysroot}/kernel-headers/${folder} SYMBOLIC)
endforeach()
file(CREATE_LINK /usr/include/x86_64-linux-gnu/asm ${sysroot}/kernel-headers/asm SYMBOLIC)

add_custom_command(OUTPUT sysroot/toolchain.stamp
  COMMAND ${CMAKE_COMMAND} -DCACHE=${VHDBOOT_CACHE} -DSYSROOT=${sysroot} -DWORK=${CMAKE_BINARY_DIR}/toolchain
    -DJOBS=${VHDBOOT_JOBS} -DMAKE=${VHDBOOT_PROGRAM_make} -P ${script}/toolchain.cmake
  DEPENDS fetch/gcc-12-source cmake/script/toolchain.cmake cmake/toolchain/musl-cc cmake/toolchain/musl-c++-boot
    cmake/toolchain/libgcc_eh/CMakeLists.txt cmake/toolchain/libgcc_eh/tm.h
  USES_TERMINAL COMMENT "Toolchain" VERBATIM)

file(GLOB_RECURSE third_party CONFIGURE_DEPENDS cmake/third_party/*)
add_custom_command(OUTPUT sysroot/libraries.stamp
  COMMAND ${CMAKE_COMMAND} -DCACHE=${VHDBOOT_CACHE} -DSYSROOT=${sysroot} -DWORK=${CMAKE_BINARY_DIR}/libraries
    -DJOBS=${VHDBOOT_JOBS} -P ${script}/libraries.cmake
  DEPENDS fetch/util-linux fetch/ntfs-3g fetch/zlib fetch/xz-utils fetch/libzstd fetch/bzip2 fetch/lz4
    fetch/exfatprogs cmake/script/libraries.cmake
    cmake/toolchain/musl-cc ${third_party}
  USES_TERMINAL COMMENT "Libraries" VERBATIM)
add_custom_target(sysroot DEPENDS sysroot/toolchain.stamp sysroot/libraries.stamp)

set(menu ${CMAKE_BINARY_DIR}/programs/init/stage/vhdboot-menu)
set(keeper ${CMAKE_BINARY_DIR}/programs/init/stage/vhdboot-keeper)
set(arrive ${CMAKE_BINARY_DIR}/programs/init/stage/vhdboot-arrive)
set(reader ${CMAKE_BINARY_DIR}/programs/init/stage/vhdboot-reader)
set(unpack ${CMAKE_BINARY_DIR}/programs/init/stage/vhdboot-unpack)
set(rescue_tool ${CMAKE_BINARY_DIR}/programs/tools/vhdtool/vhdtool-rescue)

# ---- The programs: this tree again, with that compiler; always asked whether something changed
ExternalProject_Add(programs
  DEPENDS sysroot
  PREFIX programs-steps
  SOURCE_DIR ${PROJECT_SOURCE_DIR}
  BINARY_DIR ${CMAKE_BINARY_DIR}/programs
  DOWNLOAD_COMMAND ""
  UPDATE_COMMAND ""
  INSTALL_COMMAND ""
  CMAKE_ARGS -DVHDBOOT_SUPERBUILD=OFF -DVHDBOOT_SYSROOT=${sysroot} -DCMAKE_BUILD_TYPE=MinSizeRel
    -DVHDBOOT_VERSION_SUFFIX=${VHDBOOT_VERSION_SUFFIX}
    -DCMAKE_TOOLCHAIN_FILE=${toolchain}/musl.cmake -DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${out}
  BUILD_COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR}/programs -j ${VHDBOOT_JOBS}
  BUILD_BYPRODUCTS ${out}/vhdboot-init ${out}/vhdboot-inspect ${arrive} ${keeper} ${menu} ${reader} ${unpack} ${rescue_tool} ${CMAKE_BINARY_DIR}/programs/efi/stub.efi
  BUILD_ALWAYS ON
  USES_TERMINAL_CONFIGURE ON
  USES_TERMINAL_BUILD ON)

# ---- The boot kernel
set(kernel ${CMAKE_BINARY_DIR}/kernel)
file(GLOB fragments CONFIGURE_DEPENDS kconfig/*.config)
set(kernel_command ${CMAKE_COMMAND} -DCACHE=${VHDBOOT_CACHE} -DSOURCE=${kernel_tree} -DPACKAGE=${VHDBOOT_KERNEL_PACKAGE}
  -DKCONFIG=${PROJECT_SOURCE_DIR}/kconfig -DWORK=${CMAKE_BINARY_DIR}/kernel-build -DOUT=${kernel} -DJOBS=${VHDBOOT_JOBS}
  -DCC=gcc-12 -DKEEP=${VHDBOOT_KERNEL_KEEP})
set(kernel_files kernel/bzImage kernel/gen_init_cpio.c)
if(kernel_tree)
  # A tree that somebody works on: ask every time.
  set(kernel_rule OUTPUT kernel/always BYPRODUCTS ${kernel_files})
else()
  set(kernel_rule OUTPUT ${kernel_files} DEPENDS fetch/${VHDBOOT_KERNEL_PACKAGE})
endif()
add_custom_command(${kernel_rule} COMMAND ${kernel_command} -P ${script}/kernel.cmake
  DEPENDS ${fragments} kconfig/required.list cmake/script/kernel.cmake USES_TERMINAL COMMENT "Boot kernel" VERBATIM)
if(kernel_tree)
  set_source_files_properties(kernel/always PROPERTIES SYMBOLIC ON)
  add_custom_target(kernel DEPENDS kernel/always)
else()
  add_custom_target(kernel DEPENDS ${kernel_files})
endif()
add_custom_target(kernel-config COMMAND ${kernel_command} -DCONFIG_ONLY=ON -P ${script}/kernel.cmake USES_TERMINAL
  COMMENT "Configuring the boot kernel only" VERBATIM)

# ---- The initramfs, and the EFI file around all of it
set(initramfs ${CMAKE_BINARY_DIR}/initramfs.cpio.zst)
add_custom_command(OUTPUT ${initramfs}
  COMMAND ${CMAKE_COMMAND} -DCACHE=${VHDBOOT_CACHE} -DMANIFEST=${PROJECT_SOURCE_DIR}/fs-skeleton/initramfs.list
    -DINIT=${out}/vhdboot-init -DINSPECT=${out}/vhdboot-inspect -DARRIVE=${arrive} -DKEEPER=${keeper} -DMENU=${menu} -DREADER=${reader} -DUNPACK=${unpack} -DKEYMAPS=${PROJECT_SOURCE_DIR}/fs-skeleton/keymaps -DPERSIST=${PROJECT_SOURCE_DIR}/fs-skeleton/persist -DWSL=${PROJECT_SOURCE_DIR}/fs-skeleton/wsl -DKERNEL_FILES=${PROJECT_SOURCE_DIR}/fs-skeleton/kernel -DVHDTOOL=${rescue_tool}
    -DBLKID=${sysroot}/bin/blkid -DFSCK_EXFAT=${sysroot}/bin/fsck.exfat
    -DGENERATOR_SOURCE=${kernel}/gen_init_cpio.c -DCC=gcc-12
    -DWORK=${CMAKE_BINARY_DIR}/initramfs -DOUT=${initramfs} -P ${script}/initramfs.cmake
  DEPENDS programs ${out}/vhdboot-init ${out}/vhdboot-inspect ${arrive} ${keeper} ${menu} ${reader} ${unpack} ${rescue_tool} kernel ${kernel}/gen_init_cpio.c fetch/busybox-static
    fs-skeleton/initramfs.list fs-skeleton/kernel fs-skeleton/keymaps fs-skeleton/persist fs-skeleton/wsl cmake/script/initramfs.cmake sysroot/libraries.stamp
  COMMENT "Initramfs" VERBATIM)

configure_file(efi/os-release.in ${CMAKE_BINARY_DIR}/efi/os-release @ONLY)
configure_file(efi/sbat.csv.in ${CMAKE_BINARY_DIR}/efi/sbat.csv @ONLY)
add_custom_command(OUTPUT ${out}/vhdboot.efi
  COMMAND ${CMAKE_COMMAND} -DSTUB=${CMAKE_BINARY_DIR}/programs/efi/stub.efi -DOSREL=${CMAKE_BINARY_DIR}/efi/os-release
    -DSBAT=${CMAKE_BINARY_DIR}/efi/sbat.csv -DCMDLINE=${PROJECT_SOURCE_DIR}/kconfig/cmdline -DINITRD=${initramfs}
    -DKERNEL=${kernel}/bzImage -DWORK=${CMAKE_BINARY_DIR}/efi -DOUT=${out}/vhdboot.efi -P ${script}/efi_file.cmake
  DEPENDS programs ${CMAKE_BINARY_DIR}/programs/efi/stub.efi ${CMAKE_BINARY_DIR}/efi/os-release
    ${CMAKE_BINARY_DIR}/efi/sbat.csv kconfig/cmdline ${initramfs} kernel ${kernel}/bzImage cmake/script/efi_file.cmake
  COMMENT "vhdboot.efi" VERBATIM)

# ---- The list of what is in there, last of all and every time, for its remarks are to be seen
set(stamps ${names})
list(TRANSFORM stamps PREPEND fetch/)
add_custom_target(products ALL
  COMMAND ${CMAKE_COMMAND} -DCACHE=${VHDBOOT_CACHE} "-DNAMES=${names}" -DSTAMPS=${CMAKE_BINARY_DIR}/fetch
    "-DTREE=${kernel_tree}" -DOUT=${out}/sources.md -P ${script}/sources_list.cmake
  DEPENDS ${out}/vhdboot.efi ${stamps} BYPRODUCTS ${out}/sources.md COMMENT "List of sources" VERBATIM)

# ---- Installation: the tools as their own folders say, and the EFI file as data to be copied beside an image
install(SCRIPT ${CMAKE_BINARY_DIR}/programs/cmake_install.cmake)
install(FILES ${out}/vhdboot.efi DESTINATION share/vhdboot)
install(FILES ${out}/sources.md DESTINATION share/doc/vhdboot)
include(cmake/package.cmake)
