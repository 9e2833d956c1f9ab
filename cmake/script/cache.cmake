# SPDX-License-Identifier: GPL-2.0-or-later
# A folder of finished results outside the build tree, found by the hash of everything they were made from. An entry
# appears by one rename, so that whatever is there is whole; a lock lets two builds at the same time make it once.

cmake_minimum_required(VERSION 3.25)

# vhdboot_cache_open(PATH KIND TEXT...): PATH becomes the entry's folder; the entry stays locked until the script ends.
function(vhdboot_cache_open path kind)
  string(SHA256 key "${ARGN}")
  string(SUBSTRING ${key} 0 24 key)
  file(MAKE_DIRECTORY ${CACHE}/.lock ${CACHE}/${kind})
  file(LOCK ${CACHE}/.lock/${kind}-${key} GUARD PROCESS)
  set(${path} ${CACHE}/${kind}/${key} PARENT_SCOPE)
endfunction()

# vhdboot_cache_store(PATH FOLDER): FOLDER's content becomes the entry.
function(vhdboot_cache_store path folder)
  string(RANDOM LENGTH 12 suffix)
  set(temporary ${path}.${suffix})
  file(COPY ${folder}/ DESTINATION ${temporary})
  file(RENAME ${temporary} ${path} RESULT failure)
  if(failure AND NOT EXISTS ${path})
    message(FATAL_ERROR "cannot store ${path}: ${failure}")
  endif()
endfunction()

# vhdboot_run(LOG COMMAND...): runs it; what it prints goes to LOG, whose end is shown on failure.
function(vhdboot_run log)
  execute_process(COMMAND ${ARGN} OUTPUT_FILE ${log} ERROR_FILE ${log} RESULT_VARIABLE failure)
  if(failure)
    execute_process(COMMAND tail -n 40 ${log} OUTPUT_VARIABLE tail)
    list(JOIN ARGN " " command)
    string(REPLACE "\n" "\n  " tail "  ${tail}") # CMake leaves indented lines as they are
    message(FATAL_ERROR "failed (${failure}): ${command}\n${tail}\nThe whole log: ${log}")
  endif()
endfunction()

# vhdboot_versions(TEXT PACKAGE...): the installed versions of Debian packages, as part of a key.
function(vhdboot_versions text)
  execute_process(COMMAND dpkg-query -W ${ARGN} OUTPUT_VARIABLE versions RESULT_VARIABLE failure ERROR_QUIET)
  if(failure)
    list(JOIN ARGN " " packages)
    message(FATAL_ERROR "not all of these packages are installed: ${packages}")
  endif()
  set(${text} "${versions}" PARENT_SCOPE)
endfunction()
