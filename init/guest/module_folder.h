// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's kernel modules, in its root file system or in a folder that a person names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "init/modules/decompress.h"
#include "init/modules/modprobe.h"
#include "init/modules/modules.h"
#include "init/record/config.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// Whose modules are looked for, and where.
struct ModuleRequest {
  std::string release;      ///< of the guest's kernel
  std::string root_option;  ///< the guest's root=
  std::string root_flags;   ///< its rootflags=
  std::string init = {};    ///< its init=, beside which NixOS has the modules
  std::string ostree = {};  ///< its ostree=, see system_folders()
};

/// Of the kernel of that release, started with this command line.
[[nodiscard]] ModuleRequest module_request(std::string release, const kexec::CommandLine& line);

/// The folder of a kernel's modules.
struct ModuleFolder {
  disk::Folder root;  ///< the root directory of the system that it belongs to; without one, the folder
  disk::Folder tree;
  std::string release;
  const disk::GuestPartition* partition = nullptr;  ///< that they lie on; null: it is none of the guest disk
};

struct ModuleSearch {
  std::optional<ModuleFolder> folder;
  std::string reason;  ///< why there is none, a clause
};

/// Looks on the partitions that can be read, or in the folder of `host`, the volume with the image, that the
/// configuration names; null: it is not known. Invalid: the configuration names a partition that is not there, or the
/// release is no file name.
[[nodiscard]] Result<ModuleSearch> find_module_folder(disk::GuestDisk& disk, const disk::FileTree* host,
                                                      const record::Config& config, const ModuleRequest& request);

/// How the system loads them, with `line` as its kernel command line.
[[nodiscard]] modules::ModprobeConfig read_modprobe(const ModuleFolder& folder, const kexec::CommandLine& line);

/// Errors as modules::ModuleIndex::parse(), and of reading.
[[nodiscard]] Result<modules::ModuleIndex> read_index(const ModuleFolder& folder,
                                                      const modules::ModprobeConfig& modprobe = {});

/// How the kernel was configured, as its package says; empty when it does not, or keeps that in another place.
[[nodiscard]] std::string read_kernel_config(const ModuleFolder& folder);

/// The module `file`, a path in the index, uncompressed. Unsupported when it was built for another kernel.
[[nodiscard]] Result<std::vector<std::byte>> read_module(const ModuleFolder& folder, const std::string& file,
                                                         const modules::MakeDecompressor& make);

}  // namespace vhdboot::guest
