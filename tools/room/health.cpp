#include "tools/room/health.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "proto/base/file.h"
#include "tools/room/wall_page.h"
#include "tools/web/http_server.h"

namespace casebox::tools {

struct Health::Impl {
  std::function<RoomState()> state;
  std::unique_ptr<web::HttpServer> server;
  std::filesystem::path file;
  std::string said;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;

  web::Response answer(const web::Request& request) const {
    web::Response out;
    if (request.path == "/state") {
      out.body = to_text(to_json(state()));
    } else if (request.path == "/metrics") {
      out.content_type = "text/plain; version=0.0.4; charset=utf-8";
      out.body = metrics_of(state());
    } else if (request.path == "/healthz") {
      const auto troubles = troubles_of(state());
      out.status = troubles.empty() ? 200 : 503;
      out.content_type = "text/plain; charset=utf-8";
      for (const std::string& trouble : troubles) out.body += trouble + "\n";
      if (troubles.empty()) out.body = "ok\n";
    } else if (request.path == "/") {
      out.content_type = "text/html; charset=utf-8";
      out.body = kWallPage;
    } else if (request.path == "/wall.css") {
      out.content_type = "text/css; charset=utf-8";
      out.body = kWallStyle;
    } else if (request.path == "/wall.js") {
      out.content_type = "text/javascript; charset=utf-8";
      out.body = kWallScript;
    } else {
      return web::error_response(404, "not-found", "no such page; see /");
    }
    return out;
  }
  // The light and the watchdog; a state that cannot be asked for stops both.
  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      lock.unlock();
      const RoomState now = state();
      if (const std::string word = word_of(now); !file.empty() && word != said)
        if (write_file_atomic(file, word + "\n")) said = word;
      notify_service_manager("WATCHDOG=1");
      lock.lock();
      wake.wait_for(lock, std::chrono::milliseconds(500), [&] { return stopping; });
    }
  }
};

Health::Health() : impl_(std::make_unique<Impl>()) {}

Health::~Health() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->wake.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->server.reset();
  // Whoever looks at the light does not take the last word of a recorder that is gone for news.
  if (!impl_->file.empty()) (void)write_file_atomic(impl_->file, "stopped\n");
}

Result<std::unique_ptr<Health>> Health::start(const v1::HealthConfig& config,
                                              std::function<RoomState()> state) {
  std::unique_ptr<Health> made(new Health);
  Impl& impl = *made->impl_;
  impl.state = std::move(state);
  impl.file = config.state_file();
  if (config.port() > 0) {
    web::HttpServer::Options options;
    options.port = static_cast<uint16_t>(config.port());
    options.threads = 2;
    options.max_connections = 16;
    CASEBOX_TRY(impl.server, web::HttpServer::start(options, [&impl](const web::Request& request) {
                  return impl.answer(request);
                }));
  }
  impl.thread = std::thread([&impl] { impl.run(); });
  return made;
}

uint16_t Health::port() const { return impl_->server ? impl_->server->port() : 0; }

void notify_service_manager(const std::string& what) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || *path == '\0' || std::strlen(path) >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  (void)sendto(fd.get(), what.data(), what.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace casebox::tools
