// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <cstring>
#include <utility>

namespace vhdboot {

std::string_view name(Code code) {
  switch (code) {
    case Code::NotFound:
      return "not found";
    case Code::Corrupt:
      return "corrupt";
    case Code::Unsupported:
      return "unsupported";
    case Code::Unsafe:
      return "unsafe";
    case Code::Io:
      return "input/output";
    case Code::Busy:
      return "busy";
    case Code::Timeout:
      return "timeout";
    case Code::Invalid:
      return "invalid";
    case Code::NoMemory:
      return "no memory";
  }
  return "unknown";
}

Error Error::within(std::string_view context) const& {
  return Error(*this).within(context);
}

Error Error::within(std::string_view context) && {
  return std::move(put_within(context));
}

Error& Error::put_within(std::string_view context) {
  text.insert(0, ": ").insert(0, context);
  return *this;
}

std::string Error::message() const {
  if (sys_errno == 0) return text;
  return text + ": " + std::strerror(sys_errno);
}

namespace {
Code code_of(int err) {
  switch (err) {
    case ENOENT:
    case ENOTDIR:
      return Code::NotFound;
    case EBUSY:
    case ETXTBSY:
    case EAGAIN:
      return Code::Busy;
    case ENOMEM:
      return Code::NoMemory;
    case ETIMEDOUT:
      return Code::Timeout;
    case ENOSYS:
    case EOPNOTSUPP:
    case ENOTTY:
    case ENOEXEC:
      return Code::Unsupported;
    case EINVAL:
    case EISDIR:
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::Invalid;
    default:
      return Code::Io;
  }
}
}  // namespace

Error sys_error(std::string_view what, int err) {
  return Error{code_of(err), err, std::string(what)};
}

}  // namespace vhdboot
