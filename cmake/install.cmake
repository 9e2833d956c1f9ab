# SPDX-License-Identifier: GPL-2.0-or-later
# The tools for a running system, the manual pages, the licence. (vhdboot-init is inside vhdboot.efi.)
foreach(tool raw2vhd vhdtool)
  if(TARGET ${tool})
    install(TARGETS ${tool} RUNTIME DESTINATION bin)
  endif()
endforeach()
foreach(section 1 7 8)
  file(GLOB manual_pages CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/*/*.${section} ${PROJECT_SOURCE_DIR}/vhd/tool/*.${section})
  install(FILES ${manual_pages} DESTINATION share/man/man${section})
endforeach()
install(FILES LICENSE README.md docs/licences.md DESTINATION share/doc/vhdboot)
