// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/refusal.h"

#include <utility>

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

Code code_of(Reason reason) {
  switch (reason) {
    case Reason::Failed:
    case Reason::ReadOnly:
    case Reason::NoRoom:
      return Code::Io;
    case Reason::OtherFormat:
      return Code::Unsupported;
    case Reason::Damaged:
      return Code::Corrupt;
    case Reason::InUse:
      return Code::Busy;
    case Reason::WrongSize:
    case Reason::TooLarge:
    case Reason::NotRegular:
      break;
  }
  return Code::Invalid;
}

}  // namespace

std::string_view name(Reason reason) {
  switch (reason) {
    case Reason::Failed:
      return "failed";
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

std::unexpected<Refusal> refuse(Reason reason, std::string text) {
  return std::unexpected(Refusal(reason, Error{code_of(reason), 0, std::move(text)}));
}

Refusal::Refusal(Error e) : reason(reason_of(e)), error(std::move(e)) {}

}  // namespace vhdboot::vhd
