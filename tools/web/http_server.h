#pragma once

// A small HTTP/1.1 server on loopback, for one person at one machine: until there is a login it
// refuses every other address. It limits header, body, time and connections, refuses foreign Host
// headers (DNS rebinding) and requests that another site's page makes, and sets the content
// security policy.
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
    size_t max_connections = 64;  // further ones are closed at once
    uint32_t max_header_bytes = 16 << 10;
    uint32_t max_body_bytes = 64 << 10;
    Duration timeout = seconds(30);  // of reading one request and of writing one response
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
