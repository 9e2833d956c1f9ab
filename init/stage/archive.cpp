// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/archive.h"

#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"
#include "kexec/archive_builder.h"
#include "kexec/plan.h"

namespace vhdboot::stage {

std::string module_path(const CarriedModule& module) {
  return concat("modules/", module.name, ".ko");
}

Result<std::vector<std::byte>> make_archive(const record::Handoff& handoff, const CarriedModules& modules,
                                            const std::vector<guest::GuestFile>& run_files,
                                            const blocks::AttachPlan& attached) {
  constexpr std::uint64_t kMaxProgram = 16 * kMiB;
  const auto program = TRY(sys::read_file("/proc/self/exe", kMaxProgram));
  const auto reader = TRY(sys::read_file(std::string(kReaderProgram), kMaxProgram));
  const std::string record = TRY(to_text(handoff));

  kexec::ArchiveBuilder archive;
  TRY(archive.add_file(kexec::kStage2Init, program, 0755));
  TRY(archive.add_file(kReaderProgram, reader, 0755));
  std::vector<std::byte> keeper;
  if (attached.needs_keeper()) {
    const std::string_view path = attached.arrives ? kArriveProgram : kKeeperProgram;
    keeper = TRY(sys::read_file(std::string(path), kMaxProgram));
    TRY(archive.add_file(path, keeper, 0755));
  }
  std::vector<std::byte> persist;
  if (handoff.persist) {
    persist = TRY(sys::read_file(std::string(kPersistText), kMaxProgram));
    TRY(archive.add_file(kPersistText, persist));
  }
  TRY(archive.add_file(record::kHandoffPath, as_bytes(record)));
  for (const CarriedModule& module : modules.files)
    TRY(archive.add_file(concat(kArchiveFolder, '/', module_path(module)), module.image));
  for (const guest::GuestFile& file : run_files)
    TRY(archive.add_file(concat(kRunFiles, '/', file.name), as_bytes(file.text)));
  if (!modules.wanted.empty()) {
    std::string lines;
    for (const std::string& wanted : modules.wanted) lines += concat(wanted, '\n');
    TRY(archive.add_file(kWantedModulesPath, as_bytes(lines)));
  }
  return archive.finish();
}

}  // namespace vhdboot::stage
