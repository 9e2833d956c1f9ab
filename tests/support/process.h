// SPDX-License-Identifier: GPL-2.0-or-later
// Temporary folders and the tools of the system, for unit tests.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace vhdboot::test {

/// A folder that is gone with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vhdboot-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Where a tool of the system lies; nothing when it is not installed.
inline std::optional<std::string> tool(std::string_view name) {
  for (const char* folder : {"/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    std::string path = std::string(folder) + "/" + std::string(name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

struct Finished {
  int status = -1;  ///< exit status; -1 when it did not end by itself
  std::string output;
};

/// Runs a tool to its end; both its outputs are kept.
inline Finished run(std::vector<std::string> words) {
  Finished done;
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return done;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 2);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[1]);
  if (error == 0) {
    char buffer[4096];
    for (ssize_t got = 0; (got = read(pipes[0], buffer, sizeof(buffer))) > 0 || (got < 0 && errno == EINTR);)
      if (got > 0) done.output.append(buffer, static_cast<std::size_t>(got));
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) done.status = WEXITSTATUS(status);
  }
  close(pipes[0]);
  return done;
}

}  // namespace vhdboot::test
