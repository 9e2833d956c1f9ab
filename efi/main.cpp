// SPDX-License-Identifier: GPL-2.0-or-later
// Where gnu-efi's start code enters. It relocates us but runs no constructors: everything static is constinit.
#include "efi/stub.h"

extern "C" EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE* table) {
  return vhdboot::efi::run(self, *table);
}
