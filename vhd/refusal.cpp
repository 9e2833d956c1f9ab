// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/refusal.h"

namespace vhdboot::vhd {
namespace {

Reason reason_of(const Error& error) {
  switch (error.sys_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Reason::NoRoom;
    case EROFS:
    case EACCES:
    case EPERM:
      return Reason::ReadOnly;
    case ETXTBSY:
    case EBUSY:
      return Reason::InUse;
    default:
      break;
  }
  switch (error.code) {
    case Code::Corrupt:
      return Reason::Damaged;
    case Code::Unsupported:
      return error.sys_errno == 0 ? Reason::OtherFormat : Reason::Failed;
    case Code::Busy:
      return Reason::InUse;
    default:
      return Reason::Failed;
  }
}

}  // namespace

std::string_view name(Reason reason) {
  switch (reason) {
    case Reason::Failed:
      return "failed";
    case Reason::Usage:
      return "usage";
    case Reason::WrongSize:
      return "wrong-size";
    case Reason::TooLarge:
      return "too-large";
    case Reason::OtherFormat:
      return "other-format";
    case Reason::Damaged:
      return "damaged";
    case Reason::NotRegular:
      return "not-regular";
    case Reason::ReadOnly:
      return "read-only";
    case Reason::InUse:
      return "in-use";
    case Reason::NoRoom:
      return "no-room";
  }
  return "failed";
}

Refusal::Refusal(Error e) : reason(reason_of(e)), error(std::move(e)) {}

}  // namespace vhdboot::vhd
