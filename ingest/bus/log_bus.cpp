#include "ingest/bus/log_bus.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "casebox/v1/case.pb.h"
#include "proto/seal/seal.h"

namespace casebox::bus {
namespace {

using SteadyClock = std::chrono::steady_clock;
// How often a folder is looked at again while nothing comes.
constexpr std::chrono::milliseconds kLookAgain{5};

// Bytes [from, to) of a file, never more than a frame could be.
Result<Bytes> read_bytes(const std::filesystem::path& file, uint64_t from, uint64_t to) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(file, error);
  if (error)
    return Error{Code::kIo, file.string() + ": " + error.message() + "; check the folder's disk"};
  to = std::min({to, size, from + frame::kHeaderSize + frame::kMaxBody});
  Bytes bytes(to > from ? to - from : 0, '\0');
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(from));
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return bytes;
}

uint32_t file_index(const std::filesystem::path& file) {
  return static_cast<uint32_t>(std::strtoul(file.stem().string().c_str(), nullptr, 10));
}

/// Whether a log holds the place `next`, and the message that was read before it. Without a mark
/// (kept by an earlier version, or set by hand) only that there is such a place.
Result<bool> holds(const std::filesystem::path& dir, log::Offset next,
                   const std::optional<Position::Mark>& mark) {
  CASEBOX_TRY(const auto files, log::files(dir));
  std::optional<uint64_t> size;  // of the file that `next` is in
  const std::filesystem::path* last = nullptr;
  for (const auto& file : files) {
    std::error_code ec;
    if (file_index(file) == next.file) size = std::filesystem::file_size(file, ec);
    if (mark && file_index(file) == log::Offset::unpack(mark->offset).file) last = &file;
  }
  const bool at_end =
      next.byte == 0 && next.file > 0 && std::ranges::any_of(files, [&](const auto& file) {
        return file_index(file) + 1 == next.file;
      });
  if (!mark) return next == log::Offset{} || at_end || (size && *size >= next.byte);
  const log::Offset at = log::Offset::unpack(mark->offset);
  if (last == nullptr || at.file != next.file || next.byte <= at.byte) return false;
  CASEBOX_TRY(const Bytes bytes, read_bytes(*last, at.byte, next.byte));
  return view(seal::sha256(bytes)) == view(mark->message);
}

}  // namespace

struct LogSubscriber::Source {
  std::filesystem::path dir;
  std::string name;  // empty until there is a log in the folder
  log::Offset position;
  std::unique_ptr<log::Reader> reader;
  std::map<std::pair<uint64_t, uint32_t>, Lane> lanes;  // by epoch and stream
  std::map<CaseId, uint32_t> partitions;
  size_t damage_seen = 0;
  std::optional<Delivery> held;  // comes after the damage in front of it

  // Reads from the beginning of the file that holds `position`: the registry is at its front.
  Result<bool> ensure_open() {
    if (reader) return true;
    auto opened = log::Reader::open(dir, log::Offset{position.file, 0});
    if (!opened) {
      if (opened.error().code == Code::kNotFound) return false;
      return annotate(std::move(opened).error(), name);
    }
    reader = std::move(*opened);
    return true;
  }

  void learn(const log::Entry& entry) {
    const frame::Header& header = entry.frame.header;
    if (header.kind == frame::Kind::kStream) {
      v1::Stream stream;
      if (stream.ParseFromArray(entry.frame.body.data(), static_cast<int>(entry.frame.body.size())))
        lanes[{header.epoch.value, stream.stream_id()}] = lane_of(stream.kind());
    } else if (header.kind == frame::Kind::kCase) {
      v1::CaseControl control;
      if (control.ParseFromArray(entry.frame.body.data(),
                                 static_cast<int>(entry.frame.body.size())) &&
          control.has_open())
        partitions[entry.case_id] = control.open().partition();
    }
  }

  Delivery deliver(const log::Entry& entry) const {
    Delivery delivery;
    delivery.source = name;
    delivery.offset = entry.offset.packed();
    delivery.next_offset = entry.next.packed();
    delivery.message.case_id = entry.case_id;
    delivery.message.producer = entry.producer;
    const frame::Header& header = entry.frame.header;
    if (header.stream != kControlStream) {
      auto lane = lanes.find({header.epoch.value, header.stream.value});
      if (lane != lanes.end()) delivery.message.lane = lane->second;
    }
    auto partition = partitions.find(entry.case_id);
    if (partition != partitions.end()) delivery.message.partition = partition->second;
    delivery.message.frame.assign(entry.frame.bytes);
    return delivery;
  }

  // The damage that the reader met since the last call, as a delivery of its bytes; nullopt if
  // there is none or it was delivered before the place where reading resumed.
  Result<std::optional<Delivery>> deliver_damage(const log::Entry* behind) {
    while (damage_seen < reader->damage().size()) {
      const log::Damage& damage = reader->damage()[damage_seen++];
      const log::Offset at{file_index(damage.file), static_cast<uint32_t>(damage.offset)};
      if (damage.torn_tail || at < position) continue;
      // Up to the next frame of this file that parses; to the file's end if there is none.
      log::Offset end{at.file + 1, 0};
      if (behind != nullptr && behind->offset.file == at.file) end = behind->offset;
      if (damage_seen < reader->damage().size()) {
        const log::Damage& next = reader->damage()[damage_seen];
        if (next.file == damage.file && !next.torn_tail)
          end = log::Offset{at.file, static_cast<uint32_t>(next.offset)};
      }
      CASEBOX_TRY(Bytes bytes, read_bytes(damage.file, damage.offset,
                                          end.file == at.file ? end.byte : UINT64_MAX));
      Delivery delivery;
      delivery.source = name;
      delivery.offset = at.packed();
      delivery.next_offset = end.packed();
      delivery.message.frame = std::move(bytes);
      uint32_t header_size = 0;
      if (auto header = log::read_file_header(damage.file, &header_size)) {
        if (auto id = id_from_bytes<CaseId>(header->case_id())) delivery.message.case_id = *id;
        if (auto id = id_from_bytes<ProducerId>(header->producer_id()))
          delivery.message.producer = *id;
      }
      position = end;
      return std::optional<Delivery>(std::move(delivery));
    }
    return std::optional<Delivery>{};
  }

  Result<std::optional<Delivery>> next() {
    if (held) {
      CASEBOX_TRY(auto damaged, deliver_damage(nullptr));
      if (damaged) return damaged;
      position = log::Offset::unpack(held->next_offset);
      return std::exchange(held, std::nullopt);
    }
    CASEBOX_TRY(const bool opened, ensure_open());
    if (!opened) return std::optional<Delivery>{};
    while (true) {
      auto read = reader->next();
      if (!read) return annotate(std::move(read).error(), name);
      if (!*read) return deliver_damage(nullptr);
      const log::Entry& entry = **read;
      learn(entry);
      CASEBOX_TRY(auto damaged, deliver_damage(&entry));
      const bool wanted = !entry.preamble && entry.offset >= position &&
                          entry.frame.header.kind != frame::Kind::kDraft;
      if (wanted && damaged) {
        held = deliver(entry);
        return damaged;
      }
      if (damaged) return damaged;
      if (!wanted) continue;
      position = entry.next;
      return std::optional<Delivery>(deliver(entry));
    }
  }
};

LogSubscriber::LogSubscriber() = default;
LogSubscriber::~LogSubscriber() = default;

Result<std::string> LogSubscriber::source_of(const std::filesystem::path& dir) {
  CASEBOX_TRY(const std::string id, log::read_log_id(dir));
  std::filesystem::path clean = std::filesystem::absolute(dir).lexically_normal();
  if (!clean.has_filename()) clean = clean.parent_path();
  return "log/" + clean.filename().string() + (id.empty() ? "" : "." + id);
}

Result<std::unique_ptr<LogSubscriber>> LogSubscriber::open(
    const std::vector<std::filesystem::path>& dirs) {
  std::unique_ptr<LogSubscriber> subscriber(new LogSubscriber);
  for (const auto& dir : dirs) {
    subscriber->sources_.push_back(std::make_unique<Source>());
    subscriber->sources_.back()->dir = dir;
    CASEBOX_CHECK(subscriber->find(*subscriber->sources_.back()));
  }
  return subscriber;
}

// Names the source once there is a log in its folder, and goes to where the store is in it.
Result<bool> LogSubscriber::find(Source& source) {
  if (!source.name.empty()) return true;
  auto name = source_of(source.dir);
  if (!name && name.error().code == Code::kNotFound) return false;
  if (!name) return std::move(name).error();
  for (const auto& other : sources_)
    if (other->name == *name)
      return Error{Code::kInvalidArgument, source.dir.string() + ": is the same log as " +
                                               other->dir.string() +
                                               ", or a copy of it; name one of them"};
  source.name = std::move(*name);
  CASEBOX_CHECK(place(source));
  return true;
}

// Goes to where the store is in this log, if this is the log in which it is there.
Result<void> LogSubscriber::place(Source& source) {
  const auto known = resume_.find(source.name);
  if (known == resume_.end()) return ok();
  const Position& position = known->second;
  const log::Offset next = log::Offset::unpack(position.next_offset);
  CASEBOX_TRY(const bool here, holds(source.dir, next, position.mark));
  source.position = here ? next : log::Offset{};
  if (!here)
    notices_.push_back(source.dir.string() +
                       ": is not the log that was read under its name (put back from a backup, or "
                       "a recorder made from the same image): read from its beginning");
  return ok();
}

Result<void> LogSubscriber::resume(const std::vector<Position>& positions) {
  for (const Position& position : positions) {
    resume_[position.source] = position;
    for (auto& source : sources_)
      if (source->name == position.source) CASEBOX_CHECK(place(*source));
  }
  return ok();
}

std::vector<std::string> LogSubscriber::take_notices() { return std::exchange(notices_, {}); }

std::vector<std::filesystem::path> LogSubscriber::absent() const {
  std::vector<std::filesystem::path> out;
  for (const auto& source : sources_)
    if (source->name.empty()) out.push_back(source->dir);
  return out;
}

std::vector<std::string> LogSubscriber::found() const {
  std::vector<std::string> out;
  for (const auto& source : sources_)
    if (!source->name.empty()) out.push_back(source->name);
  return out;
}

Result<std::optional<Delivery>> LogSubscriber::poll(Duration timeout) {
  const auto deadline = SteadyClock::now() + std::chrono::nanoseconds(timeout.ns);
  while (true) {
    for (size_t i = 0; i < sources_.size(); ++i) {
      turn_ = (turn_ + 1) % sources_.size();
      CASEBOX_TRY(const bool found, find(*sources_[turn_]));
      if (!found) continue;
      CASEBOX_TRY(auto delivery, sources_[turn_]->next());
      if (delivery) return delivery;
    }
    const auto now = SteadyClock::now();
    if (now >= deadline) return std::optional<Delivery>{};
    std::this_thread::sleep_for(std::min<SteadyClock::duration>(kLookAgain, deadline - now));
  }
}

Result<void> LogPublisher::publish(const Message& message) {
  if (message.case_id != case_id_ || message.producer != producer_) {
    v1::ProducerRole role = v1::PRODUCER_ROLE_RECORDER;
    auto parsed = frame::parse(message.frame);
    if (parsed && parsed->header.kind == frame::Kind::kCase) {
      v1::CaseControl control;
      if (control.ParseFromArray(parsed->body.data(), static_cast<int>(parsed->body.size())) &&
          control.has_open())
        role = control.open().role();
    }
    if (!case_id_.is_nil()) CASEBOX_CHECK(log_.end_case());
    CASEBOX_CHECK(log_.begin_case(message.case_id, message.producer, role));
    case_id_ = message.case_id;
    producer_ = message.producer;
  }
  CASEBOX_CHECK(log_.append(message.frame));
  return ok();
}

Result<void> LogPublisher::flush(Duration) { return log_.sync(); }

}  // namespace casebox::bus
