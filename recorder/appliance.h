#pragma once

// The recorder that stands in a room: one process that never needs a click. Sources and inbox live
// as long as it does, cases begin and end inside it, by rules over live signals, by a button, by
// command (recorder/case_machine.h); each has what the ring holds from before. A case that a crash,
// a reboot or an orderly stop cut off goes on in another epoch, if the recorder is back in time:
// the gap between stands in every stream. docs/appliance.md.
//
// Thread safety: run() blocks its caller; ask() and status() may be called from any thread while it
// runs. Errors: of open() what keeps a room from being recorded (no key, no spool, nothing to
// record); of ask() an order that makes no sense now (kInvalidArgument), or kUnavailable once it
// has stopped. Lifetime: keys and clock outlive it.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/appliance.pb.h"
#include "proto/producer/recovery.h"
#include "recorder/case_machine.h"
#include "recorder/recorder.h"

namespace casebox::recorder {

struct ApplianceOptions {
  v1::ApplianceConfig config;     // defaults filled in; `recorder.spool_dir` is not read
  std::filesystem::path log_dir;  // the spool, of all cases
  std::string software;           // name and version, for the case frames
  std::function<bool()> stop;  // asked often; true stops it, and a case that is open goes on later
  std::function<void(const std::string&)> say;  // one line for people, as things happen
};

/// How a source is doing.
struct SourceHealth {
  SourceState state;
  std::optional<double> last_item_s;  // since its last item; none: it has brought nothing
  uint64_t lost_5min = 0;             // items, in this case, as far as counts are known
  uint64_t gaps_5min = 0;
};

struct ApplianceStatus {
  CaseMachine::State state = CaseMachine::State::kIdle;
  double since_s = 0;        // in it
  std::string case_id;       // empty: none
  double case_s = 0;         // its length so far, what came before its begin included
  std::string pause_reason;  // code
  bool resumed = false;      // it was cut off before
  std::vector<SourceHealth> sources;
  std::vector<RuleState> rules;
  std::string button;  // "none", "ready", "absent"
  double ring_s = 0;   // kept at the moment
  uint64_t ring_bytes = 0;
  bool ring_cut = false;  // shorter than configured, since its bytes do not suffice
  bool disk_full = false;
  std::string shed;                  // what a full disk makes it leave out
  std::optional<double> disk_hours;  // until 5 % are left, at the pace of the last hour; none: idle
  double disk_free = 1;              // part of the disk
  uint64_t utc_u95_ns = 0;           // of the wall clock; a day and more: not known
  uint64_t utc_steps = 0;            // times the wall clock was stepped
  size_t keys_left = 0;              // as the newest case found it; 0 before the first
  uint64_t cases = 0;                // begun since the start of the program
  bool accounts_balance = true;
};

class Appliance {
 public:
  static Result<std::unique_ptr<Appliance>> open(ApplianceOptions options,
                                                 keyring::ProducerKeys& keys, Clock& clock);
  ~Appliance();

  /// Until asked to stop. Returns false when something was lost that no case of a simulated room
  /// planted.
  Result<bool> run();
  /// Waits until the order is carried out or refused; at most some seconds.
  Result<void> ask(Order order);
  ApplianceStatus status() const;

 private:
  Appliance();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
