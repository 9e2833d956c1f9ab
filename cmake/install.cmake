# SPDX-License-Identifier: GPL-2.0-or-later
# The tools for a running system, their completions, the manual pages, the pages, the licence. (vhdboot-init is inside vhdboot.efi.)
foreach(tool raw2vhd vhdboot vhdtool vhdboot-inspect)
  if(TARGET ${tool})
    install(TARGETS ${tool} RUNTIME DESTINATION bin)
  endif()
endforeach()
install(DIRECTORY tools/completions/ DESTINATION share/bash-completion/completions FILES_MATCHING PATTERN *.bash)
install(DIRECTORY tools/completions/ DESTINATION share/zsh/site-functions FILES_MATCHING PATTERN _*)
install(DIRECTORY tools/completions/ DESTINATION share/fish/vendor_completions.d FILES_MATCHING PATTERN *.fish)
foreach(section 1 7 8)
  file(GLOB manual_pages CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/docs/*.${section} ${PROJECT_SOURCE_DIR}/tools/*/*.${section})
  install(FILES ${manual_pages} DESTINATION share/man/man${section})
endforeach()
install(FILES LICENSE README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md DESTINATION share/doc/vhdboot)
# In the folder where the links of README lead.
install(DIRECTORY docs DESTINATION share/doc/vhdboot
  FILES_MATCHING PATTERN *.md PATTERN *.svg PATTERN *.png)
