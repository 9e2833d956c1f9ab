// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/give_up.h"

#include "efi/console.h"
#include "efi/fixed_text.h"

namespace vhdboot::efi {

namespace {

constexpr unsigned kSeconds = 30;
constexpr UINT64 kWatchdogCode = 0x10000;

void show_origin(Console& console, const StartedFrom& from) {
  if (!from.path && !from.partition) return;
  console.print("\n");
  if (from.path) console.paragraph(FixedText<5000>("File: ", from.path->view()).view());
  if (from.partition) console.paragraph(FixedText<100>("Partition: ", from.partition->view()).view());
}

}  // namespace

void give_up(EFI_SYSTEM_TABLE& table, std::string_view sentence, const StartedFrom& from) {
  table.BootServices->SetWatchdogTimer(0, kWatchdogCode, 0, nullptr);
  Console console(table);
  console.clear();
  console.print("vhdboot " VHDBOOT_VERSION " could not start.\n\n");
  console.paragraph(FixedText<600>("error: ", sentence).view());
  show_origin(console, from);
  console.print("\n");
  console.wait_for_key(kSeconds, [&](unsigned left) {
    // The spaces cover the digit that goes when 10 becomes 9.
    console.print(
        FixedText<100>("\rPress a key to restart the computer; it restarts by itself in ", left, " s  ").view());
  });
  console.print("\n");
  for (;;) {
    table.RuntimeServices->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, nullptr);
    table.BootServices->Stall(1'000'000);  // firmware that cannot reset: the message stays
  }
}

}  // namespace vhdboot::efi
