#include "recorder/internal/source_thread.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "proto/base/guard.h"

namespace casebox::recorder::internal {
namespace {

constexpr Duration kFirstPause = milliseconds(500);
constexpr Duration kLongestPause = seconds(1);
constexpr Duration kLate = seconds(6);  // what began before the end arrives no later than that

}  // namespace

SourceThread::SourceThread(size_t index, Context context, Pace pace, bool fast, Inbox& inbox,
                           Clock& clock)
    : index_(index),
      context_(std::move(context)),
      pace_(pace),
      fast_(fast),
      inbox_(inbox),
      clock_(clock) {}

SourceThread::~SourceThread() {
  stop(now());
  join();
}

void SourceThread::start() {
  context_.stopping = &stopping_;
  thread_ = std::thread([this] { run(); });
  const std::string name = "src-" + std::to_string(index_);  // no name: lists of threads show it
  pthread_setname_np(thread_.native_handle(), name.c_str());
}

void SourceThread::stop(CaseTime end) {
  std::lock_guard lock(mutex_);
  if (!stopping_) end_ns_ = end.ns;
  stopping_ = true;
  if (source_ != nullptr) source_->stop();
  wake_.notify_all();
}

void SourceThread::join() {
  if (thread_.joinable()) thread_.join();
}

CaseTime SourceThread::now() const {
  const auto passed = static_cast<double>((clock_.mono() - pace_.zero).ns);
  return CaseTime{static_cast<int64_t>(passed * (pace_.speed > 0 ? pace_.speed : 1))};
}

bool SourceThread::sleep(Duration length) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::nanoseconds(std::max<int64_t>(0, length.ns)),
                 [&] { return stopping_.load(); });
  return !stopping_.load();
}

bool SourceThread::sleep_until(CaseTime t) {
  const int64_t ahead = (t - now()).ns;
  return sleep(nanoseconds(static_cast<int64_t>(static_cast<double>(ahead) / pace_.speed)));
}

bool SourceThread::push(Message message, v1::StreamClass kept, bool wait) {
  message.source = index_;
  at_ = std::max(at_, message.at);
  message.at = at_;
  return inbox_.push(std::move(message), kept, wait);
}

void SourceThread::say(const char* state, const std::string& message) {
  inbox_.set_state(index_, {context_.config.name(), state, message});
}

void SourceThread::away(const char* reason) {
  Message message;
  message.kind = Message::Kind::kAway;
  message.reason = reason;
  message.at = at_;
  push(std::move(message));
}

void SourceThread::run() {
  Duration pause = kFirstPause;
  while (run_once(pause)) {
    if (!sleep(pause)) break;
    pause = std::min(pause * 2, kLongestPause);
  }
  Message message;
  message.kind = Message::Kind::kEnded;
  message.live = ended_alone_;
  push(std::move(message));
}

bool SourceThread::deliver(Source& source, std::vector<Item>& items) {
  const bool wait = fast_ || pace_.speed == 0;
  for (Item& item : items) {
    if (!source.live()) {
      if (!fast_ && pace_.speed > 0) sleep_until(item.arrival);
      if (item.t.ns >= end_ns_) {  // never part of the recording
        cut_ = true;
        continue;
      }
    }
    item.captured = clock_.mono();
    const v1::StreamClass kept = source.streams()[item.stream].stream_class();
    Message message;
    message.at = item.arrival;
    message.item = std::move(item);
    if (!push(std::move(message), kept, wait)) return false;
  }
  items.clear();
  if (const int64_t second = at_.ns / 1'000'000'000; second != clocks_said_) {
    clocks_said_ = second;
    Message message;
    message.kind = Message::Kind::kClocks;
    message.clocks = source.clocks();
    if (!message.clocks.empty() && !push(std::move(message))) return false;
  }
  return true;
}

bool SourceThread::all_said(const Source& source, CaseTime arrived) const {
  return stopping_ && !source.live() && arrived.ns >= saturating::add(end_ns_, kLate.ns);
}

void SourceThread::end_of(Source& source) {
  const auto& skipped = source.skipped();
  ending_.skipped.insert(ending_.skipped.end(), skipped.begin(), skipped.end());
  ending_.streams.clear();
  for (const v1::Stream& stream : source.streams()) ending_.streams.push_back(stream.name());
  ending_.sent = source.sent();
}

bool SourceThread::run_once(Duration& pause) {
  auto opened = guarded(context_.config.name(), [&] { return open_source(context_); });
  if (!opened) {
    const bool again = opened.error().code == Code::kUnavailable;
    ++context_.attempt;
    say(again ? "reconnecting" : "failed", opened.error().message);
    if (!again) ending_.skipped.push_back({context_.config.name(), 0, opened.error().message});
    away(!again ? "source-failed" : opened_before_ ? "disconnected" : "source-absent");
    return again && !stopping_;
  }
  Source& source = **opened;
  {
    std::lock_guard lock(mutex_);
    source_ = &source;
    if (stopping_) source.stop();  // what it has looked at is still taken in
  }
  struct Forget {
    SourceThread& self;
    ~Forget() {
      std::lock_guard lock(self.mutex_);
      self.source_ = nullptr;
    }
  } forget{*this};
  length_ns_.store(source.length().ns);
  Message message;
  message.kind = Message::Kind::kOpened;
  message.live = source.live();
  message.streams = source.streams();
  message.at = at_;
  if (!push(std::move(message))) return false;
  opened_before_ = true;
  pause = kFirstPause;
  say("running", "");
  std::vector<Item> items;
  while (true) {
    auto more = guarded(context_.config.name(), [&] { return source.next(items); });
    const CaseTime arrived = items.empty() ? CaseTime{INT64_MIN} : items.front().arrival;
    if (!deliver(source, items)) break;
    if (!more) {
      const bool again = more.error().code == Code::kUnavailable;
      away(again ? "disconnected" : "source-failed");
      say(again ? "reconnecting" : "failed", more.error().message);
      end_of(source);
      if (!again) ending_.skipped.push_back({context_.config.name(), 0, more.error().message});
      return again && !stopping_;
    }
    if (!*more && !cut_ && !(stopping_ && source.live())) {
      end_of(source);
      ending_.whole = true;
      ending_.truth = source.truth();
      ended_alone_ = source.live();
      say("ended", "");
      return false;
    }
    if (!*more || all_said(source, arrived)) break;
  }
  end_of(source);
  say("ended", "stopped");
  return false;
}

}  // namespace casebox::recorder::internal
