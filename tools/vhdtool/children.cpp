// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/children.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"
#include "base/text.h"
#include "init/sys/directory.h"
#include "tools/vhdtool/open_image.h"

namespace vhdboot::vhdtool {

Result<void> check_no_child(const std::string& path, const vhd::DiskInfo& info, std::string_view except) {
  if (!info.link_id) return {};
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const std::vector<std::string> names = sys::list_directory(folder.empty() ? "." : folder);
  if (std::ranges::find(names, path.substr(folder.size())) == names.end())
    return fail(Code::Unsafe, "its folder cannot be listed in full, and another image in it may stand on this one");
  for (const std::string& name : names) {
    if (name == except) continue;
    const std::string extension = to_lower_ascii(std::string_view(name).substr(std::min(name.rfind('.'), name.size())));
    if (extension != ".vhd" && extension != ".avhd" && extension != ".vhdx" && extension != ".avhdx") continue;
    const auto other = open_image(folder + name, Parents::Ignored);
    if (!other && other.error().code != Code::Corrupt && other.error().code != Code::NotFound &&
        other.error().code != Code::Invalid)
      return fail(Code::Unsafe, concat("whether ", printable(name),
                                       " beside it stands on it cannot be told: ", other.error().message()));
    if (!other || !other->disk->info().parent) continue;
    const std::vector<Guid>& ids = other->disk->info().parent->ids;
    if (std::ranges::find(ids, *info.link_id) != ids.end())
      return fail(Code::Unsafe, concat(printable(name), " beside it is a differencing image whose parent this is, and ",
                                       "would be worth nothing afterwards: merge or delete that first"));
  }
  return {};
}

}  // namespace vhdboot::vhdtool
