#pragma once

// Requests, responses and routes, without any HTTP library: what the API is written against.
//
// Routes are patterns such as "/api/cases/{id}/samples"; a `{name}` takes one path segment.
// Segments and query values arrive percent-decoded. Only GET and HEAD exist: nothing is changed
// over HTTP. Thread safety: a Router is built once, then shared read-only by the server's threads.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace casebox::tools::web {

struct Request {
  std::string method;
  std::string path;                           // decoded, begins with '/'
  std::map<std::string, std::string> query;   // the last value of a name that is given twice
  std::map<std::string, std::string> params;  // of the route's pattern
  bool stale = false;  // what was committed last could not be seen when it came

  /// A query value; `fallback` when it is not given.
  std::string text(const std::string& name, const std::string& fallback = "") const;
  /// A finite number; nullopt when it is not given; kInvalidArgument when it is no number.
  Result<std::optional<double>> number(const std::string& name) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Splits a request target into path and query and decodes both. kInvalidArgument for a target that
/// is not absolute, is longer than 4 KiB, has a bad escape, a NUL or a `.`/`..` segment.
Result<Request> parse_target(std::string_view method, std::string_view target);

/// HTTP status of an error: bad input 400, not found 404, denied 403, what is stored
/// does not hold 409, try again 503, else 500.
unsigned status_of(const Error& error);

/// {"error": {"code": ..., "message": ...}} with the status of the error.
Response error_response(const Error& error);
Response error_response(unsigned status, const std::string& code, const std::string& message);

class Router {
 public:
  using Handler = std::function<Result<Response>(const Request&)>;

  void add(const std::string& pattern, Handler handler);
  /// Taken when no pattern fits: static files.
  void fallback(Handler handler) { fallback_ = std::move(handler); }
  Response handle(Request request) const;
  /// In the order added.
  std::vector<std::string> patterns() const;

 private:
  struct Route {
    std::string pattern;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
  Handler fallback_;
};

}  // namespace casebox::tools::web
