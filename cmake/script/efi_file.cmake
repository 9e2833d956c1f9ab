# SPDX-License-Identifier: GPL-2.0-or-later
# vhdboot.efi: the stub with its payload as PE sections. cmake -DSTUB=... -DOSREL=... -DSBAT=... -DCMDLINE=... -DINITRD=...
# -DKERNEL=... -DWORK=folder -DOUT=file -P efi_file.cmake
cmake_minimum_required(VERSION 3.25)

# The command line's file has remarks and line ends, the section has neither.
file(STRINGS ${CMDLINE} lines REGEX "^[^#]")
list(JOIN lines " " text)
file(MAKE_DIRECTORY ${WORK})
file(WRITE ${WORK}/cmdline "${text}")

# objcopy does not choose addresses: above the stub's last section, each on a page of its own.
execute_process(COMMAND objdump -h ${STUB} OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n +[0-9]+ [^ ]+ +[0-9a-f]+  [0-9a-f]+" sections "${listing}")
if(NOT sections)
  message(FATAL_ERROR "${STUB} has no sections")
endif()
set(end 0)
foreach(section ${sections})
  string(REGEX MATCH "([0-9a-f]+)  ([0-9a-f]+)$" match "${section}")
  math(EXPR section_end "0x${CMAKE_MATCH_1} + 0x${CMAKE_MATCH_2}")
  if(section_end GREATER end)
    set(end ${section_end})
  endif()
endforeach()

set(arguments)
foreach(pair .osrel=${OSREL} .cmdline=${WORK}/cmdline .sbat=${SBAT} .initrd=${INITRD} .linux=${KERNEL})
  string(REGEX MATCH "^([^=]+)=(.*)$" match "${pair}")
  set(name ${CMAKE_MATCH_1})
  set(file ${CMAKE_MATCH_2})
  math(EXPR address "(${end} + 4095) / 4096 * 4096" OUTPUT_FORMAT HEXADECIMAL)
  file(SIZE ${file} size)
  math(EXPR end "${address} + ${size}")
  # Without these flags SizeOfRawData is 0 and LoadImage answers Unsupported.
  list(APPEND arguments --add-section ${name}=${file}
    --set-section-flags ${name}=contents,alloc,load,readonly,data --change-section-vma ${name}=${address})
endforeach()
set(ENV{SOURCE_DATE_EPOCH} 1704067200)
execute_process(COMMAND objcopy -S --preserve-dates --enable-deterministic-archives ${arguments} ${STUB} ${WORK}/new.efi
  COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${WORK}/new.efi size)
if(size GREATER 8388608)
  message(FATAL_ERROR "vhdboot.efi would have ${size} bytes; it may have at most 8 MiB")
endif()
get_filename_component(folder ${OUT} DIRECTORY)
file(MAKE_DIRECTORY ${folder})
file(RENAME ${WORK}/new.efi ${OUT})
file(TOUCH_NOCREATE ${OUT}) # --preserve-dates gave it the stub's time
file(SIZE ${INITRD} initrd)
file(SIZE ${KERNEL} kernel)
message(STATUS "vhdboot.efi: ${size} bytes, of which kernel ${kernel} and initramfs ${initrd}")
