# SPDX-License-Identifier: GPL-2.0-or-later
# The foreign libraries, as targets: dep_ntfs3g dep_blkid dep_zlib dep_lzma dep_zstd dep_bzip2 dep_lz4. In the product build (the
# toolchain file sets VHDBOOT_SYSROOT) they are the static ones built for musl; otherwise they are Debian's own, or those
# that cmake/third_party has put into VHDBOOT_LIBRARIES, with sanitizers for example.
# Headers: <ntfs-3g/volume.h> <blkid/blkid.h> <zlib.h> <lzma.h> <zstd.h> <bzlib.h> <lz4.h>.
set(VHDBOOT_LIBRARIES "${VHDBOOT_SYSROOT}" CACHE PATH "Where cmake/third_party was installed (default: Debian's libraries)")
mark_as_advanced(VHDBOOT_LIBRARIES)

function(vhdboot_dependency name library header package)
  add_library(${name} INTERFACE)
  if(VHDBOOT_LIBRARIES)
    target_include_directories(${name} SYSTEM INTERFACE ${VHDBOOT_LIBRARIES}/include)
    target_link_libraries(${name} INTERFACE ${VHDBOOT_LIBRARIES}/lib/lib${library}.a)
    return()
  endif()
  find_path(${name}_header ${header})
  find_library(${name}_library ${library})
  mark_as_advanced(${name}_header ${name}_library)
  if(NOT ${name}_header OR NOT ${name}_library)
    message(FATAL_ERROR "<${header}> or lib${library} is missing: apt install ${package}")
  endif()
  target_link_libraries(${name} INTERFACE ${${name}_library})
endfunction()

vhdboot_dependency(dep_ntfs3g ntfs-3g ntfs-3g/volume.h ntfs-3g-dev)
vhdboot_dependency(dep_blkid blkid blkid/blkid.h libblkid-dev)
vhdboot_dependency(dep_zlib z zlib.h zlib1g-dev)
vhdboot_dependency(dep_lzma lzma lzma.h liblzma-dev)
vhdboot_dependency(dep_zstd zstd zstd.h libzstd-dev)
vhdboot_dependency(dep_bzip2 bz2 bzlib.h libbz2-dev)
vhdboot_dependency(dep_lz4 lz4 lz4.h liblz4-dev)

# libntfs-3g installs headers that still ask for the HAVE_* macros of its own config.h (without them they declare
# ffs() or struct timespec a second time), and two options that change structures: as the library was built.
target_compile_definitions(dep_ntfs3g INTERFACE
  HAVE_STDIO_H=1 HAVE_STDARG_H=1 HAVE_STDDEF_H=1 HAVE_STDINT_H=1 HAVE_STDLIB_H=1 HAVE_SYS_TYPES_H=1 HAVE_SYS_PARAM_H=1
  HAVE_SYS_STAT_H=1 HAVE_MNTENT_H=1 HAVE_TIME_H=1 HAVE_GETTIMEOFDAY=1 HAVE_CLOCK_GETTIME=1 HAVE_ENDIAN_H=1
  HAVE_BYTESWAP_H=1 HAVE_FFS=1 HAVE_DAEMON=1 HAVE_STRSEP=1 HAVE_REALPATH=1)
if(NOT VHDBOOT_LIBRARIES)
  # Debian: --enable-xattr-mappings --enable-posix-acls. Ours (cmake/third_party/ntfs-3g/config.h) has neither.
  target_compile_definitions(dep_ntfs3g INTERFACE XATTR_MAPPINGS=1 POSIXACLS=1)
endif()
