#pragma once

// The door to a running recorder: a Unix socket that only its own user may open (0600). One line of
// JSON is asked, one is answered:
//   {"do": "begin"|"end"|"pause"|"resume", "reason": CODE, "role": ROLE, "procedure": CODE}
//   {"do": "status"}                                   -> what /state shows
// An answer has "ok"; where it is false, "error" and "code" (2: it makes no sense now).
//
// Thread safety: the server has a thread of its own, which calls `answer`; it is stopped by the
// destructor. Errors: kInvalidArgument for a path that is too long, kAlreadyExists where another
// recorder answers, kIo; of ask_recorder() kUnavailable where none does.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "proto/base/file.h"
#include "proto/base/result.h"

namespace casebox::tools {

class ControlSocket {
 public:
  using Answer = std::function<std::string(const std::string& line)>;

  static Result<std::unique_ptr<ControlSocket>> start(const std::filesystem::path& path,
                                                      Answer answer);
  ~ControlSocket();

 private:
  ControlSocket(Fd fd, std::filesystem::path path, Answer answer);
  void run();

  Fd fd_;
  std::filesystem::path path_;
  Answer answer_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// Asks a running recorder one line; what it answers.
Result<std::string> ask_recorder(const std::filesystem::path& path, const std::string& line);

}  // namespace casebox::tools
