# SPDX-License-Identifier: GPL-2.0-or-later
# libstdc++ and libgcc_eh for musl from gcc's source: cmake -DCACHE=... -DSYSROOT=... -DWORK=... -DJOBS=n -DMAKE=make
# -P toolchain.cmake. SYSROOT/bin holds the compiler wrappers already; adds SYSROOT/include/c++ and SYSROOT/lib.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/apt.cmake)

set(here ${CMAKE_CURRENT_LIST_DIR}/../toolchain)
file(READ ${CMAKE_CURRENT_LIST_FILE} recipe)
set(inputs "${recipe}")
foreach(file musl-cc musl-c++-boot libgcc_eh/CMakeLists.txt libgcc_eh/tm.h)
  file(READ ${here}/${file} text)
  string(APPEND inputs "${text}")
endforeach()
vhdboot_versions(tools gcc-12 g++-12 binutils musl-dev linux-libc-dev)
vhdboot_package(package version gcc-12-source)
vhdboot_cache_open(entry toolchain "${gcc-12-source_SHA256}" "${inputs}" "${tools}")

if(NOT EXISTS ${entry})
  message(STATUS "toolchain: compiling libstdc++ for musl (a minute or two, once); logs: ${WORK}/*.log")
  set(ENV{SOURCE_DATE_EPOCH} 1704067200)
  set(ENV{LC_ALL} C)
  set(ENV{TZ} UTC)
  set(ENV{MAKEFLAGS} "")
  file(REMOVE_RECURSE ${WORK})
  file(MAKE_DIRECTORY ${WORK}/gcc ${WORK}/build)

  # Of gcc's 600 MB only what the two libraries are made of.
  set(members)
  foreach(member libstdc++-v3 libgcc libiberty include config libbacktrace/filetype.awk gcc/tsystem.h gcc/BASE-VER
      gcc/DATESTAMP gcc/DEV-PHASE config.guess config.sub install-sh missing ltmain.sh mkinstalldirs config-ml.in
      move-if-change depcomp compile config.rpath symlink-tree)
    list(APPEND members gcc-12.2.0/${member})
  endforeach()
  execute_process(COMMAND tar -xJf ${package}/files/${gcc-12-source_FILE} -C ${WORK}/gcc --strip-components=1
    --anchored --wildcards "--exclude=gcc-12.2.0/libstdc++-v3/testsuite/[0-9]*"
    "--exclude=gcc-12.2.0/libstdc++-v3/doc/[hx][tm][ml]*" --no-wildcards ${members} COMMAND_ERROR_IS_FATAL ANY)
  # libgcc's configure would make this link; without it std::thread silently disappears.
  file(CREATE_LINK gthr-posix.h ${WORK}/gcc/libgcc/gthr-default.h SYMBOLIC)

  set(flags "-Os -ffunction-sections -fdata-sections -ffile-prefix-map=${WORK}=toolchain")
  file(WRITE ${WORK}/configure.sh "#!/bin/sh\ncd ${WORK}/build && exec ../gcc/libstdc++-v3/configure \"$@\"\n")
  vhdboot_run(${WORK}/configure.log sh ${WORK}/configure.sh --build=x86_64-linux-gnu --host=x86_64-linux-musl
    --prefix=/sysroot --with-gxx-include-dir=/sysroot/include/c++/12 --disable-multilib --disable-nls --disable-shared
    --enable-static --disable-libstdcxx-pch --disable-libstdcxx-verbose --disable-libstdcxx-filesystem-ts
    --enable-clocale=generic CC=${SYSROOT}/bin/musl-cc CXX=${SYSROOT}/bin/musl-c++-boot CFLAGS=${flags}
    CXXFLAGS=${flags})
  vhdboot_run(${WORK}/make.log ${MAKE} -C ${WORK}/build -j${JOBS})
  vhdboot_run(${WORK}/install.log ${MAKE} -C ${WORK}/build install DESTDIR=${WORK}/destination)

  vhdboot_run(${WORK}/libgcc_eh.log ${CMAKE_COMMAND} -S ${here}/libgcc_eh -B ${WORK}/libgcc_eh -G Ninja
    -DCMAKE_BUILD_TYPE=None -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DGCC=${WORK}/gcc
    -DCMAKE_C_COMPILER=${SYSROOT}/bin/musl-cc "-DCMAKE_C_FLAGS=${flags}"
    -DCMAKE_INSTALL_PREFIX=${WORK}/destination/sysroot)
  vhdboot_run(${WORK}/libgcc_eh.log ${CMAKE_COMMAND} --build ${WORK}/libgcc_eh --target install -j${JOBS})
  file(REMOVE_RECURSE ${WORK}/destination/sysroot/share)
  file(GLOB_RECURSE extra ${WORK}/destination/sysroot/lib/*.la ${WORK}/destination/sysroot/lib/*.py)
  file(REMOVE ${extra})
  vhdboot_cache_store(${entry} ${WORK}/destination/sysroot)
  file(REMOVE_RECURSE ${WORK})
endif()
file(COPY ${entry}/ DESTINATION ${SYSROOT})
file(TOUCH ${SYSROOT}/toolchain.stamp)
message(STATUS "toolchain: libstdc++ and libgcc_eh of gcc ${version} for musl")
