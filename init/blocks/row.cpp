// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/row.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::blocks {

namespace {

// struct dm_target_spec of linux/dm-ioctl.h.
constexpr std::size_t kSpecBytes = 40;
constexpr std::size_t kSpecLength = 8;
constexpr std::size_t kSpecNext = 20;
constexpr std::size_t kSpecType = 24;

std::string_view target(RowKind kind) {
  switch (kind) {
    case RowKind::Zero:
      return "zero";
    case RowKind::Error:
      return "error";
    case RowKind::Snapshot:
      return "snapshot";
    case RowKind::Linear:
      break;
  }
  return "linear";
}

Result<std::string> parameters(const Row& row, std::span<const std::string> devices) {
  const bool snapshot = row.kind == RowKind::Snapshot;
  if (row.kind != RowKind::Linear && !snapshot) return std::string();
  const std::size_t last = snapshot ? std::max(row.device, row.store) : row.device;
  if (last >= devices.size())
    return fail(Code::Invalid, concat("sector ", row.start, " would lie on device ", last, " of ", devices.size()));
  if (snapshot) return concat(devices[row.device], ' ', devices[row.store], " PO ", row.chunk);
  return concat(devices[row.device], ' ', row.device_sector);
}

bool goes_on(const Row& last, const Row& row) {
  if (last.kind != row.kind || row.kind == RowKind::Snapshot || row.start < last.start ||
      row.start - last.start != last.length)
    return false;
  return row.kind != RowKind::Linear || (last.device == row.device && row.device_sector >= last.device_sector &&
                                         row.device_sector - last.device_sector == last.length);
}

}  // namespace

void append_row(std::vector<Row>& rows, const Row& row) {
  if (row.length == 0) return;
  if (!rows.empty() && goes_on(rows.back(), row))
    rows.back().length += row.length;
  else
    rows.push_back(row);
}

Result<std::vector<std::byte>> pack_rows(std::span<const Row> rows, std::span<const std::string> devices) {
  std::vector<std::byte> packed;
  for (const Row& row : rows) {
    const std::string text = TRY(parameters(row, devices));
    const auto begin = packed.size();
    const auto bytes = align_up(kSpecBytes + text.size() + 1, 8);
    packed.resize(begin + bytes);
    const MutableBytes spec = MutableBytes(packed).subspan(begin);
    // The bounds hold by construction.
    (void)store_le<std::uint64_t>(spec, 0, row.start);
    (void)store_le<std::uint64_t>(spec, kSpecLength, row.length);
    (void)store_le<std::uint32_t>(spec, kSpecNext, static_cast<std::uint32_t>(bytes));
    std::ranges::copy(as_bytes(target(row.kind)), spec.begin() + kSpecType);
    std::ranges::copy(as_bytes(text), spec.begin() + kSpecBytes);
  }
  return packed;
}

Result<std::string> to_text(std::span<const Row> rows, std::span<const std::string> devices) {
  std::string text;
  for (const Row& row : rows) {
    const std::string more = TRY(parameters(row, devices));
    text += concat(row.start, ' ', row.length, ' ', target(row.kind), more.empty() ? "" : " ", more, '\n');
  }
  return text;
}

}  // namespace vhdboot::blocks
