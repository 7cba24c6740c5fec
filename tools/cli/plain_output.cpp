#include "tools/cli/plain_output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace casebox::tools {
namespace {

/// Escapes what a terminal would obey. A C1 control is two bytes in UTF-8, of which a piece may
/// hold the first alone.
class Escape {
 public:
  explicit Escape(bool keep_lines) : keep_lines_(keep_lines) {}

  void add(std::string_view piece, std::string& out) {
    for (const char c : piece) {
      const auto byte = static_cast<unsigned char>(c);
      if (lead_ && byte >= 0x80 && byte < 0xA0) {
        lead_ = false;
        escape(0xC2, out);
        escape(byte, out);
        continue;
      }
      finish(out);
      if (byte == 0xC2) {
        lead_ = true;
      } else if (byte == 0x7F || (byte < 0x20 && !(keep_lines_ && (c == '\n' || c == '\t')))) {
        escape(byte, out);
      } else {
        out += c;
      }
    }
  }
  void finish(std::string& out) {
    if (lead_) out += '\xC2';
    lead_ = false;
  }

 private:
  static void escape(unsigned char byte, std::string& out) {
    char text[5];
    std::snprintf(text, sizeof text, "\\x%02x", byte);
    out += text;
  }

  bool keep_lines_;
  bool lead_ = false;
};

struct Plain {
  Escape escape{true};
  int why = 0;  // errno of the first write that failed
};

Plain& plain() {
  static Plain state;
  return state;
}

ssize_t write_plain(void*, const char* bytes, size_t size) {
  std::string out;
  plain().escape.add({bytes, size}, out);
  for (size_t done = 0; done < out.size();) {
    const ssize_t n = ::write(STDOUT_FILENO, out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (plain().why == 0) plain().why = errno;
      return 0;
    }
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  Escape escape(false);
  escape.add(text, out);
  escape.finish(out);
  return out;
}

void make_output_printable() {
  cookie_io_functions_t how{};
  how.write = write_plain;
  std::FILE* out = ::fopencookie(nullptr, "w", how);
  if (out == nullptr) return;
  std::setvbuf(out, nullptr, ::isatty(STDOUT_FILENO) != 0 ? _IOLBF : _IOFBF, 1 << 16);
  std::fflush(stdout);
  stdout = out;
}

Result<void> finish_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return ok();
  const int why = plain().why != 0 ? plain().why : errno;
  return Error{why == ENOSPC ? Code::kNoSpace : Code::kIo,
               std::string("standard output: ") +
                   (why != 0 ? std::strerror(why) : "could not be written") +
                   "; what was printed is not whole"};
}

}  // namespace casebox::tools
