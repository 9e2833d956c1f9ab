// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_files.h"

#include "base/text.h"
#include "entry/grub_cfg.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

GrubTexts read_grub_texts(disk::GuestDisk& disk, const BootFolder& boot, bool vendor) {
  const auto read = [&](const char* folder, const char* name, std::uint64_t cap) {
    auto text = boot.top.read_text(concat(boot.folder, folder, '/', name), cap);
    return text ? std::optional(*std::move(text)) : std::nullopt;
  };
  GrubTexts texts;
  for (const char* folder : {"/grub", "/grub2"}) {
    GrubTexts here{.config = read(folder, "grub.cfg", kMaxGrubConfig),
                   .environment = read(folder, "grubenv", kMaxGrubEnvironment)};
    if (here.config || (here.environment && !texts.environment)) texts = std::move(here);
    if (texts.config) break;
  }
  if (vendor && !texts.config) texts.config = read_vendor_file(disk, "grub.cfg", kMaxGrubConfig);
  if (vendor && !texts.environment) texts.environment = read_vendor_file(disk, "grubenv", kMaxGrubEnvironment);
  return texts;
}

}  // namespace vhdboot::entry
