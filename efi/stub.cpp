// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/stub.h"

#include "efi/config_file.h"
#include "efi/console.h"
#include "efi/give_up.h"
#include "efi/image_names.h"
#include "efi/initrd_media.h"
#include "efi/kernel_image.h"
#include "efi/load_options.h"
#include "efi/loader_variables.h"
#include "efi/one_shot.h"
#include "efi/origin_archive.h"
#include "efi/pe_sections.h"
#include "efi/started_from.h"
#include "efi/ventoy.h"

namespace vhdboot::efi {

namespace {

constexpr UINTN kReadingTime = 3'000'000;  // microseconds

Bytes image_bytes(const EFI_LOADED_IMAGE& image) {
  return {static_cast<const std::byte*>(image.ImageBase), image.ImageSize};
}

LoadOptions load_options(const EFI_LOADED_IMAGE& image, const StartedFrom& from) {
  if (image.LoadOptions == nullptr) return {};
  return read_load_options({static_cast<const std::byte*>(image.LoadOptions), image.LoadOptionsSize},
                           from.path ? from.path->view() : std::string_view());
}

// Something that a person should know but that need not stop the boot; the kernel's first lines may clear the screen.
void warn(EFI_SYSTEM_TABLE& table, std::string_view sentence) {
  Console console(table);
  console.clear();
  console.paragraph(Sentence("vhdboot: warning: ", sentence).view());
  table.BootServices->Stall(kReadingTime);
}

// What the operating system before this start has asked for.
std::optional<OneShot> one_shot(EFI_SYSTEM_TABLE& table) {
  TakenOneShot taken = take_one_shot(*table.RuntimeServices);
  if (taken.ignored)
    warn(table, taken.problem.view());
  else if (!taken.problem.empty())  // nobody says that it is meant for us: no reason to wait
    Console(table).paragraph(Sentence("vhdboot: warning: ", taken.problem.view()).view());
  return taken.request;
}

// What the operating system of this start can ask for. Nothing when a boot loader before us has said so for itself.
void tell_what_can_be_asked(EFI_SYSTEM_TABLE& table, const StartedFrom& from, const LoadOptions& options,
                            const ConfigFile& conf) {
  if (!is_first_loader(*table.RuntimeServices)) return;
  EntryList entries;
  add_images(*table.BootServices, from.device,
             {.path = from.path ? from.path->view() : std::string_view(),
              .options = options.text.view(),
              .conf = conf.contents},
             entries);
  set_loader_variables(*table.RuntimeServices, entries);
}

// The record of where we come from, as an archive. Empty when there is no memory.
PoolBytes make_origin_archive(EFI_SYSTEM_TABLE& table, const StartedFrom& from, const LoadOptions& options,
                              const ConfigFile& conf, const std::optional<OneShot>& once) {
  Origin origin;
  origin.menu = Console(table).asked_for_menu() || (once && once->menu);
  if (once) origin.one_shot = once->name.view();
  if (from.partition) origin.partuuid = from.partition->view();
  if (from.serial) origin.serial = from.serial->view();
  if (from.path) origin.path = from.path->view();
  origin.options = options.text.view();
  origin.conf = conf.contents;
  origin.place = from.place;
  PoolBytes archive = PoolBytes::allocate(*table.BootServices, static_cast<std::size_t>(origin_archive_size(origin)));
  if (archive && !write_origin_archive(origin, archive.bytes())) return {};
  return archive;
}

// Returns only when the boot kernel could not be started, with the reason.
Sentence start(EFI_HANDLE self, EFI_SYSTEM_TABLE& table, const EFI_LOADED_IMAGE& image, const StartedFrom& from) {
  EFI_BOOT_SERVICES& boot = *table.BootServices;
  const auto kernel = find_section(image_bytes(image), ".linux");
  const auto initrd = find_section(image_bytes(image), ".initrd");
  const auto command_line = find_section(image_bytes(image), ".cmdline");
  if (!kernel || !initrd)
    return Sentence("this file is not complete: it holds no ", kernel ? "initramfs" : "boot kernel",
                    ". Copy vhdboot.efi again.");

  const LoadOptions options = load_options(image, from);
  if (options.too_long)
    return Sentence(
        "the load options are longer than 4096 bytes: shorten them in the boot menu's entry, or put them "
        "into the .conf file beside this one.");
  const ConfigFile conf = read_config_file(boot, from.device, from.path ? from.path->view() : std::string_view());
  if (!conf.problem.empty()) warn(table, conf.problem.view());

  const auto once = one_shot(table);
  const PoolBytes archive = make_origin_archive(table, from, options, conf, once);
  if (!archive) return Sentence("out of memory.");
  const InitrdMedia media(boot, *initrd, archive.bytes());
  if (media.status() == EFI_ALREADY_STARTED)
    return Sentence(
        "the program that started vhdboot already offers an initramfs for another kernel: start vhdboot "
        "directly from the boot menu, without an initrd line.");
  if (failed(media.status()))
    return Sentence("the initramfs cannot be offered to the boot kernel (", describe(media.status()), ").");
  tell_what_can_be_asked(table, from, options, conf);
  return start_kernel(boot, self, *kernel, command_line ? as_text(*command_line) : std::string_view());
}

}  // namespace

EFI_STATUS run(EFI_HANDLE self, EFI_SYSTEM_TABLE& table) {
  EFI_BOOT_SERVICES& boot = *table.BootServices;
  const auto* const image = find_protocol<EFI_LOADED_IMAGE>(boot, self, kLoadedImage);
  if (image == nullptr) give_up(table, "the firmware does not say where this file was loaded.", {});

  const StartedFrom from = find_origin(boot, self, *image);
  if (is_ventoy_retry(*table.RuntimeServices, from.device_path)) return EFI_ABORTED;

  Console(table).print("vhdboot " VHDBOOT_VERSION ": starting the boot kernel\n");
  const Sentence reason = start(self, table, *image, from);
  give_up(table, reason.view(), from);
}

}  // namespace vhdboot::efi
