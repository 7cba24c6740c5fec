#include "proto/base/result.h"

namespace casebox {

const char* to_string(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return "invalid-argument";
    case Code::kNotFound: return "not-found";
    case Code::kAlreadyExists: return "already-exists";
    case Code::kCorrupt: return "corrupt";
    case Code::kIo: return "io";
    case Code::kNoSpace: return "no-space";
    case Code::kUnavailable: return "unavailable";
    case Code::kDenied: return "denied";
    case Code::kRefused: return "refused";
    case Code::kConflict: return "conflict";
    case Code::kUnsupported: return "unsupported";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

Error annotate(Error error, const std::string& context) {
  error.message = context + ": " + error.message;
  return error;
}

}  // namespace casebox
