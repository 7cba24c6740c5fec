#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "proto/frame/role.h"
#include "proto/log/log.h"
#include "proto/seal/seal.h"
#include "storage/verify/verified_case.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/store/channel_digest.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

/// Waits until the moment a record is due; speed 0 never waits.
class Pace {
 public:
  explicit Pace(double speed) : speed_(speed), begin_(std::chrono::steady_clock::now()) {}
  void until(double t_s) {
    if (speed_ <= 0) return;
    if (!started_) {
      started_ = true;
      first_s_ = t_s;
    }
    std::this_thread::sleep_until(begin_ +
                                  std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                      std::chrono::duration<double>((t_s - first_s_) / speed_)));
  }

 private:
  double speed_;
  bool started_ = false;
  double first_s_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

// Between two looks at consent while a case is played: it ends within a second of a withdrawal.
constexpr auto kBetweenLooks = std::chrono::milliseconds(200);

struct Replayed {
  uint64_t frames = 0;
  uint64_t bytes = 0;
  uint64_t unreadable = 0;
  std::vector<std::string> logs;  // folders of the copy
};

/// A stream of an epoch on its way into a log: its next frame is in hand.
struct Cursor {
  const storage::ProvenStream* stream = nullptr;
  size_t next = 0;
  storage::StoredFrame frame;
  MonoTime arrived;

  /// Takes the next frame that can be read; false at the end.
  bool advance(const storage::Shard& shard, CaseId id, Replayed& done) {
    while (next < stream->frames.size()) {
      auto stored = shard.load(id, stream->frames[next++]);
      if (!stored) {
        ++done.unreadable;
        continue;
      }
      frame = std::move(*stored);
      // Late frames keep their place among their stream's: numbers go up in a log.
      arrived = std::max(arrived, frame.view().header.t_capture);
      return true;
    }
    return false;
  }
};

/// The log of a role's epochs: one log has one producer.
std::string log_of(const std::string& dir, v1::ProducerRole role) {
  return frame::owns_case(role) ? dir : dir + "/" + name_of(role);
}

/// The frames as stored into log folders, each stream by number and the streams as they arrived:
/// the bus as any reader of logs sees it. Stream 0 comes with the rest, so the copy verifies as the
/// store does. What was done to the case later (analyses, consent taken back) is in logs below.
Result<Replayed> to_log(StoreAccess& access, CaseId id, const std::string& dir, Pace& pace) {
  if (log::is_log(dir))
    return Error{Code::kAlreadyExists, dir + ": already a log; give a new folder"};
  const storage::Shard* shard = access.store().shard_of(id);
  if (shard == nullptr) return Error{Code::kNotFound, to_string(id) + ": not in this store"};
  CASEBOX_TRY(const auto whole,
              storage::verify_case(access.store(), id, {}, storage::Depth::kLeaves));
  SystemClock clock;
  std::map<std::string, std::unique_ptr<log::Writer>> writers;
  Replayed done;
  Progress progress("replay", whole.record.frames(), "frames");
  for (const v1::EpochRecord& epoch : whole.record.epochs()) {
    auto& writer = writers[log_of(dir, epoch.role())];
    if (!writer) {
      CASEBOX_TRY(writer, log::Writer::open(log_of(dir, epoch.role()), clock));
    }
    CASEBOX_TRY(const ProducerId producer, id_from_bytes<ProducerId>(epoch.producer_id()));
    CASEBOX_CHECK(writer->begin_case(id, producer, epoch.role()));
    std::vector<Cursor> cursors;
    for (const storage::ProvenStream& stream : whole.streams) {
      Cursor cursor;
      cursor.stream = &stream;
      if (stream.epoch_index == epoch.index() && cursor.advance(*shard, id, done))
        cursors.push_back(std::move(cursor));
    }
    while (!cursors.empty()) {
      const auto first = std::ranges::min_element(cursors, {}, [](const Cursor& one) {
        return std::make_pair(one.arrived, one.stream->id);
      });
      pace.until(first->frame.view().header.t.seconds());
      CASEBOX_CHECK(writer->append(first->frame.bytes));
      CASEBOX_CHECK(writer->maybe_sync());
      done.bytes += first->frame.bytes.size();
      progress.update(++done.frames);
      if (!first->advance(*shard, id, done)) cursors.erase(first);
    }
    CASEBOX_CHECK(writer->end_case());
  }
  for (const auto& [folder, writer] : writers) done.logs.push_back(folder);
  if (done.unreadable > 0)
    std::fprintf(stderr, "casebox: %llu frames could not be read and are not in the copy\n",
                 static_cast<unsigned long long>(done.unreadable));
  return done;
}

struct Line {
  double t_s = 0;
  Json json;
};

Json base_line(const std::string& stream, double t_s) {
  Json out;
  out["t_s"] = t_s;
  out["stream"] = stream;
  return out;
}

/// Lines of one stream within a window.
Result<void> window_lines(const storage::CaseReader& reader, const v1::Stream& stream,
                          storage::Span window, std::vector<Line>& lines) {
  if (stream.kind() == v1::STREAM_KIND_VIDEO || stream.kind() == v1::STREAM_KIND_AUDIO)
    return reader.packets(stream.name(), window, [&](const storage::PacketAt& at) {
      Json json = base_line(stream.name(), at.t.seconds());
      json["pts"] = std::to_string(at.packet.pts());
      json["dts"] = std::to_string(at.packet.dts());
      json["key"] = (at.packet.flags() & 1) != 0;
      json["bytes"] = at.payload.size();
      json["sha256"] = to_hex(seal::sha256({at.payload}));
      lines.push_back({at.t.seconds(), std::move(json)});
      return ok();
    });
  if (stream.channels().empty()) {
    CASEBOX_TRY(const auto events, reader.events_of(stream.name(), window));
    for (const storage::EventAt& at : events) {
      Json json = base_line(stream.name(), at.t.seconds());
      json["event"] = event_text(at.event);
      lines.push_back({at.t.seconds(), std::move(json)});
    }
    return ok();
  }
  for (const v1::Channel& channel : stream.channels())
    CASEBOX_CHECK(
        reader.samples(stream.name(), channel.name(), window, [&](const storage::SampleRun& run) {
          // A run belongs to the window in which it begins, so that none comes twice.
          if (run.t0 < window.from || run.t0 >= window.to) return ok();
          Json json = base_line(stream.name(), run.t0.seconds());
          json["channel"] = channel.name();
          json["unit"] = channel.unit();
          json["rate_hz"] = run.rate_hz > 0 ? Json(run.rate_hz) : Json(nullptr);
          if (!run.times.empty()) {
            json["times_s"] = Json::array();
            for (CaseTime t : run.times) json["times_s"].push_back(t.seconds());
          }
          json["values"] = Json::array();
          for (double value : run.values)
            json["values"].push_back(std::isfinite(value) ? Json(value) : Json(nullptr));
          lines.push_back({run.t0.seconds(), std::move(json)});
          return ok();
        }));
  return ok();
}

/// `still`: whether the case may be read yet.
Result<Replayed> to_stdout(const storage::CaseReader& reader,
                           const std::vector<v1::Stream>& streams, storage::Span span, Pace& pace,
                           const std::function<Result<void>()>& still) {
  constexpr int64_t kWindow = 1'000'000'000;
  Replayed done;
  const int64_t end = std::min(span.to.ns, reader.record().last_t_ns() + kWindow);
  for (int64_t from = std::max(span.from.ns, reader.record().first_t_ns()); from < end;
       from += kWindow) {
    std::vector<Line> lines;
    const storage::Span window{CaseTime{from}, CaseTime{std::min(from + kWindow, end)}};
    for (const v1::Stream& stream : streams)
      CASEBOX_CHECK(window_lines(reader, stream, window, lines));
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.t_s < b.t_s; });
    for (const Line& line : lines) {
      pace.until(line.t_s);
      CASEBOX_CHECK(still());
      print_line(line.json);
      ++done.frames;
    }
  }
  return done;
}

Result<int> run_replay(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  const double speed = args.number("--speed");
  if (!(speed >= 0))
    return Error{Code::kInvalidArgument,
                 "--speed: below 0; give 1 for real time, 0 for full speed"};
  if (args.has("--to-log"))
    for (const char* part : {"--from", "--to", "--stream"})
      if (args.has(part))
        return Error{Code::kInvalidArgument,
                     std::string(part) +
                         ": a log is copied whole, so that it verifies as the "
                         "original does; leave it out or leave out --to-log"};
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox replay")));
  CASEBOX_TRY(const CaseId id, access->resolve_case(args.text("CASE")));
  Pace pace(speed);
  Replayed done;
  if (args.has("--to-log")) {
    CASEBOX_TRY(done, to_log(*access, id, args.text("--to-log"), pace));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (args.json()) {
      Json json = document("replay");
      json["case_id"] = to_string(id);
      json["logs"] = done.logs;
      json["frames"] = done.frames;
      json["bytes"] = done.bytes;
      json["unreadable"] = done.unreadable;
      json["seconds"] = seconds;
      print(json);
    } else {
      std::printf("%llu frames, %.1f MiB in %.2f s\n", static_cast<unsigned long long>(done.frames),
                  static_cast<double>(done.bytes) / (1 << 20), seconds);
      for (const std::string& folder : done.logs) std::printf("  %s\n", folder.c_str());
    }
    return 0;
  }
  CASEBOX_TRY(auto reader, access->read_content(id, keyring::Purpose::kReplay));
  std::vector<v1::Stream> streams = reader->streams();
  const auto& wanted = args.list("--stream");
  for (const std::string& name : wanted)
    if (!reader->find_stream(name))
      return Error{Code::kNotFound,
                   "--stream: the case has no stream '" + name + "'; `casebox show` lists them"};
  if (!wanted.empty())
    std::erase_if(streams, [&](const v1::Stream& stream) {
      return std::find(wanted.begin(), wanted.end(), stream.name()) == wanted.end();
    });
  storage::Span span;
  CASEBOX_CHECK(args.set_time("--from", span.from));
  CASEBOX_CHECK(args.set_time("--to", span.to));
  auto looked = std::chrono::steady_clock::now();
  const auto still = [&]() -> Result<void> {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked < kBetweenLooks) return ok();
    looked = now;
    return access->still_open(id, keyring::Purpose::kReplay, reader->consent());
  };
  CASEBOX_TRY(done, to_stdout(*reader, streams, span, pace, still));
  std::fprintf(stderr, "%llu lines\n", static_cast<unsigned long long>(done.frames));
  return say_if_unproven(*access, *reader);
}

}  // namespace

const Command kReplayCommand{
    "replay", "Play a case again, paced or at full speed",
    with_store_args(
        {{"CASE", ArgKind::kText, "Case id, the first digits of one, or an alias", "", true},
         {"--speed", ArgKind::kNumber, "1 = real time, 10 = ten times; 0 = as fast as possible",
          "0"},
         {"--from", ArgKind::kNumber, "Begin, s from the case's start"},
         {"--to", ArgKind::kNumber, "End (not included), s from the case's start"},
         {"--stream", ArgKind::kList, "Only these streams"},
         {"--to-log", ArgKind::kText,
          "New log folder that receives the stored frames, sealed as they are"}}),
    run_replay,
    "Without --to-log: one JSON document per line on standard output, in time order. Sample runs "
    "have values\n"
    "(null = missing), events their text, packets their times and size. With --to-log no key is "
    "needed, and\n"
    "the copy verifies like the original. What was done to the case later, consent that was taken "
    "back among it,\n"
    "is copied to logs of its own below that folder, which are named: give them to ingest too.\n"
    "Examples:\n"
    "  casebox replay 3f2a --store S --speed 10 --stream monitor.numerics\n"
    "  casebox replay 3f2a --store S --to-log copy"};

}  // namespace casebox::tools
