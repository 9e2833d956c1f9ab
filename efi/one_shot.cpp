// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/one_shot.h"

#include "efi/utf16_text.h"

namespace vhdboot::efi {

namespace {

// Whether `text`, which has become shorter then, began with `start`.
bool take_start(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

bool is_gone(EFI_RUNTIME_SERVICES& runtime) {
  return read_loader_variable(runtime, kLoaderEntryOneShot, {}).status == EFI_NOT_FOUND;
}

}  // namespace

std::optional<OneShot> parse_one_shot(Bytes value) {
  if (value.size() > kMaxOneShotSize) return std::nullopt;
  FixedText<kMaxOneShotSize / 2 * 3> id;
  Utf16Reader reader(value);
  while (const auto c = reader.next()) id.put(is_control(*c) || *c == utf::kReplacement ? U'?' : *c);
  std::string_view name = id.view();
  take_start(name, kFoundByItself);
  if (!take_start(name, kEntryPrefix)) return std::nullopt;
  OneShot request;
  request.menu = name == kMenuEntry;
  if (!request.menu) request.name.put(name.find_first_not_of(' ') == std::string_view::npos ? "?" : name);
  return request;
}

TakenOneShot take_one_shot(EFI_RUNTIME_SERVICES& runtime) {
  TakenOneShot taken;
  if (earlier_loader_takes_one_shots(runtime)) return taken;
  std::array<std::byte, kMaxOneShotSize> buffer{};
  const LoaderVariable variable = read_loader_variable(runtime, kLoaderEntryOneShot, buffer);
  if (variable.status == EFI_NOT_FOUND || variable.status == EFI_UNSUPPORTED) return taken;
  if (failed(variable.status)) {
    taken.problem.put("LoaderEntryOneShot cannot be read, and does not count (");
    taken.problem.put(variable.status == EFI_BUFFER_TOO_SMALL ? "it is longer than 1024 bytes"
                                                              : describe(variable.status));
    taken.problem.put(").");
    return taken;
  }
  const auto request = parse_one_shot(variable.value);
  if (!request) return taken;
  const EFI_STATUS removed = write_loader_variable(runtime, kLoaderEntryOneShot, variable.attributes, {});
  if (!failed(removed) && is_gone(runtime)) {
    taken.request = request;
    return taken;
  }
  taken.ignored = true;
  taken.problem =
      Sentence("the request to boot ", request->menu ? kMenuEntry : FixedText<200>(request->name.view()).view(),
               " once does not count: the firmware does not let LoaderEntryOneShot be removed (",
               failed(removed) ? describe(removed) : "it is still there", "), and every start would be this one.");
  return taken;
}

}  // namespace vhdboot::efi
