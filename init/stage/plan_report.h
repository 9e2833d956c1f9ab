// SPDX-License-Identifier: GPL-2.0-or-later
// What a boot would do, as lines for a person: `inspect --plan`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "init/guest/guest_cmdline.h"
#include "init/record/handoff.h"

namespace vhdboot::stage {

/// What is reported; texts that came from a disk are made printable here. Sizes in bytes.
struct PlanReport {
  struct Image {
    std::string path;    ///< on the volume
    std::string format;  ///< "fixed VHD"
    std::uint64_t file_size = 0;
    std::uint64_t payload_size = 0;
    std::size_t extents = 0;
    std::string volume;  ///< "/dev/sda2 (NTFS \"Data\")"
    std::string serial;
    std::string state;                 ///< of the volume: "clean"
    std::vector<std::string> parents;  ///< the nearest first
  };
  struct Entry {
    std::string kind;   ///< "unified kernel image"
    std::string id;     ///< its name
    std::string title;  ///< for people
    std::string path;
    std::string where;  ///< "partition 1 of the guest disk"; empty when unknown
    std::optional<unsigned> tries_left;
    std::string counted_as;  ///< what its path becomes by a boot; empty when it is not counted
    std::string profile;     ///< as it was asked for; empty: the default one
    std::string chosen_by;   ///< the rule
  };
  struct Piece {
    std::string what;  ///< "/initrd.img"
    std::uint64_t size = 0;
  };
  struct Module {
    std::string name;
    std::uint64_t size = 0;  ///< uncompressed
    std::string why;
  };
  struct Named {
    std::string name;
    std::string why;
  };

  Image image;
  std::string guest_disk;            ///< "GPT, 2 partitions, logical blocks of 512 bytes"
  std::vector<std::string> further;  ///< disks: "/vhd/data.vhd, fixed VHD of 2 GiB, written in place"
  Entry entry;
  std::string release;  ///< of the guest's kernel; empty when unknown
  std::uint64_t kernel_size = 0;

  std::string cmdline_from;  ///< "/boot/grub/grub.cfg"
  std::string cmdline;       ///< as the kernel gets it
  std::vector<guest::LineChange> line_changes;
  std::string next_init;  ///< what stage 2 executes

  std::vector<Piece> initrds;  ///< in order

  std::vector<Module> modules;               ///< in the order to load
  std::vector<Named> builtin;                ///< what is part of the kernel
  std::vector<std::string> missing;          ///< sentences
  std::string modules_not_read;              ///< why none are taken from the guest's root; empty when they are
  std::vector<Named> asked_of_guest;         ///< what stage 2 asks the guest's initrd for
  std::optional<record::GuestRoot> mounted;  ///< for a guest without an initrd
  std::vector<std::string> warnings;         ///< sentences
};

/// The report, line by line, without line ends.
[[nodiscard]] std::vector<std::string> plan_lines(const PlanReport& report);

}  // namespace vhdboot::stage
