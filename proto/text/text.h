#pragma once

// Text from outside becomes UTF-8 here, and nowhere else: a message with any other text in a string
// field is refused by every reader, so what a file or a command line says is converted before it
// goes into one.
//
// What a text is in: its byte order mark; UTF-8 where it is well formed; what the caller declares;
// else what its bytes cannot but be. Bytes that stand alone between ASCII and mean the same in
// every Latin encoding of Windows and ISO 8859 (the degree sign, the micro sign of a unit, u with
// two dots) are Windows-1252; runs that are all Korean syllables, and enough of them common ones,
// are Windows-949; longer texts go to ICU's detector, whose word is taken when it leads clearly.
//
// Where that does not tell, nothing is guessed: `escape` keeps each byte that is not UTF-8 as
// `\xB0` and each backslash as `\\`, so that `unescape` gives the original back (but for a byte
// order mark), and `certain` is false for the caller to say so.
//
// Thread safety: free functions; a Reader belongs to one thread.
// Errors: none but for an encoding that nobody knows.

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::text {

struct Text {
  std::string utf8;      // always well formed
  std::string encoding;  // what the bytes were in, e.g. "UTF-8", "windows-949"; "" where not known
  bool certain = true;   // false: `utf8` is the escaped form
};

/// Well formed: what a string field of a message may hold.
bool is_utf8(std::string_view bytes);
/// Byte of the first sequence that is not; size() if there is none.
size_t first_bad(std::string_view bytes);

/// kInvalidArgument for a name that is no encoding here; "" is fine and declares nothing.
Result<void> check_encoding(const std::string& name);

/// A whole text. Parts in another encoding than the rest are told line by line. A byte order mark
/// is dropped.
Text to_utf8(BytesView bytes, const std::string& declared = "");

/// The bytes with those that are not UTF-8 as `\xHH` and each backslash doubled.
std::string escape(BytesView bytes);
/// Its inverse; nullopt for a text that `escape` does not write.
std::optional<Bytes> unescape(std::string_view text);

/// The longest whole characters of `utf8` within `most` bytes.
std::string_view cut(std::string_view utf8, size_t most);

/// The texts of one file, which are scattered over it: all are seen first, then each is read under
/// what they are in together. One that is UTF-8 by itself stays so.
class Reader {
 public:
  explicit Reader(std::string declared = "") : declared_(std::move(declared)) {}

  void see(BytesView text);
  Text read(BytesView text);

 private:
  void decide();

  std::string declared_;
  std::string seen_;  // texts that are not UTF-8, a line each
  std::string encoding_;
  bool decided_ = false;
};

}  // namespace casebox::text
