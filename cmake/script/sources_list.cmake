# SPDX-License-Identifier: GPL-2.0-or-later
# The list of what went into the products, with the versions as they are in this build: cmake -DCACHE=... -DNAMES=packages
# -DSTAMPS=folder [-DTREE=kernel's] -DOUT=file -P sources_list.cmake. Says at its end what is to be known of it.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/apt.cmake)

set(rows)
set(remarks)
foreach(name ${NAMES})
  file(READ ${STAMPS}/${name} version)
  set(patches "as it is in Debian")
  if(${name}_KIND STREQUAL "source")
    vhdboot_patches(said ${name} ${version})
    if(said)
      set(patches ${said})
      list(APPEND remarks "${name} ${version}: ${said}")
    else()
      set(patches "with Debian's patches")
    endif()
  endif()
  set(sum ${${name}_SHA256})
  if(sum)
    set(sum "`${${name}_FILE}` ${sum}")
  endif()
  string(APPEND rows "| ${name} | ${version} | ${patches} | ${sum} |\n")
endforeach()
if(TREE)
  string(APPEND rows "| Linux | a source tree of your own | | |\n")
endif()
# These are the machine's own packages, parts of which are linked in.
execute_process(COMMAND dpkg-query -W -f "| \${Package} | \${Version} | as it is in Debian | |\n" musl-dev gcc-12 gnu-efi
  OUTPUT_VARIABLE installed COMMAND_ERROR_IS_FATAL ANY)
set(text "# What this build of vhdboot is made of\n\nIts licences are in docs/licences.md. SHA-256 sums are those of the upstream\
 releases, which cmake/sources.cmake pins.\n\n| package | version | | SHA-256 |\n| --- | --- | --- | --- |\n${rows}${installed}")
if(remarks)
  list(JOIN remarks "\n- " lines)
  string(APPEND text "\nNot with the newest of Debian's patches:\n\n- ${lines}\n\nWhat those patches are known to mend in\
 the parts that are used here is refused by vhdboot itself; docs/licences.md tells how.\n")
endif()
file(WRITE ${OUT} "${text}")
if(remarks)
  list(JOIN remarks "\n   " lines)
  message(STATUS "not with the newest of Debian's patches (no less safe: docs/licences.md tells why):\n   ${lines}\n   "
    "`cmake --build --preset release --target update` asks for them again")
endif()
