// SPDX-License-Identifier: GPL-2.0-or-later
// What a command is going to change on this machine: shown before, done in order, undone when a part of it fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tools/vhdboot/efi_variables.h"

namespace vhdboot::command {

using FileBytes = std::vector<std::byte>;

struct Change {
  enum class Target : std::uint8_t {
    File,
    Folder,    ///< contents mean only that it is there; one that is not empty is not removed
    Variable,  ///< of the firmware's own, by its name
  };

  Target target = Target::File;
  std::string path;
  std::optional<FileBytes> before;  ///< as the plan found it; nothing: it was not there
  std::optional<FileBytes> after;   ///< nothing: it goes
  std::string what;                 ///< for people: "copy vhdboot.efi 0.2.0", "edit"

  friend bool operator==(const Change&, const Change&) = default;
};

struct Plan {
  std::vector<Change> changes;
  std::vector<std::string> facts;     ///< what was found, sentences
  std::vector<std::string> warnings;  ///< sentences
  std::string untouched;              ///< what stays as it is
  std::string then;                   ///< what to do when it is done

  /// Adds a change unless it would change nothing.
  void add(Change change);
};

/// A line for each change and each sentence.
[[nodiscard]] std::string plan_text(const Plan& plan);
/// One JSON object on one line, without the line feed.
[[nodiscard]] std::string plan_json(const Plan& plan, std::string_view schema);

/// How a plan is carried out. A test may fail at any point.
class Changer {
 public:
  explicit Changer(EfiVariables variables) : variables_(std::move(variables)) {}
  virtual ~Changer() = default;
  Changer(const Changer&) = delete;
  Changer& operator=(const Changer&) = delete;

  /// The present contents of what the change is about.
  [[nodiscard]] Result<std::optional<FileBytes>> present(Change::Target target, const std::string& path) const;
  /// Makes them `contents`, durably.
  [[nodiscard]] virtual Result<void> put(Change::Target target, const std::string& path,
                                         const std::optional<FileBytes>& contents);

 private:
  EfiVariables variables_;
};

/// Files larger than this are none that a plan changes.
inline constexpr std::uint64_t kMaxPlannedFile = 64 * 1024 * 1024;

/// The change of `path` from what it is now.
[[nodiscard]] Result<Change> plan_change(const Changer& changer, Change::Target target, const std::string& path,
                                         std::optional<FileBytes> after, std::string what);

/// Does all of it. After a failure, or a signal that HeldSignals hold back, what was done is undone, the last first;
/// the error says so, or what could not be undone. Busy, with nothing done, when something is not as the plan found it.
[[nodiscard]] Result<void> carry_out(Changer& changer, const Plan& plan);

}  // namespace vhdboot::command
