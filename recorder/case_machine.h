#pragma once

// Decides when an appliance's cases begin, end and pause: from what live signals say, and from what
// people ask for (docs/appliance.md). It only decides; the appliance carries out.
//
// A rule holds when all of its signals have held for its time without a break. What is not known
// holds for nothing, so a dropout neither begins nor ends a case. Hysteresis: a rule that has fired
// fires again only after it has been known to be false for its time, so a case that somebody ended
// does not begin again by itself; and an end rule counts only once it has been known to be false in
// that case, so that a pressure which has not risen yet ends nothing.
//
// Thread safety: one thread. Errors: an order that makes no sense now is kInvalidArgument and says
// why. No clock and no IO: time is what it is told.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/appliance.pb.h"
#include "proto/base/result.h"
#include "recorder/room_time.h"

namespace casebox::recorder {

/// A stream that has said nothing for so long does not deliver, and its values are not known.
inline constexpr Duration kSignalStale = seconds(5);

/// Something to be done, and why.
struct Order {
  enum class Kind { kBegin, kEnd, kPause, kResume };
  Kind kind = Kind::kBegin;
  RoomTime t;             // from then on
  std::string by;         // "rule", "button", or the role of who asked
  std::string reason;     // code
  std::string procedure;  // of kBegin: code, where it is another than the configuration's
};

/// A rule as it stands.
struct RuleState {
  std::string name;                  // "begin[0]", as in the configuration
  bool holds = false;                // its signals hold now
  std::optional<RoomTime> since;     // when they began to
  bool armed = true;                 // it may fire
  std::vector<std::string> unknown;  // "stream" or "stream/channel" of which nothing is known
};

class CaseMachine {
 public:
  enum class State { kIdle, kRecording, kPaused, kEnding };

  CaseMachine(const v1::CasesConfig& config, RoomTime now);

  /// A case that was cut off goes on; its end rules count anew.
  void go_on(RoomTime t, bool paused);

  /// Whether a rule asks for a stream at all.
  bool wants(const std::string& stream) const { return streams_.contains(stream); }
  /// An item of a stream came.
  void hear(const std::string& stream, RoomTime t);
  /// A sample. `lasting`: it holds until the next one, however long that takes (a state that a
  /// device told by an event).
  void value(const std::string& stream, const std::string& channel, double value, RoomTime t,
             bool lasting = false);
  /// A source is away: what its streams said last is not known any more.
  void lose(const std::string& stream);

  /// What somebody asks for; `t` of the order is now.
  Result<Order> ask(Order order);
  /// What the rules say at `now`, if anything. Call it often.
  std::optional<Order> step(RoomTime now);
  /// The case that was ending is closed.
  void closed();

  State state() const { return state_; }
  RoomTime since() const { return since_; }  // of the state
  std::vector<RuleState> rules() const;

 private:
  enum class Truth { kFalse, kUnknown, kTrue };
  struct Value {
    double value = 0;
    RoomTime at;
    bool lasting = false;
  };
  struct Stream {
    std::optional<RoomTime> heard;
    std::map<std::string, Value> values;
  };
  struct Rule {
    std::string name;
    v1::CaseRule rule;
    Truth truth = Truth::kUnknown;
    RoomTime since;  // of `truth`
    bool armed = true;
  };
  Truth look(const v1::SignalRule& signal, RoomTime now) const;
  Truth look(const v1::CaseRule& rule, RoomTime now) const;
  void look(Rule& rule, RoomTime now);
  void enter(State state, RoomTime t);

  std::vector<Rule> begin_, end_;
  std::map<std::string, Stream> streams_;
  State state_ = State::kIdle;
  RoomTime began_, since_, now_;
};

/// What is wrong with a `cases:` block, naming the field.
Result<void> check_cases(const v1::CasesConfig& cases);

/// "idle", "recording", "paused", "ending".
const char* name_of(CaseMachine::State state);

}  // namespace casebox::recorder
