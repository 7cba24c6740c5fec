#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <limits>

#include "tools/cli/json.h"
#include "tools/commands/commands.h"
#include "tools/config/config.h"
#include "tools/findings/live_store.h"
#include "tools/room/health.h"
#include "tools/store/store_access.h"
#include "tools/web/server.h"

namespace casebox::tools {
namespace {

/// The settings of --config with what the command line says put over them.
Result<v1::ServeConfig> settings(const Args& args) {
  v1::ServeConfig config;
  if (args.has("--config")) {
    CASEBOX_TRY(config, load_serve_config(args.text("--config")));
    if (config.has_kafka())
      return Error{Code::kUnsupported, args.text("--config") +
                                           ": 'kafka': serve reads log folders; run `casebox "
                                           "ingest` on another store for a broker"};
  }
  if (args.has("--store")) config.set_store_dir(args.text("--store"));
  if (args.has("--address")) config.set_address(args.text("--address"));
  if (args.has("--port")) {
    const int64_t port = args.integer("--port");
    if (port < 0 || port > std::numeric_limits<uint16_t>::max())
      return Error{Code::kInvalidArgument,
                   "--port: not a port number; give 0 (a free one) to 65535"};
    config.set_port(static_cast<uint32_t>(port));
  } else {
    fill_defaults(config);
  }
  if (args.has("--web")) config.set_web_dir(args.text("--web"));
  for (const std::string& dir : args.list("--logs")) config.add_log_dirs(dir);
  if (config.address().empty()) config.set_address("127.0.0.1");
  if (config.store_dir().empty())
    return Error{Code::kInvalidArgument,
                 "serve: no store; give --store or a --config that names it"};
  return config;
}

Result<int> run_serve(const Args& args) {
  CASEBOX_TRY(const v1::ServeConfig config, settings(args));
  // Blocked before any thread starts, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  StoreOptions where;
  where.store = config.store_dir();
  where.keys = args.text("--keys");
  where.trust = TrustOptions::from(args);
  where.subject = "casebox serve";
  where.claim.purpose = args.text("--purpose");
  where.claim.role = args.text("--role");
  where.write = args.flag("--live") || config.log_dirs_size() > 0;
  where.create = where.write;
  CASEBOX_TRY(auto access, StoreAccess::open(where));
  if (access->keystore() == nullptr)
    std::fprintf(stderr, "casebox: the store has no keystore; only accounting can be shown\n");
  web::Server::Options options;
  options.store = &access->store();
  options.refresh = [&store = access->store()] { return store.refresh(); };
  options.keyring = &access->keyring();
  options.clock = &access->clock();
  options.address = config.address();
  options.port = static_cast<uint16_t>(config.port());
  options.web_dir =
      config.web_dir().empty() ? web::find_web_dir() : std::filesystem::path(config.web_dir());
  options.trust = [&access] { return access->trust_if_any(); };
  CASEBOX_TRY(auto server, web::Server::start(options));
  std::unique_ptr<LiveStore> live;
  if (where.write)
    live = LiveStore::start(*access, {config.log_dirs().begin(), config.log_dirs().end()});
  std::fprintf(stderr, "Review page: %s (Ctrl-C ends it)\n", server->url().c_str());
  if (access->keyring().gate().who().role == access::Role::kOwner)
    std::fprintf(stderr,
                 "note: the page shows the owner's reading; no access.yaml beside the keys "
                 "says who else may read what\n");
  if (args.json()) {
    Json json = document("serve");
    json["url"] = server->url();
    json["port"] = server->port();
    json["live"] = where.write;
    print(json);
    std::fflush(stdout);
  }
  notify_service_manager("READY=1");
  int received = 0;
  sigwait(&signals, &received);
  notify_service_manager("STOPPING=1");
  server->stop();
  return 0;
}

}  // namespace

const Command kServeCommand{
    "serve", "Show the cases of a store on a page on loopback, and keep the store current",
    with_trust_args(
        {{"--config", ArgKind::kText, "Configuration file (casebox config defaults serve)"},
         {"--store", ArgKind::kText, "Folder of the store"},
         {"--keys", ArgKind::kText, "Folder of the keystore (default: <store>/keys)"},
         {"--logs", ArgKind::kList, "Log folders of recorders to take in while it runs"},
         {"--live", ArgKind::kFlag,
          "Take in what the store's own logs hold, and analyse cases as they close"},
         {"--port", ArgKind::kInteger, "Port; 0 takes a free one (default: 8420)"},
         {"--address", ArgKind::kText, "Loopback address (default: 127.0.0.1)"},
         {"--purpose", ArgKind::kText, "Why you read, where the site has an access.yaml"},
         {"--role", ArgKind::kText, "As what, of the roles that it gives you"},
         {"--web", ArgKind::kText, "Folder of the built page (default: beside the program)"}}),
    run_serve,
    "With --logs, --live or log_dirs in the configuration it is the store's one writer; otherwise "
    "the store is\n"
    "opened read-only beside another. Every case that is opened on the page is audited once."};

}  // namespace casebox::tools
