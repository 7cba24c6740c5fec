#include "tools/web/router.h"

#include <charconv>
#include <cmath>

#include "proto/text/text.h"
#include "tools/cli/json.h"

namespace casebox::tools::web {
namespace {

constexpr size_t kMaxTarget = 4096;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error bad(const std::string& what) {
  return {Code::kInvalidArgument, "request target: " + what + "; correct the address"};
}

Result<std::string> decode(std::string_view from, bool plus_is_space) {
  std::string out;
  out.reserve(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    char c = from[i];
    if (c == '%') {
      if (i + 2 >= from.size() || hex_digit(from[i + 1]) < 0 || hex_digit(from[i + 2]) < 0)
        return bad("a % that is not followed by two hex digits");
      c = static_cast<char>(hex_digit(from[i + 1]) * 16 + hex_digit(from[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return bad("a NUL byte");
    out.push_back(c);
  }
  // No name of a case, a stream or a file is anything else, and answers quote it.
  if (!text::is_utf8(out)) return bad("text that is not UTF-8");
  return out;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  size_t begin = 1;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    out.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::string Request::text(const std::string& name, const std::string& fallback) const {
  auto it = query.find(name);
  return it == query.end() ? fallback : it->second;
}

Result<std::optional<double>> Request::number(const std::string& name) const {
  auto it = query.find(name);
  if (it == query.end()) return std::optional<double>();
  double value = 0;
  const char* end = it->second.data() + it->second.size();
  auto [at, error] = std::from_chars(it->second.data(), end, value);
  if (error != std::errc() || at != end || !std::isfinite(value))
    return Error{Code::kInvalidArgument,
                 "query: '" + name + "' is not a number; give seconds or a count"};
  return std::optional<double>(value);
}

Result<Request> parse_target(std::string_view method, std::string_view target) {
  if (target.empty() || target.front() != '/') return bad("not an absolute path");
  if (target.size() > kMaxTarget) return bad("longer than 4096 bytes");
  Request request;
  request.method = method;
  const size_t mark = target.find('?');
  CASEBOX_TRY(request.path, decode(target.substr(0, mark), false));
  for (const std::string& segment : split(request.path))
    if (segment == "." || segment == "..") return bad("a relative segment");
  if (mark == std::string_view::npos) return request;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    CASEBOX_TRY(auto name, decode(pair.substr(0, equals), true));
    CASEBOX_TRY(auto value, decode(equals == std::string_view::npos ? std::string_view()
                                                                    : pair.substr(equals + 1),
                                   true));
    request.query[name] = value;
  }
  return request;
}

unsigned status_of(const Error& error) {
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kUnsupported: return 400;
    case Code::kNotFound: return 404;
    case Code::kDenied:
    case Code::kRefused: return 403;
    case Code::kCorrupt: return 409;  // what is stored does not hold
    case Code::kUnavailable: return 503;
    default: return 500;
  }
}

Response error_response(unsigned status, const std::string& code, const std::string& message) {
  Json json;
  json["error"]["code"] = code;
  json["error"]["message"] = message;
  return {status, "application/json", to_text(json), {}};
}

Response error_response(const Error& error) {
  return error_response(status_of(error), to_string(error.code), error.message);
}

void Router::add(const std::string& pattern, Handler handler) {
  routes_.push_back({pattern, split(pattern), std::move(handler)});
}

std::vector<std::string> Router::patterns() const {
  std::vector<std::string> out;
  for (const Route& route : routes_) out.push_back(route.pattern);
  return out;
}

Response Router::handle(Request request) const {
  if (request.method != "GET" && request.method != "HEAD")
    return error_response(405, "method", "only GET and HEAD are answered here");
  const std::vector<std::string> segments = split(request.path);
  for (const Route& route : routes_) {
    if (route.segments.size() != segments.size()) continue;
    std::map<std::string, std::string> params;
    bool fits = true;
    for (size_t i = 0; i < segments.size() && fits; ++i) {
      const std::string& want = route.segments[i];
      if (want.size() > 2 && want.front() == '{') {
        fits = !segments[i].empty();
        params[want.substr(1, want.size() - 2)] = segments[i];
      } else {
        fits = want == segments[i];
      }
    }
    if (!fits) continue;
    request.params = std::move(params);
    Result<Response> response = route.handler(request);
    return response ? std::move(*response) : error_response(response.error());
  }
  if (fallback_) {
    Result<Response> response = fallback_(request);
    return response ? std::move(*response) : error_response(response.error());
  }
  return error_response(404, "not-found", "nothing is served at this address");
}

}  // namespace casebox::tools::web
