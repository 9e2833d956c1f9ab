// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "init/volume/state.h"

namespace vhdboot::volume {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(VolumeState, CleanMayBeWritten) {
  EXPECT_TRUE(VolumeState{}.clean());
  EXPECT_TRUE(check_clean({}));
  EXPECT_EQ(describe({}), "clean");
}

TEST(VolumeState, EachReasonSaysWhatToDo) {
  const auto unsafe = [](const VolumeState& state) {
    const auto result = check_clean(state);
    EXPECT_FALSE(result);
    if (result) return std::string();
    EXPECT_EQ(result.error().code, Code::Unsafe);
    EXPECT_THAT(result.error().text, HasSubstr(describe(state)));
    return result.error().text;
  };
  EXPECT_THAT(unsafe({.dirty = true}), AllOf(HasSubstr("dirty"), HasSubstr("chkdsk /f")));
  EXPECT_THAT(unsafe({.journal_pending = true}), AllOf(HasSubstr("journal"), HasSubstr("Shift")));
  EXPECT_THAT(unsafe({.hibernated = true}), AllOf(HasSubstr("Fast Startup"), HasSubstr("powercfg /h off")));
  EXPECT_THAT(unsafe({.chkdsk_scheduled = true}), HasSubstr("let it finish"));
  EXPECT_THAT(unsafe({.media_failure = true}), HasSubstr("copy the files"));
  EXPECT_THAT(unsafe({.dirty = true, .hibernated = true}),
              AllOf(HasSubstr("Fast Startup"), HasSubstr("; it is marked dirty")));
}

TEST(State, OnlyDirty) {
  EXPECT_TRUE(is_only_dirty({.dirty = true}));
  EXPECT_FALSE(is_only_dirty({}));
  EXPECT_FALSE(is_only_dirty({.dirty = true, .journal_pending = true}));
  EXPECT_FALSE(is_only_dirty({.dirty = true, .hibernated = true}));
  EXPECT_FALSE(is_only_dirty({.dirty = true, .chkdsk_scheduled = true}));
  EXPECT_FALSE(is_only_dirty({.dirty = true, .media_failure = true}));
  EXPECT_FALSE(is_only_dirty({.hibernated = true}));
}

}  // namespace
}  // namespace vhdboot::volume
