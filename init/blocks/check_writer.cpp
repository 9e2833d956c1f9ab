// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/check_writer.h"

#include "base/text.h"
#include "vhd/pieces.h"

namespace vhdboot::blocks {

Result<void> check_writer(const vhd::Disk& image, bool forgets) {
  if (forgets || TRY(vhd::is_whole(image))) return {};
  return fail(Code::Unsupported,
              concat("it is a ", vhd::describe(image.info()),
                     ", and not all of its disk lies in its file, so that a guest cannot write to it: give it all of "
                     "its blocks with `vhdtool provision --full`, or say `ephemeral yes`, and no `keep`, in its "
                     "configuration, so that what the guest writes is forgotten"));
}

}  // namespace vhdboot::blocks
