#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <limits>

#include "tools/commands.h"
#include "tools/json.h"
#include "tools/store_access.h"
#include "tools/web/server.h"

namespace casebox::tools {
namespace {

Result<int> run(const Args& args) {
  const int64_t port = args.integer("--port");
  if (port < 0 || port > std::numeric_limits<uint16_t>::max())
    return Error{Code::kInvalidArgument, "--port: not a port number; give 0 (a free one) to 65535"};
  // Blocked before any thread starts, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox serve")));
  if (access->keystore() == nullptr)
    std::fprintf(stderr, "casebox: the store has no keystore; only accounting can be shown\n");
  web::Server::Options options;
  options.store = &access->store();
  options.keyring = &access->keyring();
  options.clock = &access->clock();
  options.address = args.text("--address");
  options.port = static_cast<uint16_t>(port);
  options.web_dir =
      args.has("--web") ? std::filesystem::path(args.text("--web")) : web::find_web_dir();
  CASEBOX_TRY(auto server, web::Server::start(options));
  std::fprintf(stderr, "Review page: %s (Ctrl-C ends it)\n", server->url().c_str());
  if (args.json()) {
    Json json = document("serve");
    json["url"] = server->url();
    json["port"] = server->port();
    print(json);
  }
  int received = 0;
  sigwait(&signals, &received);
  server->stop();
  return 0;
}

}  // namespace

const Command kServeCommand{
    "serve", "Show the cases of a store on a page on loopback",
    with_store_args(
        {{"--port", ArgKind::kInteger, "Port; 0 takes a free one", "8420"},
         {"--address", ArgKind::kText, "Loopback address", "127.0.0.1"},
         {"--web", ArgKind::kText, "Folder of the built page (default: beside the program)"}}),
    run, "The store is opened read-only. Every case that is opened on the page is audited once."};

}  // namespace casebox::tools
