// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/config_file.h"

#include <utility>

#include "efi/volume_files.h"

namespace vhdboot::efi {

namespace {

FixedText<kMaxFilePath> conf_path(std::string_view own_path) {
  if (own_path.size() >= 4) {
    const std::string_view end = own_path.substr(own_path.size() - 4);
    if (end[0] == '.' && (end[1] | 0x20) == 'e' && (end[2] | 0x20) == 'f' && (end[3] | 0x20) == 'i')
      own_path.remove_suffix(4);
  }
  return FixedText<kMaxFilePath>(own_path, ".conf");
}

}  // namespace

ConfigFile read_config_file(EFI_BOOT_SERVICES& boot, EFI_HANDLE device, std::string_view own_path) {
  ConfigFile conf;
  const VolumeFiles volume(boot, device);
  if (volume.status() == EFI_UNSUPPORTED || own_path.empty()) return conf;

  const auto path = conf_path(own_path);
  FileContents file = volume.read(path.view(), kMaxConfSize);
  if (!failed(file.status)) {
    conf.memory = std::move(file.memory);
    conf.contents = file.bytes;
  } else if (file.status == EFI_BUFFER_TOO_SMALL) {
    conf.problem = Sentence(path.view(), " is larger than 64 KiB, so it is no configuration.");
  } else if (file.status == EFI_UNSUPPORTED) {
    conf.problem = Sentence(path.view(), " is not a file that can be read.");
  } else if (file.status != EFI_NOT_FOUND) {
    conf.problem = Sentence(path.view(), " cannot be read (", describe(file.status), ").");
  }
  return conf;
}

}  // namespace vhdboot::efi
