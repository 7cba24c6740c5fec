#pragma once

// What can be said of a frame without any other: whether its bytes may go anywhere at all. And the
// codes of the reasons for which frames go to quarantine (docs/formats/store.md).
//
// Thread safety: free functions.

#include <optional>
#include <string>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "proto/base/ids.h"
#include "proto/frame/frame.h"

namespace casebox::ingest {

namespace reason {
// These wait, and are taken in when what they need has come.
constexpr const char* kAwaitingEpoch = "awaiting-epoch";  // nobody's beat vouches for its epoch yet
constexpr const char* kAwaitingCase = "awaiting-case";    // derived, and the case is not here
constexpr const char* kAwaitingStream = "awaiting-stream";  // no stream frame names its stream yet
constexpr const char* kEquivocation =
    "equivocation";  // other bytes have its numbers; a beat decides
// These do not.
constexpr const char* kNotAFrame = "not-a-frame";
constexpr const char* kNoCase = "no-case";
constexpr const char* kWrongCase = "wrong-case";  // the case frame names another than the message
constexpr const char* kWrongPartition = "wrong-partition";
constexpr const char* kBadBody = "bad-body";
constexpr const char* kBadGap = "bad-gap";
constexpr const char* kBadBeat = "bad-beat";
constexpr const char* kBadSignature = "bad-signature";
constexpr const char* kPlainData = "plain-data";
constexpr const char* kWrongFlag = "wrong-flag";  // `derived` is not what the epoch's role says
constexpr const char* kWrongOpening = "wrong-opening";
constexpr const char* kNumberRange = "number-range";
constexpr const char* kTimeRange = "time-range";
constexpr const char* kTooManyEpochs = "too-many-epochs";
constexpr const char* kTooManyStreams = "too-many-streams";
constexpr const char* kTooManyHoles = "too-many-holes";
constexpr const char* kStreamChanged = "stream-changed";
constexpr const char* kCaseEnded = "case-ended";  // another recorder's epoch, after the case ended
constexpr const char* kNotSigned =
    "not-signed";  // the producer signed for other bytes, or for none
constexpr const char* kAfterEnd = "after-end";
constexpr const char* kCaseDamaged = "case-damaged";  // the store cannot read what it has of it
}  // namespace reason

/// Whether frames with this reason are taken in by themselves later.
bool waits(const std::string& code);
/// Whether the reason is an enrolment: another trust list may let the same frame in.
bool is_refusal(const std::string& code);

/// Limits, far above what any operation needs and low enough that what they bound stays small.
/// Epochs: a recorder that crashes each minute of a day makes 1,440. They stand in the case record,
/// which is written whole.
constexpr int kMaxEpochs = 4096;
/// Streams of one epoch: a room has some tens. Likewise in the case record.
constexpr size_t kMaxStreams = 1024;
/// Stretches of a stream that are stored beyond a number that has not come. A lane keeps the order,
/// so there is one for each record that the bus lost.
constexpr size_t kMaxHoles = 1024;
/// No case lasts longer, and sums of times cannot pass what 64 bits hold.
constexpr Duration kMaxTime = seconds(366ll * 24 * 3600);
/// What is done to a case later stands at its own time: consent is taken back years on.
constexpr Duration kMaxLater = seconds(100ll * 366 * 24 * 3600);
/// The store's keys hold 48 bits.
constexpr uint64_t kMaxNumber = (uint64_t{1} << 48) - 1;

struct Refusal {
  std::string code;
  std::string detail;
};

/// nullopt: nothing is wrong with it by itself. `id`: the case that the message names.
std::optional<Refusal> check(const frame::View& frame, CaseId id);

/// The opening of an epoch, if the frame is one: kind case, number 0.
std::optional<v1::CaseFrame> opening_of(const frame::View& frame);
std::optional<v1::CloseFrame> close_of(const frame::View& frame);
/// A beat that passed `check`.
std::optional<v1::Beat> beat_of(const frame::View& frame);
/// What a beat says of stream 0; it passed `check`, so it says something.
const v1::StreamPosition* control_position(const v1::Beat& beat);
bool beat_holds(const frame::View& frame, const v1::Beat& beat, CaseId id, ProducerId producer,
                const std::string& signing_key);

}  // namespace casebox::ingest
