// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel modules that stage 2 will need, taken from the guest's root file system.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "init/guest/module_folder.h"
#include "init/modules/needed_modules.h"
#include "init/record/config.h"
#include "init/stage/find_image.h"
#include "init/sys/console.h"
#include "init/sys/hardware.h"
#include "kexec/cmdline.h"
#include "kexec/plan.h"

namespace vhdboot::stage {

struct CarriedModule {
  std::string name;              ///< "dm_mod"
  std::vector<std::byte> image;  ///< uncompressed, with the signature behind it if it has one
  std::string options;           ///< its parameters, as modprobe would give them
};

struct CarriedModules {
  std::vector<CarriedModule> files;  ///< in the order to load: those of needs.found.files
  modules::ModuleNeeds needs;        ///< why; `found` is empty when the root could not be read
  /// What stage 2 asks the guest's own initrd for, see modules::request_lines(), when the root could not be read; else
  /// empty.
  std::vector<std::string> wanted;
  std::string not_read;  ///< a clause that says why nothing was taken; empty when it was
};

/// The drivers of the devices in `chain`, and in `more` if that is not null, what the guest disk is made of, and the
/// file system of a root that stage 2 mounts, unless `root_type` is empty; in the order to load.
[[nodiscard]] std::vector<modules::WantedModule> wanted_modules(const std::vector<sys::DrivenDevice>& chain,
                                                                const std::vector<std::string>& guest_disk,
                                                                const std::string& root_type,
                                                                const std::vector<sys::DrivenDevice>* more = nullptr);

/// What of a guest's boot decides which modules are taken.
struct ModuleUse {
  std::vector<std::string> guest_disk;  ///< what it takes to attach it, see blocks::modules_of()
  std::string root_type;                ///< the file system that stage 2 mounts; empty when the guest's initrd does
  const kexec::KexecPlan& plan;         ///< without an initrd nobody brings what is missing
  bool secure_boot = false;             ///< on this machine
  kexec::CommandLine line;
  const modules::MakeDecompressor& decompressors;
};

/// What the guest disk is made of, and the drivers of the controllers that the host volume hangs on. Unsupported when
/// that kernel lacks one of them, or its modules do not fit it, or, without an initrd, when one is missing, or when
/// that kernel takes signed modules only and one is not. A root that cannot be read is no error: it is reported, and
/// stage 2 relies on the guest's initrd; Unsupported when that has not all of them, Corrupt when the kernel would not
/// unpack it. Errors of reading the folder that the configuration names.
[[nodiscard]] Result<CarriedModules> collect_modules(disk::GuestDisk& disk, const FoundImage& image,
                                                     const record::Config& config, const guest::ModuleRequest& request,
                                                     const ModuleUse& use, const sys::Reporter& report);

}  // namespace vhdboot::stage
