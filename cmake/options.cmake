# SPDX-License-Identifier: GPL-2.0-or-later
# How all C++ code of this tree is compiled, by whichever compiler.
option(VHDBOOT_TESTS "Build the unit tests" OFF)
option(VHDBOOT_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
option(VHDBOOT_PRECOMPILED_HEADERS "Read the standard library's headers once, for builds that are made from nothing" OFF)
set(VHDBOOT_SANITIZE "" CACHE STRING "Sanitizers for the whole tree, such as address,undefined")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON) # statement expressions, in TRY
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(vhdboot_options INTERFACE)
target_include_directories(vhdboot_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(vhdboot_options INTERFACE -Wall -Wextra -Werror -Wno-missing-field-initializers)
target_compile_definitions(vhdboot_options INTERFACE _FILE_OFFSET_BITS=64 VHDBOOT_VERSION="${VHDBOOT_VERSION}")
if(VHDBOOT_SYSROOT)
  # The same bytes wherever the tree and the build lie.
  target_compile_options(vhdboot_options INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
    -ffile-prefix-map=${PROJECT_BINARY_DIR}/=)
  # A static program's own start files tell libgcc where its unwind tables are. The index of them makes a throw faster, and
  # each program 2 % larger.
  target_link_options(vhdboot_options INTERFACE -Wl,--no-eh-frame-hdr)
  # Nothing compares the addresses of functions: those that are the same are one, whoever knows where they are.
  target_link_options(vhdboot_options INTERFACE -Wl,--icf=all)
  # Only a dynamic loader would make those pages read-only: for a static program they are up to a page of padding.
  target_link_options(vhdboot_options INTERFACE -Wl,-z,norelro)
endif()
if(VHDBOOT_SANITIZE)
  # Not vptr: it opens a pipe to find out what memory can be read, and the reader process can open nothing. Not null:
  # AddressSanitizer stops at that, too, and without these checks the code is a tenth smaller to compile and to run.
  target_compile_options(vhdboot_options INTERFACE -fsanitize=${VHDBOOT_SANITIZE} -fno-sanitize=vptr,null
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(vhdboot_options INTERFACE -fsanitize=${VHDBOOT_SANITIZE})
endif()
if(VHDBOOT_FUZZ)
  # A unit test, which sets VHDBOOT_FUZZED to OFF, guides no fuzzer.
  target_compile_options(vhdboot_options INTERFACE
    $<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:VHDBOOT_FUZZED>,OFF>>:-fsanitize=fuzzer-no-link>)
endif()

# vhdboot_precompiled_headers(NAME): the first one, vhdboot_base, makes what all others use. No source may count on it: the
# products are built without.
function(vhdboot_precompiled_headers name)
  if(NOT VHDBOOT_PRECOMPILED_HEADERS)
    return()
  endif()
  if(name STREQUAL "vhdboot_base")
    target_precompile_headers(${name} PRIVATE <algorithm> <array> <chrono> <expected> <functional> <map> <memory> <optional> <span>
      <string> <string_view> <variant> <vector> ${PROJECT_SOURCE_DIR}/base/result.h ${PROJECT_SOURCE_DIR}/base/text.h)
  else()
    target_precompile_headers(${name} REUSE_FROM vhdboot_base)
  endif()
endfunction()

# vhdboot_library(NAME SOURCES... USES LIBRARIES...): one static library of this tree.
function(vhdboot_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC vhdboot_options ${arg_USES})
  vhdboot_precompiled_headers(${name})
endfunction()
