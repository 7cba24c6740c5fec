#pragma once

// A small HTTP/1.1 server on loopback, for one person at one machine: until there is a login it
// refuses every other address. It limits header, body, time and connections, refuses foreign Host
// headers (DNS rebinding) and requests that another site's page makes, and sets the content
// security policy.
//
// Connections that say nothing, or half a request, lock nobody out: beyond the limit the one that
// has waited longest for a request is closed for the new one; failing that, one whose client does
// not take its answer. Only those that are being answered keep their places.
//
// Thread safety: `handler` is called from several threads at once; stop() from any thread but the
// server's. Errors: kInvalidArgument for an address that is not loopback, kIo when the port cannot
// be bound. Lifetime: the destructor stops it; responses under way are given 3 s to end.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "tools/web/router.h"

namespace casebox::tools::web {

class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    uint16_t port = 0;            // 0: a free one
    size_t max_connections = 64;  // a further one takes the place of the one idle for longest
    uint32_t max_header_bytes = 16 << 10;
    uint32_t max_body_bytes = 64 << 10;
    Duration request = seconds(10);  // from connecting, or the first byte, to the whole request
    Duration timeout = seconds(30);  // of writing one response, and of silence between requests
    unsigned threads = 4;
  };
  using Handler = std::function<Response(const Request&)>;

  static Result<std::unique_ptr<HttpServer>> start(Options options, Handler handler);
  ~HttpServer();

  uint16_t port() const;
  void stop();

 private:
  HttpServer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True for "127.0.0.1", "localhost" and "[::1]", alone or with exactly `port`.
bool is_own_host(std::string_view host, uint16_t port);

}  // namespace casebox::tools::web
