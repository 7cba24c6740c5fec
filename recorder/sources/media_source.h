#pragma once

// Video and audio through libavformat: a file, or a URL such as rtsp://, srt://, udp://. Packets
// are kept as received, never transcoded; each frame is one CMAF fragment of them with a table of
// their own times (docs/recorder.md, "Video"). Streams are `<source>.video` and `<source>.audio`, a
// second one `<source>.video2`. Audio is recorded only with record_audio; otherwise its stream is
// declared as absent by policy, once.
//
// Thread safety, errors: as Source. A URL that does not answer is kUnavailable: open it again
// later.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class MediaSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the bytes of a file; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> over(Context context, std::string bytes);
  ~MediaSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  bool live() const override;
  Wall wall() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  MediaSource();
  Result<void> begin(Context context);
  void note(const std::string& what);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
