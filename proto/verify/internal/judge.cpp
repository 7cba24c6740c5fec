#include "proto/verify/internal/judge.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "proto/frame/role.h"

namespace casebox::verify::internal {
namespace {

std::string short_key(const trust::PublicKey& key) { return to_hex(Digest(key)).substr(0, 16); }

std::string epoch_text(uint64_t id) { return "epoch " + to_string(Epoch{id}); }

bool among(const std::vector<trust::PublicKey>& keys, const trust::PublicKey& key) {
  return std::ranges::find(keys, key) != keys.end();
}

/// Why nobody vouches for this epoch; empty if somebody does or nobody was asked.
std::string doubt(const EpochState& epoch, const trust::PublicKey& key, const Options& options) {
  if (options.trust != nullptr) {
    const std::string code = options.trust->refusal(*epoch.open, epoch.begins);
    if (!code.empty()) return "its key " + short_key(key) + " is " + code + " on the trust list";
  }
  if (!options.log_keys.empty() && !among(options.log_keys, key))
    return "it is signed by key " + short_key(key) + ", which is none of those given";
  return "";
}

}  // namespace

void name_signers(const Epochs& epochs, const std::vector<uint64_t>& order, const Options& options,
                  Report& report) {
  std::set<trust::PublicKey> own, all;
  for (const uint64_t id : order) {
    const EpochState& epoch = epochs.at(id);
    if (!epoch.open || epoch.open->signing_key().size() != 32) continue;
    trust::PublicKey key{};
    std::copy_n(reinterpret_cast<const uint8_t*>(epoch.open->signing_key().data()), 32,
                key.begin());
    all.insert(key);
    if (!epoch.derived) own.insert(key);
    auto known = std::ranges::find_if(report.signers, [&](const Signer& one) {
      return one.key == key && one.role == epoch.open->role();
    });
    if (known == report.signers.end()) {
      Signer one;
      one.key = key;
      one.role = epoch.open->role();
      if (options.trust != nullptr) {
        const v1::TrustedProducer* listed = options.trust->find(view(Digest(key)));
        one.listed = listed != nullptr && options.trust->refusal(*epoch.open, epoch.begins).empty();
        if (listed != nullptr) one.name = listed->name();
      }
      if (!options.log_keys.empty() && among(options.log_keys, key)) one.listed = true;
      report.signers.push_back(std::move(one));
      known = std::prev(report.signers.end());
    }
    ++known->epochs;
    if (!frame::is_known(epoch.open->role()))
      report.blame({"role", epoch_text(id),
                    "its producer calls itself role " + std::to_string(epoch.open->role()) +
                        ", which means nothing"},
                   Weight::kTamper);
    else if (const std::string why = doubt(epoch, key, options); !why.empty())
      report.blame({"signer", epoch_text(id), why}, Weight::kUntrusted);
  }
  const bool asked = options.trust != nullptr || !options.log_keys.empty();
  if (!asked && own.size() > 1)
    report.blame({"signer", "case " + to_string(report.case_id),
                  std::to_string(own.size()) +
                      " keys sign it as its recorder; give the trust list with --trust, or the "
                      "right keys with --log-key"},
                 Weight::kUntrusted);
  else if (options.one_signer && options.trust == nullptr && all.size() > 1)
    report.blame({"signer", "case " + to_string(report.case_id),
                  std::to_string(all.size()) +
                      " keys sign epochs of one log, which has one producer; give the trust list "
                      "with --trust"},
                 Weight::kUntrusted);
}

void judge(const Epochs& epochs, const std::vector<uint64_t>& order, const Options& options,
           bool torn, Report& report) {
  const EpochState* newest = nullptr;
  bool unfinished = false, gaps = false, plain = false, derived_open = false;
  for (const uint64_t id : order) {
    const EpochState& epoch = epochs.at(id);
    for (const auto& [stream_id, stream] : epoch.streams) plain = plain || stream.plain > 0;
    if (epoch.derived) {
      derived_open = derived_open || !epoch.close_covered;
      continue;
    }
    newest = &epoch;
    unfinished = unfinished || !epoch.close_covered;
    for (const auto& [stream_id, stream] : epoch.streams) gaps = gaps || stream.gap_frames > 0;
    if (epoch.beaten)
      report.valid_to_s = std::max(report.valid_to_s, CaseTime{epoch.last_beat_ns}.seconds());
  }
  const bool ended = newest != nullptr && newest->close_covered &&
                     newest->close->reason() == v1::CloseFrame::REASON_CASE_ENDED;
  const Verdict found = unfinished || !ended || torn ? Verdict::kUnclosed
                        : gaps                       ? Verdict::kCompleteWithDeclaredGaps
                                                     : Verdict::kComplete;
  report.verdict = worse(report.verdict, found);
  if (plain) report.verdict = worse(report.verdict, Verdict::kNotSealed);

  auto& proven = report.proven;
  auto& open = report.not_proven;
  const bool whole = report.verdict < Verdict::kDamaged || report.verdict == Verdict::kUntrustedKey;
  if (whole && newest != nullptr && newest->beaten)
    proven.push_back("every frame up to " + std::to_string(report.valid_to_s) +
                     " s is the one that the holder of the signing key signed, in its order");
  if (report.verdict == Verdict::kComplete)
    proven.push_back("every number of every stream is there");
  if (report.verdict == Verdict::kCompleteWithDeclaredGaps)
    proven.push_back("every number of every stream is there or declared missing with its cause");
  const bool asked = options.trust != nullptr || !options.log_keys.empty();
  if (asked && report.verdict < Verdict::kUntrustedKey && newest != nullptr)
    proven.push_back(options.trust != nullptr ? "every signer is on the trust list, in its role"
                                              : "every signer's key is one of those given");
  if (!asked) open.push_back("whose keys signed it: compare them with --trust or --log-key");
  if (report.verdict == Verdict::kTampered) open.push_back("that this is what was recorded");
  if (report.verdict == Verdict::kDamaged)
    open.push_back("what stood in the places that are missing or unreadable");
  if (plain) open.push_back("that nobody without a key has read it: content stands in the clear");
  if (!ended || unfinished)
    open.push_back("that nothing followed: no signed frame ends the recording");
  open.push_back(
      "that nothing done to it later was kept back: analyses, and consent taken back, are signed "
      "apart from the recording");
  if (derived_open)
    open.push_back("that all derived records are here: a derived epoch is not closed");
  open.push_back("when it was made: no outside witness or time stamp is attached");
}

void report_streams(const Epochs& epochs, const std::vector<uint64_t>& order, Report& report) {
  std::map<std::tuple<bool, uint32_t, std::string>, StreamReport> rows;
  for (const uint64_t id : order) {
    const EpochState& epoch = epochs.at(id);
    for (const auto& [stream_id, stream] : epoch.streams) {
      if (stream_id == 0) continue;
      const auto name = epoch.names.find(stream_id);
      const std::string text = name == epoch.names.end() ? "" : name->second;
      StreamReport& row = rows[{epoch.derived, stream_id, text}];
      row.stream = StreamId{stream_id};
      row.name = text;
      ++row.epochs;
      row.last_number = std::max(row.last_number, stream.next == 0 ? 0 : stream.next - 1);
      row.items += stream.items;
      row.missing += stream.missing;
      row.unknown_gaps += stream.unknown_gaps;
      row.gap_frames += stream.gap_frames;
    }
  }
  for (auto& [key, row] : rows) report.streams.push_back(std::move(row));
}

}  // namespace casebox::verify::internal
