// SPDX-License-Identifier: GPL-2.0-or-later
// The scratch file of a guest that forgets, beside its image on the volume.
#pragma once

#include <optional>

#include "base/result.h"
#include "init/record/ephemeral.h"
#include "init/stage/find_image.h"

namespace vhdboot::stage {

/// The image with the scratch file that `ephemeral` names; without one as it is. The file has passed the checks of an
/// image, may be written over, and shares no byte with the image. Never NotFound.
[[nodiscard]] Result<FoundImage> with_scratch_file(FoundImage image, const std::optional<record::Ephemeral>& ephemeral);

}  // namespace vhdboot::stage
