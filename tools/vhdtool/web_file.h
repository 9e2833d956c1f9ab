// SPDX-License-Identifier: GPL-2.0-or-later
// A file on a web server, read by ranges. curl(1) talks to the server: TLS, proxies and certificates are its business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "init/arrive/range_answers.h"

namespace vhdboot::vhdtool {

/// Invalid for what is no address of a file on a web server, http or https, to which ".verity" can be added.
[[nodiscard]] Result<void> check_address(std::string_view url);

class WebFile {
 public:
  using Take = arrive::RangeAnswers::Take;

  /// Asks for its first bytes. NotFound, Unsupported (no curl, no ranges), Io. The errors name the address.
  [[nodiscard]] static Result<WebFile> open(const std::string& url);

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::uint64_t size() const { return version_.size; }
  /// Its first 8192 bytes, or all when it has fewer.
  [[nodiscard]] const std::vector<std::byte>& beginning() const { return beginning_; }

  /// The ranges, which lie within it, one after the other, in pieces as they come. An error of `take` ends it, and is
  /// returned as it is; a signal (Interruption) is a stop_error(). Unsafe when the file is another one than it was at
  /// open().
  [[nodiscard]] Result<void> read(const std::vector<Range>& ranges, const Take& take) const;

 private:
  explicit WebFile(std::string url) : url_(std::move(url)) {}

  std::string url_;
  std::string program_;
  arrive::Version version_;
  std::vector<std::byte> beginning_;
};

}  // namespace vhdboot::vhdtool
