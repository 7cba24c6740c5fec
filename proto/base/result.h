#pragma once

// Result<T>: a value or an Error. Failing is ordinary in a recorder that must go on when one stream
// fails, so functions return Result rather than throw; member names are std::expected's.
//
// Thread safety: none beyond that of T.

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace casebox {

/// What kind of failure; decides exit codes and retries, while the message is for people.
enum class Code {
  kInvalidArgument,  // the caller's input is wrong: exit 2
  kNotFound,         // an expected miss
  kAlreadyExists,
  kCorrupt,  // bytes that do not say what they should: exit 3
  kIo,
  kNoSpace,
  kUnavailable,  // try again later: broker down, store locked
  kDenied,       // no key, no right
  kRefused,      // the gate said no: consent, role or purpose; exit 4
  kConflict,     // two records claim the same identity
  kUnsupported,
  kInternal,
};

/// Stable lower-case name of a code, e.g. "no-space".
const char* to_string(Code code);

/// A failure: its kind, and one line that says what, where and what to do.
struct Error {
  Code code = Code::kInternal;
  std::string message;
};

/// Wraps an error on its way up: "<context>: <message>".
Error annotate(Error error, const std::string& context);

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T other) const { return has_value() ? value() : std::move(other); }

  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }

  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

/// What a fallible function without a value returns on success: `return ok();`
inline Result<void> ok() { return {}; }

}  // namespace casebox

#define CASEBOX_CONCAT_(a, b) a##b
#define CASEBOX_CONCAT(a, b) CASEBOX_CONCAT_(a, b)

/// Evaluates a Result<T>; on failure returns its error, else binds the value:
/// CASEBOX_TRY(auto file, open(path));
#define CASEBOX_TRY(decl, ...) \
  CASEBOX_TRY_(CASEBOX_CONCAT(casebox_try_, __LINE__), decl, __VA_ARGS__)
#define CASEBOX_TRY_(tmp, decl, ...)                   \
  auto tmp = (__VA_ARGS__);                            \
  if (!tmp.has_value()) return std::move(tmp).error(); \
  decl = std::move(tmp).value()

/// Evaluates a Result and returns its error, if any; a value is discarded.
#define CASEBOX_CHECK(...)                                              \
  do {                                                                  \
    if (auto casebox_check = (__VA_ARGS__); !casebox_check.has_value()) \
      return std::move(casebox_check).error();                          \
  } while (false)
