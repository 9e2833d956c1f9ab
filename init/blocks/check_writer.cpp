// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/check_writer.h"

#include "base/text.h"

namespace vhdboot::blocks {

Result<void> check_writer(vhd::Format format, bool forgets) {
  const bool is_flat = format == vhd::Format::Raw || format == vhd::Format::FixedVhd;
  if (is_flat || forgets) return {};
  return fail(Code::Unsupported,
              concat("it is a ", vhd::name(format),
                     ", to which a guest cannot write: say `ephemeral yes` in its "
                     "configuration, so that what it writes is forgotten, or convert it with `qemu-img convert -O raw` "
                     "and `raw2vhd`"));
}

}  // namespace vhdboot::blocks
