# SPDX-License-Identifier: GPL-2.0-or-later
# The tools for a running system, and the manual pages that lie beside them. (vhdboot-init is inside vhdboot.efi.)
foreach(tool raw2vhd vhdtool)
  if(TARGET ${tool})
    install(TARGETS ${tool} RUNTIME DESTINATION bin)
  endif()
endforeach()
file(GLOB manual_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*/*.1)
install(FILES ${manual_pages} DESTINATION share/man/man1)
