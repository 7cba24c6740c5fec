#pragma once

// What a recorder tells of itself on this machine: a page for the wall and `/healthz /state
// /metrics` on loopback, a file with one word for a light, and systemd's notifications.
//
// Thread safety: start() and the destructor from one thread; `state` is called from several.
// Errors: kIo where the port is taken. Lifetime: what `state` uses outlives it.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "casebox/v1/appliance.pb.h"
#include "proto/base/result.h"
#include "tools/room/room_state.h"

namespace casebox::tools {

class Health {
 public:
  static Result<std::unique_ptr<Health>> start(const v1::HealthConfig& config,
                                               std::function<RoomState()> state);
  ~Health();
  /// Of the page; 0: there is none.
  uint16_t port() const;

 private:
  Health();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One notification of sd_notify(3), "READY=1"; nothing where no service manager asked for it.
void notify_service_manager(const std::string& what);

}  // namespace casebox::tools
