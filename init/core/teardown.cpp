// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/teardown.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "init/core/quoted.h"
#include "init/core/record.h"

namespace vhdboot::core {

namespace {

using Action = TeardownStep::Action;

constexpr std::string_view kName = "vhdboot-teardown";
constexpr unsigned kVersion = 1;
constexpr std::array kActions{Action::Unmount, Action::DetachLoop, Action::RemoveDm};

bool is_loop_number(std::string_view text) {
  constexpr std::uint64_t kMaxMinor = (1U << 20) - 1;
  const auto number = parse_u64(text);
  return number && *number <= kMaxMinor && text == concat(*number);
}

/// As libdevmapper and udev write names without escapes.
bool is_dm_name(std::string_view text) {
  constexpr std::size_t kMaxBytes = 127;
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#+-.:=@_";
  return !text.empty() && text.size() <= kMaxBytes && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool fits(const TeardownStep& step) {
  switch (step.action) {
    case Action::Unmount:
      return step.target.starts_with('/') && step.target.size() > 1 && fits_line(step.target);
    case Action::DetachLoop:
      return is_loop_number(step.target);
    case Action::RemoveDm:
      break;
  }
  return is_dm_name(step.target);
}

std::optional<TeardownStep> parse_step(std::string_view line) {
  const auto words = split_line(line);
  if (!words) return std::nullopt;
  for (const auto action : kActions) {
    if (words->first != name(action)) continue;
    TeardownStep step{.action = action, .target = std::string(words->second)};
    if (fits(step)) return step;
  }
  return std::nullopt;
}

Result<Teardown> parse(std::string_view text) {
  if (text.size() > kMaxTeardownBytes)
    return fail(Code::NoMemory, concat("is larger than ", human_size(kMaxTeardownBytes)));
  TRY(take_header(text, kName, kVersion));
  Teardown teardown;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line) return fail(Code::Corrupt, concat("is cut off at ", quoted(text)));
    auto step = parse_step(*line);
    if (!step) return fail(Code::Corrupt, concat("has a line that means nothing: ", quoted(*line)));
    if (teardown.steps.size() == kMaxTeardownSteps)
      return fail(Code::NoMemory, concat("has more than ", kMaxTeardownSteps, " steps"));
    teardown.steps.push_back(*std::move(step));
  }
  return teardown;
}

}  // namespace

std::string_view name(TeardownStep::Action action) {
  switch (action) {
    case Action::Unmount:
      return "unmount";
    case Action::DetachLoop:
      return "detach-loop";
    case Action::RemoveDm:
      break;
  }
  return "remove-dm";
}

Result<std::string> to_text(const Teardown& teardown) {
  if (teardown.steps.size() > kMaxTeardownSteps)
    return fail(Code::Invalid, concat("a teardown record holds no ", teardown.steps.size(), " steps"));
  std::string text = concat(kName, ' ', kVersion, '\n');
  for (const auto& step : teardown.steps) {
    if (!fits(step)) return fail(Code::Invalid, concat("nothing to ", name(step.action), ": ", quoted(step.target)));
    text += concat(name(step.action), ' ', step.target, '\n');
  }
  if (text.size() > kMaxTeardownBytes)
    return fail(Code::Invalid, concat("the teardown record would be larger than ", human_size(kMaxTeardownBytes)));
  return text;
}

Result<Teardown> parse_teardown(std::string_view text) {
  auto teardown = parse(text);
  if (!teardown) {
    auto error = std::move(teardown).error();
    error.text.insert(0, "the teardown record ");
    return std::unexpected(std::move(error));
  }
  return teardown;
}

}  // namespace vhdboot::core
