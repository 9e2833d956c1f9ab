// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/web_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/quoted.h"
#include "base/text.h"
#include "base/units.h"
#include "init/arrive/hash_tree.h"
#include "init/sys/file.h"
#include "tools/common/find_program.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/interruption.h"

namespace vhdboot::vhdtool {
namespace {

using arrive::RangeAnswers;

// Of one run of curl, which has them all in its memory.
constexpr std::size_t kMostRanges = 1000;
constexpr std::uint64_t kBeginning = 2 * arrive::kBlock;
constexpr int kPollTime = 250;  // milliseconds until a signal is noticed

// One minute with less than a byte in a second: the network is gone. ~/.netrc has names and passwords, if any.
constexpr std::string_view kSettings = R"(include
http1.1
globoff
path-as-is
netrc-optional
suppress-connect-headers
proto = "=http,https"
header = "Accept-Encoding: identity"
user-agent = "vhdtool"
connect-timeout = 30
speed-limit = 1
speed-time = 60
)";

std::string configuration(std::string_view url, std::span<const Range> ranges) {
  std::string text = "silent\nshow-error\nfail-early\n";
  for (const Range& range : ranges)
    text += concat(&range == ranges.data() ? "" : "next\n", kSettings, "url = \"", url, "\"\nrange = ", range.offset,
                   '-', range.end() - 1, '\n');
  return text;
}

Result<Fd> memory_file(std::string_view text) {
  Fd file(::memfd_create("vhdtool", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("making a file in memory");
  TRY(write_at(file, 0, as_bytes(text)));
  return file;
}

/// curl as it runs: killed and waited for when this ends.
class Curl {
 public:
  [[nodiscard]] static Result<Curl> start(const std::string& program, std::string_view configuration);
  Curl(Curl&& other) noexcept
      : child_(std::exchange(other.child_, -1)), output_(std::move(other.output_)), said_(std::move(other.said_)) {}
  Curl& operator=(Curl&&) = delete;
  ~Curl() {
    if (child_ < 0) return;
    ::kill(child_, SIGKILL);
    static_cast<void>(wait());
  }

  /// What comes, into `to`; nothing behind the end. stop_error() after a signal.
  [[nodiscard]] Result<std::size_t> read(MutableBytes to) const;

  /// Once the output has ended: why. Empty when all went well.
  [[nodiscard]] std::string end() {
    const int status = wait();
    if (status == 0) return "";
    std::array<std::byte, 400> text{};
    const auto read = read_some(said_, 0, text);
    const auto lines = split_lines(as_text(Bytes(text).first(read.value_or(0))));
    return lines.empty() ? concat("curl ended with status ", status) : printable(trim(lines.front()));
  }

 private:
  Curl(pid_t child, Fd output, Fd said) : child_(child), output_(std::move(output)), said_(std::move(said)) {}

  int wait() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) continue;
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t child_;
  Fd output_;
  Fd said_;  // its standard error
};

Result<Curl> Curl::start(const std::string& program, std::string_view configuration) {
  const Fd input = TRY(memory_file(configuration));
  Fd said = TRY(memory_file(""));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("starting curl");
  Fd from(ends[0]);
  const Fd to(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting curl");
  if (child == 0) {
    // -q first: no ~/.curlrc. A vhdtool that is killed takes it along.
    static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL));
    const bool ready = ::getppid() == parent && ::dup2(input.get(), STDIN_FILENO) >= 0 &&
                       ::dup2(to.get(), STDOUT_FILENO) >= 0 && ::dup2(said.get(), STDERR_FILENO) >= 0;
    if (ready) ::execl(program.c_str(), "curl", "-q", "--config", "-", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  return Curl(child, std::move(from), std::move(said));
}

Result<std::size_t> Curl::read(MutableBytes to) const {
  for (;;) {
    if (Interruption::requested()) return std::unexpected(tools::stop_error());
    pollfd wait{.fd = output_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, kPollTime) <= 0) continue;
    const ssize_t got = ::read(output_.get(), to.data(), to.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return fail_errno("reading from curl");
  }
}

Result<void> run_curl(const std::string& program, std::string_view url, std::span<const Range> ranges,
                      RangeAnswers& answers) {
  Curl curl = TRY(Curl::start(program, configuration(url, ranges)));
  std::vector<std::byte> buffer(256 * kKiB);
  while (const std::size_t got = TRY(curl.read(buffer))) TRY(answers.add(Bytes(buffer).first(got)));
  const std::string why = curl.end();
  if (answers.complete()) return {};
  // A terminal sends the signal to both.
  if (Interruption::requested()) return std::unexpected(tools::stop_error());
  return fail(Code::Io, concat(why.empty() ? "the server sends less than it was asked for" : "the connection failed, ",
                               why, ": run it again to go on"));
}

Error named(Error error, std::string_view url) {
  return tools::is_stop(error) ? error : std::move(error).within(printable(url));
}

}  // namespace

Result<void> check_address(std::string_view url) {
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return fail(Code::Invalid, "URL begins with http:// or https://");
  const std::string_view rest = url.substr(scheme);
  const std::string_view host = rest.substr(0, rest.find('/'));
  if (host.empty() || host.size() == rest.size() || rest.ends_with('/'))
    return fail(Code::Invalid, "URL names a file on a server, http://SERVER/FILE");
  if (host.contains('@')) return fail(Code::Invalid, "no name and password in URL: curl reads them from ~/.netrc");
  if (!fits_line(rest) || rest.find_first_of("?#\"\\ ") != std::string_view::npos)
    return fail(Code::Invalid, R"(URL has no ?, #, ", \ or blank in it: write %20 for a blank)");
  return {};
}

Result<WebFile> WebFile::open(const std::string& url) {
  WebFile file(url);
  const auto program = tools::find_program("curl");
  if (!program) return fail(Code::Unsupported, "the program curl is not there: install the package curl");
  file.program_ = *program;
  const std::vector<Range> first{{0, kBeginning}};
  RangeAnswers answers(first, std::nullopt, [&](std::uint64_t, Bytes bytes) -> Result<void> {
    file.beginning_.insert(file.beginning_.end(), bytes.begin(), bytes.end());
    return {};
  });
  if (auto done = run_curl(file.program_, url, first, answers); !done)
    return std::unexpected(named(std::move(done).error(), url));
  file.version_ = *answers.version();
  return file;
}

Result<void> WebFile::read(const std::vector<Range>& ranges, const Take& take) const {
  bool is_ours = false;  // the error, and no matter of the server
  const Take watched = [&](std::uint64_t offset, Bytes bytes) {
    auto taken = take(offset, bytes);
    is_ours = !taken;
    return taken;
  };
  for (std::span<const Range> left = ranges; !left.empty();) {
    const auto now = left.first(std::min(left.size(), kMostRanges));
    left = left.subspan(now.size());
    RangeAnswers answers({now.begin(), now.end()}, version_, watched);
    if (auto done = run_curl(program_, url_, now, answers); !done)
      return std::unexpected(is_ours ? std::move(done).error() : named(std::move(done).error(), url_));
  }
  return {};
}

}  // namespace vhdboot::vhdtool
