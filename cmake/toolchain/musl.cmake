# SPDX-License-Identifier: GPL-2.0-or-later
# Toolchain file of the product build; VHDBOOT_SYSROOT is the folder that the superbuild fills.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VHDBOOT_SYSROOT)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER ${VHDBOOT_SYSROOT}/bin/musl-cc)
set(CMAKE_CXX_COMPILER ${VHDBOOT_SYSROOT}/bin/musl-c++)
set(CMAKE_FIND_ROOT_PATH ${VHDBOOT_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# A frame pointer makes C++ smaller: what lies on the stack is named with fewer bytes, and the unwind tables need not say
# where the stack pointer is after each push.
set(flags "-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_INIT "${flags}")
# Nothing asks an object for its type; what is thrown has its type all the same.
set(CMAKE_CXX_FLAGS_INIT "${flags} -fno-rtti")
foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_MINSIZEREL "-Oz -DNDEBUG" CACHE STRING "Smaller than CMake's -Os")
endforeach()
# gold (of Debian's binutils) makes one of functions that are the same, as templates make many. Not -flto: g++ 12 was
# seen to drop the stores that initialise an object whose only reader is in another file.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=gold -Wl,--icf=safe -Wl,--gc-sections -Wl,--build-id=none -s")
