#include "tools/store/resume.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

Error wrong(const std::string& text, const std::string& what) {
  return Error{Code::kInvalidArgument, "--resume-at " + text + ": " + what};
}

/// The place that a shard has noted for a source.
Result<std::optional<uint64_t>> stands_at(const storage::Store& store, const std::string& source) {
  CASEBOX_TRY(const auto offsets, store.shard(0).offsets());
  for (const auto& [name, next] : offsets)
    if (name == source) return std::optional<uint64_t>(next);
  return std::optional<uint64_t>();
}

/// What was passed over before and is read now is forgotten; what is passed over now is noted.
void note_skipped(storage::Batch& batch, const std::vector<storage::Skipped>& before,
                  const Resumed& now_at, UtcTime now) {
  for (storage::Skipped one : before) {
    if (one.source != now_at.source || one.to <= now_at.at) continue;
    one.to = std::max(one.from, now_at.at);
    batch.put_skipped(one);
  }
  if (now_at.from < now_at.at)
    batch.put_skipped({now_at.source, now_at.from, now_at.at, now, !now_at.skips});
}

}  // namespace

Result<ResumeAt> parse_resume_at(const std::string& text) {
  const size_t sign = text.rfind('=');
  ResumeAt out;
  if (sign != std::string::npos && sign > 0) {
    const char* from = text.data() + sign + 1;
    const char* to = text.data() + text.size();
    const auto read = std::from_chars(from, to, out.offset);
    out.source = text.substr(0, sign);
    if (from < to && read.ec == std::errc() && read.ptr == to) return out;
  }
  return wrong(text, "not a place; write SOURCE=OFFSET, e.g. casebox.wave.v1/0=1200");
}

Result<std::vector<Resumed>> set_resume(storage::Store& store, const std::vector<ResumeAt>& places,
                                        const std::vector<ResumeSource>& sources, bool force,
                                        UtcTime now) {
  std::vector<Resumed> out;
  std::set<std::string> seen;
  for (const ResumeAt& place : places) {
    const std::string text = place.source + "=" + std::to_string(place.offset);
    const auto source = std::ranges::find(sources, place.source, &ResumeSource::name);
    if (source == sources.end()) {
      std::string names;
      for (const auto& one : sources) names += (names.empty() ? "" : ", ") + one.name;
      return wrong(text, "this ingest reads no such source; it reads " +
                             (names.empty() ? "none yet" : names));
    }
    if (!seen.insert(place.source).second)
      return wrong(text, "the source is named twice; give it one offset");
    CASEBOX_TRY(const auto held, source->held());
    if (place.offset < held.first || place.offset > held.end)
      return wrong(text, "the bus holds " + std::to_string(held.first) + " to " +
                             std::to_string(held.end) + " (its end); give an offset of these");
    CASEBOX_TRY(const auto before, stands_at(store, place.source));
    // What the bus has dropped cannot be read any more: going on behind it skips nothing.
    const uint64_t next = std::max(before.value_or(held.first), held.first);
    const bool skips = place.offset > next;
    if (skips && !force)
      return wrong(text, "the store stands at " + std::to_string(next) +
                             ", so what lies between would never be read and would be missing in "
                             "its cases; give an offset up to there, or --force to go on without");
    // Of a log that was never read nobody knows what was before.
    const uint64_t never = source->from_zero ? 0 : held.first;
    const uint64_t from = std::min(before.value_or(never), place.offset);
    out.push_back({place.source, before, place.offset, skips, from});
  }
  if (out.empty()) return out;
  CASEBOX_TRY(const auto skipped, store.shard(0).skipped());
  // As a commit of frames does: the first shard, at whose offsets ingest resumes, goes last.
  for (size_t i = store.shards(); i-- > 0;) {
    storage::Batch batch = store.shard(static_cast<uint32_t>(i)).begin();
    for (const Resumed& one : out) {
      batch.put_offset(one.source, one.at);
      CASEBOX_CHECK(batch.forget_beyond(one.source, one.at));
      if (i == 0) note_skipped(batch, skipped, one, now);
    }
    CASEBOX_CHECK(store.shard(static_cast<uint32_t>(i)).commit(std::move(batch)));
  }
  return out;
}

std::string skipped_text(const storage::Skipped& skipped) {
  const std::string place = skipped.source + ": offsets " + std::to_string(skipped.from) + " to " +
                            std::to_string(skipped.to) + " were never read (" +
                            rfc3339(skipped.at) + ", ";
  const std::string lost =
      "); what they held is in no case, and a case that lay there whole is not "
      "here: ";
  if (skipped.dropped)
    return place + "the bus had dropped them" + lost + "look for it in the recorders' logs";
  return place + "ingest --resume-at --force" + lost + "casebox ingest --resume-at " +
         skipped.source + "=" + std::to_string(skipped.from) + " reads them while the bus has them";
}

}  // namespace casebox::tools
