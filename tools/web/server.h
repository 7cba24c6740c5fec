#pragma once

// The review server: the API of docs/api.md and the page's files on loopback.
//
// Thread safety: start and stop from one thread.
// Errors: as HttpServer; kInvalidArgument for an address that is not loopback.
// Lifetime: store, keyring and clock outlive it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/keyring/keyring.h"
#include "proto/trust/trust.h"
#include "storage/store.h"

namespace casebox::tools::web {

class Server {
 public:
  struct Options {
    const storage::Store* store = nullptr;
    keyring::Keyring* keyring = nullptr;  // may hold no keystore: accounting is still shown
    Clock* clock = nullptr;
    std::string address = "127.0.0.1";
    uint16_t port = 0;              // 0: a free one
    std::filesystem::path web_dir;  // the built page
    // The trust list in force; empty: signers are not compared.
    std::function<Result<std::optional<trust::TrustList>>()> trust;
    /// Called before every answer of the API, from several threads: lets the store see what was
    /// committed since. An error: the answer says that it is stale, in its field and in a header.
    std::function<Result<void>()> refresh;
  };

  static Result<std::unique_ptr<Server>> start(Options options);
  ~Server();

  uint16_t port() const;
  /// "http://127.0.0.1:<port>/"
  std::string url() const;
  void stop();

 private:
  Server();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Where the built page is: beside the program (`web/`, as a build leaves it), or where it is
/// installed. Empty when it was not built.
std::filesystem::path find_web_dir();

}  // namespace casebox::tools::web
