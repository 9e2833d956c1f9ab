# SPDX-License-Identifier: GPL-2.0-or-later
# cmake -DNAME=package -DCACHE=folder [-DUPDATE=ON] -DSTAMP=file -P fetch.cmake: one package into the cache.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/apt.cmake)
vhdboot_package(folder version ${NAME})
set(old)
if(EXISTS ${STAMP})
  file(READ ${STAMP} old)
endif()
if(NOT old STREQUAL version OR NOT UPDATE)
  file(WRITE ${STAMP} "${version}")
endif()
