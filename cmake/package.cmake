# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package, by `cpack` in the build folder: what `cmake --install` installs, below /usr.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vhdboot)
set(CPACK_PACKAGE_VERSION ${VHDBOOT_VERSION})
set(CPACK_PACKAGE_CONTACT "The vhdboot developers <vhdboot@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "The boot file vhdboot.efi, in /usr/share/vhdboot, is copied beside a disk image on an NTFS or exFAT
 partition and boots the Linux in it. With the tools for such images.")
include(CPack)
