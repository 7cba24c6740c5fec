#include "tools/web/server.h"

#include <atomic>
#include <cstdio>

#include "tools/web/api.h"
#include "tools/web/http_server.h"
#include "tools/web/static_files.h"

namespace casebox::tools::web {

struct Server::Impl {
  explicit Impl(const Options& o)
      : options(o), sessions(*o.store, *o.keyring, *o.clock, CaseSessions::Options{}, o.trust) {}
  Options options;
  CaseSessions sessions;
  Router router;
  std::unique_ptr<HttpServer> http;
  std::atomic<bool> said = false;  // that the store is stale

  Response answer(Request request) {
    if (options.refresh && request.path.starts_with("/api/")) {
      const Result<void> current = options.refresh();
      request.stale = !current;
      if (const bool before = said.exchange(request.stale); request.stale && !before)
        std::fprintf(stderr, "casebox: %s; older state is shown\n",
                     current.error().message.c_str());
    }
    Response response = router.handle(request);
    if (request.stale) response.headers.emplace_back("Casebox-Stale", "true");
    return response;
  }
};

Server::Server() = default;
Server::~Server() { stop(); }
uint16_t Server::port() const { return impl_->http->port(); }
void Server::stop() {
  if (impl_ && impl_->http) impl_->http->stop();
}

std::string Server::url() const {
  const std::string& address = impl_->options.address;
  const bool v6 = address.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port()) + "/";
}

Result<std::unique_ptr<Server>> Server::start(Options options) {
  std::unique_ptr<Server> server(new Server());
  server->impl_ = std::make_unique<Impl>(options);
  Impl& impl = *server->impl_;
  register_api(impl.router, *options.store, impl.sessions);
  impl.router.fallback([dir = options.web_dir](const Request& request) -> Result<Response> {
    if (dir.empty() && request.path == "/")
      return Response{200,
                      "text/plain; charset=utf-8",
                      "The review page is not built: run deploy/build. The API is at /api/cases.\n",
                      {}};
    return static_file(dir, request.path);
  });
  HttpServer::Options http;
  http.address = options.address;
  http.port = options.port;
  CASEBOX_TRY(impl.http, HttpServer::start(http, [&impl](const Request& request) {
                return impl.answer(request);
              }));
  return server;
}

std::filesystem::path find_web_dir() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  for (const auto& dir : {program / "web", program.parent_path() / "web",
                          program.parent_path() / "share" / "casebox" / "web"})
    if (std::filesystem::exists(dir / "index.html", error)) return dir;
  return {};
}

}  // namespace casebox::tools::web
