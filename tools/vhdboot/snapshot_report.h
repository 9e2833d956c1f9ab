// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdboot snapshot` tells: what a running system can do to go back later, and what takes its image offline.
#pragma once

#include <string>
#include <vector>

#include "tools/vhdboot/status_facts.h"

namespace vhdboot::command {

/// A way to go back.
struct Way {
  std::string text;     ///< a sentence for people
  std::string command;  ///< a line for a shell; empty: there is none
};

struct SnapshotAdvice {
  std::string image;         ///< its path on its volume; empty: the system does not run from one
  std::string reason;        ///< why no snapshot of it can be made now: a sentence
  std::vector<Way> now;      ///< in the running system
  std::vector<Way> offline;  ///< in another system that can write to the volume
};

/// `root`: what is mounted at "/" ("btrfs").
[[nodiscard]] SnapshotAdvice snapshot_advice(const Status& status, std::string_view root);

/// Lines that each end with a line feed.
[[nodiscard]] std::string to_text(const SnapshotAdvice& advice);

/// One JSON object on one line, without the line feed.
[[nodiscard]] std::string to_json(const SnapshotAdvice& advice);

}  // namespace vhdboot::command
