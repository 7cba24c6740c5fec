// Video for MediaSource: the list of fragments, the init segment, and runs of fragments that begin
// at a sync point, each picture at its case time.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/cli/json.h"
#include "tools/documents/playable.h"
#include "tools/documents/playable_init.h"
#include "tools/web/api.h"
#include "tools/web/keys.h"

namespace casebox::tools::web {
namespace {

constexpr size_t kMaxBytes = 8 << 20;  // of one answer, unless one fragment is larger
constexpr double kMaxSpan = 30;        // s
constexpr double kJoin = 0.1;          // s; a shorter pause between fragments is no hole
constexpr Duration kReorder = seconds(10);

Result<v1::Stream> video_of(OpenCase& open, const Request& request) {
  auto stream = stream_by_key(open.reader(), request.params.at("stream"));
  if (!stream ||
      (stream->kind() != v1::STREAM_KIND_VIDEO && stream->kind() != v1::STREAM_KIND_AUDIO))
    return Error{Code::kNotFound, "media: the case has no such video; see its streams"};
  return *stream;
}

/// Case time of media time zero: before everything, so that no media time is negative.
CaseTime media_zero(const std::vector<FragmentInfo>& list) {
  return CaseTime{std::min<int64_t>(0, list.front().t_ns)} - seconds(1);
}

std::string mime_of(const v1::Stream& stream) {
  const std::string type = stream.kind() == v1::STREAM_KIND_AUDIO ? "audio/mp4" : "video/mp4";
  const std::string& codec = stream.media().codec_string();
  return codec.empty() ? type : type + "; codecs=\"" + codec + "\"";
}

}  // namespace

Result<Response> media_list_response(OpenCase& open, const Request& request) {
  CASEBOX_TRY(auto stream, video_of(open, request));
  CASEBOX_TRY(const auto* list, open.fragments(stream.name()));
  Json json = document("api.media");
  json["stream"] = stream.name();
  json["mime"] = mime_of(stream);
  json["width"] = stream.media().width();
  json["height"] = stream.media().height();
  uint64_t bytes = 0;
  std::vector<std::pair<double, double>> spans;
  for (const FragmentInfo& f : *list) {
    bytes += f.bytes;
    const double end = f.t_s + f.duration_s;
    if (!spans.empty() && f.t_s - spans.back().second < kJoin)
      spans.back().second = std::max(spans.back().second, end);
    else
      spans.emplace_back(f.t_s, end);
  }
  json["fragments"] = list->size();
  json["bytes"] = std::to_string(bytes);
  json["spans"] = Json::array();
  for (const auto& [t0, t1] : spans) json["spans"].push_back({{"t0_s", t0}, {"t1_s", t1}});
  return Response{200, "application/json", to_text(json), {}};
}

Result<Response> media_init_response(OpenCase& open, const Request& request) {
  // Without a key not even the header of the media is here.
  CASEBOX_CHECK(open.reader().readable());
  CASEBOX_TRY(auto stream, video_of(open, request));
  CASEBOX_TRY(const CaseView* view, open.view());
  if (!view->readable) return unreadable(open, *view);
  if (stream.media().init_segment().empty())
    return Error{Code::kNotFound, "media: the stream has no init segment; it cannot be played"};
  CASEBOX_TRY(Bytes init, playable_init(stream.media().init_segment()));
  return Response{200, "video/mp4", std::move(init), {}};
}

Result<Response> media_data_response(OpenCase& open, const Request& request) {
  // Without a key not even the header of the media is here.
  CASEBOX_CHECK(open.reader().readable());
  CASEBOX_TRY(auto stream, video_of(open, request));
  CASEBOX_TRY(const auto* list, open.fragments(stream.name()));
  CASEBOX_TRY(auto from, request.number("from"));
  CASEBOX_TRY(auto to, request.number("to"));
  if (list->empty()) return Error{Code::kNotFound, "media: the stream has no fragments"};
  if (!from)
    return Error{Code::kInvalidArgument, "query: 'from' is missing; give seconds of case time"};
  // The fragment that shows `from`, then back to where a decoder can begin.
  auto it = std::upper_bound(list->begin(), list->end(), *from + 1e-6,
                             [](double t, const FragmentInfo& f) { return t < f.t_s; });
  size_t begin = it == list->begin() ? 0 : static_cast<size_t>(it - list->begin()) - 1;
  while (begin > 0 && !(*list)[begin].sync) --begin;
  const double start = (*list)[begin].t_s;
  const double until = std::min(to.value_or(*from + 10), std::max(*from, start) + kMaxSpan);
  size_t end = begin;
  size_t bytes = 0;
  while (end < list->size() &&
         (end == begin || ((*list)[end].t_s < until && bytes + (*list)[end].bytes <= kMaxBytes)))
    bytes += (*list)[end++].bytes;
  const CaseTime first{(*list)[begin].t_ns};
  const CaseTime behind{end < list->size() ? (*list)[end].t_ns : (*list)[end - 1].t_ns + 1};

  CASEBOX_TRY(const uint32_t scale, playable_timescale(stream.media().init_segment()));
  Response response{200, "video/mp4", {}, {}};
  const CaseTime zero = media_zero(*list);
  const double next = end < list->size() ? (*list)[end].t_s : -1;
  PlayableWriter writer(stream, scale, zero, [&](BytesView piece) {
    response.body += piece;
    return ok();
  });
  // Pictures may be shown after their fragment's time, and before it where others came first.
  const storage::Span span{first - kReorder, behind + kReorder};
  CASEBOX_CHECK(open.reader().packets(stream.name(), span, [&](const storage::PacketAt& packet) {
    const CaseTime of = packet.t - nanoseconds(packet.packet.dt_ns());  // its fragment's
    return of < first || of >= behind ? ok() : writer.add(packet);
  }));
  CASEBOX_CHECK(writer.finish());
  if (!writer.any()) return Error{Code::kNotFound, "media: nothing could be read at this time"};
  response.headers = {{"X-Casebox-Offset-S", fmt::format("{:.9f}", zero.seconds())},
                      {"X-Casebox-First-S", fmt::format("{:.9f}", start)}};
  if (next >= 0) response.headers.emplace_back("X-Casebox-Next-S", fmt::format("{:.9f}", next));
  return response;
}

}  // namespace casebox::tools::web
