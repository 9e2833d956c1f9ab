# SPDX-License-Identifier: GPL-2.0-or-later
# The foreign libraries for musl: cmake -DCACHE=... -DSYSROOT=... -DWORK=... -DJOBS=n -P libraries.cmake. Adds headers and
# static libraries to SYSROOT.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/apt.cmake)

set(here ${CMAKE_CURRENT_LIST_DIR}/../third_party)
set(inputs)
file(GLOB_RECURSE files LIST_DIRECTORIES false ${here}/*)
foreach(file ${files} ${CMAKE_CURRENT_LIST_DIR}/../toolchain/musl-cc ${CMAKE_CURRENT_LIST_FILE})
  file(READ ${file} text)
  string(APPEND inputs "${text}")
endforeach()
set(names util-linux ntfs-3g zlib xz-utils libzstd bzip2 lz4 exfatprogs)
foreach(name ${names})
  vhdboot_package(${name}_folder ${name}_version ${name})
  string(APPEND inputs "${name} ${${name}_version} ${${name}_SHA256}")
endforeach()
vhdboot_versions(tools gcc-12 binutils musl-dev linux-libc-dev)
vhdboot_cache_open(entry libraries "${inputs}" "${tools}")

if(NOT EXISTS ${entry})
  message(STATUS "libraries: compiling libblkid, libntfs-3g, zlib, liblzma, libzstd, libbz2, liblz4, fsck.exfat for musl; "
    "logs: ${WORK}/*.log")
  set(ENV{SOURCE_DATE_EPOCH} 1704067200)
  file(REMOVE_RECURSE ${WORK})
  file(MAKE_DIRECTORY ${WORK}/sources)
  foreach(name ${names})
    file(GLOB dsc ${${name}_folder}/*.dsc)
    if(dsc)
      vhdboot_run(${WORK}/${name}.log dpkg-source --no-copy -x ${dsc} ${WORK}/sources/${name})
    else()
      file(MAKE_DIRECTORY ${WORK}/sources/${name})
      vhdboot_run(${WORK}/${name}.log tar -xf ${${name}_folder}/${${name}_FILE} -C ${WORK}/sources/${name}
        --strip-components=1)
    endif()
  endforeach()
  vhdboot_run(${WORK}/configure.log ${CMAKE_COMMAND} -S ${here} -B ${WORK}/build -G Ninja -DCMAKE_BUILD_TYPE=None
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_C_COMPILER=${SYSROOT}/bin/musl-cc
    -DCMAKE_INSTALL_PREFIX=${WORK}/destination -DSOURCES=${WORK}/sources
    "-DCMAKE_C_FLAGS=-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -ffile-prefix-map=${WORK}=libraries")
  vhdboot_run(${WORK}/build.log ${CMAKE_COMMAND} --build ${WORK}/build --target install -j${JOBS})
  vhdboot_cache_store(${entry} ${WORK}/destination)
  file(REMOVE_RECURSE ${WORK})
endif()
file(COPY ${entry}/ DESTINATION ${SYSROOT})
file(TOUCH ${SYSROOT}/libraries.stamp)
message(STATUS "libraries: util-linux ${util-linux_version}, ntfs-3g ${ntfs-3g_version}, zlib ${zlib_version}, "
  "xz-utils ${xz-utils_version}, libzstd ${libzstd_version}, bzip2 ${bzip2_version}, lz4 ${lz4_version}, exfatprogs ${exfatprogs_version}")
